// SPDX-License-Identifier: Apache-2.0
//! Credentials from the environment, as an openrc file sets them.

use scurry_openstack_client::{
    AuthMethod, Credentials, DomainRef, PrincipalRef, Secret, Session, SessionOptions,
};

use crate::failure::Failure;

/// The session of the OS_* variables an openrc file sets.
pub(crate) fn session() -> Result<Session, Failure> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let needed = |name: &str| {
        given(name).ok_or_else(|| {
            Failure::plain(format!(
                "{name} is not set: source an openrc file first, such as DATA_DIR/admin-openrc"
            ))
        })
    };
    let domain =
        |id: &str, name: &str| DomainRef::from_settings(given(id).as_deref(), given(name).as_deref());
    let named = |id: Option<String>, name: Option<String>, domain: DomainRef| match (id, name) {
        (Some(id), _) => Some(PrincipalRef::Id(id)),
        (None, Some(name)) => Some(PrincipalRef::named(name, domain)),
        (None, None) => None,
    };
    let auth_url = needed("OS_AUTH_URL")?;
    let method = match (given("OS_APPLICATION_CREDENTIAL_ID"), given("OS_APPLICATION_CREDENTIAL_SECRET")) {
        (Some(id), Some(secret)) => AuthMethod::ApplicationCredential { id, secret: Secret::new(secret) },
        _ => AuthMethod::Password {
            user: named(
                given("OS_USER_ID"),
                Some(needed("OS_USERNAME")?),
                domain("OS_USER_DOMAIN_ID", "OS_USER_DOMAIN_NAME"),
            )
            .ok_or_else(|| Failure::plain("OS_USERNAME is not set"))?,
            password: Secret::new(needed("OS_PASSWORD")?),
            project: named(
                given("OS_PROJECT_ID"),
                given("OS_PROJECT_NAME"),
                domain("OS_PROJECT_DOMAIN_ID", "OS_PROJECT_DOMAIN_NAME"),
            ),
        },
    };
    let credentials = Credentials { auth_url, method, system_scope: false };
    let options = SessionOptions {
        region: given("OS_REGION_NAME"),
        cafile: given("OS_CACERT").map(Into::into),
        ..SessionOptions::default()
    };
    Session::new(credentials, options).map_err(|error| Failure::new("cannot use OS_AUTH_URL", error))
}
