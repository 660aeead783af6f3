// SPDX-License-Identifier: Apache-2.0
//! `/v2/metadefs/namespaces/{namespace}/properties`

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use http::StatusCode;
use scurry_image::metadef::{Contents, Item, Namespace, Part};
use serde_json::{Value, json};

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::query::Params;
use crate::schema::MetadefBody;
use crate::wire::metadef::{check_characters, new_property, properties, property, read_body};

/// All properties by name.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "get_metadef_properties", &name).await?;
    let found = api.service.metadefs().properties(&namespace).await?;
    Ok(Json(json!({"properties": properties(&found)})))
}

/// Adds a property.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (name, _) = names.pair();
    let body = read_body(&api, request, MetadefBody::Property).await?;
    let namespace = api.namespace_for(&asker, "add_metadef_property", &name).await?;
    check_characters(&body, "create metadata property")?;
    let new = new_property(&body);
    let contents = Contents { properties: vec![new.clone()], ..Contents::default() };
    api.service.metadefs().add(&namespace, &contents).await?;
    Ok((StatusCode::CREATED, Json(property(&new))))
}

/// Removes all properties.
pub(crate) async fn clear(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "delete_metadef_namespace", &name).await?;
    api.service.metadefs().clear(&namespace, Part::Properties).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One property; with `?resource_type=` by the name it has there.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    RawQuery(query): RawQuery,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "get_metadef_property", &name).await?;
    let params = Params::parse(query.as_deref());
    let plain = match params.first("resource_type").filter(|text| !text.is_empty()) {
        None => wanted,
        Some(resource_type) => {
            api.require_define(&asker, "get_metadef_resource_type", Some(&namespace))?;
            without_prefix(&api, &namespace, resource_type, &wanted).await?
        }
    };
    Ok(Json(property(&api.service.metadefs().property(&namespace, &plain).await?)))
}

/// The property's own name, when it has one with that resource type.
async fn without_prefix(
    api: &Api,
    namespace: &Namespace,
    resource_type: &str,
    property: &str,
) -> Result<String, ApiError> {
    let associations = api.service.metadefs().associations(namespace).await?;
    let Some(association) = associations.into_iter().find(|one| one.name == resource_type) else {
        let known = api.service.metadefs().resource_types().await?;
        let text = if known.iter().any(|one| one.name == resource_type) {
            format!(
                "The metadata definition resource-type association of resource-type={resource_type} to \
                 namespace={}, was not found.",
                namespace.name
            )
        } else {
            format!("The metadata definition resource-type with name={resource_type}, was not found.")
        };
        return Err(ApiError::not_found(text));
    };
    let prefix = association.prefix.filter(|prefix| !prefix.is_empty());
    if let Some(plain) = prefix.as_ref().and_then(|prefix| property.strip_prefix(prefix.as_str())) {
        return Ok(plain.to_owned());
    }
    Err(ApiError::not_found(format!(
        "Property {property} does not start with the expected resource type association prefix of '{}'.",
        prefix.as_deref().unwrap_or("None")
    )))
}

/// Rewrites a property.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (name, wanted) = names.pair();
    let body = read_body(&api, request, MetadefBody::Property).await?;
    let namespace = api.namespace_for(&asker, "modify_metadef_property", &name).await?;
    check_characters(&body, "update metadata property")?;
    let new = new_property(&body);
    api.service.metadefs().change(&namespace, &wanted, &Item::Property(new.clone())).await?;
    Ok(Json(property(&new)))
}

/// Removes a property.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "remove_metadef_property", &name).await?;
    api.service.metadefs().remove(&namespace, Part::Properties, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
