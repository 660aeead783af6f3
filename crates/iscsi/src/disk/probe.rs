// SPDX-License-Identifier: Apache-2.0
//! Getting to know a logical unit before it is used.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64},
};

use bytes::Bytes;
use tokio::sync::RwLock;

use super::{
    Disk, DiskError, Patience,
    retry::{Request, carry_out, read_capacity},
    zero::Way,
};
use crate::{
    Execute, Identity, Inquiry, Lun, Problem, Transfer,
    scsi::{
        cdb,
        inquiry::{cut_page, page},
        limits::{Limits, Provisioning},
        luns, mode,
    },
};

/// Bytes of INQUIRY data that are asked for; the length fields of old targets have eight bits.
const INQUIRY: u16 = 252;
/// Qualifier and type of a number without a logical unit.
const NOTHING: u8 = 3;
const DISK: u8 = 0;

/// What asks before there is a disk.
struct Probe {
    unit: Arc<dyn Execute>,
    lun: Lun,
    patience: Patience,
}

impl Disk {
    /// Opens a logical unit: waits until it is ready and asks what it can do.
    pub async fn open(unit: Arc<dyn Execute>, lun: Lun) -> Result<Self, DiskError> {
        Self::open_with(unit, lun, Patience::default()).await
    }

    /// The same with another patience.
    pub async fn open_with(unit: Arc<dyn Execute>, lun: Lun, patience: Patience) -> Result<Self, DiskError> {
        let probe = Probe { unit, lun, patience };
        let inquiry = probe.inquiry().await?;
        probe.ask("TEST UNIT READY", cdb::test_unit_ready(), 0).await?;
        let capacity = read_capacity(&probe.unit, lun, patience).await?;
        let pages = probe.page(cdb::VPD_PAGES).await?.unwrap_or_default();
        let has = |code| pages.contains(&code);
        let limits = match has(cdb::VPD_BLOCK_LIMITS) {
            true => probe.page(cdb::VPD_BLOCK_LIMITS).await?.map(|body| Limits::parse(&body)),
            false => None,
        };
        let provisioning = match has(cdb::VPD_PROVISIONING) && capacity.provisioned {
            true => probe.page(cdb::VPD_PROVISIONING).await?.map(|body| Provisioning::parse(&body)),
            false => None,
        };
        let (limits, mut provisioning) = (limits.unwrap_or_default(), provisioning.unwrap_or_default());
        // Both places tell; neither may deny it.
        provisioning.zeroes &= capacity.zeroes;
        let identity = probe.identity(&pages).await?;
        let write_protected = probe.is_write_protected().await?;
        let disk = Self {
            lun,
            patience,
            inquiry,
            identity,
            limits,
            provisioning,
            block_len: capacity.block_len,
            blocks: AtomicU64::new(capacity.blocks),
            write_protected,
            zeroing: AtomicU8::new(Way::first(&provisioning) as u8),
            tells_extents: AtomicBool::new(capacity.provisioned && provisioning.zeroes),
            knows_write_same: AtomicBool::new(true),
            edges: RwLock::default(),
            unit: probe.unit,
        };
        tracing::debug!(?disk, "disk opened");
        Ok(disk)
    }

    /// The logical units a target shows us.
    pub async fn list(unit: Arc<dyn Execute>) -> Result<Vec<Lun>, DiskError> {
        const NAME: &str = "REPORT LUNS";
        let probe = Probe { unit, lun: Lun::default(), patience: Patience::default() };
        let mut length = luns::LEN;
        for _ in 0..2 {
            let answer = probe.ask(NAME, cdb::report_luns(length), length).await?;
            let (list, longer) =
                luns::parse(&answer).ok_or(DiskError::Nonsense { lun: probe.lun, command: NAME })?;
            // The list has 8 bytes a unit: what cannot be is not asked for.
            match longer.filter(|longer| *longer <= 1 << 20) {
                Some(longer) => length = longer,
                None => return Ok(list),
            }
        }
        Err(DiskError::Nonsense { lun: probe.lun, command: NAME })
    }
}

