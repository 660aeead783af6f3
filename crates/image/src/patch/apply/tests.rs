// SPDX-License-Identifier: Apache-2.0
//! Patches against an implementation of RFC 6902 that is not ours.

use chrono::DateTime;
use proptest::prelude::*;
use scurry_types::ImageId;
use serde_json::{Map, Value, json};

use super::*;

fn image(properties: BTreeMap<String, String>) -> Image {
    let long_ago = DateTime::UNIX_EPOCH;
    Image {
        id: ImageId::random(),
        name: Some("image".to_owned()),
        status: ImageStatus::Queued,
        visibility: Visibility::Private,
        protected: false,
        os_hidden: false,
        owner: None,
        container_format: None,
        disk_format: None,
        min_disk: 0,
        min_ram: 0,
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: long_ago,
        updated_at: long_ago,
        properties,
        tags: BTreeSet::new(),
        locations: Vec::new(),
    }
}

/// Few names, so that operations meet: some with what pointers escape, and a property every image has.
const NAMES: [&str; 6] = ["a", "b", "a/b", "~", "~1", "name"];

fn op() -> impl Strategy<Value = (PatchVerb, &'static str, String)> {
    let verb = prop::sample::select(vec![PatchVerb::Add, PatchVerb::Replace, PatchVerb::Remove]);
    (verb, prop::sample::select(NAMES.to_vec()), "[a-zé ]{0,4}")
}

fn word(verb: PatchVerb) -> &'static str {
    match verb {
        PatchVerb::Add => "add",
        PatchVerb::Replace => "replace",
        PatchVerb::Remove => "remove",
    }
}

fn as_standard(ops: &[(PatchVerb, &str, String)]) -> json_patch::Patch {
    let list: Vec<Value> = ops
        .iter()
        .map(|(verb, name, value)| {
            let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            json!({"op": word(*verb), "path": path, "value": value})
        })
        .collect();
    serde_json::from_value(Value::Array(list)).unwrap()
}

proptest! {
    #[test]
    fn patches_do_what_the_standard_says(
        start in prop::collection::btree_map(prop::sample::select(NAMES[..5].to_vec()), "[a-z]{0,3}", 0..5),
        ops in prop::collection::vec(op(), 1..8),
    ) {
        let properties: BTreeMap<_, _> = start.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let image = image(properties.clone());
        let ours: Vec<_> = ops
            .iter()
            .map(|(verb, name, value)| PatchOp {
                op: *verb,
                path: vec![(*name).to_owned()],
                value: (*verb != PatchVerb::Remove).then(|| Value::from(value.as_str())),
                dialect: Dialect::V21,
            })
            .collect();
        let draft = apply(&image, &ours, &PatchRights::default(), &ImageSettings::default());

        let mut document = json!(properties);
        document["name"] = json!("image");
        let standard = json_patch::patch(&mut document, &as_standard(&ops));
        // The one difference: what every image has cannot be removed.
        let removes_a_base = ops.iter().any(|(verb, name, _)| *verb == PatchVerb::Remove && *name == "name");
        match draft {
            Ok(draft) => {
                prop_assert!(standard.is_ok() && !removes_a_base);
                let mut found: Map<String, Value> =
                    draft.properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                found.insert("name".to_owned(), json!(draft.fields.name));
                prop_assert_eq!(Value::Object(found), document);
            }
            Err(error) => prop_assert!(standard.is_err() || removes_a_base, "{error}"),
        }
        // The image itself is as it was, whatever became of the patch.
        prop_assert_eq!(image.properties, properties);
    }
}
