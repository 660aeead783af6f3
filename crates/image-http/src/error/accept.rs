// SPDX-License-Identifier: Apache-2.0
//! Which body an error gets: HTML and JSON are offered in that order, plain text is what remains.

/// Shape of an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `text/html`, also when the client did not say.
    Html,
    /// `application/json`.
    Json,
    /// `text/plain`.
    Plain,
}

/// Picks the shape for the value of an `Accept` header. One that names no media type counts for nothing.
///
/// An empty one, which openstacksdk sends with an upload, would get plain text from Glance; the client shows the
/// reason of a JSON or HTML body only, so it gets HTML here.
pub(crate) fn shape(accept: Option<&str>) -> Shape {
    let Some(accept) = accept.map(str::trim).filter(|text| text.contains('/')) else {
        return Shape::Html;
    };
    let html = quality(accept, "text", "html");
    let json = quality(accept, "application", "json");
    if html <= 0.0 && json <= 0.0 {
        Shape::Plain
    } else if json > html {
        Shape::Json
    } else {
        Shape::Html
    }
}

/// Quality of a media type: that of the most specific range that matches it, 0 when none does.
pub(crate) fn quality(accept: &str, kind: &str, subtype: &str) -> f32 {
    let mut best = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_kind, range_subtype)) = parts.next().and_then(|text| text.split_once('/')) else {
            continue;
        };
        let specificity = match (range_kind, range_subtype) {
            ("*", "*") => 1,
            (k, "*") if k.eq_ignore_ascii_case(kind) => 2,
            (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 3,
            _ => continue,
        };
        let q = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .and_then(|text| text.trim().parse::<f32>().ok())
            .unwrap_or(1.0);
        if specificity > best.0 {
            best = (specificity, q);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, Shape::Html)]
    #[case(Some("*/*"), Shape::Html)]
    #[case(Some(""), Shape::Html)]
    #[case(Some("nonsense"), Shape::Html)]
    #[case(Some("application/json"), Shape::Json)]
    #[case(Some("application/json, text/plain;q=0.5"), Shape::Json)]
    #[case(Some("text/html;q=0.1, */*;q=0.8"), Shape::Json)]
    #[case(Some("text/plain"), Shape::Plain)]
    #[case(Some("application/octet-stream"), Shape::Plain)]
    #[case(Some("application/*;q=0.9, text/*;q=0.9"), Shape::Html)]
    #[case(Some("application/json;q=nonsense"), Shape::Json)]
    #[case(Some(";;,//,q="), Shape::Plain)]
    fn picks_the_shape_of_the_best_range(#[case] accept: Option<&str>, #[case] expected: Shape) {
        assert_eq!(shape(accept), expected);
    }
}
