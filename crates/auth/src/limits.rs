// SPDX-License-Identifier: Apache-2.0
//! Keystone's unified limits: what a project may use, and the refusal when it is more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scurry_config::OsloLimit;
use scurry_openstack_client::identity::{self, Limit, RegisteredLimit};
use scurry_openstack_client::{ClientError, ErrorKind, Session, SessionOptions};
use scurry_types::ProjectId;
use tokio::sync::Mutex;

use crate::settings::credentials;

/// How long a project's limits are believed: a new limit is seen at once by people, and an upload asks once.
const LIFETIME: Duration = Duration::from_secs(3);
/// Most projects remembered at once.
const CAPACITY: usize = 1000;

/// The service and region limits are registered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitEndpoint {
    /// `[oslo_limit] endpoint_id`.
    Id(String),
    /// `endpoint_service_type`, `endpoint_service_name`, `endpoint_region_name`, `endpoint_interface`.
    Service {
        /// The service's type, such as `image`.
        service_type: Option<String>,
        /// The service's name, such as `glance`.
        name: Option<String>,
        /// The region's id.
        region: Option<String>,
        /// `public`, `internal` or `admin`.
        interface: Option<String>,
    },
}

/// A project's limits by resource.
pub type Limits = Arc<HashMap<String, i64>>;

/// More is used, or would be, than the limit allows.
///
/// Its text is oslo.limit's, which clients and tests read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Project {project} is over a limit for [Resource {resource} is over limit of {limit} due to current usage {usage} \
     and delta {delta}]"
)]
pub struct OverLimit {
    /// The project.
    pub project: String,
    /// The resource, such as `image_size_total`.
    pub resource: String,
    /// Its limit.
    pub limit: i64,
    /// What the project uses.
    pub usage: i64,
    /// What it wants on top.
    pub delta: i64,
}

/// Whether `usage` with `delta` is more than `limit`; a negative limit allows everything.
#[must_use]
pub fn over_limit(
    project: &ProjectId,
    resource: &str,
    limit: i64,
    usage: i64,
    delta: i64,
) -> Option<OverLimit> {
    if limit < 0 || usage.saturating_add(delta) <= limit {
        return None;
    }
    Some(OverLimit {
        project: project.as_str().to_owned(),
        resource: resource.to_owned(),
        limit,
        usage,
        delta,
    })
}

/// The limits of one service, as Keystone has them. Clones share what was read.
#[derive(Debug, Clone)]
pub struct LimitSource {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Remembered {
    read: Instant,
    limits: Limits,
}

#[derive(Debug)]
struct Inner {
    session: Session,
    endpoint: LimitEndpoint,
    place: Mutex<Option<Place>>,
    projects: Mutex<HashMap<String, Remembered>>,
}

/// What the endpoint stands for; it never changes while the service runs.
#[derive(Debug, Clone)]
struct Place {
    service_id: String,
    region_id: Option<String>,
}

impl LimitSource {
    /// Limits read with `session`, whose account needs to see limits (`[oslo_limit]`, a role on the whole system).
    #[must_use]
    pub fn new(session: Session, endpoint: LimitEndpoint) -> Self {
        let inner =
            Inner { session, endpoint, place: Mutex::new(None), projects: Mutex::new(HashMap::new()) };
        Self { inner: Arc::new(inner) }
    }

    /// Limits as `[oslo_limit]` says.
    ///
    /// # Errors
    /// When the settings cannot make a session: a wrong `auth_url` or `cafile`.
    pub fn from_config(conf: &OsloLimit) -> Result<Self, ClientError> {
        let options = SessionOptions {
            cafile: conf.cafile.clone(),
            insecure: conf.insecure,
            ..SessionOptions::default()
        };
        let endpoint = match &conf.endpoint_id {
            Some(id) => LimitEndpoint::Id(id.clone()),
            None => LimitEndpoint::Service {
                service_type: conf.endpoint_service_type.clone(),
                name: conf.endpoint_service_name.clone(),
                region: conf.endpoint_region_name.clone(),
                interface: conf.endpoint_interface.clone(),
            },
        };
        Ok(Self::new(Session::new(credentials(&conf.auth), options)?, endpoint))
    }

