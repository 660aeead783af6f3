// SPDX-License-Identifier: Apache-2.0
//! Metadata definitions, `/v2/metadefs`: one file a resource.

pub(crate) mod namespaces;
pub(crate) mod objects;
pub(crate) mod properties;
pub(crate) mod resource_types;
pub(crate) mod tags;

use crate::api::Named;

impl Named {
    /// The first two names of a path.
    fn pair(self) -> (String, String) {
        let mut names = self.0.into_iter();
        (names.next().unwrap_or_default(), names.next().unwrap_or_default())
    }
}
