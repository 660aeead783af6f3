// SPDX-License-Identifier: Apache-2.0
//! The address the client has of this service, for the links in answers.

use http::{HeaderMap, header};

use crate::settings::HttpSettings;

/// `public_endpoint`, else the address the client used; a proxy's headers on that count where they are believed.
pub(crate) fn base_url(http: &HttpSettings, headers: &HeaderMap) -> String {
    if let Some(endpoint) = &http.public_endpoint {
        return endpoint.trim_end_matches('/').to_owned();
    }
    let used = text(headers, header::HOST.as_str()).unwrap_or("localhost");
    if !http.proxy_headers {
        return format!("http://{used}");
    }
    let (mut scheme, mut host) = (None, None);
    match text(headers, "forwarded") {
        Some(forwarded) => {
            // The first proxy is the one the client spoke to.
            for pair in forwarded.split(',').next().unwrap_or_default().split(';') {
                let Some((name, value)) = pair.split_once('=') else { continue };
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "proto" => scheme = Some(value),
                    "host" => host = Some(value),
                    _ => {}
                }
            }
        }
        None => {
            scheme = first(headers, "x-forwarded-proto");
            host = first(headers, "x-forwarded-host");
        }
    }
    let scheme = scheme.filter(|scheme| matches!(*scheme, "http" | "https")).unwrap_or("http");
    let host = host.filter(|host| !host.is_empty() && !host.contains(['/', ' ', '@'])).unwrap_or(used);
    let prefix = first(headers, "x-forwarded-prefix").unwrap_or_default().trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}{slash}{prefix}")
}

/// The first of a header's words between commas.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    text(headers, name)?.split(',').next().map(str::trim)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    fn base(proxy_headers: bool, pairs: &[(&'static str, &'static str)]) -> String {
        let http = HttpSettings { proxy_headers, ..HttpSettings::default() };
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        base_url(&http, &headers.collect())
    }

    #[rstest]
    #[case(&[("host", "in:9292")], "http://in:9292")]
    #[case(&[], "http://localhost")]
    #[case(&[("host", "in"), ("x-forwarded-proto", "https")], "https://in")]
    #[case(&[("host", "in"), ("x-forwarded-host", "out:443, mid")], "http://out:443")]
    #[case(&[("host", "in"), ("x-forwarded-prefix", "/image/")], "http://in/image")]
    #[case(
        &[("host", "in"), ("forwarded", "for=1.2.3.4;Proto=https;host=\"out\", host=mid"), ("x-forwarded-host", "no")],
        "https://out"
    )]
    #[case(&[("host", "in"), ("x-forwarded-proto", "javascript"), ("x-forwarded-host", "a/b")], "http://in")]
    fn a_proxys_word_counts(#[case] pairs: &[(&'static str, &'static str)], #[case] wanted: &str) {
        assert_eq!(base(true, pairs), wanted);
    }

    #[test]
    fn nobodys_word_counts_unless_it_is_configured() {
        let pairs = [
            ("host", "in"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "host=out"),
            ("x-forwarded-prefix", "/x"),
        ];
        assert_eq!(base(false, &pairs), "http://in");
    }
}
