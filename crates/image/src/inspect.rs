// SPDX-License-Identifier: Apache-2.0
//! Whether an image's bytes are what the image says they are.

use scurry_formats::{DiskFormat, Inspection, InspectionRules, judge as judge_stream};

use crate::error::ImageError;
use crate::image::Image;
use crate::settings::ImageSettings;

/// Container formats whose bytes are an archive around the disk: what is inside cannot be seen from here.
const ARCHIVES: [&str; 3] = ["ova", "docker", "compressed"];

/// Judges what the inspectors found in the bytes of an image; gives its virtual size in bytes.
///
/// Unlike Glance, images that are not `bare` are judged too: a container that is no archive holds the disk as
/// it is, and an archive must not turn out to be some other disk. Only `bare` images get a virtual size.
/// `strict` requires the match whatever the operator forgives.
pub(crate) fn judge(
    inspection: Option<&Inspection>,
    image: &Image,
    settings: &ImageSettings,
    strict: bool,
) -> Result<Option<u64>, ImageError> {
    let Some(inspection) = inspection else { return Ok(None) };
    let container = image.container_format.as_deref().unwrap_or("");
    if ARCHIVES.contains(&container) && inspection.format() == Some(DiskFormat::Raw) {
        return Ok(None);
    }
    let rules = InspectionRules {
        require_match: strict || settings.require_image_format_match,
        vmdk_allowed_types: settings.vmdk_allowed_types.clone(),
        gpt_nonfatal: settings.gpt_safety_checks_nonfatal.clone(),
    };
    let disk_format = image.disk_format.as_deref().unwrap_or("");
    let verdict = judge_stream(inspection, disk_format, "bare", &rules)
        .map_err(|refusal| ImageError::UnsupportedMedia(refusal.to_string()))?;
    Ok(verdict.virtual_size.filter(|_| container == "bare"))
}
