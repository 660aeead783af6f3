// SPDX-License-Identifier: Apache-2.0
//! `/v2/metadefs/namespaces`

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scurry_image::metadef::Namespace;
use serde_json::{Map, Value};

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::edge::base_url;
use crate::error::ApiError;
use crate::query::{Params, check_visibility, namespace_query};
use crate::schema::MetadefBody;
use crate::wire::metadef::{
    check_characters, namespace, namespace_href, new_contents, new_namespace, new_namespace_view, read_body,
    whole_namespace, with_prefix,
};

const PATH: &str = "/v2/metadefs/namespaces";

/// A page of the namespaces the caller may see.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let params = Params::parse(query.as_deref());
    let query = namespace_query(&params, api.settings())?;
    api.require_define(&asker, "get_metadef_namespaces", None)?;
    api.require_define(&asker, "list_metadef_resource_types", None)?;
    let page = api.service.metadefs().namespaces(&asker.caller, &query).await?;
    let full = page.len() == query.limit as usize;
    let mut shown = page;
    shown.retain(|(namespace, _)| api.may_define(&asker, "get_metadef_namespace", Some(namespace)));
    let mut body = Map::new();
    let views = shown.iter().map(|(one, associations)| namespace(one, associations)).collect();
    body.insert("namespaces".to_owned(), Value::Array(views));
    if let Some((last, _)) = shown.last().filter(|_| full) {
        body.insert("next".to_owned(), Value::from(params.link(PATH, Some(&last.name))));
    }
    body.insert("schema".to_owned(), Value::from("/v2/schemas/metadefs/namespaces"));
    body.insert("first".to_owned(), Value::from(params.link(PATH, None)));
    Ok(Json(Value::Object(body)))
}

/// Makes a namespace, with all it is to hold or not at all.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    request: Request,
) -> Result<Response, ApiError> {
    let base = base_url(&api.http, request.headers());
    let body = read_body(&api, request, MetadefBody::Namespace).await?;
    api.require_define(&asker, "add_metadef_namespace", None)?;
    for (part, rule) in [
        ("resource_type_associations", "add_metadef_resource_type_association"),
        ("objects", "add_metadef_object"),
        ("properties", "add_metadef_property"),
        ("tags", "add_metadef_tag"),
    ] {
        let holds = match body.get(part) {
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(items)) => !items.is_empty(),
            _ => false,
        };
        if holds {
            api.require_define(&asker, rule, None)?;
        }
    }
    check_characters(&body, "create metadata namespace")?;
    let new = new_namespace(&body, asker.context.project());
    api.service.metadefs().create(&new, &new_contents(&body)).await?;
    let location = format!("{base}{}", namespace_href(&new.name));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(new_namespace_view(&new, &body)))
        .into_response())
}

/// A namespace with all it holds, its properties named as a resource type wants them.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    RawQuery(query): RawQuery,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let params = Params::parse(query.as_deref());
    check_visibility(&params, &["public", "private"])?;
    let (name, _) = names.pair();
    let metadefs = api.service.metadefs();
    let namespace = metadefs.namespace(&asker.caller, &name).await?;
    for rule in [
        "get_metadef_namespace",
        "list_metadef_resource_types",
        "get_metadef_objects",
        "get_metadef_properties",
        "get_metadef_tags",
    ] {
        api.require_define(&asker, rule, Some(&namespace))?;
    }
    let mut contents = metadefs.contents(&namespace).await?;
    if let Some(wanted) = params.first("resource_type") {
        let association = contents.associations.iter().find(|association| association.name == wanted);
        if let Some(prefix) = association.and_then(|association| association.prefix.clone()) {
            contents = with_prefix(contents, &prefix);
        }
    }
    Ok(Json(whole_namespace(&namespace, &contents)))
}

/// Rewrites a namespace: what the body leaves out becomes what it is in a new one.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (name, _) = names.pair();
    let body = read_body(&api, request, MetadefBody::Namespace).await?;
    let old = api.namespace_for(&asker, "modify_metadef_namespace", &name).await?;
    check_characters(&body, "update metadata namespace")?;
    let new = Namespace { created_at: old.created_at, ..new_namespace(&body, asker.context.project()) };
    api.service.metadefs().change_namespace(&old, &new).await?;
    Ok(Json(namespace(&new, &[])))
}

/// Deletes a namespace with all it holds.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "delete_metadef_namespace", &name).await?;
    api.service.metadefs().delete(&namespace).await?;
    Ok(StatusCode::NO_CONTENT)
}
