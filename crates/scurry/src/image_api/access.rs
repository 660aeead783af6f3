// SPDX-License-Identifier: Apache-2.0
//! Who may do what: the token validator, policy and limits the configuration asks for.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_auth::limits::LimitSource;
use scurry_auth::policy::{Policy, glance};
use scurry_auth::{AuthSettings, TokenValidator};
use scurry_config::GlanceConf;
use scurry_image::ports::{Limits, LimitsError};
use scurry_types::ProjectId;

use crate::failure::Failure;

/// Validates tokens as `[keystone_authtoken]` says.
pub(super) fn validator(conf: &GlanceConf) -> Result<TokenValidator, Failure> {
    let Some(authtoken) = &conf.keystone_authtoken else {
        return Err(Failure::plain(
            "[keystone_authtoken] auth_url is not set: who may call cannot be found out",
        ));
    };
    TokenValidator::new(AuthSettings::from_config(authtoken))
        .map_err(|error| Failure::new("[keystone_authtoken] cannot be used", error))
}

/// Glance's default rules with the operator's over them.
pub(super) fn policy(conf: &GlanceConf) -> Result<Policy, Failure> {
    let cannot = |error| Failure::new("the policy cannot be used", error);
    let mut policy =
        Policy::new(glance::DEFAULTS).map_err(cannot)?.with_enforce_scope(conf.oslo_policy.enforce_scope);
    if let Some(file) = &conf.oslo_policy.policy_file {
        policy.load_file(file).map_err(cannot)?;
    }
    for dir in &conf.oslo_policy.policy_dirs {
        policy.load_dir(dir).map_err(cannot)?;
    }
    Ok(policy)
}

/// Keystone's limits, when `use_keystone_limits` is on.
pub(super) fn limits(conf: &GlanceConf) -> Result<Option<Arc<dyn Limits>>, Failure> {
    let Some(limit) = &conf.oslo_limit else { return Ok(None) };
    let source = LimitSource::from_config(limit)
        .map_err(|error| Failure::new("[oslo_limit] cannot be used", error))?;
    Ok(Some(Arc::new(KeystoneLimits(source))))
}

/// The image crate's port on the identity service's limits.
#[derive(Debug)]
struct KeystoneLimits(LimitSource);

#[async_trait]
impl Limits for KeystoneLimits {
    async fn limit(&self, project: &ProjectId, resource: &str) -> Result<i64, LimitsError> {
        self.0
            .limit(project, resource)
            .await
            .map_err(|error| LimitsError { project: project.clone(), source: Box::new(error) })
    }
}
