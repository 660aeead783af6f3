// SPDX-License-Identifier: Apache-2.0
//! The API version a request asks for, and its echo in the answer.

use std::fmt;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::fault::Fault;

/// Oldest and newest minor version of API 3 served.
pub(crate) const RANGE: (u16, u16) = (0, 71);

const HEADER: &str = "openstack-api-version";

/// Minor version of API 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Microversion(pub(crate) u16);

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}", self.0)
    }
}

/// Reads `OpenStack-API-Version: volume 3.N`; 3.0 without it. The header may list other services' versions.
fn requested(headers: &HeaderMap) -> Result<Microversion, Fault> {
    let mut asked = None;
    for value in headers.get_all(HEADER) {
        let value = value.to_str().unwrap_or_default();
        for entry in value.split(',') {
            if let Some(("volume", version)) = entry.trim().split_once(char::is_whitespace) {
                asked = Some(version.trim().to_owned());
            }
        }
    }
    let Some(text) = asked else { return Ok(Microversion(RANGE.0)) };
    if text == "latest" {
        return Ok(Microversion(RANGE.1));
    }
    let (major, minor) = text.split_once('.').and_then(number_pair).ok_or_else(|| {
        Fault::bad_request(format!(
            "API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
        ))
    })?;
    if major != 3 || minor > RANGE.1 {
        return Err(Fault::new(
            StatusCode::NOT_ACCEPTABLE,
            format!(
                "Version {text} is not supported by the API. Minimum is 3.{} and maximum is 3.{}.",
                RANGE.0, RANGE.1
            ),
        ));
    }
    Ok(Microversion(minor))
}

fn number_pair((major, minor): (&str, &str)) -> Option<(u16, u16)> {
    // As Cinder's pattern: no sign, no leading zero beside 0 itself.
    let plain = |n: &str| n.bytes().all(|b| b.is_ascii_digit()) && (n == "0" || !n.starts_with('0'));
    (plain(major) && plain(minor)).then_some(())?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Puts the request's [`Microversion`] where handlers find it, and names it in the answer.
pub(crate) async fn negotiate(mut request: Request, next: Next) -> Response {
    let version = match requested(request.headers()) {
        Ok(version) => version,
        Err(fault) => return fault.into_response(),
    };
    request.extensions_mut().insert(version);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("volume {version}")) {
        headers.insert(HEADER, value);
    }
    headers.append(header::VARY, HeaderValue::from_static("OpenStack-API-Version"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Result<Microversion, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(value).unwrap());
        requested(&headers).map_err(|fault| fault.status.as_u16())
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(requested(&HeaderMap::new()).unwrap(), Microversion(0));
        assert_eq!(asked("volume 3.54"), Ok(Microversion(54)));
        assert_eq!(asked("compute 2.1, volume 3.7"), Ok(Microversion(7)));
        assert_eq!(asked("compute 2.1"), Ok(Microversion(0)));
        assert_eq!(asked("volume latest"), Ok(Microversion(71)));
        assert_eq!(asked("volume 3.72"), Err(406));
        assert_eq!(asked("volume 2.0"), Err(406));
        assert_eq!(asked("volume three"), Err(400));
        assert_eq!(asked("volume 3.01"), Err(400));
    }
}
