// SPDX-License-Identifier: Apache-2.0
//! Taking away what a write left in a store although no image names it.

use chrono::{TimeDelta, Utc};
use scurry_jobs::NewJob;
use scurry_store::{Store, StoreError, StoreErrorKind};
use scurry_types::{ImageId, JobId, StoreId};
use serde_json::json;

use super::Answer;
use super::core::Core;
use super::jobs::CLEAR;
use crate::error::ImageError;
use crate::ports::{Change, Purpose, WriteRow};

/// The same object under two urls: stores may prefix a volume's or file's name in more than one way.
fn same_object(one: &str, other: &str) -> bool {
    fn parts(url: &str) -> (&str, &str) {
        (url.split(':').next().unwrap_or(""), url.rsplit('/').next().unwrap_or(""))
    }
    // Files of two stores may have the same name in different directories.
    one == other || (parts(one) == parts(other) && !one.starts_with("file:") && !one.starts_with("memory:"))
}

impl Core {
    /// Objects a store holds for an image that neither its locations nor other writes name.
    pub(super) async fn unnamed(
        &self,
        store: &dyn Store,
        image_id: &ImageId,
        write: Option<&WriteRow>,
    ) -> Answer<Vec<String>> {
        let mut urls = store.find(image_id).await.map_err(ImageError::Store)?;
        // The journal is read before the image: a write that is completed between the two is found in the one or the
        // other.
        let mut named: Vec<String> = Vec::new();
        let mut later = write.is_none();
        for row in self.images.journal(Some(image_id), None).await? {
            if write.is_some_and(|write| write.id == row.id) {
                later = true;
                continue;
            }
            if later && row.url.is_none() && row.store.as_ref() == Some(&store.facts().id) {
                return Err(ImageError::Unavailable {
                    text: format!(
                        "another write of image {image_id} to store {} has begun",
                        store.facts().id
                    ),
                    retry_after: None,
                });
            }
            named.extend(row.url);
        }
        if let Some(url) = write.and_then(|row| row.url.clone())
            && !urls.contains(&url)
        {
            urls.push(url);
        }
        if let Some(image) = self.images.get(image_id).await? {
            named.extend(image.locations.into_iter().map(|location| location.url));
        } else {
            // Those belong to the scrubber, until the image is restored or gone for good.
            let pending = self.images.pending_locations(image_id).await?;
            named.extend(pending.into_iter().map(|location| location.url));
        }
        urls.retain(|url| !named.iter().any(|one| same_object(one, url)));
        Ok(urls)
    }

    /// Removes an object; one that is gone already is fine.
    pub(super) async fn remove_object(store: &dyn Store, url: &str) -> Result<(), StoreError> {
        match store.delete(url).await {
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes what a store holds for an image without its being named anywhere. Only for whoever holds the
    /// image: nobody else may be writing to that store for it.
    pub(super) async fn clear_store(
        &self,
        store: &dyn Store,
        image: &ImageId,
        write: Option<&WriteRow>,
    ) -> Answer<()> {
        for url in self.unnamed(store, image, write).await? {
            tracing::info!(image.id = %image, store.id = %store.facts().id, url, "an unfinished object is removed");
            Self::remove_object(store, &url).await.map_err(ImageError::Store)?;
        }
        Ok(())
    }

    /// Removes what a write left and forgets the write.
    pub(super) async fn clear_write(&self, row: &WriteRow) -> Answer<()> {
        match &row.store {
            None => self.remove_unfinished_stage(&row.image).await?,
            Some(id) => match self.stores.get(id.as_str()) {
                Some(store) => self.clear_store(store.as_ref(), &row.image, Some(row)).await?,
                None => {
                    tracing::warn!(store.id = %id, image.id = %row.image, url = row.url, "a write to a store that is not enabled any more cannot be cleared");
                    return Ok(());
                }
            },
        }
        self.crash.pass("clear.before-journal").await;
        self.images.journal_clear(&row.id).await?;
        Ok(())
    }

    /// Whether a write still stands in the journal; else another node took its writer for dead and cleared up.
    pub(super) async fn is_journaled(&self, row: &WriteRow) -> Answer<bool> {
        let rows = self.images.journal(Some(&row.image), None).await?;
        Ok(rows.iter().any(|one| one.id == row.id))
    }

    /// [`Core::clear_write`] for each; what cannot be cleared now is left to a job.
    pub(super) async fn clear_writes(&self, rows: &[WriteRow]) {
        for row in rows {
            let Err(error) = self.clear_write(row).await else { continue };
            tracing::warn!(image.id = %row.image, error = error.reason(), "an unfinished object is left to a job");
            if let Err(error) = self.jobs.enqueue(&clear_job(row)).await {
                // The journal still has it: the next start clears it.
                tracing::error!(image.id = %row.image, error = %error.source, "that job cannot be enqueued");
            }
        }
    }

    /// Steps that hand an object over to be removed: from then on no image names it, but the journal does.
    pub(super) fn disown(&self, image: &ImageId, store: &StoreId, url: &str) -> (WriteRow, [Change; 2]) {
        let mut row = WriteRow::begin(image, Some(store), &self.settings.node_id, Purpose::Undo);
        row.url = Some(url.to_owned());
        let steps = [Change::RemoveLocation(url.to_owned()), Change::Journal(row.clone())];
        (row, steps)
    }
}

/// A job that clears a write that nobody works on any more, on whatever node.
pub(super) fn clear_job(row: &WriteRow) -> NewJob {
    NewJob {
        id: JobId::random(),
        kind: CLEAR.to_owned(),
        image_id: Some(row.image.clone()),
        payload: json!({"write": row.id}),
        claimed: None,
        kept_for: row.store.is_none().then(|| (row.node.clone(), Utc::now() + TimeDelta::days(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::same_object;

    #[test]
    fn volumes_are_the_same_whatever_store_names_them() {
        assert!(same_object("cinder://pure1/v1", "cinder://v1"));
        assert!(!same_object("cinder://pure1/v1", "cinder://pure1/v2"));
        assert!(!same_object("file:///a/i1", "file:///b/i1"));
        assert!(same_object("file:///a/i1", "file:///a/i1"));
    }
}
