// SPDX-License-Identifier: Apache-2.0
//! Quotas: what a project may use, checked in the transaction that uses it.

use sea_orm::{ConnectionTrait, DbErr};

use crate::api::fault::Fault;
use crate::config::CinderConf;
use crate::db::quotas::{self, Usage};

/// The limits of a project on all types; -1 is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) volumes: i64,
    pub(crate) gigabytes: i64,
    pub(crate) snapshots: i64,
    pub(crate) per_volume: i64,
}

/// What a request would add.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) volumes: i64,
    pub(crate) gigabytes: i64,
    pub(crate) snapshots: i64,
}

/// The limits that hold for a project.
pub(crate) async fn limits(
    db: &impl ConnectionTrait,
    conf: &CinderConf,
    project: &str,
) -> Result<Limits, DbErr> {
    let set = quotas::limits(db, project).await?;
    let limit = |name: &str, default: i64| set.get(name).copied().unwrap_or(default);
    Ok(Limits {
        volumes: limit("volumes", conf.quota_volumes),
        gigabytes: limit("gigabytes", conf.quota_gigabytes),
        snapshots: limit("snapshots", conf.quota_snapshots),
        per_volume: limit("per_volume_gigabytes", conf.per_volume_size_limit),
    })
}

/// Refuses what would go over a limit. Call it in the transaction that then adds the rows.
pub(crate) async fn check(
    db: &impl ConnectionTrait,
    conf: &CinderConf,
    internal_project: &str,
    project: &str,
    kind: (&str, &str),
    wanted: Wanted,
) -> Result<(), Fault> {
    if project == internal_project {
        return Ok(());
    }
    let limits = limits(db, conf, project).await?;
    refuse("", &limits, &quotas::usage(db, project, None).await?, wanted)?;
    let set = quotas::limits(db, project).await?;
    let of_type = |resource: &str| set.get(&format!("{resource}_{}", kind.1)).copied().unwrap_or(-1);
    let limits = Limits {
        volumes: of_type("volumes"),
        gigabytes: of_type("gigabytes"),
        snapshots: of_type("snapshots"),
        per_volume: -1,
    };
    if limits == (Limits { volumes: -1, gigabytes: -1, snapshots: -1, per_volume: -1 }) {
        return Ok(());
    }
    refuse(&format!("_{}", kind.1), &limits, &quotas::usage(db, project, Some(kind.0)).await?, wanted)
}

fn refuse(suffix: &str, limits: &Limits, usage: &Usage, wanted: Wanted) -> Result<(), Fault> {
    let over = |limit: i64, used: i64, more: i64| limit >= 0 && more > 0 && used.saturating_add(more) > limit;
    if over(limits.gigabytes, usage.gigabytes, wanted.gigabytes) {
        return Err(Fault::over_quota(
            "VolumeSizeExceedsAvailableQuota",
            format!(
                "Requested volume or snapshot exceeds allowed gigabytes{suffix} quota. Requested {}G, quota is \
                 {}G and {}G has been consumed.",
                wanted.gigabytes, limits.gigabytes, usage.gigabytes
            ),
        ));
    }
    if over(limits.volumes, usage.volumes, wanted.volumes) {
        return Err(Fault::over_quota(
            "VolumeLimitExceeded",
            format!(
                "Maximum number of volumes allowed ({}) exceeded for quota 'volumes{suffix}'.",
                limits.volumes
            ),
        ));
    }
    if over(limits.snapshots, usage.snapshots, wanted.snapshots) {
        return Err(Fault::over_quota(
            "SnapshotLimitExceeded",
            format!("Maximum number of snapshots allowed ({}) exceeded", limits.snapshots),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { volumes: 2, gigabytes: 10, snapshots: -1, per_volume: -1 };

    #[test]
    fn over_means_more_than_the_limit() {
        let usage = Usage { volumes: 1, gigabytes: 6, snapshots: 100 };
        let wanted = Wanted { volumes: 1, gigabytes: 4, snapshots: 0 };
        assert!(refuse("", &LIMITS, &usage, wanted).is_ok());
        let fault = refuse("", &LIMITS, &usage, Wanted { gigabytes: 5, ..wanted }).unwrap_err();
        assert_eq!(
            fault.message,
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. \
             Requested 5G, quota is 10G and 6G has been consumed."
        );
        let fault = refuse("", &LIMITS, &Usage { volumes: 2, ..usage }, wanted).unwrap_err();
        assert_eq!(
            fault.message,
            "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'."
        );
        assert!(refuse("", &LIMITS, &usage, Wanted { snapshots: 1, ..Wanted::default() }).is_ok());
    }
}
