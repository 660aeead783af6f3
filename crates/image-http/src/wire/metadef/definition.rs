// SPDX-License-Identifier: Apache-2.0
//! A property's definition, whose default is a text whatever the property's type.

use serde_json::{Map, Value};

/// The definition as clients see it.
pub(super) fn shown(definition: &Map<String, Value>) -> Value {
    let mut shown = definition.clone();
    settle(&mut shown);
    Value::Object(shown)
}

/// Turns a default that is a number or a truth value into the text Glance makes of it.
pub(super) fn settle(definition: &mut Map<String, Value>) {
    let Some(default) = definition.get_mut("default") else { return };
    let text = match &*default {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    *default = Value::String(text);
}
