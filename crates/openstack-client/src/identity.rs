// SPDX-License-Identifier: Apache-2.0
//! Calls of the Identity API v3: tokens, limits, endpoints, projects.

mod model;

use reqwest::Method;
use scurry_types::Secret;
use serde::Deserialize;
use url::Url;

pub use model::{
    DomainScope, Endpoint, Limit, LimitsModel, NamedDomain, Project, RegisteredLimit, Role, Service,
    TokenProject, TokenUser, ValidatedToken,
};

use crate::error::ClientError;
use crate::service::{Address, Call, ServiceClient, segment};
use crate::session::{Prepared, Session};

/// `{"token": ...}` around both a new and a validated token.
#[derive(Deserialize)]
pub(crate) struct TokenBody<T> {
    pub(crate) token: T,
}

/// The API's root for an address with or without `/v3` at its end.
pub(crate) fn v3_url(address: &str) -> Result<Url, ClientError> {
    let trimmed = address.trim().trim_end_matches('/');
    let root = trimmed.strip_suffix("/v2.0").unwrap_or(trimmed);
    let root = if root.ends_with("/v3") { root.to_owned() } else { format!("{root}/v3") };
    match Url::parse(&root) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(ClientError::protocol("auth_url", format!("{address:?} is not an http or https URL"))),
    }
}

/// `root` with `path` behind it.
pub(crate) fn join(root: &Url, path: &str) -> Result<Url, ClientError> {
    Url::parse(&format!("{}/{path}", root.as_str().trim_end_matches('/')))
        .map_err(|error| ClientError::protocol("auth_url", "cannot be extended").with_source(error))
}

/// Asks Keystone whose token this is.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] when the token is not valid (unknown, revoked, or expired without `allow_expired`).
pub async fn validate_token(
    session: &Session,
    subject: &Secret,
    allow_expired: bool,
) -> Result<ValidatedToken, ClientError> {
    let call = "GET /v3/auth/tokens";
    let mut url = join(&session.identity_url().await?, "auth/tokens")?;
    if allow_expired {
        url.query_pairs_mut().append_pair("allow_expired", "1");
    }
    let mut prepared = Prepared::new(Method::GET, url, call);
    let mut value = reqwest::header::HeaderValue::from_str(subject.expose()).map_err(|_| {
        ClientError::new(crate::ErrorKind::NotFound, call, "the token has characters no token has")
    })?;
    value.set_sensitive(true);
    prepared.headers.insert("x-subject-token", value);
    let response = session.send(prepared, None).await?;
    let body: TokenBody<ValidatedToken> = crate::session::read_json(call, response).await?;
    Ok(body.token)
}

/// Withdraws a token.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] when it is not valid any more.
pub async fn revoke_token(session: &Session, subject: &Secret) -> Result<(), ClientError> {
    get(session, Method::DELETE, "/auth/tokens")
        .await?
        .call()
        .header("x-subject-token", subject.expose())
        .done()
        .await
}

/// The limits every project has of a service's resources, unless it has its own.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn registered_limits(
    session: &Session,
    service_id: Option<&str>,
    region_id: Option<&str>,
) -> Result<Vec<RegisteredLimit>, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        registered_limits: Vec<RegisteredLimit>,
    }
    let client = get(session, Method::GET, "/registered_limits").await?;
    let body: Body =
        client.call().query_opt("service_id", service_id).query_opt("region_id", region_id).fetch().await?;
    Ok(body.registered_limits)
}

/// Changes a registered limit; needs the role `admin`. `-1` is unlimited.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] when there is none of that id.
pub async fn set_registered_limit(
    session: &Session,
    id: &str,
    default_limit: i64,
) -> Result<(), ClientError> {
    let path = format!("/registered_limits/{}", crate::service::segment(id));
    get(session, Method::PATCH, &path)
        .await?
        .call()
        .json(&serde_json::json!({ "registered_limit": { "default_limit": default_limit } }))
        .done()
        .await
}

