// SPDX-License-Identifier: Apache-2.0
//! The list of routes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route, delete, get, post, put};
use bytes::Bytes;
use http::Method;
use scurry_auth::middleware::{RequestIds, request_id};
use scurry_auth::policy::Policy;
use scurry_image::ImageService;
use tower::{Layer, Service};
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::Api;
use crate::edge::{self, Front};
use crate::error::ApiError;
use crate::handlers::{
    actions, cache, cached_images, copy_plan, create_image, delete_image, download, image_tasks, import,
    list_images, locations, members, metadefs, schemas, show_image, stage, store_info, store_locations, tags,
    tasks, update_image, upload, upload_session, usage,
};
use crate::openapi;
use crate::settings::HttpSettings;

/// The Image API. `authenticate` is put around version 2; it leaves a [`scurry_auth::Context`] in the extensions
/// of each request or refuses it. Versions and the health check are open to everybody.
pub fn router<L>(
    service: ImageService,
    policy: Arc<Policy>,
    settings: HttpSettings,
    authenticate: L,
) -> Router
where
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    let http = Arc::new(settings);
    let ids = RequestIds::accept(http.max_request_id_length);
    let cache = service.settings().cache.is_some();
    let api = Api::new(service, policy, Arc::clone(&http));
    let openapi = Bytes::from(openapi::document(&api.schemas).to_string());
    let v2 = routes()
        .fallback(edge::unmatched)
        .layer(authenticate)
        .layer(map_response(edge::shape_refusal))
        .with_state(api);
    Router::new()
        .fallback(edge::negotiate)
        .with_state(Front { v2, http: Arc::clone(&http), openapi, cache })
        .layer(CatchPanicLayer::custom(edge::panicked)) // a bug costs one request
        .layer(from_fn(edge::observe)) // span, access log, error bodies, refused uploads
        .layer(from_fn_with_state(http, edge::cors::apply)) // pages of other origins
        .layer(from_fn_with_state(ids, request_id)) // outermost: every answer has an id
}

