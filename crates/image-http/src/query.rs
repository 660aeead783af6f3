// SPDX-License-Identifier: Apache-2.0
//! Query strings of the lists: paging, order and filters, with the refusals clients know.

mod filter;
mod metadefs;
mod order;
mod tasks;

use scurry_image::{ImageSettings, ListQuery};
use scurry_types::ImageId;
use url::form_urlencoded;

pub(crate) use metadefs::{check_visibility, namespace_query, object_query, tag_query};
pub(crate) use tasks::task_query;

use crate::error::ApiError;

/// Decoded parameters in the order they came.
#[derive(Debug, Clone)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes a query string; bytes that are no UTF-8 become replacement characters and match nothing.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Each name once, with the value that came last.
    fn last_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().enumerate().filter_map(|(index, (name, value))| {
            let overridden = self.0[index + 1..].iter().any(|(later, _)| later == name);
            (!overridden).then_some((name.as_str(), value.as_str()))
        })
    }

    /// Link to a page: the same query, from `marker` on or from the start.
    pub(crate) fn link(&self, path: &str, marker: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(name, _)| name != "marker"));
        if let Some(marker) = marker {
            query.append_pair("marker", marker);
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// `limit`: at least 0, silently cut to `api_limit_max`.
    pub(crate) fn limit(&self, settings: &ImageSettings) -> Result<u32, ApiError> {
        let number = self.limit_number()?.unwrap_or(settings.limit_param_default);
        Ok(number.min(settings.api_limit_max))
    }

    /// `limit` as the client gave it.
    fn limit_number(&self) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.first("limit") else { return Ok(None) };
        let text = text.trim();
        let number = text.strip_prefix(['+', '-']).unwrap_or(text);
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ApiError::bad_request("limit param must be an integer"));
        }
        if text.starts_with('-') && number.bytes().any(|b| b != b'0') {
            return Err(ApiError::bad_request("limit param must be positive"));
        }
        Ok(Some(number.parse().unwrap_or(u32::MAX)))
    }
}

/// The query of `GET /v2/images`.
pub(crate) fn image_query(params: &Params, settings: &ImageSettings) -> Result<ListQuery, ApiError> {
    let limit = params.limit(settings)?;
    let filters = filter::filters(params)?;
    let sort = order::order(params)?;
    let marker = match params.first("marker") {
        None => None,
        Some(text) => Some(text.parse::<ImageId>().map_err(|_| no_marker(text))?),
    };
    Ok(ListQuery { filters, sort, marker, limit })
}

/// 400 for a marker that names nothing.
fn no_marker(marker: &str) -> ApiError {
    ApiError::bad_request(format!("No image found with ID {marker}"))
}

#[cfg(test)]
mod tests;
