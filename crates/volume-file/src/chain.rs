// SPDX-License-Identifier: Apache-2.0
//! A volume's layers from the head down to the base, read as one.

use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use scurry_types::{ExtentKind, Extents};

use crate::bitmap::Bitmap;
use crate::disk;
use crate::error::IoContext;
use crate::header::{DATA_OFFSET, Header};
use crate::{LayerFormat, Result, VolumeError};

/// One open file of a chain.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Length of the volume this layer stands for, in bytes.
    pub(crate) len: u64,
    /// Present when the layer is an overlay.
    pub(crate) overlay: Option<Owned>,
}

/// What an overlay owns and how much of its parent shows.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) bitmap: Bitmap,
    pub(crate) parent_len: u64,
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// No layer has them: zeroes.
    Zero,
    /// The layer of this index, at this offset of its file.
    File(usize, u64),
}

/// Open layers, head first; never empty.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) layers: Vec<Layer>,
}

impl Chain {
    /// Opens what lies below the head's file, which the caller has opened.
    pub(crate) fn open(head: File, path: &Path, format: LayerFormat) -> Result<Self> {
        let mut layers = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some((head, path.to_owned(), format));
        while let Some((file, path, format)) = next.take() {
            let overlay = match format {
                LayerFormat::Flat => {
                    let len = file.metadata().or_io("examine volume file", &path)?.len();
                    layers.push(Layer { path, file, len, overlay: None });
                    break;
                }
                LayerFormat::Overlay => Header::read(&file, &path)?,
            };
            let bitmap = Bitmap::load(&file, overlay.len).or_io("read bitmap of", &path)?;
            let Header { len, parent, parent_len } = overlay;
            if let Some(parent) = parent {
                if !seen.insert(parent.clone()) {
                    return Err(VolumeError::corrupt(&path, "its layers form a circle"));
                }
                let parent_path = path.with_file_name(parent.as_str());
                next = Some((disk::open_regular(&parent_path, false)?, parent_path, parent.format()));
            }
            layers.push(Layer { path, file, len, overlay: Some(Owned { bitmap, parent_len }) });
        }
        Ok(Self { layers })
    }

    pub(crate) fn len(&self) -> u64 {
        self.layers[0].len
    }

    /// Where the bytes at `offset` come from, seen from layer `from` down, and for how many bytes (at most
    /// `max`) that holds.
    pub(crate) fn locate(&self, from: usize, offset: u64, max: u64) -> (Source, u64) {
        let mut run = max;
        let mut visible = match from.checked_sub(1).and_then(|above| self.layers[above].overlay.as_ref()) {
            Some(above) => above.parent_len,
            None => self.len(),
        };
        for (index, layer) in self.layers.iter().enumerate().skip(from) {
            visible = visible.min(layer.len);
            if offset >= visible {
                break;
            }
            run = run.min(visible - offset);
            let Some(owned) = &layer.overlay else { return (Source::File(index, offset), run) };
            let (own, same) = owned.bitmap.byte_run(offset, run);
            run = same;
            if own {
                return (Source::File(index, DATA_OFFSET + offset), run);
            }
            visible = owned.parent_len;
        }
        (Source::Zero, run)
    }

    /// Reads exactly `buf` as layer `from` and those below it hold it.
    pub(crate) fn read(&self, from: usize, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let (source, run) = self.locate(from, offset, buf.len() as u64);
            let (now, rest) = buf.split_at_mut(run as usize);
            match source {
                Source::Zero => now.fill(0),
                Source::File(index, at) => {
                    let Layer { file, path, overlay, .. } = &self.layers[index];
                    match overlay {
                        Some(_) => disk::read_zero_padded(file, now, at),
                        None => file.read_exact_at(now, at),
                    }
                    .or_io("read", path)?;
                }
            }
            buf = rest;
            offset += run;
        }
        Ok(())
    }

    /// The ranges that may hold data within `range`, as layer `from` and those below it hold it.
    pub(crate) fn extents(&self, from: usize, range: Range<u64>) -> Result<Extents> {
        let mut extents = Extents::new();
        let mut offset = range.start;
        while offset < range.end {
            let (source, run) = self.locate(from, offset, range.end - offset);
            match source {
                Source::Zero => extents.push(ExtentKind::Zero, run),
                Source::File(index, at) => self.file_extents(index, at..at + run, &mut extents)?,
            }
            offset += run;
        }
        Ok(extents)
    }

    fn file_extents(&self, index: usize, range: Range<u64>, extents: &mut Extents) -> Result<()> {
        let Layer { file, path, overlay, .. } = &self.layers[index];
        let mut at = range.start;
        while let Some(data) = disk::next_data(file, at..range.end).or_io("find data in", path)? {
            extents.push(ExtentKind::Zero, data.start - at);
            extents.push(ExtentKind::Data, data.end - data.start);
            at = data.end;
        }
        // What a flat file has lost at its end is no hole.
        let whole = at == range.end || overlay.is_some();
        if !whole && file.metadata().or_io("examine volume file", path)?.len() < range.end {
            return Err(VolumeError::corrupt(path, "it is shorter than it was when it was opened"));
        }
        extents.push(ExtentKind::Zero, range.end - at);
        Ok(())
    }
}