#[rustfmt::skip]
fn routes() -> Router<Api> {
    Router::new()
        .route("/v2/schemas/{name}", only("GET", get(schemas::show)))
        .route("/v2/schemas/metadefs/{name}", only("GET", get(schemas::metadef)))
        .route("/v2/info/import", only("GET", get(store_info::import_methods)))
        .route("/v2/info/stores", only("GET", get(store_info::list)))
        .route("/v2/info/stores/detail", only("GET", get(store_info::detail)))
        .route("/v2/info/usage", only("GET", get(usage::show)))

        .route("/v2/images", only("GET, POST", get(list_images::list).post(create_image::create)))
        .route("/v2/images/{id}", only("GET, PATCH, DELETE", get(show_image::show).patch(update_image::update).delete(delete_image::delete)))
        .route("/v2/images/{id}/file", beyond_glance("GET, PUT, HEAD, PATCH, DELETE", get(download::download).put(upload::upload).head(upload_session::offset).patch(upload_session::append).delete(upload_session::cancel)))
        .route("/v2/images/{id}/stage", only("PUT", put(stage::stage)))
        .route("/v2/images/{id}/import", only("POST", post(import::import)))
        .route("/v2/images/{id}/copy-plan", only("GET", get(copy_plan::show)))
        .route("/v2/images/{id}/tasks", only("GET", get(image_tasks::list)))
        .route("/v2/images/{id}/locations", only("GET, POST", get(locations::list).post(locations::add)))
        .route("/v2/images/{id}/actions/deactivate", only("POST", post(actions::deactivate)))
        .route("/v2/images/{id}/actions/reactivate", only("POST", post(actions::reactivate)))
        .route("/v2/images/{id}/tags/{tag}", only("PUT, DELETE", put(tags::add).delete(tags::remove)))
        .route("/v2/images/{id}/members", only("GET, POST", get(members::list).post(members::add)))
        .route("/v2/images/{id}/members/{member}", only("GET, PUT, DELETE", get(members::show).put(members::update).delete(members::remove)))
        .route("/v2/stores/{store}/{id}", only("DELETE", delete(store_locations::delete)))

        .route("/v2/cache", only("GET, DELETE", get(cache::show).delete(cache::clear)))
        .route("/v2/cache/{id}", only("DELETE, PUT", put(cache::queue).delete(cache::delete)))
        .route("/v2/cache/nodes/{id}", only("GET", get(cache::nodes)))
        .route("/v2/cache/clean", only("POST", post(cache::clean)))
        .route("/v2/cache/prune", only("POST", post(cache::prune)))
        // Glance has these in a filter before its routes: other verbs fall through to nothing.
        .route("/v2/cached_images", among("GET, DELETE", get(cached_images::cached).delete(cached_images::clear_cached)))
        .route("/v2/cached_images/{id}", among("DELETE", delete(cached_images::remove_cached)))
        .route("/v2/queued_images", among("GET, DELETE", get(cached_images::queued).delete(cached_images::clear_queued)))
        .route("/v2/queued_images/{id}", among("DELETE, PUT", put(cached_images::queue).delete(cached_images::remove_queued)))

        .route("/v2/tasks", only("GET, POST", get(tasks::list).post(tasks::create)))
        .route("/v2/tasks/{id}", only("GET, DELETE", get(tasks::show).delete(tasks::delete)))

        .route("/v2/metadefs/namespaces", only("GET, POST", get(metadefs::namespaces::list).post(metadefs::namespaces::create)))
        .route("/v2/metadefs/namespaces/{namespace}", only("GET, PUT, DELETE", get(metadefs::namespaces::show).put(metadefs::namespaces::update).delete(metadefs::namespaces::delete)))
        .route("/v2/metadefs/namespaces/{namespace}/objects", only("GET, POST, DELETE", get(metadefs::objects::list).post(metadefs::objects::create).delete(metadefs::objects::clear)))
        .route("/v2/metadefs/namespaces/{namespace}/objects/{object}", only("GET, PUT, DELETE", get(metadefs::objects::show).put(metadefs::objects::update).delete(metadefs::objects::delete)))
        .route("/v2/metadefs/namespaces/{namespace}/properties", only("GET, POST, DELETE", get(metadefs::properties::list).post(metadefs::properties::create).delete(metadefs::properties::clear)))
        .route("/v2/metadefs/namespaces/{namespace}/properties/{property}", only("GET, PUT, DELETE", get(metadefs::properties::show).put(metadefs::properties::update).delete(metadefs::properties::delete)))
        .route("/v2/metadefs/namespaces/{namespace}/tags", only("GET, POST, DELETE", get(metadefs::tags::list).post(metadefs::tags::create_all).delete(metadefs::tags::clear)))
        .route("/v2/metadefs/namespaces/{namespace}/tags/{tag}", only("GET, POST, PUT, DELETE", get(metadefs::tags::show).post(metadefs::tags::create).put(metadefs::tags::update).delete(metadefs::tags::delete)))
        .route("/v2/metadefs/namespaces/{namespace}/resource_types", only("GET, POST", get(metadefs::resource_types::associations).post(metadefs::resource_types::associate)))
        .route("/v2/metadefs/namespaces/{namespace}/resource_types/{resource_type}", only("DELETE", delete(metadefs::resource_types::dissociate)))
        .route("/v2/metadefs/resource_types", only("GET", get(metadefs::resource_types::list)))
}

/// All these verbs, of which Glance has the first two: any other verb is told of those.
fn beyond_glance(_all: &'static str, routes: MethodRouter<Api>) -> MethodRouter<Api> {
    let refuse =
        |method: Method| async move { ApiError::method_not_allowed(&method, upload_session::GLANCES_VERBS) };
    routes.fallback(refuse)
}

/// Any other verb, `HEAD` among them, is answered 405 with the verbs there are.
fn only(allow: &'static str, routes: MethodRouter<Api>) -> MethodRouter<Api> {
    let refuse = move |method: Method| async move { ApiError::method_not_allowed(&method, allow) };
    let routes = if allow.contains("GET") { routes.head(refuse) } else { routes };
    routes.fallback(refuse)
}

/// Any other verb is answered as if there were no such path.
fn among(allow: &'static str, routes: MethodRouter<Api>) -> MethodRouter<Api> {
    let nothing = || async { ApiError::no_resource() };
    let routes = if allow.contains("GET") { routes.head(nothing) } else { routes };
    routes.fallback(nothing)
}
