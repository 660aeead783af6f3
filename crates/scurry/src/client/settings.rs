// SPDX-License-Identifier: Apache-2.0
//! How to reach a cloud, under the names clouds.yaml has; the OS_* variables have the same ones.

use std::collections::BTreeMap;
use std::fmt;

use scurry_openstack_client::{
    AuthMethod, Credentials, DomainRef, Interface, PrincipalRef, Secret, Session, SessionOptions,
};

use crate::failure::Failure;

/// Names and values; empty values are as good as none.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// The OS_* ones of these variables.
    pub(crate) fn of_environment(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut settings = Self::default();
        for (name, value) in variables {
            if let Some(name) = name.strip_prefix("OS_") {
                settings.set(&name.to_ascii_lowercase(), &value);
            }
        }
        settings
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = match name {
            "user_name" => "username",
            "tenant_name" => "project_name",
            "tenant_id" => "project_id",
            "endpoint_type" => "interface",
            other => other,
        };
        if !value.is_empty() {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there is an Identity service to ask for a token.
    pub(crate) fn logs_in(&self) -> bool {
        !matches!(self.get("auth_type"), Some("none" | "noauth" | "admin_token"))
    }

    /// A session that logs in when its first call is made.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let credentials = Credentials {
            auth_url: self.needed("auth_url")?.to_owned(),
            method: self.method()?,
            system_scope: self.get("system_scope") == Some("all"),
        };
        Session::new(credentials, self.options()?)
            .map_err(|error| Failure::new("cannot use the cloud's auth_url", error))
    }

    /// Region, interface and certificates.
    pub(crate) fn options(&self) -> Result<SessionOptions, Failure> {
        let interface = self.get("interface").map_or(Ok(Interface::Public), |text| {
            Interface::parse(text).ok_or_else(|| {
                Failure::plain(format!("the interface {text:?} is none of public, internal and admin"))
            })
        })?;
        let is = |name, word: &str| self.get(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        Ok(SessionOptions {
            region: self.get("region_name").map(str::to_owned),
            interface,
            cafile: self.get("cacert").map(Into::into),
            insecure: is("verify", "false") || is("insecure", "true"),
            ..SessionOptions::default()
        })
    }

    fn method(&self) -> Result<AuthMethod, Failure> {
        let given = |name| self.get(name).is_some();
        let guessed = if given("application_credential_secret") {
            "v3applicationcredential"
        } else if given("token") && !given("password") {
            "token"
        } else {
            "password"
        };
        match self.get("auth_type").unwrap_or(guessed) {
            "v3applicationcredential" => Ok(AuthMethod::ApplicationCredential {
                id: self.needed("application_credential_id")?.to_owned(),
                secret: Secret::new(self.needed("application_credential_secret")?),
            }),
            "token" | "v3token" => Ok(AuthMethod::Token {
                token: Secret::new(self.needed("token")?),
                project: self.principal("project_id", "project_name", "project"),
            }),
            "password" | "v3password" => Ok(AuthMethod::Password {
                user: match self.principal("user_id", "username", "user") {
                    Some(user) => user,
                    None => PrincipalRef::Id(self.needed("username")?.to_owned()),
                },
                password: Secret::new(self.needed("password")?),
                project: self.principal("project_id", "project_name", "project"),
            }),
            other => Err(Failure::plain(format!(
                "logging in by {other:?} is not possible: password, token, v3applicationcredential and none are"
            ))),
        }
    }

    fn principal(&self, id: &str, name: &str, whose: &str) -> Option<PrincipalRef> {
        if let Some(id) = self.get(id) {
            return Some(PrincipalRef::Id(id.to_owned()));
        }
        let domain = |what: &str| {
            self.get(&format!("{whose}_domain_{what}"))
                .or_else(|| self.get(&format!("default_domain_{what}")))
                .or_else(|| if what == "name" { self.get("default_domain") } else { None })
        };
        let name = self.get(name)?;
        Some(PrincipalRef::named(name, DomainRef::from_settings(domain("id"), domain("name"))))
    }

    fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| {
            Failure::plain(format!(
                "no cloud is known: OS_{} is not set. Name an entry of clouds.yaml (--os-cloud NAME, or OS_CLOUD) or \
                 source an openrc file, such as DATA_DIR/admin-openrc of `scurry up`",
                name.to_uppercase()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::of_environment(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_is_given_decides_how_to_log_in() {
        let password = settings(&[
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
            ("OS_TENANT_NAME", "t"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(
            password.method().unwrap(),
            AuthMethod::Password {
                user: PrincipalRef::named("u", DomainRef::Id("default".to_owned())),
                password: Secret::new("p"),
                project: Some(PrincipalRef::named("t", DomainRef::Id("default".to_owned()))),
            }
        );
        let credential =
            settings(&[("OS_APPLICATION_CREDENTIAL_ID", "a"), ("OS_APPLICATION_CREDENTIAL_SECRET", "s")]);
        assert!(matches!(credential.method().unwrap(), AuthMethod::ApplicationCredential { .. }));
        let token = settings(&[("OS_TOKEN", "t"), ("OS_PROJECT_ID", "p")]);
        let project = Some(PrincipalRef::Id("p".to_owned()));
        assert_eq!(token.method().unwrap(), AuthMethod::Token { token: Secret::new("t"), project });
        assert!(settings(&[("OS_AUTH_TYPE", "v3oidcpassword")]).method().is_err());
    }

    #[test]
    fn what_is_missing_is_named_and_no_secret_is_shown() {
        let error = settings(&[("OS_USERNAME", "u")]).method().unwrap_err();
        assert!(error.to_string().contains("OS_PASSWORD"), "{error}");
        assert!(settings(&[("OS_INTERFACE", "none")]).options().is_err());
        assert!(!format!("{:?}", settings(&[("OS_PASSWORD", "hidden")])).contains("hidden"));
    }
}
