// SPDX-License-Identifier: Apache-2.0
//! `scurry cache` on the command line.

use clap::{Args, Subcommand, ValueEnum};

/// Options of `scurry cache`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Every node has a cache of its own: name the node with --url where there are several.\n\
                  Credentials come from the OS_* variables an openrc file sets; an administrator's are needed.\n\n\
                  Example, in place of Glance's cron jobs glance-cache-pruner and glance-cache-cleaner (a running\n\
                  image-api does both every minute on its own):\n  \
                  scurry cache --url http://node-3:9292 prune"
)]
pub(crate) struct CacheOptions {
    /// Address of the node's image service [default: the one in the catalog]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

/// What to do with the cache.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CacheAction {
    /// Show what is cached and what is queued
    List,
    /// Have images fetched into the cache
    Queue {
        /// The images' ids
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Take images out of cache and queue
    Delete {
        /// The images' ids
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Empty the cache, the queue, or both
    Clear {
        /// What to empty [default: both]
        #[arg(value_enum)]
        part: Option<Part>,
    },
    /// Remove images asked for longest ago until the cache is within image_cache_max_size
    Prune,
    /// Remove files that are wrong, or incomplete for longer than image_cache_stall_time
    Clean,
    /// Name the nodes that have an image cached
    Nodes {
        /// The image's id
        image: String,
    },
}

/// A part of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Images that are there.
    Cache,
    /// Images to be fetched.
    Queue,
}

impl Part {
    /// The word the API has for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Queue => "queue",
        }
    }
}
