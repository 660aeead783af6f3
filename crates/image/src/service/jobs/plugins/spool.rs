// SPDX-License-Identifier: Apache-2.0
//! An import's bytes as a file, for what cannot do with a stream.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use scurry_formats::pump;
use scurry_types::is_zero;
use tokio_util::sync::CancellationToken;

use super::super::origin::Origin;
use super::{blocking, body_error, reader};
use crate::error::ImageError;
use crate::service::core::Core;
use crate::service::intake::{Refused, unreadable};

/// Zeroes of this length, in bytes, are left out of the file.
const HOLE: usize = 64 << 10;

impl Core {
    /// The file the bytes are in already, or one without a name in the staging area.
    pub(super) async fn at_hand(&self, origin: Origin, cancel: &CancellationToken) -> Result<File, Refused> {
        if let Some(path) = origin.file {
            let open = move || {
                let text = format!("cannot open {} in the staging area", path.display());
                File::open(path).map_err(|source| ImageError::Local { text, source })
            };
            return blocking(open).await;
        }
        let (dir, cap) = (self.settings.staging_dir.clone(), self.settings.image_size_cap);
        let mut bytes = reader(origin.body, cancel);
        blocking(move || spool(&mut bytes, &dir, cap)).await
    }
}

/// Keeps at most `cap` bytes. No name leads to the file: it is gone when it is closed, or the process dies.
fn spool(bytes: &mut dyn Read, dir: &Path, cap: u64) -> Result<File, Refused> {
    let local = |source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ImageError::StorageFull(
            "Image storage media is full: the staging area has no space left".to_owned(),
        ),
        _ => ImageError::Local { text: format!("cannot write to {}", dir.display()), source },
    };
    std::fs::create_dir_all(dir).map_err(local)?;
    let mut spool = Spool { file: tempfile::tempfile_in(dir).map_err(local)?, len: 0 };
    let mut kept = Ok(());
    let read = pump(bytes, |piece| {
        kept = if spool.len + piece.len() as u64 > cap {
            Err(ImageError::TooLarge("The provided image is too large.".to_owned()))
        } else {
            spool.take(&piece).map_err(local)
        };
        kept.is_ok()
    });
    kept?;
    read.map_err(|error| unreadable(body_error(error, "the image cannot be read")))?;
    Ok(spool.finish().map_err(local)?)
}

#[derive(Debug)]
struct Spool {
    file: File,
    len: u64,
}

impl Spool {
    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        for part in piece.chunks(HOLE) {
            if is_zero(part) {
                self.file.seek(SeekFrom::Current(part.len() as i64))?;
            } else {
                self.file.write_all(part)?;
            }
            self.len += part.len() as u64;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<File> {
        self.file.set_len(self.len)?;
        self.file.rewind()?;
        Ok(self.file)
    }
}
