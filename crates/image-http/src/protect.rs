// SPDX-License-Identifier: Apache-2.0
//! Property protections at the edge: what is hidden from a caller, and what a caller may write.

use std::collections::BTreeMap;

use scurry_auth::policy::PropertyAction;
use scurry_image::{Filter, PatchOp, PropertyRights};

use crate::api::{Api, Asker};
use crate::error::ApiError;
use crate::names;

impl Api {
    /// Whether the caller may do that with an additional property.
    pub(crate) fn may_touch(&self, asker: &Asker, action: PropertyAction, name: &str) -> bool {
        let protections = self.http.property_protections.as_ref();
        protections.is_none_or(|rules| rules.permit(action, name, &asker.context, &self.policy))
    }

    /// Lets the caller create an image with these properties, or says 403 for the first one that is kept from it.
    pub(crate) fn require_properties<'a>(
        &self,
        asker: &Asker,
        mut properties: impl Iterator<Item = &'a String>,
    ) -> Result<(), ApiError> {
        match properties.find(|name| !self.may_touch(asker, PropertyAction::Create, name)) {
            Some(name) => Err(names::reserved(name)),
            None => Ok(()),
        }
    }

    /// The caller's rights on the properties that operations name.
    pub(crate) fn property_rights(&self, asker: &Asker, ops: &[PatchOp]) -> BTreeMap<String, PropertyRights> {
        if self.http.property_protections.is_none() {
            return BTreeMap::new();
        }
        let rights = |name: &String| PropertyRights {
            create: self.may_touch(asker, PropertyAction::Create, name),
            read: self.may_touch(asker, PropertyAction::Read, name),
            update: self.may_touch(asker, PropertyAction::Update, name),
            delete: self.may_touch(asker, PropertyAction::Delete, name),
        };
        ops.iter().filter_map(|op| op.path.first()).map(|name| (name.clone(), rights(name))).collect()
    }

    /// A filter on a property that is kept from the caller finds nothing: what it finds would tell the value.
    pub(crate) fn hide_filters(&self, asker: &Asker, filters: &mut [Filter]) {
        for filter in filters {
            if matches!(filter, Filter::Property(name, _) if !self.may_touch(asker, PropertyAction::Read, name))
            {
                *filter = Filter::Nothing;
            }
        }
    }
}
