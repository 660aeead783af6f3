// SPDX-License-Identifier: Apache-2.0
//! Images in other formats than raw: downloaded to a temporary file, inspected, and read as the disk they stand for.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use scurry_formats::{DiskFormat, InspectionRules, Inspector, judge, open_for_conversion, runs};
use scurry_openstack_client::image::{Image, ImageClient};
use scurry_types::ExtentKind;
use scurry_volume_file::VolumeFile;
use tokio::sync::mpsc;

use super::WorkError;
use super::create::bytes;
use super::stream::{create_and_open, receive, write_sparse};
use crate::db::volumes::Volume;
use crate::service::Service;
use scurry_types::with_causes;

/// Bytes of the disk read at a time.
const CHUNK: u64 = 1 << 20;

/// A file that goes away with whoever made it.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // The directory is emptied at each start, should this fail.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the volume's files and writes the disk to them that the image stands for.
pub(crate) async fn into_volume(
    service: &Arc<Service>,
    volume: &Volume,
    image: &Image,
    client: &ImageClient,
) -> Result<(), WorkError> {
    let unusable = |reason: String| WorkError::Unusable { image: image.id.clone(), reason };
    let claimed = image.disk_format.clone().unwrap_or_default();
    let format: DiskFormat =
        claimed.parse().map_err(|_| unusable(format!("its format {claimed:?} has no reader")))?;
    let temporary = Arc::new(Temporary(service.conversion_dir.join(&volume.id)));
    let target = Arc::clone(&temporary);
    receive(image, client, move |chunks| store(&target.0, chunks)).await?;
    let file = create_and_open(service, volume).await?;
    let container = image.container_format.clone().unwrap_or_default();
    let (len, image_id) = (bytes(volume.size), image.id.clone());
    let work = tokio::task::spawn_blocking(move || {
        let unusable = |reason: String| WorkError::Unusable { image: image_id.clone(), reason };
        inspect(&temporary.0, &claimed, &container).map_err(unusable)?;
        convert(&temporary.0, format, file, len).map_err(|error| match error {
            WorkError::Unusable { reason, .. } => unusable(reason),
            other => other,
        })
    });
    work.await.map_err(|_| WorkError::Thread)?
}

fn store(path: &Path, mut chunks: mpsc::Receiver<Bytes>) -> Result<u64, WorkError> {
    let failed = |op| move |source| WorkError::Temporary { op, path: path.to_owned(), source };
    let mut file = File::create(path).map_err(failed("create"))?;
    let mut written = 0;
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk).map_err(failed("write"))?;
        written += chunk.len() as u64;
    }
    Ok(written)
}

/// What the file is, is found by looking, and must be what it is said to be and harmless.
fn inspect(path: &Path, claimed: &str, container: &str) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let inspection = Inspector::inspect_file(&file).map_err(|error| error.to_string())?;
    judge(&inspection, claimed, container, &InspectionRules::default())
        .map(|_| ())
        .map_err(|refusal| refusal.to_string())
}

fn convert(path: &Path, format: DiskFormat, file: VolumeFile, len: u64) -> Result<(), WorkError> {
    let unusable = |error: &dyn std::error::Error| WorkError::Unusable {
        image: String::new(),
        reason: with_causes(error),
    };
    let disk = open_for_conversion(path, format).map_err(|error| unusable(&error))?;
    if disk.len() > len {
        return Err(WorkError::Unusable {
            image: String::new(),
            reason: format!("its disk of {} bytes does not fit in a volume of {len} bytes", disk.len()),
        });
    }
    let mut chunk = Vec::new();
    for extent in runs(&*disk) {
        let extent = extent.map_err(|error| unusable(&error))?;
        if extent.kind != ExtentKind::Data {
            continue;
        }
        let mut offset = extent.offset;
        let end = extent.offset + extent.len;
        while offset < end {
            let n = CHUNK.min(end - offset);
            chunk.resize(usize::try_from(n).unwrap_or(0), 0);
            disk.read_at(&mut chunk, offset).map_err(|error| unusable(&error))?;
            write_sparse(&file, &chunk, offset)?;
            offset += n;
        }
    }
    Ok(file.close()?)
}
