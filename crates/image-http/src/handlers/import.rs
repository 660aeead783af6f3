// SPDX-License-Identifier: Apache-2.0
//! `POST /v2/images/{id}/import`

use axum::extract::{Request, State};
use http::StatusCode;
use scurry_auth::Context;
use scurry_image::{ImportMethod, ImportRequest, RemoteImage};
use scurry_types::StoreId;
use serde_json::{Map, Value};

use super::upload::store_choice;
use crate::api::{Api, Asker, ImagePath};
use crate::body::read_json;
use crate::error::ApiError;

/// Accepts an import; the work goes on after the answer.
pub(crate) async fn import(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let header = store_choice(request.headers())?;
    let body = read_json(request, api.http.max_json_body).await?;
    let import = import_request(&body, header, &api.settings().enabled_import_methods, &asker.context)?;
    let rule = if import.method == ImportMethod::CopyImage { "copy_image" } else { "modify_image" };
    api.image_for(&asker, rule, &id).await?;
    api.service.import(&asker.caller, &id, import).await?;
    Ok(StatusCode::ACCEPTED)
}

fn import_request(
    body: &Value,
    header: Option<StoreId>,
    enabled: &[String],
    context: &Context,
) -> Result<ImportRequest, ApiError> {
    let fields =
        body.as_object().ok_or_else(|| ApiError::bad_request("Unexpected body type. Expected dict."))?;
    let method = method(fields, enabled, context)?;
    let all_stores_must_succeed = boolean(fields, "all_stores_must_succeed", true)?;
    let all_stores = boolean(fields, "all_stores", false)?;
    let mut stores = stores(fields)?;
    if all_stores && (header.is_some() || !stores.is_empty()) {
        return Err(ApiError::bad_request(
            "All_stores parameter can't be used with x-image-meta-store header or stores parameter",
        ));
    }
    if let Some(store) = header {
        if !stores.is_empty() {
            return Err(ApiError::bad_request(
                "Stores parameter and x-image-meta-store header can't be both specified",
            ));
        }
        stores.push(store);
    }
    Ok(ImportRequest { method, stores, all_stores, all_stores_must_succeed })
}

fn method(
    fields: &Map<String, Value>,
    enabled: &[String],
    context: &Context,
) -> Result<ImportMethod, ApiError> {
    let method = fields
        .get("method")
        .ok_or_else(|| ApiError::bad_request("Import request requires a 'method' field."))?;
    let name =
        method.get("name").ok_or_else(|| ApiError::bad_request("Import request requires a 'name' field."))?;
    let unknown = || {
        let shown = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        ApiError::bad_request(format!("Unknown import method name '{shown}'."))
    };
    let name = name.as_str().filter(|name| enabled.iter().any(|known| known == name)).ok_or_else(unknown)?;
    match name {
        "glance-direct" => Ok(ImportMethod::GlanceDirect),
        "copy-image" => Ok(ImportMethod::CopyImage),
        "glance-download" => Ok(ImportMethod::GlanceDownload(remote(method, context))),
        "web-download" => match method.get("uri").and_then(Value::as_str) {
            Some(uri) => Ok(ImportMethod::WebDownload { uri: uri.to_owned() }),
            None => Err(ApiError::bad_request("URI is required for import method 'web-download'")),
        },
        _ => Err(unknown()),
    }
}

/// The other image service is the one of the caller's catalogue in the region asked for.
fn remote(method: &Value, context: &Context) -> RemoteImage {
    let text = |name: &str| match method.get(name) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let region = text("glance_region");
    let interface = text("glance_service_interface").unwrap_or_else(|| "public".to_owned());
    let endpoint = region.as_deref().and_then(|region| context.endpoint("image", region, &interface));
    RemoteImage { image: text("glance_image_id"), region, interface, endpoint, token: context.token.clone() }
}

fn boolean(fields: &Map<String, Value>, name: &str, default: bool) -> Result<bool, ApiError> {
    match fields.get(name) {
        None => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(ApiError::bad_request(format!("'{name}' must be boolean value only"))),
    }
}

/// Each store once, in the order given.
fn stores(fields: &Map<String, Value>) -> Result<Vec<StoreId>, ApiError> {
    let refuse = || ApiError::bad_request("'stores' must be a list of store identifiers");
    let mut stores: Vec<StoreId> = Vec::new();
    let list = match fields.get("stores") {
        None | Some(Value::Null) => return Ok(stores),
        Some(value) => value.as_array().ok_or_else(refuse)?,
    };
    for item in list {
        let store = StoreId::from(item.as_str().ok_or_else(refuse)?);
        if !stores.contains(&store) {
            stores.push(store);
        }
    }
    Ok(stores)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read(body: &Value, header: Option<&str>) -> Result<ImportRequest, String> {
        let enabled = ["glance-direct", "copy-image", "web-download"].map(str::to_owned);
        let context = Context::internal_admin(None, "req-1");
        import_request(body, header.map(StoreId::from), &enabled, &context).map_err(|error| error.explanation)
    }

    #[test]
    fn stores_come_from_the_body_or_the_header() {
        let body = json!({"method": {"name": "copy-image"}, "stores": ["a", "b", "a"]});
        let import = read(&body, None).unwrap();
        assert_eq!(import.method, ImportMethod::CopyImage);
        assert_eq!(import.stores, [StoreId::from("a"), StoreId::from("b")]);
        assert!(import.all_stores_must_succeed && !import.all_stores);
        let import = read(&json!({"method": {"name": "glance-direct"}}), Some("a")).unwrap();
        assert_eq!(import.stores, [StoreId::from("a")]);
    }

    #[rstest]
    #[case(json!({}), None, "Import request requires a 'method' field.")]
    #[case(json!({"method": {}}), None, "Import request requires a 'name' field.")]
    #[case(json!({"method": {"name": "zz"}}), None, "Unknown import method name 'zz'.")]
    #[case(json!({"method": {"name": "glance-download"}}), None, "Unknown import method name 'glance-download'.")]
    #[case(json!({"method": "copy-image"}), None, "Import request requires a 'name' field.")]
    #[case(json!({"method": {"name": "web-download"}}), None, "URI is required for import method 'web-download'")]
    #[case(json!({"method": {"name": "copy-image"}, "all_stores": "yes"}), None,
        "'all_stores' must be boolean value only")]
    #[case(json!({"method": {"name": "copy-image"}, "all_stores_must_succeed": 1}), None,
        "'all_stores_must_succeed' must be boolean value only")]
    #[case(json!({"method": {"name": "copy-image"}, "all_stores": true, "stores": ["a"]}), None,
        "All_stores parameter can't be used with x-image-meta-store header or stores parameter")]
    #[case(json!({"method": {"name": "copy-image"}, "all_stores": true}), Some("a"),
        "All_stores parameter can't be used with x-image-meta-store header or stores parameter")]
    #[case(json!({"method": {"name": "copy-image"}, "stores": "a"}), None,
        "'stores' must be a list of store identifiers")]
    fn refusals(#[case] body: Value, #[case] header: Option<&str>, #[case] text: &str) {
        assert_eq!(read(&body, header).unwrap_err(), text);
    }
}
