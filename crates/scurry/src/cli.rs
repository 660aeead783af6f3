// SPDX-License-Identifier: Apache-2.0
//! The command line: what can be asked of `scurry`, with help that teaches.

mod cache;
mod cloud;
mod copy;
mod db;
mod image;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scurry_types::ImageId;

pub(crate) use cache::{CacheAction, CacheOptions};
pub(crate) use cloud::CloudOptions;
pub(crate) use copy::CopyOptions;
pub(crate) use db::{AdoptOptions, DbAction, ExportMetadefsOptions, LoadMetadefsOptions};
pub(crate) use image::{DownloadOptions, ImageAction, ShowOptions, UploadOptions};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "scurry",
    version,
    about = "An OpenStack Image service that keeps disk images on many stores at once",
    long_about = "An OpenStack Image service (API v2, a drop-in for Glance) that keeps disk images on many stores at \
                  once, block-storage volumes first, and turns them into boot volumes instantly.\n\n\
                  New here? `scurry demo` shows it all in a minute, with nothing else installed.",
    after_help = "\
In place of Glance's programs:
  glance-api                                                 scurry image-api
  glance-manage                                              scurry db (see its --help)
  glance-scrubber                                            scurry scrub; image-api scrubs by itself as well
  glance-cache-manage                                        scurry cache
  glance-cache-prefetcher, -pruner, -cleaner                 image-api does all three; scurry cache queue, prune, clean
  glance-status upgrade check                                scurry config check, scurry db adopt --dry-run
  glance-replicator                                          scurry image download and upload

Logs go to standard error; SCURRY_LOG=debug or SCURRY_LOG=scurry_image=trace tells more."
)]
pub(crate) struct Cli {
    /// How log lines look.
    #[arg(long, global = true, value_enum, default_value_t = LogStyle::Text, env = "SCURRY_LOG_FORMAT")]
    pub(crate) log_format: LogStyle,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogStyle {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run identity, block storage and the image service in one process, with nothing else installed
    Up(UpOptions),
    /// Show the whole job in a minute: upload, copy to four stores, boot volumes as instant clones
    Demo(DemoOptions),
    /// Run the image service alone, beside the Keystone and Cinder its configuration names
    ImageApi(ImageApiOptions),
    /// Upload and download images, to and from any Image service
    Image {
        #[command(subcommand)]
        action: ImageAction,
    },
    /// Create, adopt, look at and clean up the image service's database, as glance-manage does
    #[command(after_help = db::COUNTERPARTS)]
    Db {
        #[command(subcommand)]
        action: DbAction,
    },
    /// Remove the data of images deleted with delayed_delete, or take such a deletion back
    Scrub(ScrubOptions),
    /// Check and show configuration files in OpenStack's dialect
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Check and show the rules that say who may do what
    Policy {
        #[command(subcommand)]
        action: crate::policy::PolicyAction,
    },
    /// Reach volumes of the block-storage service from here, in user space
    Volume {
        #[command(subcommand)]
        action: VolumeAction,
    },
    /// Copy an image to further stores by the best way there is, which it shows
    Copy(CopyOptions),
    /// Look at the image cache of a node and manage it, as glance-cache-manage does
    Cache(CacheOptions),
    /// Print the completion script of a shell
    Completions {
        /// The shell; try: source <(scurry completions bash)
        shell: clap_complete::Shell,
    },
}

/// Options of `scurry up`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Then, in another terminal:\n  export OS_CLIENT_CONFIG_FILE=DATA_DIR/clouds.yaml OS_CLOUD=scurry\n  \
                        openstack image stores list"
)]
pub(crate) struct UpOptions {
    /// Where everything is kept; made when missing, found again at the next start
    #[arg(long, value_name = "DIR", default_value = "scurry-data", env = "SCURRY_DATA_DIR")]
    pub(crate) data_dir: PathBuf,

    /// Address to listen on; there is no TLS here, so think before leaving loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,

    /// Port of the identity service
    #[arg(long, value_name = "PORT", default_value_t = 5000)]
    pub(crate) identity_port: u16,

    /// Port of the block-storage service
    #[arg(long, value_name = "PORT", default_value_t = 8776)]
    pub(crate) block_storage_port: u16,

    /// Port of the image service
    #[arg(long, value_name = "PORT", default_value_t = 9292)]
    pub(crate) image_port: u16,

    /// Your glance-api.conf, read as it is; addresses and credentials of the other services are replaced by the
    /// embedded ones [default: DATA_DIR/glance-api.conf, written at the first start]
    #[arg(long, value_name = "FILE")]
    pub(crate) glance_conf: Option<PathBuf>,

    /// Your cinder.conf: one backend section a pool [default: DATA_DIR/cinder.conf, written at the first start]
    #[arg(long, value_name = "FILE")]
    pub(crate) cinder_conf: Option<PathBuf>,

    /// Where the image service keeps its rows, as [database] connection has it; may hold a password
    /// [default: sqlite:///DATA_DIR/glance.db]
    #[arg(long, value_name = "URL", env = "SCURRY_IMAGE_DATABASE", hide_env_values = true)]
    pub(crate) image_database: Option<String>,

