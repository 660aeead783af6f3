// SPDX-License-Identifier: Apache-2.0
//! Which frozen layers there are and how many overlays read each.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::error::IoContext;
use crate::header::Header;
use crate::name::LayerName;
use crate::{LayerFormat, Result, crash};

/// The layers of a pool; what the directory says, counted.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    known: HashMap<LayerName, Layer>,
}

#[derive(Debug)]
struct Layer {
    /// Overlay files, volumes' and layers', whose header names it.
    refs: usize,
    inode: u64,
}

impl Layers {
    pub(crate) fn insert(&mut self, name: LayerName, inode: u64) {
        self.known.insert(name, Layer { refs: 0, inode });
    }

    /// Counts one more overlay over the layer; `false` when there is no such layer.
    pub(crate) fn add_ref(&mut self, name: &LayerName) -> bool {
        self.known.get_mut(name).map(|layer| layer.refs += 1).is_some()
    }

    pub(crate) fn refs(&self, name: &LayerName) -> usize {
        self.known.get(name).map_or(0, |layer| layer.refs)
    }

    /// The layer that is another name of a volume's file.
    pub(crate) fn of_inode(&self, inode: u64) -> Option<&LayerName> {
        self.known.iter().find(|(_, layer)| layer.inode == inode).map(|(name, _)| name)
    }

    pub(crate) fn refs_of_inode(&self, inode: u64) -> Option<usize> {
        self.of_inode(inode).map(|name| self.refs(name))
    }

    /// Counts one overlay less over the layer and removes what nobody reads any more, down the chain.
    pub(crate) fn release(&mut self, dir: &Path, name: &LayerName) -> Result<()> {
        let mut next = Some(name.clone());
        while let Some(name) = next.take() {
            let Some(layer) = self.known.get_mut(&name) else { break };
            layer.refs = layer.refs.saturating_sub(1);
            if layer.refs == 0 {
                next = self.discard(dir, &name)?;
            }
        }
        Ok(())
    }

    /// Removes a layer nobody reads; answers the one it stood on, which still counts it.
    fn discard(&mut self, dir: &Path, name: &LayerName) -> Result<Option<LayerName>> {
        let path = dir.join(name.as_str());
        let parent = match name.format() {
            LayerFormat::Overlay => Header::read_path(&path)?.parent,
            LayerFormat::Flat => None,
        };
        fs::remove_file(&path).or_io("remove", &path)?;
        self.known.remove(name);
        crash::point("layer removed")?;
        Ok(parent)
    }

    /// Removes the layer, if any, that shares its file with a volume and is read by nobody.
    pub(crate) fn reap_inode(&mut self, dir: &Path, inode: u64) -> Result<()> {
        let unread = self.of_inode(inode).filter(|name| self.refs(name) == 0).cloned();
        if let Some(parent) = unread.map(|name| self.discard(dir, &name)).transpose()?.flatten() {
            self.release(dir, &parent)?;
        }
        Ok(())
    }

    /// Removes every layer nobody reads.
    pub(crate) fn sweep(&mut self, dir: &Path) -> Result<()> {
        while let Some(name) =
            self.known.iter().find(|(_, layer)| layer.refs == 0).map(|(name, _)| name.clone())
        {
            tracing::info!(layer = name.as_str(), "removing a layer no volume reads");
            if let Some(parent) = self.discard(dir, &name)? {
                self.release(dir, &parent)?;
            }
        }
        Ok(())
    }
}
