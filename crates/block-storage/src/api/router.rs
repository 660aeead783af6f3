// SPDX-License-Identifier: Apache-2.0
//! The list of routes, each with the rule that guards it. `/v3/{project_id}/…` is `/v3/…` by the time it is here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use scurry_auth::TokenValidator;
use scurry_auth::middleware::{RequestIds, authenticate, request_id};
use tower::{ServiceBuilder, ServiceExt};
use tracing::Instrument;

use super::caller::enforce;
use super::fault::Fault;
use super::{
    Shared, actions, attachments, listings, microversion, pools, project_path, quotas, services, snapshots,
    types, versions, volumes,
};

/// Longest request body: Cinder's `osapi_max_request_body_size`.
const BODY_LIMIT: usize = 114_688;

type Route = MethodRouter<Shared>;

/// Ends what a request began even when its client hangs up: a handler cut short between two steps would leave a
/// volume in a state nothing leads out of.
async fn finish(State(service): State<Shared>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match service.tasks.spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(error) => Fault::internal(error).into_response(),
    }
}

/// Lets through whom `rule` lets through.
fn guarded(rule: &'static str, route: Route) -> Route {
    route.route_layer(from_fn(move |request, next| enforce(rule, request, next)))
}

/// The whole service.
pub(crate) fn router(service: Shared, validator: TokenValidator) -> Router {
    let api = Router::new()
        .merge(volume_routes())
        .merge(attachment_routes())
        .merge(snapshot_routes())
        .merge(type_routes())
        .merge(other_routes())
        .fallback(not_found)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(Arc::clone(&service), finish))
        .layer(from_fn_with_state(validator, authenticate));
    let app = Router::new()
        .route("/", get(versions::all))
        .route("/v3", get(versions::v3))
        .route("/v3/", get(versions::v3))
        .route("/healthcheck", get(versions::health))
        .nest("/v3", api)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(microversion::negotiate))
        .layer(from_fn_with_state(RequestIds::fresh(), request_id))
        .with_state(service);
    // Routing sees the path as this leaves it, so it must be around the router, not a layer of it.
    let app = ServiceBuilder::new().map_request(project_path::strip).service(app);
    Router::new().fallback_service(app.map_err(|never| match never {}))
}

fn volume_routes() -> Router<Shared> {
    Router::new()
        .route(
            "/volumes",
            guarded("volume:get_all", get(volumes::list::brief))
                .merge(guarded("volume:create", post(volumes::create::create))),
        )
        .route("/volumes/detail", guarded("volume:get_all", get(volumes::list::detail)))
        .route("/volumes/summary", guarded("volume:get_all", get(volumes::list::summary)))
        .route(
            "/volumes/{id}",
            guarded("volume:get", get(volumes::show::show))
                .merge(guarded("volume:update", put(volumes::change::update)))
                .merge(guarded("volume:delete", delete(volumes::change::delete))),
        )
        // Each action has its own rule: see `actions::ACTIONS`.
        .route("/volumes/{id}/action", guarded("volume:get", post(actions::act)))
        .route(
            "/volumes/{id}/encryption",
            guarded("volume_extension:volume_encryption_metadata", get(volumes::show::encryption)),
        )
        .route(
            "/volumes/{id}/metadata",
            guarded("volume:get_volume_metadata", get(volumes::metadata::index))
                .merge(guarded("volume:create_volume_metadata", post(volumes::metadata::merge)))
                .merge(guarded("volume:update_volume_metadata", put(volumes::metadata::replace))),
        )
        .route(
            "/volumes/{id}/metadata/{key}",
            guarded("volume:get_volume_metadata", get(volumes::metadata::show))
                .merge(guarded("volume:update_volume_metadata", put(volumes::metadata::put)))
                .merge(guarded("volume:delete_volume_metadata", delete(volumes::metadata::delete))),
        )
}

fn attachment_routes() -> Router<Shared> {
    Router::new()
        .route(
            "/attachments",
            guarded("volume:attachment_get", get(attachments::list::brief))
                .merge(guarded("volume:attachment_create", post(attachments::create::create))),
        )
        .route("/attachments/detail", guarded("volume:attachment_get", get(attachments::list::detail)))
        .route(
            "/attachments/{id}",
            guarded("volume:attachment_get", get(attachments::list::show))
                .merge(guarded("volume:attachment_update", put(attachments::update::update)))
                .merge(guarded("volume:attachment_delete", delete(attachments::release::delete))),
        )
        .route(
            "/attachments/{id}/action",
            guarded("volume:attachment_complete", post(attachments::update::complete)),
        )
}