    /// A project's limit of a resource: its own, else the registered one, else 0.
    ///
    /// # Errors
    /// [`ClientError`] when Keystone cannot be asked, refuses, or does not know the endpoint.
    pub async fn limit(&self, project: &ProjectId, resource: &str) -> Result<i64, ClientError> {
        Ok(self.all(project).await?.get(resource).copied().unwrap_or(0))
    }

    /// All limits of a project by resource.
    ///
    /// # Errors
    /// As [`LimitSource::limit`].
    pub async fn all(&self, project: &ProjectId) -> Result<Limits, ClientError> {
        let mut projects = self.inner.projects.lock().await;
        if let Some(known) = projects.get(project.as_str())
            && known.read.elapsed() < LIFETIME
        {
            return Ok(Arc::clone(&known.limits));
        }
        drop(projects);
        let limits = Arc::new(self.read(project).await?);
        projects = self.inner.projects.lock().await;
        if projects.len() >= CAPACITY {
            projects.clear();
        }
        projects.insert(
            project.as_str().to_owned(),
            Remembered { read: Instant::now(), limits: Arc::clone(&limits) },
        );
        Ok(limits)
    }

    async fn read(&self, project: &ProjectId) -> Result<HashMap<String, i64>, ClientError> {
        let place = self.place().await?;
        let session = &self.inner.session;
        let service = Some(place.service_id.as_str());
        let (registered, own) = tokio::try_join!(
            identity::registered_limits(session, service, None),
            identity::limits(session, service, None, Some(project.as_str())),
        )?;
        Ok(merge(&registered, &own, project, &place))
    }

    async fn place(&self) -> Result<Place, ClientError> {
        let mut slot = self.inner.place.lock().await;
        if let Some(place) = slot.as_ref() {
            return Ok(place.clone());
        }
        let place = self.find_place().await?;
        *slot = Some(place.clone());
        Ok(place)
    }

    async fn find_place(&self) -> Result<Place, ClientError> {
        let session = &self.inner.session;
        let (service_type, name, region, interface) = match &self.inner.endpoint {
            LimitEndpoint::Id(id) => {
                let endpoint = identity::endpoint(session, id).await?;
                return Ok(Place { service_id: endpoint.service_id, region_id: endpoint.region_id });
            }
            LimitEndpoint::Service { service_type, name, region, interface } => {
                (service_type.as_deref(), name.as_deref(), region.as_deref(), interface.as_deref())
            }
        };
        let none = |what: &str| {
            ClientError::new(
                ErrorKind::NotFound,
                "[oslo_limit]",
                format!("{what}; set endpoint_id, or endpoint_service_type and endpoint_region_name"),
            )
        };
        let services = identity::services(session, service_type, name).await?;
        let service = services.first().ok_or_else(|| none("there is no such service in Keystone"))?;
        let endpoints = identity::endpoints(session, Some(&service.id), region, interface).await?;
        let endpoint =
            endpoints.first().ok_or_else(|| none("the service has no such endpoint in Keystone"))?;
        Ok(Place { service_id: service.id.clone(), region_id: endpoint.region_id.clone() })
    }
}

/// A limit of the endpoint's region goes before one of all regions, a project's own before the registered one.
fn merge(
    registered: &[RegisteredLimit],
    own: &[Limit],
    project: &ProjectId,
    place: &Place,
) -> HashMap<String, i64> {
    let here = |region: &Option<String>| region.is_some() && *region == place.region_id;
    let mut merged = HashMap::new();
    for in_region in [false, true] {
        for limit in registered {
            let fits = if in_region { here(&limit.region_id) } else { limit.region_id.is_none() };
            if fits && limit.service_id == place.service_id {
                merged.insert(limit.resource_name.clone(), limit.default_limit);
            }
        }
    }
    for in_region in [false, true] {
        for limit in own {
            let fits = if in_region { here(&limit.region_id) } else { limit.region_id.is_none() };
            let ours = limit.project_id.as_deref() == Some(project.as_str());
            if fits && ours && limit.service_id == place.service_id {
                merged.insert(limit.resource_name.clone(), limit.resource_limit);
            }
        }
    }
    merged
}
