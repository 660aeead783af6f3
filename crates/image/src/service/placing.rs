// SPDX-License-Identifier: Apache-2.0
//! The stores of locations that name none, found once and written: those of a Glance that had one store, or whose
//! stores were renamed. Glance does the same whenever it reads such an image.

use serde_json::Value;

use super::Answer;
use super::core::Core;
use crate::image::ImageLocation;
use crate::ports::Placed;

/// What may be asked to find a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nobody: the address tells.
    Nobody,
    /// Block storage: a volume's type tells.
    Volumes,
}

impl Core {
    /// Finds and writes them. What lies in no store is left as it is.
    pub(super) async fn place_locations(&self, ask: Ask) -> Answer<()> {
        let stores: Vec<_> = self.stores.iter().map(|store| store.facts().id.clone()).collect();
        let (mut last, mut found, mut left) = (0, 0_usize, 0_usize);
        loop {
            let page = self.images.unplaced_locations(&stores, last).await?;
            let Some(end) = page.last() else { break };
            last = end.row;
            let mut placed = Vec::new();
            for was in page {
                match self.placed(&was.location, ask).await {
                    Some(location) => placed.push(Placed { was, location }),
                    None => left += 1,
                }
            }
            found += placed.len();
            if !placed.is_empty() {
                self.images.place_locations(&placed).await?;
            }
        }
        if found > 0 || (left > 0 && ask == Ask::Volumes) {
            tracing::info!(found, left, "locations that named no store of this configuration");
        }
        Ok(())
    }

    async fn placed(&self, location: &ImageLocation, ask: Ask) -> Option<ImageLocation> {
        let (scheme, rest) = location.url.split_once("://")?;
        let kind = if scheme.eq_ignore_ascii_case("https") { "http" } else { scheme };
        // A volume's address names the store, or nobody but its type does.
        let named = rest.split_once('/').map(|(named, _)| named).filter(|_| kind == "cinder");
        for store in self.stores.iter().filter(|store| store.facts().kind.eq_ignore_ascii_case(kind)) {
            let id = &store.facts().id;
            let is_there = match (named, kind) {
                (Some(named), _) => named == id.as_str(),
                (None, "cinder") if ask == Ask::Nobody => false,
                (None, _) => store.holds(&location.url).await.unwrap_or_default(),
            };
            if !is_there {
                continue;
            }
            let url = match (named, kind) {
                (None, "cinder") => format!("{scheme}://{id}/{rest}"),
                _ => location.url.clone(),
            };
            let mut metadata = location.metadata.clone();
            metadata.insert("store".to_owned(), Value::from(id.as_str()));
            return Some(ImageLocation { url, metadata, status: location.status.clone() });
        }
        None
    }
}
