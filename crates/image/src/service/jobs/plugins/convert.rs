// SPDX-License-Identifier: Apache-2.0
//! `image_conversion`: a disk of one format becomes one of another, in this process.

use std::fs::File;
use std::path::Path;

use scurry_formats::{
    Conversion, ConversionError, DiskFormat, InspectionRules, Inspector, OutputFormat, Piece, judge,
    read_for_conversion,
};
use scurry_transfer::Chunk;
use tokio_util::sync::CancellationToken;

use super::super::origin::Origin;
use super::{blocking, produce};
use crate::body::BodyError;
use crate::error::ImageError;
use crate::service::core::Core;
use crate::service::intake::Refused;

/// What conversions are checked against.
#[derive(Debug)]
struct Limits {
    rules: InspectionRules,
    /// Bytes.
    cap: u64,
}

impl Core {
    /// The image in the format the operator wants. It is looked at as a whole before anything of it is read as
    /// a disk.
    pub(super) async fn converted(
        &self,
        origin: Origin,
        claimed: &str,
        cancel: &CancellationToken,
    ) -> Result<Origin, Refused> {
        let settings = &self.settings;
        let output = settings.import_plugins.output_format;
        let limits = Limits {
            rules: InspectionRules {
                require_match: true,
                vmdk_allowed_types: settings.vmdk_allowed_types.clone(),
                gpt_nonfatal: settings.gpt_safety_checks_nonfatal.clone(),
            },
            cap: settings.image_size_cap,
        };
        let file = self.at_hand(origin, cancel).await?;
        let claimed = claimed.to_owned();
        tracing::info!(from = claimed, to = %output, "the image is converted");
        let conversion = blocking(move || begin(file, &claimed, output, &limits)).await?;
        let len = conversion.len();
        let body = produce(cancel.child_token().drop_guard(), move |chunk| pour(conversion, chunk));
        Ok(Origin::made(Some(len), body, None))
    }
}

fn begin(file: File, claimed: &str, output: OutputFormat, limits: &Limits) -> Result<Conversion, ImageError> {
    let local =
        |source| ImageError::Local { text: "cannot read the image to be converted".to_owned(), source };
    let inspection = Inspector::inspect_file(&file).map_err(local)?;
    judge(&inspection, claimed, "bare", &limits.rules)
        .map_err(|refusal| ImageError::UnsupportedMedia(refusal.to_string()))?;
    let format: DiskFormat = claimed.parse().map_err(|_| {
        ImageError::UnsupportedMedia(format!("images of format {claimed} cannot be converted"))
    })?;
    let disk = read_for_conversion(file, Path::new("of the import"), format).map_err(unusable)?;
    let fits = |len: u64| if len <= limits.cap { Ok(()) } else { Err(too_large()) };
    fits(disk.len())?;
    let conversion = Conversion::new(disk, output).map_err(unusable)?;
    fits(conversion.len())?;
    Ok(conversion)
}

fn too_large() -> ImageError {
    ImageError::TooLarge("The converted image is too large.".to_owned())
}

fn unusable(error: ConversionError) -> ImageError {
    match error {
        ConversionError::Io { source, .. } => {
            ImageError::Local { text: "cannot read the image to be converted".to_owned(), source }
        }
        other => ImageError::UnsupportedMedia(other.to_string()),
    }
}

fn pour(conversion: Conversion, chunk: &mut dyn FnMut(Chunk) -> bool) -> Result<(), BodyError> {
    for part in conversion {
        let part = part.map_err(|error| match error {
            ConversionError::Io { source, .. } => BodyError::Local(source),
            other => BodyError::Unusable(other.to_string()),
        })?;
        let part = match part {
            Piece::Data(bytes) => Chunk::Data(bytes.into()),
            Piece::Zeroes(len) => Chunk::Zeroes(len),
        };
        if !chunk(part) {
            return Ok(());
        }
    }
    Ok(())
}
