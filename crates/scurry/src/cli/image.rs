// SPDX-License-Identifier: Apache-2.0
//! `scurry image` on the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand, ValueEnum};

use super::cloud::{CREDENTIALS_HELP, CloudOptions};

/// What to do with images.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ImageAction {
    /// Send a disk image: only its data travels, broken connections are gone on with, the result is verified
    Upload(Box<UploadOptions>),
    /// Fetch an image's data in parallel, holes as holes, and verify it
    Download(Box<DownloadOptions>),
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ShowOptions {
    /// One JSON object a line on standard output: begin, progress, retry, copy, done, error
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,

    /// Say nothing but the image's id (upload) or what went wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Options of `scurry image upload`.
#[derive(Debug, Clone, Args)]
#[command(
    long_about = "Make an image of a file and verify that it arrived.\n\n\
        The file is looked at first: its format becomes the image's disk_format unless one is given, and what no\n\
        service would take is refused before a byte is sent. Holes of the file are not read. Where the service is\n\
        Scurry, stretches of zeroes are not sent either, and an upload that breaks off goes on where it was: by\n\
        itself when the connection is lost, with --resume after this command ended. Any Glance gets the plain upload\n\
        it knows. At the end the service's digest is compared with the file's.",
    after_help = format!("Examples:\n  \
        scurry image upload noble.img --name ubuntu-24.04 --property os_distro=ubuntu\n  \
        scurry image upload noble.qcow2 --convert raw --stores pure1,pure2\n  \
        scurry image upload noble.img --resume\n\n\
        The exit code is 0 when the image is active, verified, and in every store asked for; 1 otherwise.\n\n\
        {CREDENTIALS_HELP}")
)]
pub(crate) struct UploadOptions {
    /// The disk image: raw, qcow2, VMDK, VDI, VHD, VHDX, ISO
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Name of the image [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// An image that exists already and has no data yet, or an upload that was begun
    #[arg(long, value_name = "ID", conflicts_with_all = ["name", "properties", "tags", "visibility", "min_disk", "min_ram", "protected"])]
    pub(crate) image: Option<String>,

    /// Format of the image [default: what the file is]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) disk_format: Option<String>,

    /// Container of the image
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    pub(crate) container_format: String,

    /// Convert on the way, here: only the data of the disk is read and sent
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) convert: Option<ConvertTo>,

    /// Property of the image; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = parse_property)]
    pub(crate) properties: Vec<(String, String)>,

    /// Tag of the image; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,

    /// Who may see the image: private, shared, community, public
    #[arg(long, value_name = "WHO")]
    pub(crate) visibility: Option<String>,

    /// Smallest disk it boots from, in GiB
    #[arg(long, value_name = "GIB")]
    pub(crate) min_disk: Option<u64>,

    /// Least memory it boots with, in MiB
    #[arg(long, value_name = "MIB")]
    pub(crate) min_ram: Option<u64>,

    /// Refuse to delete it
    #[arg(long)]
    pub(crate) protected: bool,

    /// The store it goes to [default: the service's]
    #[arg(long, value_name = "STORE", conflicts_with_all = ["stores", "all_stores"])]
    pub(crate) store: Option<String>,

    /// Several stores: it is sent to the first, and the service copies it to the others
    #[arg(long, value_name = "STORE,...", value_delimiter = ',', conflicts_with = "all_stores")]
    pub(crate) stores: Vec<String>,

    /// Every store of the service
    #[arg(long)]
    pub(crate) all_stores: bool,

    /// Go on with the upload of this file that was begun before; begin one when there is none
    #[arg(long)]
    pub(crate) resume: bool,

    /// How often to try again without a byte getting through
    #[arg(long, value_name = "TIMES", default_value_t = 8)]
    pub(crate) retries: u32,

    #[command(flatten)]
    pub(crate) show: ShowOptions,

    #[command(flatten)]
    pub(crate) cloud: CloudOptions,
}

/// A format written on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConvertTo {
    /// The disk itself.
    Raw,
}

/// Options of `scurry image download`.
#[derive(Debug, Clone, Args)]
#[command(
    long_about = "Write an image's data to a file and verify it.\n\n\
        The data is fetched by several requests at once where the service can give ranges. Stretches of zeroes become\n\
        holes of the file. The file appears under its name when it is complete and its digest is the image's;\n\
        until then it is FILE.ID.part, and --resume goes on with what is there.",
    after_help = format!("Examples:\n  \
        scurry image download ubuntu-24.04 --file noble.img\n  \
        scurry image download 71c675ab-d94f-49cd-a114-e12490b328d9 --file - | zstd > noble.img.zst\n\n\
        The exit code is 0 when the data is complete and verified; 1 otherwise.\n\n{CREDENTIALS_HELP}")
)]
pub(crate) struct DownloadOptions {
    /// The image's id, or its name
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// Where to write it; - is standard output [default: ID.FORMAT]
    #[arg(long, short, value_name = "FILE|-")]
    pub(crate) file: Option<PathBuf>,

    /// Replace a file that exists
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) force: bool,

    /// How many requests at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) parallel: u16,

    /// Go on with what an earlier download left
    #[arg(long)]
    pub(crate) resume: bool,

    /// How often to try again without a byte getting through
    #[arg(long, value_name = "TIMES", default_value_t = 8)]
    pub(crate) retries: u32,

    #[command(flatten)]
    pub(crate) show: ShowOptions,

    #[command(flatten)]
    pub(crate) cloud: CloudOptions,
}

fn parse_property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is expected, such as os_distro=ubuntu".to_owned()),
    }
}
