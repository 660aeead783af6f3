// SPDX-License-Identifier: Apache-2.0
//! Who asks, in which version of the API.

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use scurry_auth::{Context, Secret};

use super::Shared;
use super::fault::{Answer, Fault};
use super::microversion::Microversion;
use super::policy;
use super::project_path::UrlProject;
use crate::db::attachments::Attachment;
use crate::db::snapshots::{self, Snapshot};
use crate::db::volumes::{self, Volume};
use crate::service::Service;

/// The caller of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) project: String,
    pub(crate) roles: Vec<String>,
    pub(crate) is_admin: bool,
    /// The request comes with a service's token too.
    pub(crate) by_service: bool,
    pub(crate) token: Secret,
    pub(crate) version: Microversion,
}

impl Caller {
    fn of(context: &Context, version: Microversion) -> Self {
        Self {
            user: context.user_id.as_str().to_owned(),
            project: context.project().to_owned(),
            roles: context.roles.clone(),
            is_admin: context.is_admin,
            by_service: !context.service_roles.is_empty(),
            token: context.token.clone(),
            version,
        }
    }

    /// Passes when the rule lets the caller act on resources of the own project.
    pub(crate) fn may(&self, rule: &str) -> Answer<()> {
        if policy::allows(rule, &self.roles, self.is_admin, true) {
            Ok(())
        } else {
            Err(Fault::forbidden(rule))
        }
    }

    /// Whether a request of at least this minor version.
    pub(crate) fn from(&self, minor: u16) -> bool {
        self.version >= Microversion(minor)
    }

    /// Passes for requests of at least this minor version; older ones do not know the path.
    pub(crate) fn since(&self, minor: u16) -> Answer<()> {
        if self.from(minor) {
            return Ok(());
        }
        Err(Fault::not_found(format!("API version {} is not supported on this method.", self.version)))
    }

    /// Whether the resource of a project is the caller's, or the caller an administrator.
    pub(crate) fn sees(&self, project: &str) -> bool {
        self.is_admin || self.project == project
    }

    /// The project whose resources a list shows: none for everyone's.
    pub(crate) fn listed_project(&self, all_tenants: bool) -> Option<&str> {
        if self.is_admin && all_tenants { None } else { Some(&self.project) }
    }

    /// A volume the caller may know of.
    pub(crate) async fn volume(&self, service: &Service, id: &str) -> Answer<Volume> {
        volumes::find(service.db.pool(), id)
            .await?
            .filter(|v| self.sees(&v.project_id))
            .ok_or_else(|| Fault::no_volume(id))
    }

    /// A snapshot the caller may know of.
    pub(crate) async fn snapshot(&self, service: &Service, id: &str) -> Answer<Snapshot> {
        snapshots::find(service.db.pool(), id)
            .await?
            .filter(|s| self.sees(&s.project_id))
            .ok_or_else(|| Fault::no_snapshot(id))
    }

    /// An attachment the caller may know of.
    pub(crate) async fn attachment(&self, service: &Service, id: &str) -> Answer<Attachment> {
        crate::db::attachments::find(service.db.pool(), id)
            .await?
            .filter(|a| self.sees(&a.project_id))
            .ok_or_else(|| Fault::no_attachment(id))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Fault> {
        let context = parts.extensions.get::<Context>().ok_or_else(unauthenticated)?;
        let version = parts.extensions.get::<Microversion>().copied().unwrap_or(Microversion(0));
        let caller = Self::of(context, version);
        if let Some(UrlProject(project)) = parts.extensions.get::<UrlProject>()
            && *project != caller.project
        {
            return Err(Fault::bad_request("Malformed request url"));
        }
        Ok(caller)
    }
}

/// Answers 403 unless `rule` lets the caller pass. Wrapped around each route by the router.
pub(crate) async fn enforce(rule: &'static str, request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<Context>() else {
        return unauthenticated().into_response();
    };
    if policy::allows(rule, &context.roles, context.is_admin, true) {
        next.run(request).await
    } else {
        Fault::forbidden(rule).into_response()
    }
}

fn unauthenticated() -> Fault {
    Fault::new(
        http::StatusCode::UNAUTHORIZED,
        "This server could not verify that you are authorized to access it.",
    )
}
