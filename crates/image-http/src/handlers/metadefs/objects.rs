// SPDX-License-Identifier: Apache-2.0
//! `/v2/metadefs/namespaces/{namespace}/objects`

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use http::StatusCode;
use scurry_image::metadef::{Contents, Item, Namespace, Object, Part};
use serde_json::{Value, json};

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::query::{Params, object_query};
use crate::schema::MetadefBody;
use crate::wire::metadef::{check_characters, new_object, new_object_view, object, read_body};

/// A page of a namespace's objects.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = object_query(&Params::parse(query.as_deref()))?;
    let (name, _) = names.pair();
    let namespace = find(&api, &asker, "get_metadef_objects", &name).await?;
    let objects = api.service.metadefs().objects(&namespace, &query).await?;
    let shown = api.may_define(&asker, "get_metadef_object", Some(&namespace));
    let views: Vec<_> = objects.iter().filter(|_| shown).map(|one| object(&namespace.name, one)).collect();
    // Glance leaves out the slash in front.
    Ok(Json(json!({"objects": views, "schema": "v2/schemas/metadefs/objects"})))
}

/// Adds an object.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (name, _) = names.pair();
    let body = read_body(&api, request, MetadefBody::Object).await?;
    let namespace = find(&api, &asker, "add_metadef_object", &name).await?;
    check_characters(&body, "create metadata object")?;
    let new = new_object(&body);
    let contents = Contents { objects: vec![new.clone()], ..Contents::default() };
    api.service.metadefs().add(&namespace, &contents).await?;
    Ok((StatusCode::CREATED, Json(new_object_view(&namespace.name, &new, &body))))
}

/// Removes all objects.
pub(crate) async fn clear(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "delete_metadef_namespace", &name).await?;
    api.service.metadefs().clear(&namespace, Part::Objects).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One object.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = find(&api, &asker, "get_metadef_object", &name).await?;
    let found = api.service.metadefs().object(&namespace, &wanted).await?;
    Ok(Json(object(&namespace.name, &found)))
}

/// Rewrites an object.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let body = read_body(&api, request, MetadefBody::Object).await?;
    let namespace = find(&api, &asker, "modify_metadef_object", &name).await?;
    check_characters(&body, "update metadata object")?;
    let old = api.service.metadefs().object(&namespace, &wanted).await?;
    let new = Object { created_at: old.created_at, ..new_object(&body) };
    api.service.metadefs().change(&namespace, &wanted, &Item::Object(new.clone())).await?;
    Ok(Json(new_object_view(&namespace.name, &new, &body)))
}

/// Removes an object.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = find(&api, &asker, "delete_metadef_object", &name).await?;
    api.service.metadefs().remove(&namespace, Part::Objects, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A namespace the caller may act on; the text for a missing one is another than elsewhere.
async fn find(api: &Api, asker: &Asker, rule: &str, name: &str) -> Result<Namespace, ApiError> {
    let namespace = api.service.metadefs().namespace(&asker.caller, name).await?;
    api.require_define(asker, rule, Some(&namespace))?;
    Ok(namespace)
}
