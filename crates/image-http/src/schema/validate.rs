// SPDX-License-Identifier: Apache-2.0
//! Checks a value against the keywords our schemas use; anything else in a schema is a description.

use std::collections::HashSet;

use regex::Regex;
use serde_json::{Map, Value};

/// The first way in which `value` breaks `schema`, in words; `None` when it fits.
pub(crate) fn violation(schema: &Value, value: &Value) -> Option<String> {
    let rules = schema.as_object()?;
    check_type(rules, value)
        .or_else(|| check_enum(rules, value))
        .or_else(|| check_all_of(rules, value))
        .or_else(|| check_minimum(rules, value))
        .or_else(|| value.as_str().and_then(|text| check_text(rules, text)))
        .or_else(|| value.as_array().and_then(|items| check_items(rules, items)))
        .or_else(|| value.as_object().and_then(|object| check_object(rules, object)))
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn check_type(rules: &Map<String, Value>, value: &Value) -> Option<String> {
    let allowed: Vec<&str> = match rules.get("type")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if allowed.iter().any(|name| is_type(name, value)) {
        return None;
    }
    let names: Vec<String> = allowed.iter().map(|name| format!("'{name}'")).collect();
    Some(format!("{} is not of type {}", shown(value), names.join(", ")))
}

fn check_enum(rules: &Map<String, Value>, value: &Value) -> Option<String> {
    let allowed = rules.get("enum")?.as_array()?;
    if allowed.contains(value) {
        return None;
    }
    let names: Vec<String> = allowed.iter().map(shown).collect();
    Some(format!("{} is not one of [{}]", shown(value), names.join(", ")))
}

fn check_all_of(rules: &Map<String, Value>, value: &Value) -> Option<String> {
    rules.get("allOf")?.as_array()?.iter().find_map(|rule| violation(rule, value))
}

fn check_minimum(rules: &Map<String, Value>, value: &Value) -> Option<String> {
    let least = rules.get("minimum")?;
    let below = value.as_f64()? < least.as_f64()?;
    below.then(|| format!("{} is less than the minimum of {}", shown(value), shown(least)))
}

fn check_text(rules: &Map<String, Value>, text: &str) -> Option<String> {
    let limit = |name: &str| rules.get(name).and_then(Value::as_u64);
    let len = text.chars().count() as u64;
    if limit("maxLength").is_some_and(|max| len > max) {
        return Some(format!("{} is too long", shown(&Value::from(text))));
    }
    if limit("minLength").is_some_and(|min| len < min) {
        return Some(format!("{} is too short", shown(&Value::from(text))));
    }
    let pattern = rules.get("pattern")?.as_str()?;
    // A pattern that is no regular expression for us was written by the operator: it binds nobody.
    let matches = Regex::new(pattern).map_or(true, |regex| regex.is_match(text));
    (!matches).then(|| format!("{} does not match '{pattern}'", shown(&Value::from(text))))
}

fn check_items(rules: &Map<String, Value>, items: &[Value]) -> Option<String> {
    let all = || shown(&Value::from(items));
    if rules.get("minItems").and_then(Value::as_u64).is_some_and(|least| (items.len() as u64) < least) {
        return Some(if items.is_empty() {
            format!("{} should be non-empty", all())
        } else {
            format!("{} is too short", all())
        });
    }
    let unique = rules.get("uniqueItems") == Some(&Value::Bool(true));
    let mut seen = HashSet::new();
    if unique && !items.iter().all(|item| seen.insert(item.to_string())) {
        return Some(format!("{} has non-unique elements", all()));
    }
    let rule = rules.get("items")?;
    items.iter().find_map(|item| violation(rule, item))
}

fn check_object(rules: &Map<String, Value>, object: &Map<String, Value>) -> Option<String> {
    let known = rules.get("properties").and_then(Value::as_object);
    for (name, value) in object {
        let broken = match (known.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
            (Some(rule), _) => violation(rule, value),
            (None, Some(Value::Bool(false))) => {
                return Some(format!(
                    "Additional properties are not allowed ({} was unexpected)",
                    shown(&Value::from(name.as_str()))
                ));
            }
            (None, Some(rule)) => violation(rule, value),
            (None, None) => None,
        };
        if let Some(reason) = broken {
            return Some(format!("{reason} (property {name})"));
        }
    }
    let required = rules.get("required").and_then(Value::as_array)?;
    let missing = required.iter().filter_map(Value::as_str).find(|name| !object.contains_key(*name))?;
    Some(format!("'{missing}' is a required property"))
}

/// A value the way the Python services print it, cut when long.
fn shown(value: &Value) -> String {
    let text = printed(value);
    if text.chars().count() <= 1000 {
        return text;
    }
    text.chars().take(1000).chain("…".chars()).collect()
}

fn printed(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{}: {}", quoted(name), printed(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text in the quotes Python chooses: double ones only around a text that has single ones and no double ones.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('\n', r"\n").replace('\r', r"\r").replace('\t', r"\t");
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"\'"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "properties": {
                "id": {"type": "string", "pattern": super::super::UUID},
                "name": {"type": ["null", "string"], "maxLength": 3},
                "format": {"type": ["null", "string"], "enum": [null, "raw"]},
                "size": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "location": {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"],
                             "additionalProperties": false},
                "most": {"allOf": [{"type": "integer", "minimum": 0}, {"default": 0}]},
                "words": {"type": "array", "minItems": 1, "uniqueItems": true},
            },
            "additionalProperties": {"type": "string"},
        })
    }

    #[rstest]
    #[case(json!({"name": null, "format": null, "size": 3, "tags": ["a"], "other": "text"}), None)]
    #[case(json!({"location": {"url": "x"}}), None)]
    #[case(json!({"name": 5}), Some("5 is not of type 'null', 'string' (property name)"))]
    #[case(json!({"name": "éééé"}), Some("'éééé' is too long (property name)"))]
    #[case(json!({"format": "zz"}), Some("'zz' is not one of [None, 'raw'] (property format)"))]
    #[case(json!({"size": 1.5}), Some("1.5 is not of type 'integer' (property size)"))]
    #[case(json!({"size": true}), Some("True is not of type 'integer' (property size)"))]
    #[case(json!({"tags": ["a", 1]}), Some("1 is not of type 'string' (property tags)"))]
    #[case(json!({"other": null}), Some("None is not of type 'string' (property other)"))]
    #[case(json!({"other": ["a", null, {"b": 1}]}),
        Some("['a', None, {'b': 1}] is not of type 'string' (property other)"))]
    #[case(json!({"size": "it's"}), Some("\"it's\" is not of type 'integer' (property size)"))]
    #[case(json!({"size": "'\""}), Some(r#"'\'"' is not of type 'integer' (property size)"#))]
    #[case(json!({"location": {}}), Some("'url' is a required property (property location)"))]
    #[case(json!({"most": -1}), Some("-1 is less than the minimum of 0 (property most)"))]
    #[case(json!({"words": []}), Some("[] should be non-empty (property words)"))]
    #[case(json!({"words": ["a", "b", "a"]}), Some("['a', 'b', 'a'] has non-unique elements (property words)"))]
    #[case(json!({"most": 0, "words": ["a", 1]}), None)]
    fn finds_the_first_violation(#[case] value: Value, #[case] expected: Option<&str>) {
        assert_eq!(violation(&schema(), &value).as_deref(), expected);
    }

    #[test]
    fn ids_and_unexpected_members() {
        assert!(violation(&schema(), &json!({"id": "nope"})).unwrap().starts_with("'nope' does not match"));
        let extra = violation(&schema(), &json!({"location": {"url": "x", "z": 1}})).unwrap();
        assert!(extra.starts_with("Additional properties are not allowed ('z' was unexpected)"), "{extra}");
    }
}
