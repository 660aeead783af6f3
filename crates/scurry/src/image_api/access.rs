// SPDX-License-Identifier: Apache-2.0
//! Who may do what: the token validator, policy and limits the configuration asks for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scurry_auth::limits::LimitSource;
use scurry_auth::middleware::Callers;
use scurry_auth::policy::{Policy, PolicyFiles, glance};
use scurry_auth::{AuthSettings, TokenValidator};
use scurry_config::{Authentication, GlanceConf};
use scurry_image::ports::{Limits, LimitsError};
use scurry_image_http::HttpSettings;
use scurry_types::ProjectId;

use crate::failure::Failure;

/// How often the policy files are looked at.
const POLICY_LOOK: Duration = Duration::from_secs(2);

/// How callers are known, as the pipeline says.
pub(super) fn callers(conf: &GlanceConf) -> Result<Callers, Failure> {
    let anonymous = conf.allow_anonymous_access;
    Ok(match conf.pipeline.authentication {
        Authentication::Keystone => Callers::Keystone { validator: validator(conf)?, anonymous },
        Authentication::Headers => {
            tracing::warn!("callers are taken from identity headers: whoever reaches the socket is believed");
            let keystone = conf.keystone_authtoken.as_ref();
            let www_authenticate_uri = keystone.map(|keystone| keystone.www_authenticate_uri.clone());
            Callers::Headers { anonymous, www_authenticate_uri }
        }
        Authentication::Unauthenticated if says_nothing(conf) => {
            return Err(Failure::plain(
                "[keystone_authtoken] auth_url is not set and [paste_deploy] flavor names no pipeline: who may call \
                 cannot be found out",
            ));
        }
        Authentication::Unauthenticated => {
            tracing::warn!("nobody is asked who they are: the policy decides about callers without roles");
            Callers::Unauthenticated
        }
    })
}

/// Whether nothing in the files says that nobody shall be asked.
fn says_nothing(conf: &GlanceConf) -> bool {
    !conf.pipeline.cache && conf.pipeline.paste_file.is_none()
}

/// Refuses to believe headers that anybody on the network could send.
pub(crate) fn check_trust(conf: &GlanceConf, local: bool) -> Result<(), Failure> {
    if conf.pipeline.authentication == Authentication::Headers && !local {
        return Err(Failure::plain(
            "[scurry] trusted_headers needs a socket that only this machine reaches: set [DEFAULT] bind_host to \
             127.0.0.1, ::1 or unix:/path",
        ));
    }
    Ok(())
}

/// What Glance's middleware is told, for the HTTP edge.
pub(super) fn front(conf: &GlanceConf) -> HttpSettings {
    HttpSettings {
        healthcheck: conf.healthcheck.clone(),
        listen_port: conf.bind_port,
        cors: conf.pipeline.cors.then(|| conf.cors.clone()),
        proxy_headers: conf.enable_proxy_headers_parsing,
        ..HttpSettings::default()
    }
}

/// Validates tokens as `[keystone_authtoken]` says.
fn validator(conf: &GlanceConf) -> Result<TokenValidator, Failure> {
    let Some(authtoken) = &conf.keystone_authtoken else {
        return Err(Failure::plain(
            "[keystone_authtoken] auth_url is not set: who may call cannot be found out",
        ));
    };
    TokenValidator::new(AuthSettings::from_config(authtoken))
        .map_err(|error| Failure::new("[keystone_authtoken] cannot be used", error))
}

/// Glance's default rules with the operator's over them.
pub(crate) fn policy(conf: &GlanceConf) -> Result<Policy, Failure> {
    let cannot = |error| Failure::new("the policy cannot be used", error);
    let oslo = &conf.oslo_policy;
    let mut policy = Policy::new(glance::DEFAULTS)
        .map_err(cannot)?
        .with_enforce_scope(oslo.enforce_scope)
        .with_default_rule(&oslo.policy_default_rule);
    if !oslo.enforce_new_defaults {
        policy = policy.with_old_defaults(glance::OLD_DEFAULTS).map_err(cannot)?;
    }
    let files = PolicyFiles {
        file: oslo.policy_file.clone(),
        file_required: oslo.policy_file_required,
        dirs: oslo.policy_dirs.clone(),
    };
    policy.with_files(files).map_err(cannot)
}

/// Follows the policy files as they change, as long as somebody has the policy.
pub(super) fn follow(policy: &Arc<Policy>) {
    for doubt in policy.doubts() {
        tracing::warn!("policy: {doubt}");
    }
    let policy = Arc::downgrade(policy);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(POLICY_LOOK).await;
            let Some(policy) = policy.upgrade() else { return };
            let looked = tokio::task::spawn_blocking(move || {
                let looked = policy.refresh();
                (looked, policy)
            });
            match looked.await {
                Ok((Ok(true), policy)) => {
                    tracing::info!("the policy files changed; the new rules count");
                    for doubt in policy.doubts() {
                        tracing::warn!("policy: {doubt}");
                    }
                }
                Ok((Err(error), _)) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "the policy files changed and cannot be used; the rules stay");
                }
                Ok((Ok(false), _)) | Err(_) => {}
            }
        }
    });
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
