// SPDX-License-Identifier: Apache-2.0
//! The query of a list: its filters, and the answer's `links`.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, Condition};
use serde_json::{Map, Value, json};

use crate::service::Identity;

/// The query's pairs and the URL the client asked for.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    url: String,
}

impl FromRequestParts<Identity> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Identity) -> Result<Self, Infallible> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let query = uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self { pairs, url: format!("{}{path}", service.config().public_url) })
    }
}

impl Query {
    /// The value of `key`; the last one counts.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether `key` is there and not switched off: `?nocatalog` and `?nocatalog=1` are, `?nocatalog=0` is not.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off"))
    }

    /// A filter on `enabled` and the like.
    pub(super) fn bool(&self, key: &str) -> Option<bool> {
        self.get(key).map(|_| self.flag(key))
    }

    /// The condition that each column has the value asked for, where one is.
    pub(super) fn equal<C: ColumnTrait>(&self, columns: &[(&str, C)]) -> Condition {
        columns
            .iter()
            .filter_map(|(key, column)| self.get(key).map(|value| -> SimpleExpr { column.eq(value) }))
            .fold(Condition::all(), Condition::add)
    }

    /// A whole list as the API shows it, under `key`.
    pub(super) fn list(&self, key: &str, items: Vec<Value>) -> Json<Value> {
        let mut body = Map::new();
        body.insert(key.to_owned(), Value::Array(items));
        body.insert("links".to_owned(), json!({"next": null, "self": self.url, "previous": null}));
        Json(Value::Object(body))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}
