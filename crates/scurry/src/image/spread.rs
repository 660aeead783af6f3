// SPDX-License-Identifier: Apache-2.0
//! Several stores: the first gets the upload, the service copies the image to the others.

use std::time::Duration;

use scurry_openstack_client::image::{Image, ImageClient};
use serde_json::{Value, json};

use super::progress::Meter;
use super::retry::Budget;
use crate::cli::UploadOptions;
use crate::failure::Failure;

/// Between two looks at the copies.
const LOOK: Duration = Duration::from_secs(1);

/// Where the image goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Targets {
    /// The service's default store when absent.
    pub(super) first: Option<String>,
    pub(super) others: Vec<String>,
}

/// The stores the options name.
pub(super) async fn targets(client: &ImageClient, options: &UploadOptions) -> Result<Targets, Failure> {
    if let Some(store) = &options.store {
        return Ok(Targets { first: Some(store.clone()), others: Vec::new() });
    }
    let mut named: Vec<String> = Vec::new();
    if options.all_stores {
        let mut stores = client
            .stores()
            .await
            .map_err(|error| Failure::new("cannot list the service's stores for --all-stores", error))?;
        stores.retain(|store| !store.is_read_only());
        // The default one gets the upload.
        stores.sort_by_key(|store| !store.is_default());
        named.extend(stores.into_iter().map(|store| store.id));
    }
    for store in options.stores.iter().map(|store| store.trim()).filter(|store| !store.is_empty()) {
        if !named.iter().any(|known| known == store) {
            named.push(store.to_owned());
        }
    }
    let mut named = named.into_iter();
    Ok(Targets { first: named.next(), others: named.collect() })
}

/// Has the image copied to the stores it is not in yet, and waits for all of them.
pub(super) async fn spread(
    client: &ImageClient,
    id: &str,
    others: &[String],
    meter: &Meter,
    retries: u32,
) -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot look at the image", error);
    let there = words(&client.image(id).await.map_err(failed)?, "stores");
    let missing: Vec<&str> =
        others.iter().map(String::as_str).filter(|store| !there.iter().any(|known| known == store)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let again =
        format!("the image is active; copy it later with: scurry copy {id} --to {}", missing.join(","));
    let started = client.copy_image(id, &missing).await;
    started.map_err(|error| Failure::new(format!("cannot copy the image ({again})"), error))?;
    meter.event(
        "copy",
        json!({"stores": missing, "state": "started"}),
        &format!("copying to {}", missing.join(", ")),
    );
    let image = follow(client, id, &missing, meter, retries).await?;
    let failures = words(&image, "os_glance_failed_import");
    let there = words(&image, "stores");
    let lost: Vec<&str> =
        missing.into_iter().filter(|store| !there.iter().any(|known| known == store)).collect();
    if lost.is_empty() && failures.is_empty() {
        return Ok(());
    }
    Err(Failure::plain(format!("not copied to {} ({again})", lost.join(", "))))
}

/// Looks at the image until no copy is under way.
async fn follow(
    client: &ImageClient,
    id: &str,
    missing: &[&str],
    meter: &Meter,
    retries: u32,
) -> Result<Image, Failure> {
    let mut budget = Budget::new(retries);
    let mut told: Vec<String> = Vec::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let image = match client.image(id).await {
            Ok(image) => image,
            Err(error) => {
                budget.pause(error, "look at the image", meter).await?;
                continue;
            }
        };
        let there = words(&image, "stores");
        for store in missing.iter().filter(|store| there.iter().any(|known| known == *store)) {
            if !told.iter().any(|known| known == store) {
                told.push((*store).to_owned());
                meter.event(
                    "copy",
                    json!({"stores": [store], "state": "done"}),
                    &format!("copied to {store}"),
                );
            }
        }
        let importing = words(&image, "os_glance_importing_to_stores");
        if importing.is_empty() && words(&image, "os_glance_import_task").is_empty() {
            return Ok(image);
        }
    }
}

/// A property that holds names with commas between them.
fn words(image: &Image, property: &str) -> Vec<String> {
    let text = image.properties.get(property).and_then(Value::as_str).unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
