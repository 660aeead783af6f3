// SPDX-License-Identifier: Apache-2.0
//! What a service needs to know to validate tokens.

use std::time::Duration;

use scurry_config::{AuthMethod as ConfAuthMethod, DomainSetting, KeystoneAuth, KeystoneAuthtoken};
use scurry_openstack_client::{AuthMethod, Credentials, DomainRef, Interface, PrincipalRef, SessionOptions};

/// `[keystone_authtoken]`, ready for use.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// The service's own account, which asks Keystone about tokens.
    pub credentials: Credentials,
    /// How to reach Keystone.
    pub session: SessionOptions,
    /// The address clients are told to get a token from.
    pub www_authenticate_uri: String,
    /// How long an answer of Keystone is believed.
    pub token_cache_time: Duration,
    /// The roles one of which makes a token a service token.
    pub service_token_roles: Vec<String>,
    /// Refuse calls whose service token has none of these roles, instead of ignoring that token.
    pub service_token_roles_required: bool,
}

impl AuthSettings {
    /// With keystonemiddleware's defaults: 300 s of cache, the role `service`, required.
    #[must_use]
    pub fn new(credentials: Credentials, session: SessionOptions) -> Self {
        Self {
            www_authenticate_uri: credentials.auth_url.clone(),
            credentials,
            session,
            token_cache_time: Duration::from_secs(300),
            service_token_roles: vec!["service".to_owned()],
            service_token_roles_required: true,
        }
    }

    /// As `[keystone_authtoken]` says.
    #[must_use]
    pub fn from_config(conf: &KeystoneAuthtoken) -> Self {
        let defaults = SessionOptions::default();
        Self {
            credentials: credentials(&conf.auth),
            session: SessionOptions {
                region: conf.region_name.clone(),
                interface: conf.interface.as_deref().and_then(Interface::parse).unwrap_or_default(),
                cafile: conf.cafile.clone(),
                insecure: conf.insecure,
                retries: conf.request_max_retries,
                connect_timeout: conf.connect_timeout.unwrap_or(defaults.connect_timeout),
                ..defaults
            },
            www_authenticate_uri: conf.www_authenticate_uri.clone(),
            token_cache_time: conf.token_cache_time,
            service_token_roles: conf.service_token_roles.clone(),
            service_token_roles_required: conf.service_token_roles_required,
        }
    }
}

/// An account of the configuration as the client's sessions take it.
#[must_use]
pub fn credentials(auth: &KeystoneAuth) -> Credentials {
    let method = match &auth.method {
        ConfAuthMethod::Password {
            user,
            user_is_id,
            user_domain,
            password,
            project,
            project_is_id,
            project_domain,
        } => AuthMethod::Password {
            user: principal(user, *user_is_id, user_domain),
            password: password.clone(),
            project: project.as_ref().map(|name| principal(name, *project_is_id, project_domain)),
        },
        ConfAuthMethod::ApplicationCredential { id, secret } => {
            AuthMethod::ApplicationCredential { id: id.clone(), secret: secret.clone() }
        }
    };
    Credentials { auth_url: auth.auth_url.clone(), method, system_scope: auth.system_scope }
}

fn principal(name: &str, is_id: bool, domain: &DomainSetting) -> PrincipalRef {
    if is_id {
        PrincipalRef::Id(name.to_owned())
    } else {
        PrincipalRef::named(name, DomainRef::from_settings(domain.id.as_deref(), domain.name.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scurry_config::{ConfigFiles, GlanceConf};

    use super::*;

    #[test]
    fn the_group_becomes_settings() {
        let text = "[keystone_authtoken]\nauth_url = http://k/identity\nwww_authenticate_uri = http://public/identity\n\
            username = glance\npassword = geheim\nproject_id = p1\nuser_domain_name = Default\ninterface = internal\n\
            token_cache_time = 10\ninsecure = yes\nhttp_connect_timeout = 7\n";
        let files = ConfigFiles::parse(Path::new("glance-api.conf"), text).unwrap();
        let conf = GlanceConf::load(&files).unwrap().keystone_authtoken.unwrap();
        let settings = AuthSettings::from_config(&conf);
        assert_eq!(settings.www_authenticate_uri, "http://public/identity");
        assert_eq!(settings.token_cache_time, Duration::from_secs(10));
        assert_eq!(settings.session.interface, Interface::Internal);
        assert!(settings.session.insecure);
        assert_eq!(settings.session.connect_timeout, Duration::from_secs(7));
        let AuthMethod::Password { user, project, .. } = &settings.credentials.method else {
            panic!("a password is expected")
        };
        assert_eq!(*user, PrincipalRef::named("glance", DomainRef::Name("Default".to_owned())));
        assert_eq!(*project, Some(PrincipalRef::Id("p1".to_owned())));
        assert!(!format!("{settings:?}").contains("geheim"));
    }

    #[test]
    fn the_account_may_be_in_a_section_of_its_own() {
        let text = "[keystone_authtoken]\nauth_section = glance_account\nregion_name = R\n[glance_account]\n\
            auth_url = http://k\nauth_type = v3applicationcredential\napplication_credential_id = ac1\n\
            application_credential_secret = geheim\n";
        let files = ConfigFiles::parse(Path::new("glance-api.conf"), text).unwrap();
        let conf = GlanceConf::load(&files).unwrap().keystone_authtoken.unwrap();
        let settings = AuthSettings::from_config(&conf);
        let method =
            AuthMethod::ApplicationCredential { id: "ac1".to_owned(), secret: "geheim".to_owned().into() };
        assert_eq!(settings.credentials.method, method);
        assert_eq!(settings.www_authenticate_uri, "http://k");
        assert_eq!(settings.session.region.as_deref(), Some("R"));
    }
}
