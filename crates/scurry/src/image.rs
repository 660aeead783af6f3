// SPDX-License-Identifier: Apache-2.0
//! `scurry image`: the data of images moved between files and any Image service.

mod blocks;
mod body;
mod digests;
mod download;
mod fetch;
mod kept;
mod progress;
mod retry;
mod send;
mod sink;
mod source;
mod spread;
mod tree;
mod upload;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::ImageAction;
use crate::failure::Failure;
use progress::Meter;

pub(crate) async fn run(action: ImageAction) -> Result<ExitCode, Failure> {
    let (meter, ended) = match action {
        ImageAction::Upload(options) => {
            let meter = Meter::new(options.show, true);
            let ended = upload::run(&options, &meter).await;
            (meter, ended)
        }
        ImageAction::Download(options) => {
            let to_stdout = options.file.as_deref() == Some(Path::new("-"));
            let meter = Meter::new(options.show, !to_stdout);
            let ended = download::run(&options, &meter).await;
            (meter, ended)
        }
    };
    ended.inspect_err(|failure| meter.failed(failure))?;
    Ok(ExitCode::SUCCESS)
}
