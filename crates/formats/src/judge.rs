// SPDX-License-Identifier: Apache-2.0
//! Compares what a stream is with what its owner says it is.

use crate::inspect::{Inspection, SafetyFault};
use crate::{DiskFormat, inspect};

/// The operator's `[image_format]` options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionRules {
    /// `require_image_format_match`: a stream that is not what it is said to be is refused.
    pub require_match: bool,
    /// `vmdk_allowed_types`, in any case.
    pub vmdk_allowed_types: Vec<String>,
    /// `gpt_safety_checks_nonfatal`: checks that do not count for disks with a partition table.
    pub gpt_nonfatal: Vec<String>,
}

impl Default for InspectionRules {
    fn default() -> Self {
        let vmdk_allowed_types = ["streamOptimized", "monolithicSparse"].map(str::to_owned).to_vec();
        Self { require_match: true, vmdk_allowed_types, gpt_nonfatal: Vec::new() }
    }
}

/// The stream may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The image's `virtual_size` in bytes; `None` when it is not to be set.
    pub virtual_size: Option<u64>,
}

/// The stream must not be kept: 415, or the failure of an import. The text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is something else than it is said to be.
    #[error("Image disk_format {claimed} does not match stream data {found}")]
    Mismatch {
        /// The image's `disk_format`.
        claimed: String,
        /// What it is.
        found: DiskFormat,
    },
    /// It is more than one thing: one format hides in another.
    #[error("Multiple formats detected: {}", .0.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(","))]
    Ambiguous(Vec<DiskFormat>),
    /// It could harm whoever opens it.
    #[error("Image failed safety checks: {}", .0.iter().map(|fault| format!("{} ({})", fault.check, fault.reason)).collect::<Vec<_>>().join(", "))]
    Unsafe(Vec<SafetyFault>),
}

/// Decides whether a stream may be an image of these formats.
///
/// The rules are Glance's, with these differences. Content of another image format in a `raw` image is refused
/// like every mismatch; partitioned disks, optical discs and encrypted disks are raw disks too and are taken.
/// Safety checks count also where the match is not required. Kernels and ramdisks (`aki`, `ari`) may look like
/// a partitioned disk. A `vhd` may be a fixed one.
///
/// # Errors
/// [`Refusal`], to be answered with 415 for an upload.
pub fn judge(
    inspection: &Inspection,
    disk_format: &str,
    container_format: &str,
    rules: &InspectionRules,
) -> Result<Verdict, Refusal> {
    // What is inside another container is not looked at, as in Glance.
    if container_format != "bare" {
        return Ok(Verdict { virtual_size: None });
    }
    let Some(found) = inspection.format() else {
        return Err(Refusal::Ambiguous(inspection.detected.clone()));
    };
    let virtual_size = match acceptance(inspection, found, disk_format) {
        Some(virtual_size) => virtual_size,
        None if rules.require_match => {
            return Err(Refusal::Mismatch { claimed: disk_format.to_owned(), found });
        }
        None => (disk_format == "raw").then_some(inspection.size),
    };
    let faults = fatal_faults(inspection, found, disk_format, rules);
    if faults.is_empty() {
        Ok(Verdict { virtual_size: virtual_size.filter(|size| *size != 0) })
    } else {
        Err(Refusal::Unsafe(faults))
    }
}

/// The virtual size of a stream that is what it is said to be; `None` when it is not.
fn acceptance(inspection: &Inspection, found: DiskFormat, disk_format: &str) -> Option<Option<u64>> {
    if found.as_str() == disk_format {
        return Some(inspection.virtual_size);
    }
    match (disk_format, found) {
        ("raw", DiskFormat::Gpt | DiskFormat::Iso | DiskFormat::Luks) => Some(Some(inspection.size)),
        ("vhd", DiskFormat::Raw | DiskFormat::Gpt) => inspection.fixed_vhd.map(Some),
        ("aki" | "ari", DiskFormat::Gpt) => Some(None),
        (other, DiskFormat::Raw) if other.parse::<DiskFormat>().is_err() => Some(None),
        _ => None,
    }
}

fn fatal_faults(
    inspection: &Inspection,
    found: DiskFormat,
    disk_format: &str,
    rules: &InspectionRules,
) -> Vec<inspect::SafetyFault> {
    let mut faults = inspection.faults.clone();
    if found == DiskFormat::Gpt {
        let kernel = matches!(disk_format, "aki" | "ari");
        let forgiven =
            |check: &str| (kernel && check == "mbr") || rules.gpt_nonfatal.iter().any(|name| name == check);
        faults.retain(|fault| !forgiven(fault.check));
    }
    let allowed =
        |kind: &str| rules.vmdk_allowed_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(kind));
    if let (DiskFormat::Vmdk, Some(kind)) = (found, &inspection.vmdk_create_type)
        && faults.is_empty()
        && !allowed(kind)
    {
        faults.push(SafetyFault::new("descriptor", format!("createType {kind:?} is not allowed here")));
    }
    faults
}
