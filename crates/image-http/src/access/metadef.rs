// SPDX-License-Identifier: Apache-2.0
//! Policy of metadata definitions: who may not see a namespace is told that there is none.

use scurry_auth::policy::Target;
use scurry_image::ImageError;
use scurry_image::metadef::Namespace;

use crate::api::{Api, Asker};
use crate::error::ApiError;

impl Api {
    /// Whether a rule lets the caller act on a namespace, or on none in particular.
    pub(crate) fn may_define(&self, asker: &Asker, rule: &str, namespace: Option<&Namespace>) -> bool {
        let target = match namespace {
            Some(namespace) => {
                Target::new().with("project_id", &namespace.owner).with("visibility", namespace.visibility())
            }
            None => Target::new()
                .with_opt("project_id", asker.context.project_id.as_ref().map(|project| project.as_str())),
        };
        self.policy.check(rule, &asker.context, &target)
    }

    /// Lets the caller act, or says 403 to one who may see namespaces and 404 to one who may not.
    pub(crate) fn require_define(
        &self,
        asker: &Asker,
        rule: &str,
        namespace: Option<&Namespace>,
    ) -> Result<(), ApiError> {
        if self.may_define(asker, rule, namespace) {
            return Ok(());
        }
        if rule == "get_metadef_namespace" || !self.may_define(asker, "get_metadef_namespace", namespace) {
            return Err(ApiError::no_resource());
        }
        Err(ApiError::not_permitted(rule))
    }

    /// A namespace the caller may see and act on.
    pub(crate) async fn namespace_for(
        &self,
        asker: &Asker,
        rule: &str,
        name: &str,
    ) -> Result<Namespace, ApiError> {
        let namespace = match self.service.metadefs().namespace(&asker.caller, name).await {
            Err(ImageError::NotFound(_)) => {
                return Err(ApiError::not_found(format!("Namespace {name} not found")));
            }
            other => other?,
        };
        self.require_define(asker, rule, Some(&namespace))?;
        Ok(namespace)
    }
}
