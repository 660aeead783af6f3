// SPDX-License-Identifier: Apache-2.0
//! The three bodies of an error, byte for byte as the clients' parsers know them.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::ApiError;
use super::accept::{Shape, shape};

/// The response for an error, in the shape the request's `Accept` asks for.
pub(crate) fn render(error: &ApiError, request: &HeaderMap) -> Response {
    let accept = request.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (content_type, body) = match (&error.problem, shape(accept)) {
        (Some(problem), _) => ("application/problem+json", problem.to_string()),
        (None, Shape::Html) => ("text/html; charset=UTF-8", html(error)),
        (None, Shape::Json) => ("application/json", json_body(error)),
        (None, Shape::Plain) => ("text/plain; charset=UTF-8", plain(error)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status;
    for (name, value) in &error.headers {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn html(error: &ApiError) -> String {
    let line = status_line(error.status);
    let explanation = escape(&error.explanation);
    let detail = escape(&error.detail);
    format!(
        "<html>\n <head>\n  <title>{line}</title>\n </head>\n <body>\n  <h1>{line}</h1>\n  \
         {explanation}<br /><br />\n{detail}\n\n\n </body>\n</html>"
    )
}

fn json_body(error: &ApiError) -> String {
    json!({
        "message": format!("{}<br /><br />\n{}\n\n", error.explanation, error.detail),
        "code": status_line(error.status),
        "title": title(error.status),
    })
    .to_string()
}

fn plain(error: &ApiError) -> String {
    let line = status_line(error.status);
    let flat = |text: &str| text.replace('\n', " ").replace('\r', "");
    format!("{line}\n\n{}\n\n {}  ", flat(&error.explanation), flat(&error.detail))
}

/// `404 Not Found`.
fn status_line(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), title(status))
}

/// The names the Python services give to statuses; some differ from today's registered ones.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::RANGE_NOT_SATISFIABLE => "Request Range Not Satisfiable",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken from a real Glance: its `Content-Length` for this refusal is 443.
    #[test]
    fn the_quota_page_has_the_length_glance_gives_it() {
        let text = "The request returned a 413 Request Entity Too Large. This generally means that rate \
                    limiting or a quota threshold was breached.\n\nThe response body:\nProject \
                    2007dda9df4b41f282fda4f3de7df81a is over a limit for [Resource image_count_total is over \
                    limit of 0 due to current usage 0 and delta 1]";
        assert_eq!(html(&ApiError::too_large(text)).len(), 443);
    }

    #[test]
    fn html_is_escaped_and_json_is_not() {
        let error = ApiError::bad_request("<b>'x' & \"y\"</b>");
        assert!(html(&error).contains("&lt;b&gt;&#x27;x&#x27; &amp; &quot;y&quot;&lt;/b&gt;<br /><br />"));
        let value: serde_json::Value = serde_json::from_str(&json_body(&error)).unwrap();
        assert_eq!(value["message"], "<b>'x' & \"y\"</b><br /><br />\n\n\n");
        assert_eq!(value["code"], "400 Bad Request");
        assert_eq!(value["title"], "Bad Request");
        assert_eq!(plain(&ApiError::conflict("busy")), "409 Conflict\n\nbusy\n\n   ");
    }
}
