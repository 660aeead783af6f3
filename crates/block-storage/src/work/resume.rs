// SPDX-License-Identifier: Apache-2.0
//! What a start does about work an earlier process began, and about files nobody knows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use scurry_types::VolumeId;
use scurry_volume_file::resync;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::WorkError;
use super::upload::{PENDING, remove_clone};
use crate::backend::{Backend, snapshot_file};
use crate::db::entity::property;
use crate::db::{messages, snapshots, volumes};
use crate::service::Service;
use scurry_types::with_causes;

/// How often the image service is asked about an upload that was cut short, and how long between.
const ASK: (u32, Duration) = (60, Duration::from_secs(2));

/// Starts again whatever was under way. Failures are logged: they must not keep the service from starting.
pub(crate) async fn run(service: &Arc<Service>) {
    if let Err(error) = work(service).await {
        tracing::error!(error = %with_causes(&error), "unfinished work could not be taken up");
    }
    for backend in service.backends.iter() {
        if let Err(error) = sweep(service, backend).await {
            tracing::error!(backend = backend.section, error = %with_causes(&error), "pool could not be swept");
        }
        if let Err(error) = mend(service, backend).await {
            tracing::error!(backend = backend.section, error = %with_causes(&error), "replicas could not be mended");
        }
    }
    if let Err(error) = messages::expire(&service.db).await {
        tracing::warn!(error = %with_causes(&error), "old messages stay");
    }
}

async fn work(service: &Arc<Service>) -> Result<(), WorkError> {
    let db = service.db.pool();
    settle_uploads(service).await?;
    for volume in volumes::in_states(db, &["creating", "downloading"]).await? {
        if volume.previous_status.is_some() {
            // Made long ago and reset by an administrator: to make it again would cost its data.
            volumes::go(db, &volume.id, &["creating", "downloading"], "error").await?;
            continue;
        }
        // Back to the start, so that the row is as a fresh one.
        volumes::go(db, &volume.id, &["downloading"], "creating").await?;
        service.start_create(&volume.id, None);
    }
    for volume in volumes::in_states(db, &["extending"]).await? {
        if volume.target_size.is_some() {
            service.start_resize(&volume.id);
        }
    }
    for volume in volumes::in_states(db, &["deleting"]).await? {
        service.start_delete(&volume.id);
    }
    for volume in volumes::in_states(db, &["uploading"]).await? {
        volumes::go_back(db, &volume.id, "uploading").await?;
        let text = "copy volume to image:Failed to upload volume to image at backend.";
        let resource = ("VOLUME", volume.id.as_str());
        messages::record(&service.db, &volume.project_id, resource, "VOLUME_VOLUME_003_004", text).await?;
    }
    for snapshot in snapshots::list(db, None).await? {
        match snapshot.status.as_str() {
            // Taken long ago and reset by an administrator: to take it again would put other data in its place.
            "creating" if snapshot.progress == "100%" => {
                snapshots::go(db, &snapshot.id, &["creating"], "error").await?;
            }
            "creating" => service.start_snapshot(&snapshot.id),
            "deleting" => service.start_snapshot_delete(&snapshot.id),
            _ => {}
        }
    }
    Ok(())
}

/// A clone made for an image belongs to it only if the image knows it; the image service is asked until it answers.
async fn settle_uploads(service: &Arc<Service>) -> Result<(), WorkError> {
    let pending =
        property::Entity::find().filter(property::Column::Name.eq(PENDING)).all(service.db.pool()).await?;
    for row in pending {
        // Not to be finished as an ordinary volume by the code below.
        volumes::go(service.db.pool(), &row.owner_id, &["creating"], "error").await?;
        let again = Arc::clone(service);
        service.spawn(async move {
            if let Err(error) = settle(&again, &row.owner_id, &row.value).await {
                tracing::error!(volume.id = row.owner_id, error = %with_causes(&error), "unfinished upload stays");
            }
        });
    }
    Ok(())
}

