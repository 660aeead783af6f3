// SPDX-License-Identifier: Apache-2.0
//! Making an image of a volume: a clone handed to the image service, else a copy of the bytes.

use std::sync::Arc;

use bytes::Bytes;
use scurry_openstack_client::Secret;
use scurry_types::{ExtentKind, VolumeId};
use scurry_volume_file::{Access, VolumeError, VolumeFile};
use sea_orm::Set;
use sea_orm::sea_query::Expr;
use tokio::sync::mpsc;

use super::clone::{Source, copy_from, writers_of};
use super::create::{backends_of, bytes, discard_files};
use super::{WorkError, create};
use crate::db::entity::volume;
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column, Volume};
use crate::db::{messages, now};
use crate::service::Service;
use scurry_types::with_causes;

/// Admin metadata of a clone the image service was not yet told of; its value is the image.
pub(crate) const PENDING: &str = "scurry_upload_pending";
/// Bytes read from a volume at a time.
const CHUNK: usize = 1 << 20;

/// An upload that was answered with 202.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) volume: String,
    pub(crate) image: String,
    pub(crate) token: Secret,
    /// The store the volume's type belongs to (`image_service:store_id`).
    pub(crate) store: Option<String>,
}

/// Uploads, then returns the volume to the state it had.
pub(crate) async fn run(service: &Arc<Service>, upload: Upload) {
    let outcome = transfer(service, &upload).await;
    if let Err(error) = &outcome {
        tracing::error!(
            volume.id = upload.volume, image.id = upload.image, error = %with_causes(error), "volume not uploaded"
        );
        // As Cinder: an image that never gets its data is removed.
        if let Err(error) = service.images_as(Some(&upload.token)).delete(&upload.image).await {
            tracing::warn!(image.id = upload.image, %error, "the image of a failed upload stays behind");
        }
    }
    let back = async {
        let project = volumes::find(service.db.pool(), &upload.volume).await?.map(|v| v.project_id);
        volumes::go_back(service.db.pool(), &upload.volume, "uploading").await?;
        if let (Err(_), Some(project)) = (&outcome, project) {
            let text = "copy volume to image:Failed to upload volume to image at backend.";
            let resource = ("VOLUME", upload.volume.as_str());
            messages::record(&service.db, &project, resource, "VOLUME_VOLUME_003_004", text).await?;
        }
        Ok::<_, sea_orm::DbErr>(())
    };
    if let Err(error) = back.await {
        tracing::error!(volume.id = upload.volume, error = %with_causes(&error), "cannot end an upload");
    }
}

async fn transfer(service: &Arc<Service>, upload: &Upload) -> Result<(), WorkError> {
    let volume = volumes::find(service.db.pool(), &upload.volume)
        .await?
        .ok_or_else(|| WorkError::Gone(format!("volume {} is gone", upload.volume)))?;
    let (backend, _) = backends_of(service, &volume)?;
    if backend.upload_by_clone {
        match hand_over_clone(service, upload, &volume).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(
                volume.id = upload.volume, image.id = upload.image, error = %with_causes(&error),
                "no clone for the image; its bytes are uploaded"
            ),
        }
    }
    send_bytes(service, upload, &volume).await
}

/// Clones the volume into the internal project and gives the clone to the image as its location.
async fn hand_over_clone(service: &Arc<Service>, upload: &Upload, volume: &Volume) -> Result<(), WorkError> {
    let clone = insert_clone(service, upload, volume).await?;
    let made = async {
        {
            let _alone = service.lock(&volume.id).await;
            let source = Source {
                file: VolumeId::new(volume.id.as_str()),
                host: volume.host.clone(),
                replica_host: volume.replica_host.clone(),
                writers: writers_of(service, &volume.id).await?,
            };
            copy_from(service, &source, &clone).await?;
        }
        volumes::go(service.db.pool(), &clone.id, &["creating"], "available").await?;
        let url = match &upload.store {
            Some(store) => format!("cinder://{store}/{}", clone.id),
            None => format!("cinder://{}", clone.id),
        };
        service.images.add_location(&upload.image, &url, upload.store.as_deref()).await?;
        properties::remove(service.db.pool(), &clone.id, Space::Admin, PENDING).await?;
        Ok(())
    };
    match made.await {
        Ok(()) => Ok(()),
        Err(error) => {
            remove_clone(service, &clone.id).await?;
            Err(error)
        }
    }
}

