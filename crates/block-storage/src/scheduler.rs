// SPDX-License-Identifier: Apache-2.0
//! Chooses the backend of a new volume.

use sea_orm::{DbErr, EntityTrait};

use crate::backend::{Backend, PoolError};
use crate::db::entity::disabled_service;
use crate::db::properties::Properties;
use crate::db::volumes;
use crate::service::Service;

/// How much more may be promised than a file system has: Cinder's `max_over_subscription_ratio`.
const OVERSUBSCRIPTION: u64 = 20;

const GIB: u64 = scurry_types::size::GIB;

/// No backend was chosen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScheduleError {
    /// Each backend was refused for a reason.
    #[error("no backend fits: {}", .0.join("; "))]
    NoBackend(Vec<String>),
    /// The database refused.
    #[error("cannot read the state of the backends")]
    Database(#[from] DbErr),
    /// A pool refused.
    #[error("cannot ask a pool for its free space")]
    Pool(#[from] PoolError),
}

/// What a pool has, in GiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    pub(crate) total: u64,
    pub(crate) free: u64,
    /// GiB of volumes, second copies included.
    pub(crate) provisioned: u64,
    pub(crate) volumes: u64,
    /// The operator set a limit, which is not oversubscribed.
    pub(crate) limited: bool,
}

impl Capacity {
    /// What `backend` has now.
    pub(crate) async fn of(service: &Service, backend: &Backend) -> Result<Self, ScheduleError> {
        let (volumes, provisioned) = volumes::provisioned(service.db.pool(), &backend.host).await?;
        let (free, total) = backend.run(|pool| Ok((pool.free_bytes()?, pool.total_bytes()?))).await?;
        let (free, total) = (free / GIB, total / GIB);
        let provisioned = u64::try_from(provisioned).unwrap_or(0);
        let volumes = u64::try_from(volumes).unwrap_or(0);
        Ok(match backend.capacity_gb {
            Some(limit) => Self {
                total: limit,
                free: free.min(limit.saturating_sub(provisioned)),
                provisioned,
                volumes,
                limited: true,
            },
            None => Self { total, free, provisioned, volumes, limited: false },
        })
    }

    fn holds(&self, size: u64) -> bool {
        if self.limited {
            return size <= self.total.saturating_sub(self.provisioned);
        }
        self.free.saturating_mul(OVERSUBSCRIPTION) >= size
            && self.provisioned.saturating_add(size) <= self.total.saturating_mul(OVERSUBSCRIPTION)
    }
}

/// Does this type put volumes on this backend? The reason when not.
pub(crate) fn fits(service: &Service, backend: &Backend, specs: &Properties) -> Result<(), String> {
    if let Some(wanted) = specs.get("volume_backend_name")
        && *wanted != backend.name
    {
        return Err(format!("{} is not {wanted}", backend.name));
    }
    if is_replicated(specs) && service.backends.replica_of(backend).is_none() {
        return Err(format!("{} has no replication_device", backend.name));
    }
    Ok(())
}

/// Does the type ask for a second copy?
pub(crate) fn is_replicated(specs: &Properties) -> bool {
    specs
        .get("replication_enabled")
        .and_then(|value| value.trim().strip_prefix("<is>"))
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// The backend with the most free space among those that fit; ties go to the one with less promised, then to the
/// first in `enabled_backends`.
pub(crate) async fn place<'a>(
    service: &'a Service,
    specs: &Properties,
    size: u64,
) -> Result<&'a Backend, ScheduleError> {
    let disabled = disabled_service::Entity::find().all(service.db.pool()).await?;
    let mut refusals = Vec::new();
    let mut best: Option<(&Backend, Capacity)> = None;
    for backend in service.backends.iter() {
        if disabled.iter().any(|row| row.binary_name == "cinder-volume" && row.host == backend.service_host) {
            refusals.push(format!("{} is disabled", backend.name));
            continue;
        }
        if let Err(reason) = fits(service, backend, specs) {
            refusals.push(reason);
            continue;
        }
        let capacity = Capacity::of(service, backend).await?;
        if !capacity.holds(size) {
            refusals.push(format!("{} has no room for {size} GiB", backend.name));
            continue;
        }
        let better = match &best {
            None => true,
            Some((_, other)) => {
                (capacity.free, std::cmp::Reverse(capacity.provisioned))
                    > (other.free, std::cmp::Reverse(other.provisioned))
            }
        };
        if better {
            best = Some((backend, capacity));
        }
    }
    best.map(|(backend, _)| backend).ok_or(ScheduleError::NoBackend(refusals))
}