async fn settle(service: &Arc<Service>, clone: &str, image: &str) -> Result<(), WorkError> {
    use scurry_openstack_client::ErrorKind;

    for _ in 0..ASK.0 {
        match service.images.locations(image).await {
            Ok(locations) if locations.iter().any(|l| l.url.ends_with(&format!("/{clone}"))) => {
                crate::db::properties::remove(
                    service.db.pool(),
                    clone,
                    crate::db::properties::Space::Admin,
                    PENDING,
                )
                .await?;
                return Ok(());
            }
            Ok(_) => {
                remove_clone(service, clone).await?;
                discard_image(service, image).await;
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return remove_clone(service, clone).await,
            Err(_) => tokio::time::sleep(ASK.1).await,
        }
    }
    Err(WorkError::Gone(format!("the image service does not say whether image {image} has volume {clone}")))
}

/// Deletes an image whose upload was cut short before it got any data: it never will.
async fn discard_image(service: &Service, image: &str) {
    let outcome = async {
        if service.images.image(image).await?.status == "queued" {
            service.images.delete(image).await?;
        }
        Ok::<_, scurry_openstack_client::ClientError>(())
    };
    if let Err(error) = outcome.await {
        tracing::warn!(image.id = image, %error, "the image of a failed upload stays behind");
    }
}

/// Removes volume files of our naming that no row knows. Rows come before files and go after them, so there are
/// none unless something was interfered with; an empty database is taken for a lost one, and nothing is removed.
async fn sweep(service: &Service, backend: &Backend) -> Result<(), WorkError> {
    let rows = volumes::all(service.db.pool()).await?;
    let files = backend.run(scurry_volume_file::Pool::list).await?;
    if rows.is_empty() {
        if !files.is_empty() {
            tracing::warn!(
                backend = backend.section,
                files = files.len(),
                "the database knows no volume but the pool has files; they are left alone"
            );
        }
        return Ok(());
    }
    let mut known: HashSet<VolumeId> = rows
        .iter()
        .filter(|v| v.host.as_ref() == Some(&backend.host) || v.replica_host.as_ref() == Some(&backend.host))
        .map(|v| VolumeId::new(v.id.as_str()))
        .collect();
    let taken = snapshots::list(service.db.pool(), None).await?;
    known.extend(taken.iter().filter(|s| s.host == backend.host).map(|s| snapshot_file(&s.id)));
    for file in files {
        let name = file.as_str().strip_prefix("snapshot-").unwrap_or(file.as_str());
        if known.contains(&file) || uuid::Uuid::try_parse(name).is_err() {
            continue;
        }
        // A request may have made it since the rows were read.
        let now_known = volumes::find(service.db.pool(), name).await?.is_some()
            || snapshots::find(service.db.pool(), name).await?.is_some();
        if !now_known {
            tracing::warn!(backend = backend.section, file = %file, "volume file without a volume removed");
            backend.remove(&file).await?;
        }
    }
    Ok(())
}

/// Brings second copies in this pool in line with their volumes where a writer was killed.
async fn mend(service: &Service, replica: &Backend) -> Result<(), WorkError> {
    for id in replica.run(scurry_volume_file::Pool::lagging_replicas).await? {
        mend_volume(service, replica, &id).await?;
    }
    Ok(())
}

/// Brings the second copy of one volume in line when its last writer went away without closing it.
pub(crate) async fn mend_after_detach(service: &Service, id: &str) {
    let outcome = async {
        let Some(volume) = volumes::find(service.db.pool(), id).await? else { return Ok(()) };
        let replica = volume.replica_host.as_deref().and_then(|host| service.backends.at(host));
        let (Some(replica), id) = (replica, VolumeId::new(id)) else { return Ok(()) };
        if replica.run(scurry_volume_file::Pool::lagging_replicas).await?.contains(&id) {
            mend_volume(service, replica, &id).await?;
        }
        Ok::<_, WorkError>(())
    };
    if let Err(error) = outcome.await {
        tracing::warn!(volume.id = id, error = %with_causes(&error), "second copy was not looked at");
    }
}

async fn mend_volume(service: &Service, replica: &Backend, id: &VolumeId) -> Result<(), WorkError> {
    let _alone = service.lock(id.as_str()).await;
    let Some(volume) = volumes::find(service.db.pool(), id.as_str()).await? else { return Ok(()) };
    let first = volume.host.as_deref().and_then(|host| service.backends.at(host));
    // A volume that is being made is made anew, one that is being deleted goes; all others have data.
    let made = !["creating", "downloading", "deleting"].contains(&volume.status.as_str());
    let (Some(first), true) = (first, made) else { return Ok(()) };
    let (primary, of) = (first.pool().clone(), id.clone());
    match replica.run(move |pool| resync(&primary, pool, &of)).await {
        Ok(bytes) => tracing::info!(volume.id = %id, bytes, "second copy is in line again"),
        Err(error) => {
            tracing::warn!(volume.id = %id, error = %with_causes(&error), "second copy still lags behind");
        }
    }
    Ok(())
}