async fn insert_clone(service: &Service, upload: &Upload, of: &Volume) -> Result<Volume, WorkError> {
    let id = uuid::Uuid::new_v4().to_string();
    let metadata = Properties::from([
        ("glance_image_id".to_owned(), upload.image.clone()),
        ("image_owner".to_owned(), of.project_id.clone()),
        ("image_size".to_owned(), bytes(of.size).to_string()),
    ]);
    let admin = Properties::from([
        ("readonly".to_owned(), "True".to_owned()),
        (PENDING.to_owned(), upload.image.clone()),
    ]);
    let row = volume::ActiveModel {
        id: Set(id.clone()),
        project_id: Set(service.internal_project.clone()),
        user_id: Set(service.internal_user.clone()),
        name: Set(Some(format!("image-{}", upload.image))),
        description: Set(None),
        size: Set(of.size),
        target_size: Set(None),
        status: Set("creating".to_owned()),
        previous_status: Set(None),
        attach_status: Set("detached".to_owned()),
        volume_type_id: Set(of.volume_type_id.clone()),
        host: Set(of.host.clone()),
        availability_zone: Set(of.availability_zone.clone()),
        bootable: Set(of.bootable),
        multiattach: Set(of.multiattach),
        source_volid: Set(Some(of.id.clone())),
        snapshot_id: Set(None),
        image_id: Set(None),
        replication_status: Set(of.replication_status.clone()),
        replica_host: Set(of.replica_host.clone()),
        consumes_quota: Set(true),
        created_at: Set(now()),
        updated_at: Set(None),
    };
    let tx = service.db.begin().await?;
    let row = volumes::insert(&tx, row).await?;
    properties::merge(&tx, &id, Space::User, &metadata).await?;
    properties::merge(&tx, &id, Space::Admin, &admin).await?;
    tx.commit().await?;
    Ok(row)
}

/// Removes a clone the image does not have.
pub(crate) async fn remove_clone(service: &Arc<Service>, id: &str) -> Result<(), WorkError> {
    if let Some(clone) = volumes::find(service.db.pool(), id).await? {
        volumes::change(service.db.pool(), id, &[], [(Column::Status, Expr::value("deleting"))]).await?;
        discard_files(service, &clone).await?;
        let tx = service.db.begin().await?;
        volumes::remove(&tx, id).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn send_bytes(service: &Arc<Service>, upload: &Upload, volume: &Volume) -> Result<(), WorkError> {
    let _permit = service.bulk.acquire().await.map_err(|_| WorkError::Thread)?;
    let (backend, _) = backends_of(service, volume)?;
    let id = VolumeId::new(volume.id.as_str());
    let file =
        backend.run(move |pool| VolumeFile::open(&pool.descriptor(&id, None)?, Access::ReadOnly)).await?;
    let len = create::bytes(volume.size).min(file.len());
    let (sender, receiver) = mpsc::channel::<Result<Bytes, VolumeError>>(8);
    let reader = tokio::task::spawn_blocking(move || {
        if let Err(error) = read_chunks(&file, len, &sender) {
            // Nobody listens any more when the upload failed first.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let data = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let client = service.images_as(Some(&upload.token));
    client.upload(&upload.image, data, Some(len), upload.store.as_deref(), None).await?;
    reader.await.map_err(|_| WorkError::Thread)
}

/// Sends the first `len` bytes of a volume in order; holes are not read. Ends early when nobody listens.
fn read_chunks(
    file: &VolumeFile,
    len: u64,
    sender: &mpsc::Sender<Result<Bytes, VolumeError>>,
) -> Result<(), VolumeError> {
    let zeroes = Bytes::from(vec![0; CHUNK]);
    for extent in file.extents(0..len)? {
        let mut offset = extent.offset;
        while offset < extent.end() {
            let n = usize::try_from(extent.end() - offset).unwrap_or(CHUNK).min(CHUNK);
            let chunk = if extent.kind == ExtentKind::Zero {
                zeroes.slice(..n)
            } else {
                let mut chunk = vec![0; n];
                file.read_at(&mut chunk, offset)?;
                Bytes::from(chunk)
            };
            if sender.blocking_send(Ok(chunk)).is_err() {
                return Ok(());
            }
            offset += n as u64;
        }
    }
    Ok(())
}
