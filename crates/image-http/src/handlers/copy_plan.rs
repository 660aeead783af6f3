// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}/copy-plan`: what copy-image would do, and what one under way does. An addition of ours.

use axum::Json;
use axum::extract::{RawQuery, State};
use scurry_image::{CopyOutlook, ImportMethod, ImportRequest, Planned};
use scurry_types::StoreId;
use serde_json::{Value, json};

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::query::Params;

/// The plan for `?stores=a,b`, `?all=true`, or the default store.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    RawQuery(query): RawQuery,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    api.image_for(&asker, "copy_image", &id).await?;
    let request = wanted(&Params::parse(query.as_deref()))?;
    Ok(Json(view(&api.service.copy_plan(&asker.caller, &id, &request).await?)))
}

fn wanted(params: &Params) -> Result<ImportRequest, ApiError> {
    let all_stores = match params.first("all").unwrap_or("false") {
        "true" => true,
        "false" => false,
        _ => return Err(ApiError::bad_request("'all' must be true or false")),
    };
    let mut stores: Vec<StoreId> = Vec::new();
    for name in params.first("stores").unwrap_or_default().split(',').map(str::trim) {
        if !name.is_empty() && !stores.iter().any(|store| store.as_str() == name) {
            stores.push(StoreId::from(name));
        }
    }
    if all_stores && !stores.is_empty() {
        return Err(ApiError::bad_request("'stores' and 'all' can't be both specified"));
    }
    Ok(ImportRequest { method: ImportMethod::CopyImage, stores, all_stores, all_stores_must_succeed: true })
}

fn view(outlook: &CopyOutlook) -> Value {
    let CopyOutlook { image, plan, under_way } = outlook;
    let target = |target: &Planned| {
        let refused = target.refused.iter().map(|refusal| {
            json!({"strategy": refusal.strategy, "source": refusal.source, "reason": refusal.reason})
        });
        json!({
            "store": target.store,
            "strategy": target.strategy,
            "source": target.source,
            "refused": refused.collect::<Vec<_>>(),
            "done": image.location_in(target.store.as_str()).is_some(),
        })
    };
    let extents = plan.extents.map(
        |extents| json!({"count": extents.count, "data_bytes": extents.data, "zero_bytes": extents.zero}),
    );
    json!({
        "image_id": image.id,
        "size": plan.len,
        "source": plan.source,
        "extents": extents,
        "targets": plan.targets.iter().map(target).collect::<Vec<_>>(),
        "task": under_way.as_ref().map(|(task, _)| task),
        "done_bytes": under_way.as_ref().map(|(_, done)| done),
    })
}