/// Who a logical unit is; `None` for one that does not tell. It is asked in any state, standby as well.
pub(crate) async fn identify(unit: Arc<dyn Execute>, lun: Lun) -> Result<Option<Identity>, DiskError> {
    let probe = Probe { unit, lun, patience: Patience::default() };
    let length = u32::from(INQUIRY);
    let answer = probe.ask("INQUIRY", cdb::inquiry(Some(cdb::VPD_PAGES), INQUIRY), length).await;
    let pages = unless_unsupported(answer)?.unwrap_or_default();
    if pages.first().is_some_and(|first| first >> 5 != 0) {
        return Err(DiskError::NoUnit(lun));
    }
    match page(&pages, cdb::VPD_PAGES) {
        Some(pages) => probe.identity(pages).await,
        None => Ok(None),
    }
}

impl Probe {
    async fn ask(&self, name: &'static str, cdb: cdb::Cdb, length: u32) -> Result<Bytes, DiskError> {
        let transfer = if length == 0 { Transfer::None } else { Transfer::Read(length) };
        let request = Request::new(name, cdb, transfer);
        let answer = carry_out(&self.unit, self.lun, self.patience, request, || ()).await;
        match answer {
            Ok(completion) => Ok(completion.read.freeze()),
            Err(error) if error.problem() == Some(Problem::NoUnit) => Err(DiskError::NoUnit(self.lun)),
            Err(error) => Err(error),
        }
    }

    async fn inquiry(&self) -> Result<Inquiry, DiskError> {
        const NAME: &str = "INQUIRY";
        let answer = self.ask(NAME, cdb::inquiry(None, INQUIRY), INQUIRY.into()).await?;
        let inquiry = Inquiry::parse(&answer).ok_or(DiskError::Nonsense { lun: self.lun, command: NAME })?;
        match (inquiry.qualifier, inquiry.device_type) {
            (0, DISK) => Ok(inquiry),
            (0..NOTHING, DISK) => Err(DiskError::NoUnit(self.lun)),
            (NOTHING.., _) => Err(DiskError::NoUnit(self.lun)),
            (_, device_type) => Err(DiskError::NoDisk { lun: self.lun, device_type }),
        }
    }

    /// A page of vital product data; `None` when the disk has none.
    async fn page(&self, code: u8) -> Result<Option<Bytes>, DiskError> {
        let ask = |len: u16| self.ask("INQUIRY", cdb::inquiry(Some(code), len), len.into());
        let mut answer = unless_unsupported(ask(INQUIRY).await)?.unwrap_or_default();
        // Arrays with many ports have long lists of names.
        if let Some(whole) = cut_page(&answer).filter(|_| answer.len() == usize::from(INQUIRY)) {
            answer = ask(whole).await?;
        }
        Ok(page(&answer, code).map(|body| answer.slice_ref(body)))
    }

    async fn identity(&self, pages: &[u8]) -> Result<Option<Identity>, DiskError> {
        if pages.contains(&cdb::VPD_IDENTIFICATION)
            && let Some(body) = self.page(cdb::VPD_IDENTIFICATION).await?
            && let Some(identity) = Identity::parse(&body)
        {
            return Ok(Some(identity));
        }
        if !pages.contains(&cdb::VPD_SERIAL) {
            return Ok(None);
        }
        Ok(self.page(cdb::VPD_SERIAL).await?.and_then(|body| Identity::of_serial(&body)))
    }

    async fn is_write_protected(&self) -> Result<bool, DiskError> {
        let answer = self.ask("MODE SENSE", cdb::mode_sense(mode::LEN), mode::LEN.into()).await;
        Ok(unless_unsupported(answer)?.is_some_and(|header| mode::is_write_protected(&header)))
    }
}

/// `None` for what the disk does not do.
fn unless_unsupported<T>(answer: Result<T, DiskError>) -> Result<Option<T>, DiskError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.problem().is_some_and(Problem::is_unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}
