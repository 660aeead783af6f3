// SPDX-License-Identifier: Apache-2.0
//! `scurry db` on the command line: glance-manage's commands under the same names.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ImageApiOptions;

/// Which command stands for which of Glance's.
pub(super) const COUNTERPARTS: &str = "\
In place of glance-manage (also `glance-manage db_sync` and the like):
  db sync, db upgrade       scurry db sync
  db check                  scurry db check           the same exit codes
  db version                scurry db version
  db expand                 scurry db expand
  db migrate                scurry db migrate         there is no data to be moved
  db contract               scurry db contract
  db purge                  scurry db purge
  db purge_images_table     scurry db purge-images
  db load_metadefs          scurry db load-metadefs
  db unload_metadefs        scurry db unload-metadefs
  db export_metadefs        scurry db export-metadefs
  db version_control        not needed: scurry db adopt tells what is in a database

A database that Glance has used is looked at with `scurry db adopt --dry-run` first.";

/// What to do with the database.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DbAction {
    /// Create the tables, or bring them up to date (glance-manage db sync, db upgrade)
    #[command(alias = "upgrade")]
    Sync(ImageApiOptions),
    /// Say which revision the database is at and what is missing
    Status(ImageApiOptions),
    /// End with 0 when nothing is to be done, 3 when `expand`, 5 when `contract` is (glance-manage db check)
    Check(ImageApiOptions),
    /// Print the revisions of Glance's tables, one a line (glance-manage db version)
    Version(ImageApiOptions),
    /// Add what is missing while services of the version before run on (glance-manage db expand)
    Expand(ImageApiOptions),
    /// Move data between tables; there is none to be moved (glance-manage db migrate)
    Migrate(ImageApiOptions),
    /// End an upgrade once all services are of this version (glance-manage db contract)
    Contract(ImageApiOptions),
    /// Take over a database of Glance's: say what is in it, add our own tables, change nothing else
    Adopt(AdoptOptions),
    /// Remove rows deleted long ago for good, of images' parts and tasks (glance-manage db purge)
    Purge(PurgeOptions),
    /// Remove rows of images deleted long ago for good (glance-manage db purge_images_table)
    #[command(aliases = ["purge_images_table", "purge-images-table"])]
    PurgeImages(PurgeImagesOptions),
    /// Take in metadata definitions from Glance's JSON files (glance-manage db load_metadefs)
    #[command(alias = "load_metadefs")]
    LoadMetadefs(LoadMetadefsOptions),
    /// Remove all metadata definitions and resource types (glance-manage db unload_metadefs)
    #[command(alias = "unload_metadefs")]
    UnloadMetadefs(ImageApiOptions),
    /// Write every namespace of metadata definitions into a JSON file (glance-manage db export_metadefs)
    #[command(alias = "export_metadefs")]
    ExportMetadefs(ExportMetadefsOptions),
}

/// Options of `scurry db adopt`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The database may be at any revision from Glance 2023.1 on; older ones are brought up to date by Glance's own
`glance-manage db_sync` first. Stop Glance before the image service is started: what is half-finished then is taken for
interrupted. Glance can be started on the database again at any time; tables and indexes called scurry_* do not
disturb it.

Example:
  scurry db adopt --config-file /etc/glance/glance-api.conf --dry-run")]
pub(crate) struct AdoptOptions {
    #[command(flatten)]
    pub(crate) service: ImageApiOptions,

    /// Only tell what is there; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Tell it as one JSON object, with every image that needs a look
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `scurry db purge`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Rows of images whose data still waits for the scrubber stay, however old they are.")]
pub(crate) struct PurgeOptions {
    #[command(flatten)]
    pub(crate) service: ImageApiOptions,

    /// What was deleted longer ago than this
    #[arg(long, alias = "age_in_days", value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..19_000))]
    pub(crate) age_in_days: u32,

    /// Rows of each table at most; -1 for all
    #[arg(long, alias = "max_rows", value_name = "ROWS", default_value_t = 100, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pub(crate) max_rows: i64,
}

/// Options of `scurry db purge-images`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Run `scurry db purge` first: an image goes when nothing refers to it any more. Afterwards its id may be chosen anew by
whoever knows it (OSSN-0075), which is why this is a command of its own.")]
pub(crate) struct PurgeImagesOptions {
    #[command(flatten)]
    pub(crate) service: ImageApiOptions,

    /// What was deleted longer ago than this
    #[arg(long, alias = "age_in_days", value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(..19_000))]
    pub(crate) age_in_days: u32,

    /// Images at most; -1 for all
    #[arg(long, alias = "max_rows", value_name = "ROWS", default_value_t = 100, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pub(crate) max_rows: i64,
}

/// Options of `scurry db load-metadefs`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "A namespace that is there already is left alone, unless --merge says otherwise.\n\n\
                        Example:\n  scurry db load-metadefs --config-file /etc/glance/glance-api.conf --path metadefs/")]
pub(crate) struct LoadMetadefsOptions {
    #[command(flatten)]
    pub(crate) service: ImageApiOptions,

    /// A file, or a directory whose *.json files are read [default: metadata_source_path, which is
    /// /etc/glance/metadefs/]
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) path: Option<PathBuf>,

    /// Add to a namespace what it lacks; what it has stays as it is
    #[arg(long)]
    pub(crate) merge: bool,

    /// With --merge: what a namespace has becomes as in the file
    #[arg(long, alias = "prefer_new", requires = "merge", conflicts_with = "overwrite")]
    pub(crate) prefer_new: bool,

    /// With --merge: put the file's namespace into the place of the one there is
    #[arg(long, requires = "merge")]
    pub(crate) overwrite: bool,
}

/// Options of `scurry db export-metadefs`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportMetadefsOptions {
    #[command(flatten)]
    pub(crate) service: ImageApiOptions,

    /// The directory, made when missing; files of the same names are replaced [default: metadata_source_path, which
    /// is /etc/glance/metadefs/]
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

impl DbAction {
    /// Which configuration names the database.
    pub(crate) fn service(&self) -> &ImageApiOptions {
        match self {
            Self::Sync(options)
            | Self::Status(options)
            | Self::Check(options)
            | Self::Version(options)
            | Self::Expand(options)
            | Self::Migrate(options)
            | Self::Contract(options)
            | Self::UnloadMetadefs(options) => options,
            Self::Adopt(options) => &options.service,
            Self::Purge(options) => &options.service,
            Self::PurgeImages(options) => &options.service,
            Self::LoadMetadefs(options) => &options.service,
            Self::ExportMetadefs(options) => &options.service,
        }
    }
}
