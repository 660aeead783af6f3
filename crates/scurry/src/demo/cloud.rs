// SPDX-License-Identifier: Apache-2.0
//! The demo's view of the cloud: one user's clients, and the few things it does with them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use scurry_connect::BlockVolume;
use scurry_digests::Hasher;
use scurry_openstack_client::block::{BlockClient, Volume, VolumeCreate};
use scurry_openstack_client::image::{Image, ImageClient};
use scurry_openstack_client::{
    ClientError, Credentials, DomainRef, Secret, Session, SessionOptions, WaitError, wait_for,
};
use scurry_types::HashAlgorithm;
use scurry_types::size::GIB;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;

use super::progress::Step;
use crate::attach;
use crate::failure::Failure;

/// Bytes of one read.
const CHUNK: u64 = 4 << 20;
/// Longest wait for a volume or a copy.
const PATIENCE: Duration = Duration::from_secs(900);

/// One user's clients.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    pub(crate) images: ImageClient,
    pub(crate) volumes: BlockClient,
}

impl Cloud {
    /// Logs in as `user` of the project of the same name.
    pub(crate) fn login(auth_url: &str, user: &str, password: &str) -> Result<Self, Failure> {
        let domain = || DomainRef::Name("Default".to_owned());
        let credentials = Credentials::password(
            auth_url,
            user,
            domain(),
            Secret::new(password),
            Some((user.to_owned(), domain())),
        );
        let session = Session::new(credentials, SessionOptions::default()).map_err(cannot("log in"))?;
        Ok(Self {
            images: ImageClient::new(session.clone(), None, None),
            volumes: BlockClient::new(session, "block-storage::public", None, None)
                .map_err(cannot("log in"))?,
        })
    }

    /// A raw, public image with the content of `raw`, stored in `store` or in the default store.
    pub(crate) async fn upload(
        &self,
        name: &str,
        raw: &Path,
        store: Option<&str>,
        step: &Arc<Step>,
    ) -> Result<Image, Failure> {
        let properties =
            json!({"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"});
        let properties = properties.as_object().cloned().unwrap_or_else(Map::new);
        let image = self.images.create(&properties).await.map_err(cannot("create the image"))?;
        let file = tokio::fs::File::open(raw)
            .await
            .map_err(|error| Failure::new(format!("cannot open {}", raw.display()), error))?;
        let len = file
            .metadata()
            .await
            .map_err(|error| Failure::new("cannot read the image's length", error))?
            .len();
        let body = file_stream(file, len, Arc::clone(step));
        self.images
            .upload(&image.id, body, Some(len), store, None)
            .await
            .map_err(cannot("upload the image"))?;
        self.image(&image.id).await
    }

    /// An image's record.
    pub(crate) async fn image(&self, id: &str) -> Result<Image, Failure> {
        self.images.image(id).await.map_err(cannot("show the image"))
    }

    /// Copies an image to `stores` and waits until it is there.
    pub(crate) async fn copy(&self, id: &str, stores: &[&str], step: &Step) -> Result<Image, Failure> {
        self.images.copy_image(id, stores).await.map_err(cannot("copy the image"))?;
        let copied = wait_for(PATIENCE, || async {
            let image = self.images.image(id).await?;
            let left = text(&image, "os_glance_importing_to_stores");
            step.note(&format!("still to do: {left}"));
            Ok::<_, ClientError>(
                (left.is_empty() && text(&image, "os_glance_import_task").is_empty()).then_some(image),
            )
        })
        .await
        .map_err(waited("the copies"))?;
        let failed = text(&copied, "os_glance_failed_import");
        if failed.is_empty() { Ok(copied) } else { Err(Failure::plain(format!("copies failed: {failed}"))) }
    }

    /// A volume made from an image, grown by 2 GiB.
    pub(crate) async fn boot_volume(
        &self,
        name: &str,
        image: &Image,
        volume_type: &str,
    ) -> Result<Volume, Failure> {
        let size = image.size.unwrap_or_default().div_ceil(GIB) + 2;
        let request = VolumeCreate {
            size,
            name: name.to_owned(),
            volume_type: Some(volume_type.to_owned()),
            image_ref: Some(image.id.clone()),
            ..VolumeCreate::default()
        };
        let volume = self.volumes.create_volume(&request).await.map_err(cannot("create the boot volume"))?;
        let volume = wait_for(PATIENCE, || async {
            let volume = self.volumes.volume(&volume.id).await?;
            Ok::<_, ClientError>(
                (volume.status == "available" || volume.status.starts_with("error")).then_some(volume),
            )
        })
        .await
        .map_err(waited("the boot volume"))?;
        if volume.status == "available" {
            Ok(volume)
        } else {
            Err(Failure::plain(format!("boot volume {name} is in status {}", volume.status)))
        }
    }

    /// BLAKE3 of the first `len` bytes of a volume, read the way a connector reads it.
    pub(crate) async fn volume_hash(&self, volume: &str, len: u64) -> Result<String, Failure> {
        attach::read_only(&self.volumes, volume, "scurry-demo".to_owned(), async |opened| {
            hash_start(opened, len).await
        })
        .await
    }
}

async fn hash_start(volume: &Arc<dyn BlockVolume>, len: u64) -> Result<String, Failure> {
    let mut hash = blake3::Hasher::new();
    let mut offset = 0;
    while offset < len {
        let part = (len - offset).min(CHUNK);
        let bytes = volume
            .read_at(offset, part)
            .await
            .map_err(|error| Failure::new("cannot read the volume", error))?;
        // Hashing a chunk takes milliseconds: not on a runtime worker.
        hash = tokio::task::spawn_blocking(move || {
            hash.update(&bytes);
            hash
        })
        .await
        .map_err(|error| Failure::new("a hashing thread ended", error))?;
        offset += part;
    }
    Ok(hash.finalize().to_hex().to_string())
}

/// What a file holds: the digest the API shows, and the one volumes are compared by, which is much faster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileDigests {
    pub(crate) sha512: String,
    pub(crate) blake3: String,
}

/// Digests of a file.
pub(crate) fn file_digests(path: &Path) -> std::io::Result<FileDigests> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let (mut sha512, mut blake3) = (Hasher::new(HashAlgorithm::Sha512), blake3::Hasher::new());
    let mut buffer = vec![0; 4 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let blake3 = blake3.finalize().to_hex().to_string();
            return Ok(FileDigests { sha512: sha512.value(), blake3 });
        }
        sha512.update(&buffer[..read]);
        blake3.update(&buffer[..read]);
    }
}

/// A property of an image as text, empty when it is not there.
pub(crate) fn text(image: &Image, property: &str) -> String {
    image.properties.get(property).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn file_stream(
    file: tokio::fs::File,
    total: u64,
    step: Arc<Step>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    futures::stream::try_unfold((file, 0_u64), move |(mut file, done)| {
        let step = Arc::clone(&step);
        async move {
            let mut buffer = bytes::BytesMut::with_capacity(1 << 20);
            let read = file.read_buf(&mut buffer).await?;
            step.bytes(done, total);
            Ok((read > 0).then(|| (buffer.freeze(), (file, done + read as u64))))
        }
    })
}

fn cannot(what: &'static str) -> impl Fn(ClientError) -> Failure {
    move |error| Failure::new(format!("cannot {what}"), error)
}

fn waited(what: &'static str) -> impl Fn(WaitError<ClientError>) -> Failure {
    move |error| Failure::new(format!("{what} did not come about"), error)
}
