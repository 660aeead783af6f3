// SPDX-License-Identifier: Apache-2.0
//! The Image API alone, for trying clients on: everybody is an administrator, images live in memory, the database
//! in a directory that goes away with the process. Loopback only.
//!
//! `cargo run -p scurry-image-http --example serve [PORT]`, then
//! `openstack --os-auth-type none --os-endpoint http://127.0.0.1:PORT image list`.

use std::error::Error;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use scurry_auth::Context;
use scurry_auth::policy::{Policy, glance};
use scurry_image::{ImageService, ImageSettings, ServiceParts};
use scurry_image_db::Database;
use scurry_image_http::{HttpSettings, router};
use scurry_store::{Registry, Store};
use scurry_telemetry::RequestId;
use scurry_testkit::MemoryStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    scurry_telemetry::init(scurry_telemetry::LogFormat::Text, "info")?;
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let staging_dir = dir.path().join("staging");
    std::fs::create_dir_all(&staging_dir)?;
    let database = Arc::new(Database::open(&dir.path().join("images.sqlite")).await?);
    scurry_image_db::migrate(&database).await?;
    let fast = MemoryStore::new("fast").with_facts(|facts| facts.description = Some("Fast memory".into()));
    let stores: Vec<Arc<dyn Store>> = vec![Arc::new(fast), Arc::new(MemoryStore::new("slow"))];
    let service = ImageService::new(ServiceParts {
        images: database.clone(),
        metadefs: database.clone(),
        jobs: database,
        stores: Registry::new(stores, "fast".into())?,
        limits: None,
        outbound: None,
        settings: ImageSettings { staging_dir, show_multiple_locations: true, ..ImageSettings::default() },
    });
    service.start().await?;
    let policy = Arc::new(Policy::new(glance::DEFAULTS)?);
    let app = router(service.clone(), policy, HttpSettings::default(), from_fn(everybody_is_admin));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    service.shutdown().await;
    Ok(())
}

async fn everybody_is_admin(mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::random);
    let mut context = Context::internal_admin(Some("demo".into()), id.as_str());
    context.user_id = "somebody".into();
    request.extensions_mut().insert(context);
    next.run(request).await
}