/// The limits set for one project.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn limits(
    session: &Session,
    service_id: Option<&str>,
    region_id: Option<&str>,
    project_id: Option<&str>,
) -> Result<Vec<Limit>, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        limits: Vec<Limit>,
    }
    let client = get(session, Method::GET, "/limits").await?;
    let body: Body = client
        .call()
        .query_opt("service_id", service_id)
        .query_opt("region_id", region_id)
        .query_opt("project_id", project_id)
        .fetch()
        .await?;
    Ok(body.limits)
}

/// How limits of projects in a tree relate: `flat` or `strict_two_level`.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn limits_model(session: &Session) -> Result<LimitsModel, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        model: LimitsModel,
    }
    let body: Body = get(session, Method::GET, "/limits/model").await?.call().fetch().await?;
    Ok(body.model)
}

/// One endpoint by id.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] when there is none.
pub async fn endpoint(session: &Session, id: &str) -> Result<Endpoint, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        endpoint: Endpoint,
    }
    let body: Body =
        get(session, Method::GET, &format!("/endpoints/{}", segment(id))).await?.call().fetch().await?;
    Ok(body.endpoint)
}

/// Endpoints of a service.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn endpoints(
    session: &Session,
    service_id: Option<&str>,
    region_id: Option<&str>,
    interface: Option<&str>,
) -> Result<Vec<Endpoint>, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        endpoints: Vec<Endpoint>,
    }
    let client = get(session, Method::GET, "/endpoints").await?;
    let body: Body = client
        .call()
        .query_opt("service_id", service_id)
        .query_opt("region_id", region_id)
        .query_opt("interface", interface)
        .fetch()
        .await?;
    Ok(body.endpoints)
}

/// Services by type and name.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn services(
    session: &Session,
    service_type: Option<&str>,
    name: Option<&str>,
) -> Result<Vec<Service>, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        services: Vec<Service>,
    }
    let client = get(session, Method::GET, "/services").await?;
    let body: Body = client.call().query_opt("type", service_type).query_opt("name", name).fetch().await?;
    Ok(body.services)
}

/// One project by id.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] when there is none.
pub async fn project(session: &Session, id: &str) -> Result<Project, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        project: Project,
    }
    let body: Body =
        get(session, Method::GET, &format!("/projects/{}", segment(id))).await?.call().fetch().await?;
    Ok(body.project)
}

/// Projects with this name, in one domain or in all.
///
/// # Errors
/// Every failure as [`ClientError`].
pub async fn projects_by_name(
    session: &Session,
    name: &str,
    domain_id: Option<&str>,
) -> Result<Vec<Project>, ClientError> {
    #[derive(Deserialize)]
    struct Body {
        projects: Vec<Project>,
    }
    let client = get(session, Method::GET, "/projects").await?;
    let body: Body = client.call().query("name", name).query_opt("domain_id", domain_id).fetch().await?;
    Ok(body.projects)
}

/// A call on the Identity service's own address.
struct Pending {
    client: ServiceClient,
    method: Method,
    path: String,
}

impl Pending {
    fn call(&self) -> Call<'_> {
        self.client.call(self.method.clone(), self.path.as_str())
    }
}

async fn get(session: &Session, method: Method, path: &str) -> Result<Pending, ClientError> {
    let root = session.identity_url().await?.to_string();
    let client = ServiceClient::new(session.clone(), Address::Template(root));
    Ok(Pending { client, method, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_their_version() {
        for (given, wanted) in [
            ("http://controller/identity", "http://controller/identity/v3"),
            ("http://controller:5000/v3/", "http://controller:5000/v3"),
            ("https://k:5000", "https://k:5000/v3"),
            ("http://k/v2.0", "http://k/v3"),
        ] {
            assert_eq!(v3_url(given).unwrap().as_str(), wanted);
        }
        for bad in ["", "controller:5000", "ftp://x", "\"http://x\""] {
            assert!(v3_url(bad).is_err(), "{bad}");
        }
    }
}
