// SPDX-License-Identifier: Apache-2.0
//! `scurry volume export`: a volume's content as a connector sees it, holes as holes.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use scurry_connect::BlockVolume;
use scurry_openstack_client::block::BlockClient;
use scurry_types::ExtentKind;

use crate::attach;
use crate::cli::VolumeAction;
use crate::client;
use crate::failure::Failure;

/// Bytes of one read.
const CHUNK: u64 = 4 << 20;

pub(crate) async fn run(action: VolumeAction) -> Result<ExitCode, Failure> {
    let VolumeAction::Export { volume, file } = action;
    let session = client::session_of_environment()?;
    let region = session.options().region.clone();
    let client = BlockClient::new(session, "block-storage::public", None, region.as_deref())
        .map_err(|error| Failure::new("cannot use the block-storage service", error))?;
    let host = format!("scurry-export-{}", uuid::Uuid::new_v4().simple());
    attach::read_only(&client, &volume, host, async |opened| write_sparse(opened, &file).await).await?;
    Ok(ExitCode::SUCCESS)
}

async fn write_sparse(volume: &Arc<dyn BlockVolume>, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot write {}", path.display()), error);
    let file = Arc::new(OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?);
    file.set_len(volume.len()).map_err(failed)?;
    let extents = volume
        .extents(0..volume.len())
        .await
        .map_err(|error| Failure::new("cannot read the volume", error))?;
    for extent in extents.iter().filter(|extent| extent.kind == ExtentKind::Data) {
        let mut offset = extent.offset;
        while offset < extent.end() {
            let len = (extent.end() - offset).min(CHUNK);
            let bytes = volume
                .read_at(offset, len)
                .await
                .map_err(|error| Failure::new("cannot read the volume", error))?;
            let file = Arc::clone(&file);
            tokio::task::spawn_blocking(move || file.write_all_at(&bytes, offset))
                .await
                .map_err(|error| Failure::new("a writer thread ended", error))?
                .map_err(failed)?;
            offset += len;
        }
    }
    Ok(())
}
