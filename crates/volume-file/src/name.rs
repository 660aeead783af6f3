// SPDX-License-Identifier: Apache-2.0
//! Names of the files in a pool's directory.

use scurry_types::VolumeId;
use uuid::Uuid;

use crate::{LayerFormat, Result, VolumeError};

const OVERLAY: &str = ".overlay";
const DIRTY: &str = ".dirty";
const TMP: &str = ".tmp";

/// Name of a frozen layer's file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LayerName(String);

impl LayerName {
    pub(crate) fn fresh(format: LayerFormat) -> Self {
        Self(with_format(&format!("layer-{}", Uuid::new_v4()), format))
    }

    /// `None` unless the text is exactly what [`Self::fresh`] makes: a name out of a header is never trusted
    /// to stay inside the directory otherwise.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uuid = text.strip_prefix("layer-")?;
        let uuid = uuid.strip_suffix(OVERLAY).unwrap_or(uuid);
        (uuid.len() == 36 && Uuid::try_parse(uuid).is_ok()).then(|| Self(text.to_owned()))
    }

    pub(crate) fn format(&self) -> LayerFormat {
        if self.0.ends_with(OVERLAY) { LayerFormat::Overlay } else { LayerFormat::Flat }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a file of a pool's directory is, by its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PoolFile {
    Volume(VolumeId, LayerFormat),
    Layer(LayerName),
    Dirty(VolumeId),
    Temporary,
    Foreign,
}

impl PoolFile {
    pub(crate) fn classify(name: &str) -> Self {
        let volume = |rest: &str| Some(VolumeId::from(rest)).filter(|id| check(id).is_ok());
        if let Some(layer) = LayerName::parse(name) {
            return Self::Layer(layer);
        }
        let Some(rest) = name.strip_prefix("volume-") else { return Self::Foreign };
        let found = if rest.ends_with(TMP) {
            Some(Self::Temporary)
        } else if let Some(id) = rest.strip_suffix(OVERLAY) {
            volume(id).map(|id| Self::Volume(id, LayerFormat::Overlay))
        } else if let Some(id) = rest.strip_suffix(DIRTY) {
            volume(id).map(Self::Dirty)
        } else {
            volume(rest).map(|id| Self::Volume(id, LayerFormat::Flat))
        };
        found.unwrap_or(Self::Foreign)
    }
}

/// Refuses ids that are not safe as a part of a file name.
pub(crate) fn check(id: &VolumeId) -> Result<()> {
    let text = id.as_str();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(good) {
        Ok(())
    } else {
        Err(VolumeError::InvalidId(text.to_owned()))
    }
}

fn with_format(stem: &str, format: LayerFormat) -> String {
    match format {
        LayerFormat::Flat => stem.to_owned(),
        LayerFormat::Overlay => format!("{stem}{OVERLAY}"),
    }
}

/// File name of a volume.
pub(crate) fn volume(id: &VolumeId, format: LayerFormat) -> String {
    with_format(&format!("volume-{id}"), format)
}

/// File name under which a volume is built before it is renamed into place.
pub(crate) fn temporary(id: &VolumeId) -> String {
    format!("volume-{id}.{}{TMP}", Uuid::new_v4())
}

/// File name of the mark of a replica that may lag behind, from the name of the replica's own file.
pub(crate) fn dirty_mark(volume_file: &str) -> String {
    format!("{}{DIRTY}", volume_file.strip_suffix(OVERLAY).unwrap_or(volume_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_leave_the_directory_are_refused() {
        for bad in ["", "..", "a/b", "a.b", "é", "a\0b", &"x".repeat(65)] {
            assert!(check(&VolumeId::from(bad)).is_err(), "{bad:?}");
        }
        assert!(check(&VolumeId::from("3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11")).is_ok());
        assert!(LayerName::parse("layer-../../../../../../../../../etc/passwd").is_none());
    }

    #[test]
    fn names_are_read_back_as_what_they_were_made_for() {
        let id = VolumeId::from("a-1");
        for format in [LayerFormat::Flat, LayerFormat::Overlay] {
            assert_eq!(PoolFile::classify(&volume(&id, format)), PoolFile::Volume(id.clone(), format));
            let layer = LayerName::fresh(format);
            assert_eq!(layer.format(), format);
            assert_eq!(PoolFile::classify(layer.as_str()), PoolFile::Layer(layer.clone()));
            assert_eq!(PoolFile::classify(&dirty_mark(&volume(&id, format))), PoolFile::Dirty(id.clone()));
        }
        assert_eq!(PoolFile::classify(&temporary(&id)), PoolFile::Temporary);
        assert_eq!(PoolFile::classify("notes.txt"), PoolFile::Foreign);
        assert_eq!(PoolFile::classify("something.tmp"), PoolFile::Foreign);
    }
}