fn snapshot_routes() -> Router<Shared> {
    Router::new()
        .route(
            "/snapshots",
            guarded("volume:get_all_snapshots", get(snapshots::list::brief))
                .merge(guarded("volume:create_snapshot", post(snapshots::create::create))),
        )
        .route("/snapshots/detail", guarded("volume:get_all_snapshots", get(snapshots::list::detail)))
        .route(
            "/snapshots/{id}",
            guarded("volume:get_snapshot", get(snapshots::list::show))
                .merge(guarded("volume:update_snapshot", put(snapshots::change::update)))
                .merge(guarded("volume:delete_snapshot", delete(snapshots::change::delete))),
        )
        .route(
            "/snapshots/{id}/action",
            guarded("volume_extension:snapshot_admin_actions:reset_status", post(snapshots::change::act)),
        )
        .route(
            "/snapshots/{id}/metadata",
            guarded("volume:get_snapshot_metadata", get(snapshots::metadata::index))
                .merge(guarded("volume:update_snapshot_metadata", post(snapshots::metadata::merge)))
                .merge(guarded("volume:update_snapshot_metadata", put(snapshots::metadata::replace))),
        )
        .route(
            "/snapshots/{id}/metadata/{key}",
            guarded("volume:get_snapshot_metadata", get(snapshots::metadata::show))
                .merge(guarded("volume:update_snapshot_metadata", put(snapshots::metadata::put)))
                .merge(guarded("volume:delete_snapshot_metadata", delete(snapshots::metadata::delete))),
        )
}

fn type_routes() -> Router<Shared> {
    Router::new()
        .route(
            "/types",
            guarded("volume_extension:type_get_all", get(types::show::list))
                .merge(guarded("volume_extension:type_create", post(types::change::create))),
        )
        .route(
            "/types/{id}",
            guarded("volume_extension:type_get", get(types::show::show))
                .merge(guarded("volume_extension:type_update", put(types::change::update)))
                .merge(guarded("volume_extension:type_delete", delete(types::change::delete))),
        )
        .route(
            "/types/{id}/encryption",
            guarded("volume_extension:volume_type_encryption:get", get(types::show::encryption)),
        )
        .route(
            "/types/{id}/extra_specs",
            guarded("volume_extension:types_extra_specs:index", get(types::specs::index))
                .merge(guarded("volume_extension:types_extra_specs:create", post(types::specs::merge))),
        )
        .route(
            "/types/{id}/extra_specs/{key}",
            guarded("volume_extension:types_extra_specs:show", get(types::specs::show))
                .merge(guarded("volume_extension:types_extra_specs:update", put(types::specs::put)))
                .merge(guarded("volume_extension:types_extra_specs:delete", delete(types::specs::delete))),
        )
        .route(
            "/types/{id}/os-volume-type-access",
            guarded("volume_extension:volume_type_access:get_all_for_type", get(types::access::index)),
        )
        .route(
            "/types/{id}/action",
            guarded("volume_extension:volume_type_access:add_project_access", post(types::access::act)),
        )
}

fn other_routes() -> Router<Shared> {
    Router::new()
        .route("/os-services", guarded("volume_extension:services:index", get(services::list)))
        .route("/os-services/{action}", guarded("volume_extension:services:update", put(services::update)))
        .route("/os-hosts", guarded("volume_extension:hosts", get(services::hosts)))
        .route(
            "/scheduler-stats/get_pools",
            guarded("scheduler_extension:scheduler_stats:get_pools", get(pools::list)),
        )
        .route("/capabilities/{host}", guarded("volume_extension:capabilities", get(pools::capabilities)))
        .route(
            "/os-quota-sets/{project}",
            guarded("volume_extension:quotas:show", get(quotas::show))
                .merge(guarded("volume_extension:quotas:update", put(quotas::update)))
                .merge(guarded("volume_extension:quotas:delete", delete(quotas::delete))),
        )
        .route(
            "/os-quota-sets/{project}/defaults",
            guarded("volume_extension:quotas:show", get(quotas::defaults)),
        )
        .route("/limits", guarded("limits_extension:used_limits", get(quotas::absolute)))
        .route(
            "/os-availability-zone",
            guarded("volume_extension:availability_zone_list", get(listings::zones)),
        )
        .route("/extensions", guarded("volume_extension:list_extensions", get(listings::extensions)))
        .route(
            "/extensions/{alias}",
            guarded("volume_extension:list_extensions", get(listings::extension_of)),
        )
        .route("/messages", guarded("message:get_all", get(listings::message_list)))
        .route(
            "/messages/{id}",
            guarded("message:get", get(listings::message_show))
                .merge(guarded("message:delete", delete(listings::message_delete))),
        )
        .route("/clusters", guarded("clusters:get_all", get(listings::clusters)))
        .route("/clusters/detail", guarded("clusters:get_all", get(listings::clusters)))
        .route("/backups", guarded("backup:get_all", get(listings::backups)))
        .route("/backups/detail", guarded("backup:get_all", get(listings::backups)))
        .route("/groups", guarded("group:get_all", get(listings::groups)))
        .route("/groups/detail", guarded("group:get_all", get(listings::groups)))
        .route("/group_snapshots", guarded("group:get_all_group_snapshots", get(listings::group_snapshots)))
        .route(
            "/group_snapshots/detail",
            guarded("group:get_all_group_snapshots", get(listings::group_snapshots)),
        )
        .route("/volume-transfers", guarded("volume:get_all_transfers", get(listings::transfers)))
        .route("/volume-transfers/detail", guarded("volume:get_all_transfers", get(listings::transfers)))
        .route("/os-volume-transfer", guarded("volume:get_all_transfers", get(listings::transfers)))
        .route("/os-volume-transfer/detail", guarded("volume:get_all_transfers", get(listings::transfers)))
        .route("/qos-specs", guarded("volume_extension:qos_specs_manage:get_all", get(listings::qos_specs)))
}

async fn not_found() -> Fault {
    Fault::not_found("The resource could not be found.")
}

async fn no_method() -> Fault {
    Fault::new(http::StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource.")
}
