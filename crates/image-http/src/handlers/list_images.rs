// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images`

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use crate::api::{Api, Asker};
use crate::error::ApiError;
use crate::query::{Params, image_query};
use crate::wire::{self, image::View};

#[derive(Serialize)]
struct Page<'a> {
    images: Vec<View<'a>>,
    first: String,
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A page of the images the caller may see, with links to the first and the next one.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_deref());
    let mut query = image_query(&params, api.settings())?;
    api.require_own(&asker, "get_images")?;
    api.hide_filters(&asker, &mut query.filters);
    let images = api.service.list(&asker.caller, &query).await?;
    let full = images.len() == query.limit as usize;
    let shown: Vec<_> = images.iter().filter(|image| api.may(&asker, "get_image", image)).collect();
    let last = shown.last().filter(|_| full);
    wire::json(&Page {
        images: shown.iter().map(|image| api.view(&asker, image)).collect(),
        first: params.link("/v2/images", None),
        schema: "/v2/schemas/images",
        next: last.map(|last| params.link("/v2/images", Some(last.id.as_str()))),
    })
}
