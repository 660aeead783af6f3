// SPDX-License-Identifier: Apache-2.0
//! Options of `scurry copy`.

use clap::Args;

use super::CloudOptions;
use super::cloud::CREDENTIALS_HELP;

/// Options of `scurry copy`.
#[derive(Debug, Clone, Args)]
#[command(
    long_about = "Copy an image to further stores.\n\n\
                  The service takes the best way there is into each store: a clone by the backend or of a file moves no \
                  bytes; otherwise the data, without its holes, is read once, verified block by block, and written to all \
                  stores at the same time. The plan says which way it is, and why a better one is not taken.",
    after_help = format!(
        "Examples:\n  scurry copy debian-13 --all --plan      show what would be done, and do nothing\n  \
         scurry copy debian-13 --to ceph,pure2   copy, and follow it to its end\n\n{CREDENTIALS_HELP}"
    )
)]
pub(crate) struct CopyOptions {
    /// Id or name of the image
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// Stores to copy to, separated by commas (openstack image stores list)
    #[arg(long, value_name = "STORES", value_delimiter = ',', required_unless_present = "all")]
    pub(crate) to: Vec<String>,

    /// Copy to every store that does not have the image
    #[arg(long, conflicts_with = "to")]
    pub(crate) all: bool,

    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) plan: bool,

    /// Keep what succeeds when a store fails; without this a failure takes the other copies back
    #[arg(long)]
    pub(crate) partial: bool,

    /// Print the plan, and the end, as JSON: one document a line
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) cloud: CloudOptions,
}
