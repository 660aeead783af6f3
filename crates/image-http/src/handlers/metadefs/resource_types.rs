// SPDX-License-Identifier: Apache-2.0
//! `/v2/metadefs/resource_types` and `/v2/metadefs/namespaces/{namespace}/resource_types`

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use scurry_image::metadef::{Contents, Part};
use serde_json::{Value, json};

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::schema::MetadefBody;
use crate::wire::metadef::{association, check_characters, new_association, read_body, resource_type};

/// All resource types.
pub(crate) async fn list(State(api): State<Api>, asker: Asker, _: NoBody) -> Result<Json<Value>, ApiError> {
    api.require_define(&asker, "list_metadef_resource_types", None)?;
    let types = api.service.metadefs().resource_types().await?;
    Ok(Json(json!({"resource_types": types.iter().map(resource_type).collect::<Vec<_>>()})))
}

/// The resource types a namespace is meant for.
pub(crate) async fn associations(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (name, _) = names.pair();
    let namespace = api.namespace_for(&asker, "list_metadef_resource_types", &name).await?;
    let shown = api.may_define(&asker, "get_metadef_resource_type", Some(&namespace));
    let found = api.service.metadefs().associations(&namespace).await?;
    let views: Vec<_> = found.iter().filter(|_| shown).map(association).collect();
    Ok(Json(json!({"resource_type_associations": views})))
}

/// Says that a namespace is meant for a resource type, which is made when there is none.
pub(crate) async fn associate(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (name, _) = names.pair();
    let body = read_body(&api, request, MetadefBody::Association).await?;
    let namespace = api.namespace_for(&asker, "add_metadef_resource_type_association", &name).await?;
    check_characters(&body, "create metadata resource type")?;
    let new = new_association(&body);
    let contents = Contents { associations: vec![new.clone()], ..Contents::default() };
    api.service.metadefs().add(&namespace, &contents).await?;
    Ok((StatusCode::CREATED, Json(association(&new))))
}

/// Takes it back; the resource type stays.
pub(crate) async fn dissociate(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (name, wanted) = names.pair();
    let namespace = api.namespace_for(&asker, "remove_metadef_resource_type_association", &name).await?;
    api.service.metadefs().remove(&namespace, Part::Associations, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
