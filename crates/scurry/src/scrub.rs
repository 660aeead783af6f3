// SPDX-License-Identifier: Apache-2.0
//! `scurry scrub`: the data of deleted images removed, as glance-scrubber does it.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::time::Duration;

use scurry_image::ImageService;

use crate::cli::ScrubOptions;
use crate::config_files;
use crate::failure::Failure;
use crate::image_api;
use crate::serve;

pub(crate) async fn run(options: ScrubOptions) -> Result<ExitCode, Failure> {
    let files = &options.image_api;
    let loaded = config_files::load_glance(&files.config_files, &files.config_dirs)?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // A name of its own: the journal of a running image service is left alone.
    let service = image_api::service(&loaded, format!("scurry-scrub-{}", host.trim())).await?;
    if let Some(id) = &options.restore {
        let image = service
            .restore(id)
            .await
            .map_err(|error| Failure::new(format!("cannot restore image {id}"), error))?;
        println!("image {id} is {} again", image.status);
        return Ok(ExitCode::SUCCESS);
    }
    service.recover_scrub().await.map_err(cannot)?;
    let whole = scrub(&service).await?;
    if options.daemon {
        let pause = loaded.conf.delayed_delete.wakeup_time.max(Duration::from_secs(1));
        scrub_until_stopped(&service, pause).await?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cannot(error: scurry_image::ImageError) -> Failure {
    Failure::new("cannot scrub deleted images", error)
}

/// One run; whether nothing was left for the next one.
async fn scrub(service: &ImageService) -> Result<bool, Failure> {
    let done = service.scrub().await.map_err(cannot)?;
    println!("{} scrubbed, {} left for the next run", done.images, done.left);
    Ok(done.left == 0)
}

async fn scrub_until_stopped(service: &ImageService, pause: Duration) -> Result<(), Failure> {
    let stop = serve::stop_signal();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            signal = &mut stop => {
                signal.map_err(|error| Failure::new("cannot wait for signals", error))?;
                return Ok(());
            }
            () = tokio::time::sleep(pause) => {}
        }
        if let Err(failure) = scrub(service).await {
            // The database or a store may be back at the next run.
            failure.report();
        }
    }
}
