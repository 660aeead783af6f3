// SPDX-License-Identifier: Apache-2.0
//! `scurry image download`: an image's data becomes a file, verified, with holes where there is nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt as _;
use scurry_formats::{DiskFormat, read_for_conversion};
use scurry_openstack_client::image::Image;
use scurry_types::HashAlgorithm;
use scurry_types::extent_frames::Stretch;
use scurry_types::size::MIB;
use serde_json::json;

use super::digests::Hashing;
use super::fetch::Fetching;
use super::progress::Meter;
use super::sink::{PartFile, Sink};
use super::verify::{Verified, told};
use crate::cli::DownloadOptions;
use crate::client;
use crate::failure::Failure;

pub(super) async fn run(options: &DownloadOptions, meter: &Meter) -> Result<(), Failure> {
    let client = client::images(&options.cloud)?;
    let image = client::find_image(&client, &options.image).await?;
    let size = match (image.status.as_str(), image.size) {
        ("active" | "deactivated", Some(size)) => size,
        (status, _) => {
            return Err(Failure::plain(format!("image {} is {status}: it has no data to fetch", image.id)));
        }
    };
    let name = options.file.clone().unwrap_or_else(|| default_name(&image));
    let mut sink = open(&name, &image, size, options)?;
    let expected = told(&image).into_iter().next();
    let algorithms: Vec<HashAlgorithm> = expected.iter().map(|(algorithm, _)| *algorithm).collect();
    let hashing = Hashing::start(&algorithms);
    let from = take_up(&sink, &hashing, meter).await?;
    meter.at(from);
    meter.event(
        "begin",
        json!({"image": image.id, "name": image.name, "size": size, "from": from, "file": name.to_string_lossy()}),
        &format!("image {} ({size} bytes) to {}", image.id, name.display()),
    );
    let fetching = Fetching {
        client,
        id: image.id.clone(),
        size,
        parallel: options.parallel.into(),
        retries: options.retries,
        meter: meter.clone(),
    };
    let shown = meter.begin("fetching", size);
    pour(fetching, from, &mut sink, &hashing, meter).await?;
    let ours = hashing.finish().await?;
    drop(shown);
    let verified = match (expected, ours.into_iter().next()) {
        (Some((algorithm, theirs)), Some((_, own))) if theirs.eq_ignore_ascii_case(&own) => {
            Verified::Digest(algorithm)
        }
        (Some((algorithm, theirs)), own) => {
            sink.discard();
            return Err(Failure::plain(format!(
                "what came is not image {}: its {algorithm} is {theirs}, what came has {}. Nothing was kept; fetch it \
                 again, without --resume",
                image.id,
                own.map(|(_, value)| value).unwrap_or_default()
            )));
        }
        (None, _) => Verified::Nothing,
    };
    sink.complete()?;
    told_done(&image, &name, size, verified, meter);
    Ok(())
}

async fn pour(
    fetching: Fetching,
    from: u64,
    sink: &mut Sink,
    hashing: &Hashing,
    meter: &Meter,
) -> Result<(), Failure> {
    let mut pieces = fetching.pieces(from).await?;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        let len = piece.len() as u64;
        hashing.take(&Stretch::Data(piece.clone())).await;
        let holes = sink.write(piece).await?;
        meter.data(len - holes);
        meter.zeroes(holes);
    }
    Ok(())
}

fn told_done(image: &Image, name: &Path, size: u64, verified: Verified, meter: &Meter) {
    let seconds = meter.seconds();
    meter.event(
        "done",
        json!({"image": image.id, "file": name.to_string_lossy(), "size": size, "seconds": seconds,
            "data": meter.data_done(), "verified": verified.word()}),
        &format!(
            "{} is complete: {} MiB, of which {} MiB are data, in {seconds:.1} s; {}",
            name.display(),
            size / MIB,
            meter.data_done() / MIB,
            verified.sentence()
        ),
    );
}

/// The id is safe as a file's name; what an image is named may be anything.
fn default_name(image: &Image) -> PathBuf {
    let format = image.disk_format.as_deref().unwrap_or("img");
    let format: String = format.chars().filter(char::is_ascii_alphanumeric).collect();
    let id: String = image.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("{id}.{format}").into()
}

fn open(name: &Path, image: &Image, size: u64, options: &DownloadOptions) -> Result<Sink, Failure> {
    if name == Path::new("-") {
        return if options.resume {
            Err(Failure::plain("standard output cannot be gone on with: leave --resume out"))
        } else {
            Ok(Sink::Stdout)
        };
    }
    if name.exists() && !options.force {
        return Err(Failure::plain(format!("{} exists: --force replaces it", name.display())));
    }
    PartFile::open(name, &image.id, size, options.resume).map(Sink::File)
}

/// Hashes what an earlier download left; says how much that is.
async fn take_up(sink: &Sink, hashing: &Hashing, meter: &Meter) -> Result<u64, Failure> {
    let Sink::File(part) = sink else { return Ok(0) };
    if part.len() == 0 {
        return Ok(0);
    }
    let _shown = meter.begin("checking what is there", part.len());
    let disk = read_for_conversion(part.file()?, &part.path, DiskFormat::Raw)
        .map_err(|error| Failure::new(format!("cannot read {}", part.path.display()), error))?;
    hashing.read(Arc::from(disk), part.len(), meter).await?;
    Ok(part.len())
}
