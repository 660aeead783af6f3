// SPDX-License-Identifier: Apache-2.0
//! What Glance's middleware is told: `[cors]`, `[oslo_middleware]`, `[healthcheck]`.

use std::net::IpAddr;
use std::path::PathBuf;

use super::pipeline::Pipeline;
use crate::reader::Reader;

/// Where the health check's file is without a paste file that says otherwise.
const DISABLE_FILE: &str = "/etc/glance/healthcheck_disable";

/// What pages of one origin may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin {
    /// `https://horizon.example.com`, or `*` for any.
    pub origin: String,
    /// Whether requests may carry the user's credentials.
    pub allow_credentials: bool,
    /// Headers of answers that pages may read.
    pub expose_headers: Vec<String>,
    /// Seconds a browser may remember a preflight; none to leave that to it.
    pub max_age: Option<u64>,
    /// Verbs pages may use.
    pub allow_methods: Vec<String>,
    /// Headers pages may send, besides those everybody may.
    pub allow_headers: Vec<String>,
}

/// One question the health check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthBackend {
    /// Ill while this file exists.
    DisableByFile(Option<PathBuf>),
    /// Ill while the file of the port asked at exists.
    DisableByFilesPorts(Vec<(u16, PathBuf)>),
    /// Ill while one of these files is missing.
    EnableByFiles(Vec<PathBuf>),
}

/// Addresses `address/bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u8,
}

impl AddressRange {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, width: u32| {
            let shift = width - u32::from(self.bits);
            own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// `[healthcheck]`, with the paste file's section over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// All of them must be well.
    pub backends: Vec<HealthBackend>,
    /// Tell more than yes or no.
    pub detailed: bool,
    /// Who is answered; empty for everybody.
    pub allowed_source_ranges: Vec<AddressRange>,
    /// Do not answer what came through a proxy.
    pub ignore_proxied_requests: bool,
}

/// `[cors]` and every `[cors.<name>]`; an origin that is named twice keeps its first settings.
pub(super) fn cors(reader: &Reader<'_>) -> Vec<CorsOrigin> {
    let mut sections: Vec<String> = vec!["cors".to_owned()];
    let named = reader.files().sections().filter(|name| is_cors(name) && !name.eq_ignore_ascii_case("cors"));
    sections.extend(named.map(str::to_owned));
    let mut origins: Vec<CorsOrigin> = Vec::new();
    for section in &sections {
        let Some(names) = reader.opt_in::<Vec<String>>(section, "cors", "allowed_origin") else { continue };
        // What a named section leaves out is as in [cors].
        let from = |name: &str| if reader.is_set(section, name) { section.as_str() } else { "cors" };
        let words = |name: &str| reader.opt_in::<Vec<String>>(from(name), "cors", name).unwrap_or_default();
        let max_age: Option<i64> = reader.opt_in(from("max_age"), "cors", "max_age");
        for origin in names {
            if origins.iter().any(|known| known.origin == origin) {
                continue;
            }
            origins.push(CorsOrigin {
                origin,
                allow_credentials: reader
                    .opt_in(from("allow_credentials"), "cors", "allow_credentials")
                    .unwrap_or(true),
                expose_headers: words("expose_headers"),
                max_age: max_age.and_then(|age| u64::try_from(age).ok()).filter(|age| *age > 0),
                allow_methods: words("allow_methods"),
                allow_headers: words("allow_headers"),
            });
        }
    }
    origins
}

/// Whether a section's options are those of `[cors]`.
pub(crate) fn is_cors(section: &str) -> bool {
    let section = section.to_ascii_lowercase();
    section == "cors" || section.strip_prefix("cors.").is_some_and(|name| !name.is_empty())
}

/// None when the paste file has no health check.
pub(super) fn healthcheck(reader: &Reader<'_>, pipeline: &Pipeline) -> Option<Healthcheck> {
    let group = "healthcheck";
    if pipeline.paste_file.is_some() && pipeline.healthcheck.is_none() {
        return None;
    }
    let paste = |name: &str| {
        let options = pipeline.healthcheck.as_deref().unwrap_or_default();
        options.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let words = |name: &str| match paste(name) {
        Some(text) => {
            text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
        }
        None => reader.opt::<Vec<String>>(group, name).unwrap_or_default(),
    };
    let flag = |name: &str| match paste(name) {
        Some(text) => matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"),
        None => reader.opt(group, name).unwrap_or(false),
    };
    let mut names = words("backends");
    if names.is_empty() && pipeline.paste_file.is_none() {
        // What Glance's own paste file says.
        names.push("disable_by_file".to_owned());
    }
    let mut backends = Vec::new();
    for name in &names {
        match name.as_str() {
            "disable_by_file" => {
                let file =
                    paste("disable_by_file_path").or_else(|| reader.opt(group, "disable_by_file_path"));
                let file = file.or_else(|| pipeline.paste_file.is_none().then(|| DISABLE_FILE.to_owned()));
                backends.push(HealthBackend::DisableByFile(file.map(PathBuf::from)));
            }
            "disable_by_files_ports" => {
                backends
                    .push(HealthBackend::DisableByFilesPorts(ports(reader, &words("disable_by_file_paths"))));
            }
            "enable_by_files" => {
                let paths = words("enable_by_file_paths").into_iter().map(PathBuf::from).collect();
                backends.push(HealthBackend::EnableByFiles(paths));
            }
            other => reader.reject(group, "backends", &format!("there is no health check {other}")),
        }
    }
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("disable_by_file") && has("enable_by_files") {
        reader.reject(group, "backends", "enable_by_files and disable_by_file cannot both be used");
    }
    let mut ranges = Vec::new();
    for text in words("allowed_source_ranges") {
        match AddressRange::parse(&text) {
            Some(range) => ranges.push(range),
            None => reader.reject(
                group,
                "allowed_source_ranges",
                &format!("{text} is no address or address/bits"),
            ),
        }
    }
    Some(Healthcheck {
        backends,
        detailed: flag("detailed"),
        allowed_source_ranges: ranges,
        ignore_proxied_requests: flag("ignore_proxied_requests"),
    })
}

fn ports(reader: &Reader<'_>, words: &[String]) -> Vec<(u16, PathBuf)> {
    let mut found = Vec::new();
    for word in words {
        let pair =
            word.split_once(':').and_then(|(port, path)| Some((port.trim().parse().ok()?, path.into())));
        match pair {
            Some(pair) => found.push(pair),
            None => {
                reader.reject("healthcheck", "disable_by_file_paths", &format!("{word} is not port:path"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
