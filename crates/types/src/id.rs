// SPDX-License-Identifier: Apache-2.0
//! Identifiers as types of their own, so that a volume's id is never passed where an image's belongs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name chosen by another service or by the operator: any text, compared byte by byte.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// An identifier from `enabled_backends`: the name of one place images are kept.
    StoreId
);
text_id!(
    /// A volume of the block-storage service.
    VolumeId
);
text_id!(
    /// A project (tenant) of the identity service.
    ProjectId
);
text_id!(
    /// A user of the identity service.
    UserId
);
text_id!(
    /// A durable job; for imports also the id of the task clients see.
    JobId
);

impl JobId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

/// An image's id: a UUID, kept in the spelling its creator gave (Glance accepts any case).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageId(String);

/// The text is not a UUID of 36 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an image id: a UUID such as 3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11 is expected")]
pub struct InvalidImageId(pub String);

impl ImageId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// The id as its creator spelled it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageId {
    type Err = InvalidImageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidImageId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for ImageId {
    type Error = InvalidImageId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ImageId> for String {
    fn from(id: ImageId) -> Self {
        id.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_ids_are_hyphenated_uuids_of_any_case() {
        assert!("3F0E1C9A-5d0b-4f9b-9a53-0f8e4b7f2d11".parse::<ImageId>().is_ok());
        assert!("3f0e1c9a5d0b4f9b9a530f8e4b7f2d11".parse::<ImageId>().is_err());
        assert!("../../../../../../../../etc/passwd/x".parse::<ImageId>().is_err());
    }
}
