// SPDX-License-Identifier: Apache-2.0
//! `scurry demo`: the whole job, on services of its own, told step by step.

mod cloud;
mod disk;
mod progress;
mod table;
mod tour;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::{DemoOptions, UpOptions};
use crate::failure::Failure;
use crate::serve;
use crate::up::{self, Running};
use progress::Stage;

pub(crate) async fn run(options: DemoOptions) -> Result<ExitCode, Failure> {
    let fresh = tempfile::Builder::new()
        .prefix("scurry-demo-")
        .tempdir()
        .map_err(|error| Failure::new("cannot make a temporary directory", error))?;
    let work = options.data_dir.clone().unwrap_or_else(|| fresh.path().to_owned());
    let mut stage = Stage::new(options.progress);

    let step = stage.step("start identity, block storage and image service in one process");
    let running = up::start(&up_options(work.join("cloud"), options.keep)).await?;
    let mut step = step;
    step.see(format!(
        "identity {} · block storage {} · image {}",
        running.auth_url, running.block_url, running.image_url
    ));
    step.done();

    let toured = tokio::select! {
        toured = tour::run(&mut stage, &running, &options, &work) => toured,
        signal = serve::stop_signal() => {
            let signal = signal.map_err(|error| Failure::new("cannot wait for signals", error))?;
            Err(Failure::plain(format!("stopped by {signal}")))
        }
    };
    match toured {
        Ok(()) if options.keep => stay_up(&stage, &running, &work).await?,
        Ok(()) => stage.say(
            "\nThat was all of it. `scurry demo --keep` stays up to play with; `scurry up` is for good.",
        ),
        Err(_) => {}
    }
    running.stop().await;
    if options.keep || options.data_dir.is_some() {
        // What the operator chose, or asked to keep, stays where it is.
        let _ = fresh.keep();
    }
    toured.map(|()| ExitCode::SUCCESS)
}

/// The usual ports for a cloud that stays, any free ones for one that goes.
fn up_options(data_dir: PathBuf, keep: bool) -> UpOptions {
    let port = |usual| if keep { usual } else { 0 };
    UpOptions {
        data_dir,
        listen: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        identity_port: port(5000),
        block_storage_port: port(8776),
        image_port: port(9292),
        glance_conf: None,
        cinder_conf: None,
        image_database: None,
        volume_types: Vec::new(),
        admin_password: None,
        token_lifetime: std::time::Duration::from_secs(12 * 3600),
    }
}

async fn stay_up(stage: &Stage, running: &Running, work: &Path) -> Result<(), Failure> {
    stage.say(&format!(
        "\nStill up, data in {}. In another terminal:\n{}\nCtrl-C stops it.",
        work.display(),
        running.what_to_type()
    ));
    serve::stop_signal().await.map_err(|error| Failure::new("cannot wait for signals", error))?;
    Ok(())
}
