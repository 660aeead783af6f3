// SPDX-License-Identifier: Apache-2.0
//! A database that cannot be written when an upload ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use scurry_image::{Caller, ImageError, ImageService, ImageSettings, NewImage, ServiceParts, Upload};
use scurry_store::{Registry, Store};
use scurry_testkit::{DatabaseKind, MemoryStore};
use scurry_types::ImageStatus;
use sea_orm::{ConnectionTrait, Database as Outside};

use crate::database;

#[tokio::test]
async fn an_upload_that_cannot_be_entered_leaves_an_image_that_can_be_uploaded() {
    let (place, db) = database(DatabaseKind::Sqlite).await;
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("one");
    let stores: Vec<Arc<dyn Store>> = vec![Arc::new(store.clone())];
    let service = ImageService::new(ServiceParts {
        images: Arc::new(db.clone()),
        metadefs: Arc::new(db.clone()),
        jobs: Arc::new(db),
        stores: Registry::new(stores, "one".into()).unwrap(),
        limits: None,
        outbound: None,
        settings: ImageSettings {
            staging_dir: dir.path().join("staging"),
            job_back_off: Duration::from_millis(5),
            ..ImageSettings::default()
        },
    });
    service.start().await.unwrap();
    let caller = Caller {
        project: Some("p".into()),
        user: None,
        is_admin: false,
        roles: Vec::new(),
        request_id: "req-1".into(),
    };
    let new = NewImage {
        disk_format: Some("raw".into()),
        container_format: Some("bare".into()),
        ..NewImage::default()
    };
    let image = service.create(&caller, new).await.unwrap();
    let upload = async || {
        let body = Box::pin(futures::stream::iter([Ok(Bytes::from_static(b"bytes").into())]));
        service.upload(&caller, &image.id, Upload::default(), body).await
    };

    let path = &place.path;
    let outside = Outside::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON image_locations BEGIN SELECT RAISE(ABORT, 'broken'); END";
    outside.execute_unprepared(broken).await.unwrap();
    assert!(matches!(upload().await, Err(ImageError::Database(_))));
    while service.get(&caller, &image.id).await.unwrap().status != ImageStatus::Queued {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(store.urls().is_empty());

    outside.execute_unprepared("DROP TRIGGER broken").await.unwrap();
    upload().await.unwrap();
    assert_eq!(service.get(&caller, &image.id).await.unwrap().status, ImageStatus::Active);
    service.shutdown().await;
}
