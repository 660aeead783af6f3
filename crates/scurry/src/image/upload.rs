// SPDX-License-Identifier: Apache-2.0
//! `scurry image upload`: a file becomes an image, verified, in every store asked for.

use scurry_openstack_client::image::{Image, ImageClient};
use scurry_types::size::MIB;
use serde_json::{Map, Value, json};

use super::kept::Kept;
use super::progress::Meter;
use super::send::Sending;
use super::source::{Source, Taking};
use super::spread::{spread, targets};
use crate::cli::UploadOptions;
use crate::client;
use crate::failure::Failure;

pub(super) async fn run(options: &UploadOptions, meter: &Meter) -> Result<(), Failure> {
    let client = client::images(&options.cloud)?;
    let given = match &options.image {
        Some(id) => Some(shown(&client, id).await?),
        None => None,
    };
    let source = open(options, given.as_ref()).await?;
    let targets = targets(&client, options).await?;
    let address = client.address().await;
    let address = address.map_err(|error| Failure::new("cannot find the image service", error))?;
    let kept = Kept::of(&options.file, &address);
    let image = image(&client, options, given, &source, &kept).await?;
    kept.keep(&image.id, &source);
    meter.event(
        "begin",
        json!({"image": image.id, "name": image.name, "disk_format": source.disk_format, "size": source.len()}),
        &format!("image {} ({}, {} bytes)", image.id, source.disk_format, source.len()),
    );
    let sending = Sending {
        client: &client,
        id: &image.id,
        source: &source,
        store: targets.first.as_deref(),
        retries: options.retries,
        meter,
    };
    let sent = sending.run().await;
    if !source.is_unchanged() {
        kept.forget();
        return Err(changed(&client, options, &image.id).await);
    }
    let gone_on =
        || format!("go on with: scurry image upload {} --image {}", options.file.display(), image.id);
    let verified = match sent {
        Ok(verified) => verified,
        Err(failure) => {
            meter.event("stopped", json!({ "image": image.id }), &gone_on());
            return Err(failure);
        }
    };
    kept.forget();
    spread(&client, &image.id, &targets.others, meter, options.retries).await?;
    let seconds = meter.seconds();
    meter.result(
        "done",
        json!({"image": image.id, "size": source.len(), "data_sent": meter.data_done(), "seconds": seconds,
            "verified": verified.word()}),
        &image.id,
        &format!(
            "image {} is active: {} MiB, of which {} MiB of data were sent, in {seconds:.1} s; {}",
            image.id,
            source.len() / MIB,
            meter.data_done() / MIB,
            verified.sentence()
        ),
    );
    Ok(())
}

/// A file that changed makes no image, whether or not its bytes could be sent: one that was made for it is removed.
async fn changed(client: &ImageClient, options: &UploadOptions, id: &str) -> Failure {
    let path = options.file.display();
    let text = format!("{path} changed while it was sent: stop what writes to it and upload again");
    if options.image.is_some() {
        return Failure::plain(format!("{text}; image {id} is neither what the file was nor what it is"));
    }
    match client.delete(id).await {
        Ok(()) => Failure::plain(format!("{text}; image {id} is deleted")),
        Err(error) => {
            Failure::new(format!("{text}, and delete image {id}, which cannot be deleted now"), error)
        }
    }
}

/// The file, opened and looked at on a thread of its own.
async fn open(options: &UploadOptions, given: Option<&Image>) -> Result<Source, Failure> {
    let recorded = given.and_then(|image| image.disk_format.clone());
    let taking = Taking {
        disk_format: options.disk_format.clone().or(recorded),
        container_format: given
            .and_then(|image| image.container_format.clone())
            .unwrap_or_else(|| options.container_format.clone()),
        convert: options.convert.is_some(),
    };
    let path = options.file.clone();
    tokio::task::spawn_blocking(move || Source::open(&path, &taking))
        .await
        .map_err(|error| Failure::new("a reader thread ended", error))?
}

/// The image the file goes to: the one named, the one begun before, or a new one.
async fn image(
    client: &ImageClient,
    options: &UploadOptions,
    given: Option<Image>,
    source: &Source,
    kept: &Kept,
) -> Result<Image, Failure> {
    if let Some(image) = given {
        if image.status == "active" && image.size != Some(source.len()) {
            return Err(Failure::plain(format!(
                "image {} has data already, and not that of this file",
                image.id
            )));
        }
        return prepared(client, image, options, source).await;
    }
    if options.resume
        && let Some(id) = kept.image(source)
        && let Ok(image) = client.image(&id).await
        && matches!(image.status.as_str(), "queued" | "saving" | "active")
    {
        return Ok(image);
    }
    let record = record(options, source);
    client.create(&record).await.map_err(|error| Failure::new("cannot create the image", error))
}

async fn shown(client: &ImageClient, id: &str) -> Result<Image, Failure> {
    let image = client.image(id).await.map_err(|error| Failure::new("cannot use --image", error))?;
    match image.status.as_str() {
        "queued" | "saving" | "active" => Ok(image),
        other => Err(Failure::plain(format!("image {id} is {other}: it takes no data"))),
    }
}

/// A record made by somebody else may lack its formats, without which no data is taken.
async fn prepared(
    client: &ImageClient,
    image: Image,
    options: &UploadOptions,
    source: &Source,
) -> Result<Image, Failure> {
    let wanted = [
        ("disk_format", image.disk_format.is_none(), &source.disk_format),
        ("container_format", image.container_format.is_none(), &options.container_format),
    ];
    let changes: Vec<Value> = wanted
        .iter()
        .filter(|(_, missing, _)| *missing)
        .map(|(name, _, value)| json!({"op": "replace", "path": format!("/{name}"), "value": value}))
        .collect();
    if changes.is_empty() {
        return Ok(image);
    }
    client
        .patch(&image.id, &changes)
        .await
        .map_err(|error| Failure::new("cannot set the formats of the image", error))
}

fn record(options: &UploadOptions, source: &Source) -> Map<String, Value> {
    let file_name = options.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut record = Map::new();
    for (key, value) in &options.properties {
        record.insert(key.clone(), json!(value));
    }
    record.insert("name".to_owned(), json!(options.name.clone().or(file_name)));
    record.insert("disk_format".to_owned(), json!(source.disk_format));
    record.insert("container_format".to_owned(), json!(options.container_format));
    let optional = [
        ("visibility", options.visibility.as_ref().map(|who| json!(who))),
        ("min_disk", options.min_disk.map(|gib| json!(gib))),
        ("min_ram", options.min_ram.map(|mib| json!(mib))),
        ("protected", options.protected.then(|| json!(true))),
        ("tags", (!options.tags.is_empty()).then(|| json!(options.tags))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            record.insert(key.to_owned(), value);
        }
    }
    record
}
