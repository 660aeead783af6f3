// SPDX-License-Identifier: Apache-2.0
//! The urls of volumes: `cinder://<store>/<volume>`, and `cinder://<volume>` from before there were several stores.

use scurry_types::{StoreId, VolumeId};

const SCHEME: &str = "cinder://";

/// A url taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeLocation {
    /// The store the url names; absent in a url of the old form.
    pub store: Option<StoreId>,
    /// The volume.
    pub volume: VolumeId,
}

/// The url is not one of a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the url of a volume: cinder://<store>/<volume id> is expected")]
pub struct InvalidVolumeUrl(pub String);

impl VolumeLocation {
    /// Takes a url apart. The volume id has to be a UUID, so that no url leads to another resource of the API.
    ///
    /// # Errors
    /// [`InvalidVolumeUrl`] for any other shape.
    pub fn parse(url: &str) -> Result<Self, InvalidVolumeUrl> {
        let invalid = || InvalidVolumeUrl(url.to_owned());
        let rest = url.strip_prefix(SCHEME).ok_or_else(invalid)?;
        let (store, volume) = match rest.split_once('/') {
            Some((store, volume)) => (Some(store), volume),
            None => (None, rest),
        };
        if volume.len() != 36 || uuid::Uuid::try_parse(volume).is_err() || store == Some("") {
            return Err(invalid());
        }
        Ok(Self { store: store.map(StoreId::from), volume: VolumeId::from(volume) })
    }

    /// The url of a volume in a store.
    #[must_use]
    pub fn url(store: &StoreId, volume: &str) -> String {
        format!("{SCHEME}{store}/{volume}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: &str = "3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11";

    #[test]
    fn both_forms_are_read() {
        let new = VolumeLocation::parse(&VolumeLocation::url(&"pure2".into(), VOLUME)).unwrap();
        assert_eq!(new.store, Some("pure2".into()));
        assert_eq!(new.volume.as_str(), VOLUME);
        let old = VolumeLocation::parse(&format!("cinder://{VOLUME}")).unwrap();
        assert_eq!((old.store, old.volume.as_str()), (None, VOLUME));
    }

    #[test]
    fn other_shapes_are_refused() {
        for url in [
            "file:///x",
            "cinder://",
            "cinder:///",
            "cinder://pure2/",
            "cinder://pure2/../../types",
            "cinder://pure2/x/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11",
            "cinder:///3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11",
            "cinder://pure2/3f0e1c9a5d0b4f9b9a530f8e4b7f2d11",
        ] {
            assert!(VolumeLocation::parse(url).is_err(), "{url}");
        }
    }
}
