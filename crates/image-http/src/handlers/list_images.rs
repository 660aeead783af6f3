// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images`

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Map, Value};

use crate::api::{Api, Asker};
use crate::error::ApiError;
use crate::query::{Params, image_query};

/// A page of the images the caller may see, with links to the first and the next one.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let params = Params::parse(query.as_deref());
    let mut query = image_query(&params, api.settings())?;
    api.require_own(&asker, "get_images")?;
    api.hide_filters(&asker, &mut query.filters);
    let images = api.service.list(&asker.caller, &query).await?;
    let full = images.len() == query.limit as usize;
    let shown: Vec<_> = images.iter().filter(|image| api.may(&asker, "get_image", image)).collect();
    let mut body = Map::new();
    body.insert("images".to_owned(), shown.iter().map(|image| api.view(&asker, image)).collect());
    body.insert("first".to_owned(), Value::from(params.link("/v2/images", None)));
    body.insert("schema".to_owned(), Value::from("/v2/schemas/images"));
    if let Some(last) = shown.last().filter(|_| full) {
        let next = params.link("/v2/images", Some(last.id.as_str()));
        body.insert("next".to_owned(), Value::from(next));
    }
    Ok(Json(Value::Object(body)))
}
