// SPDX-License-Identifier: Apache-2.0
//! `[paste_deploy]`: which filters of Glance's pipelines stand before the API.

use std::path::{Path, PathBuf};

use super::filled;
use crate::error::Problem;
use crate::files::ConfigFiles;
use crate::paste::{self, Filter};
use crate::reader::Reader;

/// The flavors there are without a paste file.
const FLAVORS: [&str; 5] =
    ["keystone", "keystone+caching", "keystone+cachemanagement", "caching", "cachemanagement"];

/// How callers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// By a token that Keystone knows.
    Keystone,
    /// By headers of a proxy in front (`[scurry] trusted_headers`).
    Headers,
    /// Not at all: everybody is a caller without roles, and the policy says what those may do.
    Unauthenticated,
}

/// What stands between a client and the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// How callers are known.
    pub authentication: Authentication,
    /// The flavor has the image cache; it also needs `image_cache_dir`.
    pub cache: bool,
    /// The flavor has the old routes that manage the cache (`/v2/cached_images`); implies `cache`.
    pub cache_manage: bool,
    /// The flavor answers browsers of other origins, as `[cors]` says.
    pub cors: bool,
    /// The flavor believes a proxy's headers, if `[oslo_middleware]` says so too.
    pub proxy_headers: bool,
    /// The paste file that was read.
    pub paste_file: Option<PathBuf>,
    /// Filters of the paste file that are not known.
    pub(crate) warnings: Vec<Problem>,
    /// Options of the paste file's health check, if it has one.
    pub(crate) healthcheck: Option<Vec<(String, String)>>,
}

/// Reads the flavor and the paste file. `keystone` tells whether `[keystone_authtoken]` names a Keystone.
pub(super) fn read(reader: &Reader<'_>, keystone: bool) -> Pipeline {
    let group = "paste_deploy";
    let flavor = filled(reader.opt(group, "flavor"));
    let named = filled(reader.opt(group, "config_file")).map(PathBuf::from);
    let trusted = reader.opt("scurry", "trusted_headers").unwrap_or(false);
    let path = named.clone().or_else(|| {
        let paths: Vec<&Path> = reader.files().paths().collect();
        paths.into_iter().rev().find_map(paste::beside)
    });
    let mut pipeline = match &path {
        Some(path) => from_file(reader, path, flavor.as_deref()),
        None => built_in(reader, flavor.as_deref()),
    };
    if trusted {
        pipeline.authentication = Authentication::Headers;
    } else if flavor.is_none() && named.is_none() && keystone {
        // Glance serves everybody as nobody then; who configures a Keystone means it.
        pipeline.authentication = Authentication::Keystone;
    } else if pipeline.authentication == Authentication::Headers {
        reader.reject(
            group,
            "config_file",
            "the pipeline has context without authtoken: callers are taken from headers, which needs \
             [scurry] trusted_headers",
        );
    }
    pipeline
}

fn built_in(reader: &Reader<'_>, flavor: Option<&str>) -> Pipeline {
    if let Some(flavor) = flavor.filter(|flavor| !FLAVORS.contains(flavor)) {
        let text = format!("there is no flavor {flavor}; there are {}", FLAVORS.join(", "));
        reader.reject("paste_deploy", "flavor", &text);
    }
    let words: Vec<&str> = flavor.map(|flavor| flavor.split('+').collect()).unwrap_or_default();
    let cache_manage = words.contains(&"cachemanagement");
    Pipeline {
        authentication: if words.contains(&"keystone") {
            Authentication::Keystone
        } else {
            Authentication::Unauthenticated
        },
        cache: cache_manage || words.contains(&"caching"),
        cache_manage,
        cors: true,
        proxy_headers: true,
        paste_file: None,
        warnings: Vec::new(),
        healthcheck: None,
    }
}

fn from_file(reader: &Reader<'_>, path: &Path, flavor: Option<&str>) -> Pipeline {
    let mut pipeline = Pipeline { paste_file: Some(path.to_owned()), ..built_in(reader, None) };
    let files = match ConfigFiles::load(&[path.to_owned()], &[]) {
        Ok(files) => files,
        Err(errors) => {
            for problem in errors.0 {
                reader.note(problem);
            }
            return pipeline;
        }
    };
    let application = match paste::application(&files, flavor) {
        Ok(application) => application,
        Err(text) => {
            let of = flavor.map_or_else(String::new, |flavor| format!(" (flavor {flavor})"));
            reader.note(Problem::at(&paste::whole(path), format!("the paste file {text}{of}")));
            return pipeline;
        }
    };
    let has = |filter: Filter| application.filters.contains(&filter);
    pipeline.authentication = if has(Filter::AuthToken) {
        Authentication::Keystone
    } else if has(Filter::Context) {
        Authentication::Headers
    } else {
        Authentication::Unauthenticated
    };
    pipeline.cache_manage = has(Filter::CacheManage);
    pipeline.cache = has(Filter::Cache) || pipeline.cache_manage;
    pipeline.cors = has(Filter::Cors);
    pipeline.proxy_headers = has(Filter::ProxyHeaders);
    if let Some(section) = &application.healthcheck {
        let names: Vec<String> = files.options(section).map(str::to_owned).collect();
        let pair = |name: String| Some((name.clone(), paste::option(&files, section, &name)?));
        pipeline.healthcheck = Some(names.into_iter().filter_map(pair).collect());
    }
    pipeline.warnings = application.unknown;
    pipeline
}

#[cfg(test)]
mod tests;
