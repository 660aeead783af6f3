// SPDX-License-Identifier: Apache-2.0
//! The catalog as tokens carry it, with the ids of user and project put into the URLs.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::entity::{endpoint, service};

/// What the placeholders of endpoint URLs stand for.
#[derive(Debug)]
pub(crate) struct Substitutions<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) project_id: Option<&'a str>,
}

/// A placeholder no endpoint URL can have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedUrl;

/// Fills in `$(name)s` and `%(name)s`; `None` when the URL wants a project and there is none.
pub(crate) fn fill(url: &str, with: &Substitutions<'_>) -> Result<Option<String>, MalformedUrl> {
    let mut filled = String::with_capacity(url.len() + 32);
    let mut rest = url;
    while let Some(start) = rest.find(['$', '%']) {
        let (before, placeholder) = rest.split_at(start);
        filled.push_str(before);
        if let Some(inner) = placeholder.get(1..).and_then(|text| text.strip_prefix('(')) {
            let (name, after) = inner.split_once(")s").ok_or(MalformedUrl)?;
            match (name, with.project_id) {
                ("user_id", _) => filled.push_str(with.user_id),
                ("project_id" | "tenant_id", Some(project)) => filled.push_str(project),
                ("project_id" | "tenant_id", None) => return Ok(None),
                _ => return Err(MalformedUrl),
            }
            rest = after;
        } else {
            let (sign, after) = placeholder.split_at(1);
            filled.push_str(sign);
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

/// The `catalog` of a token. Endpoints that want a project are left out where there is none.
pub(crate) async fn catalog(
    database: &impl ConnectionTrait,
    with: &Substitutions<'_>,
) -> Result<Value, DbErr> {
    let services = service::Entity::find()
        .filter(service::Column::Enabled.eq(true))
        .order_by_asc(service::Column::ServiceType)
        .order_by_asc(service::Column::Id)
        .all(database)
        .await?;
    let endpoints = endpoint::Entity::find()
        .filter(endpoint::Column::Enabled.eq(true))
        .order_by_desc(endpoint::Column::Interface)
        .order_by_asc(endpoint::Column::Id)
        .all(database)
        .await?;
    let entries: Vec<Value> = services
        .iter()
        .map(|service| {
            let own = endpoints.iter().filter(|endpoint| endpoint.service_id == service.id);
            let own: Vec<Value> = own.filter_map(|endpoint| entry(endpoint, with)).collect();
            json!({
                "endpoints": own,
                "id": service.id,
                "type": service.service_type,
                "name": service.name.as_deref().unwrap_or_default(),
            })
        })
        .collect();
    Ok(Value::Array(entries))
}

fn entry(endpoint: &endpoint::Model, with: &Substitutions<'_>) -> Option<Value> {
    let url = match fill(&endpoint.url, with) {
        Ok(url) => url?,
        Err(MalformedUrl) => {
            tracing::warn!(
                endpoint = endpoint.id,
                "left out of the catalog: its URL has an unknown placeholder"
            );
            return None;
        }
    };
    Some(json!({
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "region": endpoint.region_id,
        "url": url,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH: Substitutions<'_> = Substitutions { user_id: "u", project_id: Some("p") };

    #[test]
    fn both_spellings_are_filled_in() {
        let filled = |url| fill(url, &WITH).unwrap().unwrap();
        assert_eq!(filled("http://h/v3/$(project_id)s"), "http://h/v3/p");
        assert_eq!(filled("http://h/%(tenant_id)s/%(user_id)s/x"), "http://h/p/u/x");
        assert_eq!(filled("http://h/a%20b$c"), "http://h/a%20b$c");
        assert_eq!(filled("http://h/é%"), "http://h/é%");
    }

    #[test]
    fn a_url_that_cannot_be_filled_in_is_none_or_malformed() {
        let system = Substitutions { user_id: "u", project_id: None };
        assert_eq!(fill("http://h/$(project_id)s", &system), Ok(None));
        assert_eq!(fill("http://h/$(secret)s", &WITH), Err(MalformedUrl));
        assert_eq!(fill("http://h/$(project_id", &WITH), Err(MalformedUrl));
    }
}
