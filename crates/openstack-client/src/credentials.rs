// SPDX-License-Identifier: Apache-2.0
//! Who a session logs in as.

use scurry_types::Secret;
use serde_json::{Value, json};

/// A domain by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainRef {
    /// By id, such as `default`.
    Id(String),
    /// By name, such as `Default`.
    Name(String),
}

impl DomainRef {
    /// From the two optional settings; the id wins, and with neither it is the domain with id `default`.
    #[must_use]
    pub fn from_settings(id: Option<&str>, name: Option<&str>) -> Self {
        match (id, name) {
            (Some(id), _) => Self::Id(id.to_owned()),
            (None, Some(name)) => Self::Name(name.to_owned()),
            (None, None) => Self::Id("default".to_owned()),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name(name) => json!({ "name": name }),
        }
    }
}

/// A user or a project, by id or by name within a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalRef {
    /// By id.
    Id(String),
    /// By name within a domain.
    Name {
        /// The name.
        name: String,
        /// The domain the name belongs to.
        domain: DomainRef,
    },
}

impl PrincipalRef {
    /// By name within a domain.
    pub fn named(name: impl Into<String>, domain: DomainRef) -> Self {
        Self::Name { name: name.into(), domain }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name { name, domain } => json!({ "name": name, "domain": domain.to_json() }),
        }
    }
}

/// How a session proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod {
    /// User and password, scoped to a project when one is named.
    Password {
        /// The user.
        user: PrincipalRef,
        /// The user's password.
        password: Secret,
        /// The project the token is scoped to.
        project: Option<PrincipalRef>,
    },
    /// An application credential: its project is its own.
    ApplicationCredential {
        /// The credential's id.
        id: String,
        /// The credential's secret.
        secret: Secret,
    },
    /// A token got before, exchanged for one of the project.
    Token {
        /// That token.
        token: Secret,
        /// The project the new token is scoped to; the old one's when absent.
        project: Option<PrincipalRef>,
    },
}

/// Where and as whom to ask for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The Identity service, with or without the `/v3` at its end.
    pub auth_url: String,
    /// How to log in.
    pub method: AuthMethod,
    /// Ask for a token of the whole system instead of a project's.
    pub system_scope: bool,
}

impl Credentials {
    /// User and password with all names in one call; domains by name.
    pub fn password(
        auth_url: impl Into<String>,
        user: impl Into<String>,
        user_domain: DomainRef,
        password: Secret,
        project: Option<(String, DomainRef)>,
    ) -> Self {
        Self {
            auth_url: auth_url.into(),
            method: AuthMethod::Password {
                user: PrincipalRef::named(user, user_domain),
                password,
                project: project.map(|(name, domain)| PrincipalRef::named(name, domain)),
            },
            system_scope: false,
        }
    }

    /// An application credential.
    pub fn application_credential(
        auth_url: impl Into<String>,
        id: impl Into<String>,
        secret: Secret,
    ) -> Self {
        Self {
            auth_url: auth_url.into(),
            method: AuthMethod::ApplicationCredential { id: id.into(), secret },
            system_scope: false,
        }
    }

    /// The body of `POST /v3/auth/tokens`.
    pub(crate) fn request_body(&self) -> Value {
        let (identity, project) = match &self.method {
            AuthMethod::Password { user, password, project } => {
                let mut user = user.to_json();
                user["password"] = json!(password.expose());
                (json!({ "methods": ["password"], "password": { "user": user } }), project.as_ref())
            }
            AuthMethod::ApplicationCredential { id, secret } => (
                json!({
                    "methods": ["application_credential"],
                    "application_credential": { "id": id, "secret": secret.expose() },
                }),
                None,
            ),
            AuthMethod::Token { token, project } => {
                (json!({ "methods": ["token"], "token": { "id": token.expose() } }), project.as_ref())
            }
        };
        let mut auth = json!({ "identity": identity });
        if self.system_scope && matches!(self.method, AuthMethod::Password { .. }) {
            auth["scope"] = json!({ "system": { "all": true } });
        } else if let Some(project) = project {
            auth["scope"] = json!({ "project": project.to_json() });
        }
        json!({ "auth": auth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_request_has_names_domains_and_scope() {
        let credentials = Credentials::password(
            "http://controller/identity",
            "glance",
            DomainRef::Name("Default".to_owned()),
            Secret::new("pureuser"),
            Some(("service".to_owned(), DomainRef::Id("default".to_owned()))),
        );
        assert_eq!(
            credentials.request_body(),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": "glance", "domain": {"name": "Default"}, "password": "pureuser"}}},
                "scope": {"project": {"name": "service", "domain": {"id": "default"}}},
            }})
        );
        assert!(!format!("{credentials:?}").contains("pureuser"));
    }

    #[test]
    fn a_token_is_exchanged_for_one_of_the_project() {
        let method =
            AuthMethod::Token { token: Secret::new("t1"), project: Some(PrincipalRef::Id("p1".to_owned())) };
        let credentials = Credentials { auth_url: "http://k".to_owned(), method, system_scope: false };
        assert_eq!(
            credentials.request_body(),
            json!({"auth": {
                "identity": {"methods": ["token"], "token": {"id": "t1"}},
                "scope": {"project": {"id": "p1"}},
            }})
        );
        assert!(!format!("{credentials:?}").contains("t1"));
    }

    #[test]
    fn application_credential_has_no_scope() {
        let body = Credentials::application_credential("http://k", "ac1", Secret::new("s")).request_body();
        assert_eq!(
            body,
            json!({"auth": {"identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": "ac1", "secret": "s"},
            }}})
        );
    }
}
