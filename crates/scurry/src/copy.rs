// SPDX-License-Identifier: Apache-2.0
//! `scurry copy`: an image copied to further stores, the plan shown and the copy followed to its end.
#![allow(clippy::print_stdout)]

mod plan;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use scurry_openstack_client::image::{CopyPlan, Image, ImageClient};
use scurry_openstack_client::{ClientError, ErrorKind};
use serde_json::{Value, json};

use crate::cli::CopyOptions;
use crate::client;
use crate::failure::Failure;

/// Pause between two looks at a copy.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(options: CopyOptions) -> Result<ExitCode, Failure> {
    let client = client::images(&options.cloud)?;
    let id = client::find_image(&client, &options.image).await?.id;
    let stores = &options.to;
    let planned = match client.copy_plan(&id, stores).await {
        // Glance has no plans; what it was asked for it copies all the same.
        Err(error) if error.kind() == ErrorKind::NotFound && !options.plan => None,
        planned => Some(planned.map_err(|error| Failure::new("cannot plan the copy", error))?),
    };
    let plan = planned.as_ref().map(read).transpose()?;
    if let (Some(value), Some(plan)) = (&planned, &plan) {
        if options.json {
            println!("{}", json!({ "plan": value }));
        } else {
            print!("{}", plan::text(plan));
        }
        if options.plan || plan.targets.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    if plan.as_ref().and_then(|plan| plan.task.as_ref()).is_none() {
        let started = client.start_copy(&id, stores, !options.partial).await;
        started.map_err(|error| Failure::new("cannot start the copy", error))?;
    }
    let end = follow(&client, &id, stores, options.json).await;
    tell(&end.map_err(|error| Failure::new("cannot follow the copy, which goes on", error))?, options.json)
}

fn read(plan: &Value) -> Result<CopyPlan, Failure> {
    serde_json::from_value(plan.clone()).map_err(|error| Failure::new("the plan cannot be read", error))
}

/// How a copy ended.
#[derive(Debug)]
struct End {
    stores: BTreeSet<String>,
    failed: Vec<String>,
    message: Option<String>,
}

/// Looks at the image until no task holds it any more.
async fn follow(client: &ImageClient, id: &str, stores: &[String], json: bool) -> Result<End, ClientError> {
    let bar =
        if std::io::stderr().is_terminal() && !json { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {binary_bytes} of {binary_total_bytes}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut there: Option<BTreeSet<String>> = None;
    loop {
        let image = client.image(id).await?;
        let now: BTreeSet<_> = listed(&image, "stores").into_iter().collect();
        if let Some(before) = &there
            && !json
        {
            for store in now.difference(before) {
                bar.suspend(|| println!("{store}: done"));
            }
        }
        there = Some(now.clone());
        if text(&image, "os_glance_import_task").is_empty()
            && listed(&image, "os_glance_importing_to_stores").is_empty()
        {
            bar.finish_and_clear();
            let failed = listed(&image, "os_glance_failed_import");
            let message = if failed.is_empty() { None } else { client.last_message(id).await.ok().flatten() };
            return Ok(End { stores: now, failed, message });
        }
        bar.set_message(format!("to {}", listed(&image, "os_glance_importing_to_stores").join(", ")));
        // It may have ended since: then there is no plan of it, and the next look says so.
        if let Ok(plan) = client.copy_plan(id, stores).await
            && let Ok(CopyPlan { size, done_bytes: Some(done), .. }) = read(&plan)
        {
            bar.set_length(size);
            bar.set_position(done);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn text<'a>(image: &'a Image, name: &str) -> &'a str {
    image.properties.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn listed(image: &Image, name: &str) -> Vec<String> {
    text(image, name).split(',').filter(|store| !store.is_empty()).map(str::to_owned).collect()
}

fn tell(end: &End, json: bool) -> Result<ExitCode, Failure> {
    if json {
        println!("{}", json!({"stores": end.stores, "failed": end.failed, "message": end.message}));
    } else if end.failed.is_empty() {
        let stores: Vec<_> = end.stores.iter().map(String::as_str).collect();
        println!("The image is in {}.", stores.join(", "));
    }
    if end.failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let why = end.message.as_deref().unwrap_or("the service does not say why");
    Err(Failure::plain(format!("not copied to {}: {why}", end.failed.join(", "))))
}
