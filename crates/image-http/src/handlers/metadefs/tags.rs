// SPDX-License-Identifier: Apache-2.0
//! `/v2/metadefs/namespaces/{namespace}/tags`

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use http::{HeaderMap, StatusCode};
use scurry_image::metadef::{Contents, Item, Part, Tag};
use serde_json::{Value, json};

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::query::{Params, tag_query};
use crate::schema::MetadefBody;
use crate::wire::metadef::{check_characters, new_tag, new_tags, read_body, tag, tag_name};

/// A page of a namespace's tags.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = tag_query(&Params::parse(query.as_deref()))?;
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "get_metadef_tags", &name).await?;
    let tags = api.service.metadefs().tags(&namespace, &query).await?;
    Ok(Json(view(&tags)))
}

fn view(tags: &[Tag]) -> Value {
    json!({"tags": tags.iter().map(tag_name).collect::<Vec<_>>()})
}

/// Puts tags into the place of those there are, or adds them with `X-Openstack-Append: true`.
pub(crate) async fn create_all(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (name, _) = names.pair();
    let append = appends(request.headers());
    let body = read_body(&api, request, MetadefBody::Tags).await?;
    let namespace = api.namespace_for(&asker, "add_metadef_tags", &name).await?;
    check_characters(&body, "create metadata tag")?;
    let tags = new_tags(&body);
    let answer = view(&tags);
    if append {
        let contents = Contents { tags, ..Contents::default() };
        api.service.metadefs().add(&namespace, &contents).await?;
    } else {
        api.service.metadefs().replace_tags(&namespace, tags).await?;
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The words oslo takes for yes.
fn appends(headers: &HeaderMap) -> bool {
    let value = headers.get("x-openstack-append").and_then(|value| value.to_str().ok());
    let word = value.unwrap_or_default().trim().to_ascii_lowercase();
    matches!(word.as_str(), "1" | "t" | "true" | "on" | "y" | "yes")
}

/// Removes all tags.
pub(crate) async fn clear(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "delete_metadef_namespace", &name).await?;
    api.require_define(&asker, "delete_metadef_tags", Some(&namespace))?;
    api.service.metadefs().clear(&namespace, Part::Tags).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One tag.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "get_metadef_tag", &name).await?;
    Ok(Json(tag(&api.service.metadefs().tag(&namespace, &wanted).await?)))
}

/// Adds the tag that the path names.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "add_metadef_tag", &name).await?;
    let body = json!({"name": wanted});
    api.schemas.metadefs.check(MetadefBody::Tag, &body)?;
    check_characters(&body, "create metadata tag")?;
    let new = new_tag(&wanted);
    let contents = Contents { tags: vec![new.clone()], ..Contents::default() };
    api.service.metadefs().add(&namespace, &contents).await?;
    Ok((StatusCode::CREATED, Json(tag(&new))))
}

/// Renames a tag.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let body = read_body(&api, request, MetadefBody::Tag).await?;
    let namespace = api.namespace_for(&asker, "modify_metadef_tag", &name).await?;
    check_characters(&body, "update metadata tag")?;
    let new_name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let old = api.service.metadefs().tag(&namespace, &wanted).await?;
    let new = Tag { created_at: old.created_at, ..new_tag(new_name) };
    api.service.metadefs().change(&namespace, &wanted, &Item::Tag(new.clone())).await?;
    Ok(Json(tag(&new)))
}

/// Removes a tag.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "delete_metadef_tag", &name).await?;
    api.service.metadefs().remove(&namespace, Part::Tags, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
