// SPDX-License-Identifier: Apache-2.0
//! Patch documents of both dialects.

use http::{StatusCode, header};
use rstest::rstest;
use scurry_image::ImageSettings;
use serde_json::json;

use super::*;
use crate::settings::HttpSettings;

fn parse(dialect: Dialect, document: &Value) -> Result<Vec<PatchOp>, (u16, String)> {
    let schemas = Schemas::new(&ImageSettings::default(), &HttpSettings::default());
    operations(document, dialect, &schemas).map_err(|error| (error.status.as_u16(), error.explanation))
}

#[test]
fn both_dialects_say_the_same() {
    let new = parse(Dialect::V21, &json!([{"op": "replace", "path": "/name", "value": "x"}])).unwrap();
    let old = parse(Dialect::V20, &json!([{"replace": "/name", "value": "x"}])).unwrap();
    assert_eq!(new[0].path, ["name"]);
    assert_eq!((new[0].op, &new[0].path, &new[0].value), (old[0].op, &old[0].path, &old[0].value));
    assert_eq!(old[0].dialect, Dialect::V20);
}

#[test]
fn pointers_are_unescaped_and_locations_go_one_deeper() {
    let ops = parse(
        Dialect::V21,
        &json!([
            {"op": "add", "path": "/a~1b~0c", "value": "x"},
            {"op": "add", "path": "/locations/-", "value": {"url": "cinder://a/b", "metadata": {}}},
            {"op": "remove", "path": "/locations/0"},
            {"op": "replace", "path": "/locations", "value": []},
        ]),
    )
    .unwrap();
    assert_eq!(ops[0].path, ["a/b~c"]);
    assert_eq!(ops[1].path, ["locations", "-"]);
    assert_eq!(ops[2].path, ["locations", "0"]);
}

#[rstest]
#[case(json!({}), 400, "Request body must be a JSON array of operation objects.")]
#[case(json!([1]), 400, "Operations must be JSON objects.")]
#[case(json!([{"path": "/a"}]), 400,
    "Unable to find `op` in JSON Schema change. It must be one of the following: add, remove, replace.")]
#[case(json!([{"op": "test", "path": "/a"}]), 400,
    "Invalid operation: `test`. It must be one of the following: add, remove, replace.")]
#[case(json!([{"op": "add", "value": 1}]), 400, "Unable to find 'path' in JSON Schema change")]
#[case(json!([{"op": "add", "path": "/a"}]), 400, "Operation \"add\" requires a member named \"value\".")]
#[case(json!([{"op": "add", "path": "a", "value": ""}]), 400, "Pointer `a` does not start with \"/\".")]
#[case(json!([{"op": "add", "path": 7, "value": ""}]), 400, "Pointer `7` does not start with \"/\".")]
#[case(json!([{"op": "add", "path": "/a//b", "value": ""}]), 400, "Pointer `/a//b` contains adjacent \"/\".")]
#[case(json!([{"op": "add", "path": "/a/", "value": ""}]), 400, "Pointer `/a/` end with \"/\".")]
#[case(json!([{"op": "add", "path": "/a~2", "value": ""}]), 400,
    "Pointer `/a~2` contains \"~\" not part of a recognized escape sequence.")]
#[case(json!([{"op": "add", "path": "/a~", "value": ""}]), 400,
    "Pointer `/a~` contains \"~\" not part of a recognized escape sequence.")]
#[case(json!([{"op": "add", "path": "/tags/-", "value": "x"}]), 400,
    "Invalid JSON pointer for this resource: '/tags/-'")]
#[case(json!([{"op": "replace", "path": "/locations/0", "value": {}}]), 400,
    "Invalid JSON pointer for this resource: '/locations/0'")]
#[case(json!([{"op": "replace", "path": "/size", "value": 1}]), 403, "Attribute 'size' is read-only.")]
#[case(json!([{"op": "remove", "path": "/deleted"}]), 403, "Attribute 'deleted' is reserved.")]
#[case(json!([{"op": "add", "path": "/os_glance_x", "value": ""}]), 403, "Attribute 'os_glance_x' is reserved.")]
#[case(json!([{"op": "add", "path": "/foo", "value": 1}]), 400,
    "Provided object does not match schema 'image': 1 is not of type 'string' (property foo)")]
#[case(json!([{"op": "add", "path": "/name", "value": "\u{1f600}"}]), 400,
    "Name can't contain 4 byte unicode characters.")]
fn refusals(#[case] document: Value, #[case] status: u16, #[case] text: &str) {
    assert_eq!(parse(Dialect::V21, &document).unwrap_err(), (status, text.to_owned()));
}

#[rstest]
#[case(json!([{"add": "/a", "replace": "/a", "value": ""}]),
    "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".")]
#[case(json!([{"value": ""}]),
    "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".")]
fn refusals_of_the_old_dialect(#[case] document: Value, #[case] text: &str) {
    assert_eq!(parse(Dialect::V20, &document).unwrap_err(), (400, text.to_owned()));
}

#[test]
fn other_media_types_are_told_which_ones_exist() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json-patch+json".parse().unwrap());
    let error = dialect(&headers).unwrap_err();
    assert_eq!(error.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(error.headers[0].1, MEDIA_TYPES);
    headers.insert(
        header::CONTENT_TYPE,
        "application/openstack-images-v2.1-json-patch; charset=utf-8".parse().unwrap(),
    );
    assert_eq!(dialect(&headers).unwrap(), Dialect::V21);
}

proptest::proptest! {
    /// Any property name survives being written as a pointer; any other pointer is understood or refused.
    #[test]
    fn pointers(name in "[a-z][a-z~/é]{0,8}[a-z]", other in "[/~01a-z \\-]{0,12}") {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        proptest::prop_assert_eq!(parts(&pointer).unwrap(), [name]);
        let _ = parse(Dialect::V21, &json!([{"op": "add", "path": other, "value": "x"}]));
    }
}
