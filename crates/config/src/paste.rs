// SPDX-License-Identifier: Apache-2.0
//! A paste file (`glance-api-paste.ini`): which filters stand before the API in a flavor's pipeline.

use std::path::Path;

use crate::error::{Place, Problem};
use crate::files::ConfigFiles;

/// How many names may lead from the application to its pipeline.
const DEPTH_LIMIT: usize = 8;

/// A filter Glance ships or its users are known to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Answers browsers of other origins.
    Cors,
    /// Believes a proxy's headers.
    ProxyHeaders,
    /// Finds out the caller by a token.
    AuthToken,
    /// Takes the caller from the headers before it.
    Context,
    /// Everybody is nobody.
    UnauthenticatedContext,
    /// Serves images from the cache.
    Cache,
    /// The old routes that manage the cache.
    CacheManage,
    /// Built into the service, or without part here.
    BuiltIn,
}

/// What a flavor's application is made of.
#[derive(Debug, Default)]
pub(crate) struct Application {
    /// In the order requests pass them.
    pub(crate) filters: Vec<Filter>,
    /// What nobody here knows, each with its place.
    pub(crate) unknown: Vec<Problem>,
    /// The section of the health check, when the file mounts one.
    pub(crate) healthcheck: Option<String>,
}

/// Follows `glance-api-<flavor>` to its pipeline.
///
/// # Errors
/// What is missing in the file, as text.
pub(crate) fn application(files: &ConfigFiles, flavor: Option<&str>) -> Result<Application, String> {
    let mut application = Application::default();
    let mut name = match flavor {
        Some(flavor) => format!("glance-api-{flavor}"),
        None => "glance-api".to_owned(),
    };
    for _ in 0..DEPTH_LIMIT {
        if let Some(line) = option(files, &format!("pipeline:{name}"), "pipeline") {
            fill(files, &line, &mut application)?;
            return Ok(application);
        }
        let section = ["composite", "composit"].map(|kind| format!("{kind}:{name}"));
        let Some(section) = section.iter().find(|section| files.has_section(section)) else {
            return Err(format!("has neither [pipeline:{name}] nor [composite:{name}]"));
        };
        let factory = option(files, section, "paste.composite_factory").unwrap_or_default();
        if factory.ends_with("pipeline_factory") {
            let key = flavor.unwrap_or("default");
            let line = option(files, section, key).ok_or(format!("has no {key} in [{section}]"))?;
            fill(files, &line, &mut application)?;
            return Ok(application);
        }
        if let Some(app) = option(files, section, "/healthcheck") {
            application.healthcheck = Some(format!("app:{app}"));
        }
        name = option(files, section, "/").ok_or(format!("has no / in [{section}]"))?;
    }
    Err(format!("leads in a circle at {name}"))
}

fn fill(files: &ConfigFiles, line: &str, application: &mut Application) -> Result<(), String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    // The last one is the API itself.
    words.pop();
    for word in words {
        let section = format!("filter:{word}");
        if !files.has_section(&section) {
            return Err(format!("names the filter {word} and has no [{section}]"));
        }
        let factory = ["paste.filter_factory", "paste.filter_app_factory", "use"]
            .into_iter()
            .find_map(|key| option(files, &section, key))
            .unwrap_or_default();
        match known(&factory) {
            Some(filter) => application.filters.push(filter),
            None => {
                let text = format!("[{section}] {factory} is not a filter there is here; it is left out");
                let place = files.section_place(&section);
                application.unknown.push(Problem { place: place.cloned(), text });
            }
        }
    }
    Ok(())
}

/// The filter behind a factory's Python name.
fn known(factory: &str) -> Option<Filter> {
    let name = factory.to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    Some(if has("oslo_middleware.cors") || has("oslo_middleware:cors") {
        Filter::Cors
    } else if has("httpproxytowsgi") || has("http_proxy_to_wsgi") {
        Filter::ProxyHeaders
    } else if has("keystonemiddleware") && has("auth_token") {
        Filter::AuthToken
    } else if has("unauthenticatedcontext") {
        Filter::UnauthenticatedContext
    } else if has("glance.api.middleware.context") {
        Filter::Context
    } else if has("glance.api.middleware.cache_manage") {
        Filter::CacheManage
    } else if has("glance.api.middleware.cache") {
        Filter::Cache
    } else if has("glance.api.middleware.version_negotiation")
        || has("glance.api.middleware.gzip")
        || has("osprofiler")
        || (has("oslo_middleware")
            && ["requestid", "request_id", "catcherrors", "sizelimit"].iter().any(|part| has(part)))
    {
        Filter::BuiltIn
    } else {
        return None;
    })
}

/// One option of the file, a value over several lines in one.
pub(crate) fn option(files: &ConfigFiles, section: &str, key: &str) -> Option<String> {
    files.get(section, key).map(|raw| raw.text.replace('\n', " ").trim().to_owned())
}

/// The file beside the configuration, as Glance looks for it: `glance-api.conf` has `glance-api-paste.ini`.
pub(crate) fn beside(config: &Path) -> Option<std::path::PathBuf> {
    let name = config.file_name()?.to_str()?.strip_suffix(".conf")?;
    let path = config.with_file_name(format!("{name}-paste.ini"));
    path.is_file().then_some(path)
}

/// Where a file as a whole is meant.
pub(crate) fn whole(path: &Path) -> Place {
    Place { file: path.into(), line: 0 }
}