    /// A volume type to have besides those of the embedded default: NAME=VOLUME_BACKEND_NAME
    #[arg(long = "volume-type", value_name = "NAME=BACKEND", value_parser = parse_volume_type)]
    pub(crate) volume_types: Vec<(String, String)>,

    /// Password of the user admin at the first start [default: a random one, in DATA_DIR/clouds.yaml]
    #[arg(long, value_name = "PASSWORD", env = "SCURRY_ADMIN_PASSWORD", hide_env_values = true)]
    pub(crate) admin_password: Option<String>,

    /// How long a token lives: 12h, 30m, 90s
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    pub(crate) token_lifetime: Duration,
}

/// Options of `scurry demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoOptions {
    /// A qcow2 or raw disk image [default: a real, mountable one is made from files at hand]
    #[arg(value_name = "IMAGE")]
    pub(crate) image: Option<PathBuf>,

    /// Where the demo keeps its data [default: a fresh temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Stay up at the end, to play with; otherwise everything is removed
    #[arg(long)]
    pub(crate) keep: bool,

    /// How progress is shown; auto: bars on a terminal, plain lines elsewhere
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto)]
    pub(crate) progress: ProgressStyle,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// Bars on a terminal, plain lines elsewhere.
    Auto,
    /// A line when something begins or ends.
    Plain,
    /// One JSON object a step.
    Json,
}

/// Options of `scurry image-api`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  scurry image-api --config-file /etc/glance/glance-api.conf")]
pub(crate) struct ImageApiOptions {
    /// Configuration file; may be given more than once, later ones win
    #[arg(long = "config-file", value_name = "FILE", required = true)]
    pub(crate) config_files: Vec<PathBuf>,

    /// Directory of further *.conf files, read after the files in alphabetical order
    #[arg(long = "config-dir", value_name = "DIR")]
    pub(crate) config_dirs: Vec<PathBuf>,
}

/// Options of `scurry scrub`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "In place of glance-scrubber (also with --daemon and --restore).\n\nThe image service scrubs by itself every wakeup_time seconds; this is for those who want to \
                        scrub now, or from cron.\n\nExamples:\n  scurry scrub --config-file \
                        /etc/glance/glance-api.conf\n  scurry scrub --config-file /etc/glance/glance-api.conf \
                        --restore 71c675ab-d94f-49cd-a114-e12490b328d9"
)]
pub(crate) struct ScrubOptions {
    /// The image service's configuration
    #[command(flatten)]
    pub(crate) image_api: ImageApiOptions,

    /// Go on, with a run every wakeup_time seconds, until stopped
    #[arg(long, short = 'D', conflicts_with = "restore")]
    pub(crate) daemon: bool,

    /// Make this image what it was before it was deleted, instead of scrubbing
    #[arg(long, value_name = "IMAGE_ID", value_parser = parse_image_id)]
    pub(crate) restore: Option<ImageId>,
}

/// What to do with configuration files.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigAction {
    /// Name every wrong value with file and line, and every unknown option with the nearest known one
    Check(ConfigFileOptions),
    /// Show the effective value of every option, secrets hidden
    Show(ConfigFileOptions),
}

/// Which files, and whose dialect.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFileOptions {
    /// Files in the order in which the service would read them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Which service the files are for; auto: by the file's name
    #[arg(long, value_enum, default_value_t = Dialect::Auto)]
    pub(crate) service: Dialect,
}

/// Whose options a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// Cinder's if a file name has "cinder" in it, else Glance's.
    Auto,
    /// Glance's.
    Glance,
    /// Cinder's.
    Cinder,
}

/// What to do with a volume.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum VolumeAction {
    /// Write a volume's content to a file, holes as holes; credentials come from the OS_* variables
    Export {
        /// The volume's id
        volume: String,
        /// The file; it must not exist
        file: PathBuf,
    },
}

fn parse_image_id(text: &str) -> Result<ImageId, String> {
    text.parse().map_err(|_| "an image's id (a UUID) is expected".to_owned())
}

fn parse_volume_type(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, backend)) if !name.is_empty() && !backend.is_empty() => {
            Ok((name.to_owned(), backend.to_owned()))
        }
        _ => Err("NAME=VOLUME_BACKEND_NAME is expected, such as gold=puredriver-1".to_owned()),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let count: u64 =
        digits.parse().map_err(|_| "a number with s, m or h is expected, such as 12h".to_owned())?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => count,
        "m" => count.saturating_mul(60),
        "h" => count.saturating_mul(3600),
        unit => return Err(format!("{unit:?} is no unit of time: s, m or h is expected")),
    };
    if seconds == 0 {
        Err("more than no time is expected".to_owned())
    } else {
        Ok(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("12h"), Ok(Duration::from_secs(43_200)));
        assert_eq!(parse_duration("3s"), Ok(Duration::from_secs(3)));
        assert!(parse_duration("3 days").is_err());
        assert!(parse_duration("0s").is_err());
    }
}
