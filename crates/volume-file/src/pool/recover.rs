// SPDX-License-Identifier: Apache-2.0
//! Ends what a killed process left half done in a pool's directory.
//!
//! Every operation changes a volume by one rename or one unlink; what comes before it is under temporary names
//! or is a layer nobody reads, and what comes after it is only removal. So the rules here need no journal.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::layers::Layers;
use crate::error::IoContext;
use crate::header::Header;
use crate::name::{self, PoolFile};
use crate::{LayerFormat, Result, disk};

/// Tidies the directory and counts its layers.
pub(super) fn recover(dir: &Path) -> Result<Layers> {
    let mut layers = Layers::default();
    let (mut flat, mut overlays, mut marks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut overlay_files = Vec::new();
    for entry in fs::read_dir(dir).or_io("list", dir)? {
        let entry = entry.or_io("list", dir)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        match PoolFile::classify(&name) {
            PoolFile::Temporary => remove(dir, &name)?,
            PoolFile::Volume(id, LayerFormat::Flat) => drop(flat.insert(id)),
            PoolFile::Volume(id, LayerFormat::Overlay) => {
                overlays.insert(id);
                overlay_files.push(name);
            }
            PoolFile::Layer(layer) => {
                let inode = entry.metadata().or_io("examine", &entry.path())?.ino();
                if layer.format() == LayerFormat::Overlay {
                    overlay_files.push(name);
                }
                layers.insert(layer, inode);
            }
            PoolFile::Dirty(id) => drop(marks.insert(id)),
            PoolFile::Foreign => {}
        }
    }
    // An overlay was renamed into place over the frozen file, which was about to lose its volume's name.
    for id in flat.intersection(&overlays) {
        remove(dir, &name::volume(id, LayerFormat::Flat))?;
    }
    for id in marks.iter().filter(|id| !flat.contains(*id) && !overlays.contains(*id)) {
        remove(dir, &name::dirty_mark(&name::volume(id, LayerFormat::Flat)))?;
    }
    if count(dir, &overlay_files, &mut layers) {
        layers.sweep(dir)?;
    }
    disk::sync_dir(dir)?;
    Ok(layers)
}

/// Counts who reads which layer; `false` when that cannot be known for all, so that none may be removed.
fn count(dir: &Path, overlay_files: &[String], layers: &mut Layers) -> bool {
    let mut complete = true;
    for name in overlay_files {
        match Header::read_path(&dir.join(name)) {
            Ok(Header { parent: Some(parent), .. }) => {
                if !layers.add_ref(&parent) {
                    tracing::error!(
                        overlay = name,
                        layer = parent.as_str(),
                        "the layer of an overlay is missing"
                    );
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(overlay = name, %error, "cannot read an overlay; layers nobody reads stay where they are");
                complete = false;
            }
        }
    }
    complete
}

fn remove(dir: &Path, name: &str) -> Result<()> {
    let path = dir.join(name);
    tracing::info!(path = %path.display(), "removing what an interrupted operation left");
    fs::remove_file(&path).or_io("remove", &path)
}
