// SPDX-License-Identifier: Apache-2.0
//! Who may do what: the token validator, policy and limits the configuration asks for.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_auth::limits::{LimitEndpoint, LimitSource};
use scurry_auth::policy::{Policy, glance};
use scurry_auth::{AuthSettings, TokenValidator};
use scurry_config::{AuthMethod, DomainSetting, GlanceConf, KeystoneAuth};
use scurry_image::ports::{Limits, LimitsError};
use scurry_openstack_client::{
    AuthMethod as ClientMethod, Credentials, DomainRef, Interface, PrincipalRef, Session, SessionOptions,
};
use scurry_types::ProjectId;

use crate::failure::Failure;

/// Validates tokens as `[keystone_authtoken]` says.
pub(super) fn validator(conf: &GlanceConf) -> Result<TokenValidator, Failure> {
    let Some(authtoken) = &conf.keystone_authtoken else {
        return Err(Failure::plain(
            "[keystone_authtoken] auth_url is not set: who may call cannot be found out",
        ));
    };
    let session = SessionOptions {
        region: authtoken.region_name.clone(),
        interface: authtoken.interface.as_deref().and_then(Interface::parse).unwrap_or_default(),
        cafile: authtoken.cafile.clone(),
        insecure: authtoken.insecure,
        retries: authtoken.request_max_retries,
        ..SessionOptions::default()
    };
    let settings = AuthSettings {
        www_authenticate_uri: authtoken.www_authenticate_uri.clone(),
        token_cache_time: authtoken.token_cache_time,
        service_token_roles: authtoken.service_token_roles.clone(),
        service_token_roles_required: authtoken.service_token_roles_required,
        ..AuthSettings::new(credentials(&authtoken.auth), session)
    };
    TokenValidator::new(settings).map_err(|error| Failure::new("[keystone_authtoken] cannot be used", error))
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
    let options = SessionOptions {
        cafile: limit.cafile.clone(),
        insecure: limit.insecure,
        ..SessionOptions::default()
    };
    let session = Session::new(credentials(&limit.auth), options)
        .map_err(|error| Failure::new("[oslo_limit] cannot be used", error))?;
    let endpoint = match &limit.endpoint_id {
        Some(id) => LimitEndpoint::Id(id.clone()),
        None => LimitEndpoint::Service {
            service_type: limit.endpoint_service_type.clone(),
            name: limit.endpoint_service_name.clone(),
            region: limit.endpoint_region_name.clone(),
            interface: limit.endpoint_interface.clone(),
        },
    };
    Ok(Some(Arc::new(KeystoneLimits(LimitSource::new(session, endpoint)))))
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

/// An account of the configuration as the client knows accounts.
fn credentials(auth: &KeystoneAuth) -> Credentials {
    let domain =
        |domain: &DomainSetting| DomainRef::from_settings(domain.id.as_deref(), domain.name.as_deref());
    let principal = |name: &str, is_id: bool, of: &DomainSetting| {
        if is_id { PrincipalRef::Id(name.to_owned()) } else { PrincipalRef::named(name, domain(of)) }
    };
    let method = match &auth.method {
        AuthMethod::Password {
            user,
            user_is_id,
            user_domain,
            password,
            project,
            project_is_id,
            project_domain,
        } => ClientMethod::Password {
            user: principal(user, *user_is_id, user_domain),
            password: password.clone(),
            project: project.as_ref().map(|project| principal(project, *project_is_id, project_domain)),
        },
        AuthMethod::ApplicationCredential { id, secret } => {
            ClientMethod::ApplicationCredential { id: id.clone(), secret: secret.clone() }
        }
    };
    Credentials { auth_url: auth.auth_url.clone(), method, system_scope: auth.system_scope }
}
