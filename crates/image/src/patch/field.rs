// SPDX-License-Identifier: Apache-2.0
//! Values a client sets, held against the image schema.

use std::collections::BTreeSet;

use scurry_types::Visibility;
use serde_json::Value;

use crate::error::ImageError;

/// Longest name, tag, owner or property name, in characters.
const LONGEST_NAME: usize = 255;
/// Longest property value, in characters.
const LONGEST_VALUE: usize = 65_535;

fn mismatch(reason: impl std::fmt::Display) -> ImageError {
    ImageError::Invalid(format!("Provided object does not match schema 'image': {reason}"))
}

/// Glance's databases hold three bytes a character.
fn plain(what: &str, text: &str) -> Result<(), ImageError> {
    if text.chars().any(|one| one.len_utf8() > 3) {
        return Err(ImageError::Invalid(format!("{what} can't contain 4 byte unicode characters.")));
    }
    Ok(())
}

fn bounded(text: &str, longest: usize) -> Result<(), ImageError> {
    if text.chars().count() > longest {
        return Err(mismatch(format_args!("'{text}' is too long")));
    }
    Ok(())
}

pub(super) fn text_or_null(name: &str, value: &Value) -> Result<Option<String>, ImageError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => {
            bounded(text, LONGEST_NAME)?;
            plain(if name == "name" { "Name" } else { "Owner" }, text)?;
            Ok(Some(text.clone()))
        }
        other => Err(mismatch(format_args!("{other} is not of type 'null', 'string'"))),
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, ImageError> {
    value.as_bool().ok_or_else(|| mismatch(format_args!("{value} is not of type 'boolean'")))
}

/// A number from zero to 2³¹ − 1.
pub(super) fn amount(name: &str, value: &Value) -> Result<i64, ImageError> {
    let number = value.as_i64().ok_or_else(|| mismatch(format_args!("{value} is not of type 'integer'")))?;
    if number < 0 {
        return Err(ImageError::Invalid(format!(
            "Invalid value '{number}' for parameter '{name}': Cannot be a negative value"
        )));
    }
    if number > i64::from(i32::MAX) {
        return Err(ImageError::Invalid(format!(
            "'{name}' value out of range, must not exceed {}.",
            i32::MAX
        )));
    }
    Ok(number)
}

pub(super) fn one_of(value: &Value, allowed: &[String]) -> Result<Option<String>, ImageError> {
    let fits = |text: &&str| allowed.iter().any(|one| one == text);
    match value {
        Value::Null => Ok(None),
        Value::String(text) if fits(&text.as_str()) => Ok(Some(text.clone())),
        other => Err(mismatch(format_args!("{other} is not one of [None, '{}']", allowed.join("', '")))),
    }
}

pub(super) fn visibility(value: &Value) -> Result<Visibility, ImageError> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let words: Vec<_> = Visibility::ALL.iter().map(|one| format!("'{one}'")).collect();
        mismatch(format_args!("{value} is not one of [{}]", words.join(", ")))
    })
}

pub(super) fn tags(value: &Value) -> Result<BTreeSet<String>, ImageError> {
    let list = value.as_array().ok_or_else(|| mismatch(format_args!("{value} is not of type 'array'")))?;
    let mut tags = BTreeSet::new();
    for one in list {
        let text = one.as_str().ok_or_else(|| mismatch(format_args!("{one} is not of type 'string'")))?;
        bounded(text, LONGEST_NAME)?;
        plain("Tag", text)?;
        tags.insert(text.to_owned());
    }
    Ok(tags)
}

/// The value of an additional property.
pub(super) fn property(name: &str, value: &Value) -> Result<String, ImageError> {
    let text = value.as_str().ok_or_else(|| mismatch(format_args!("{value} is not of type 'string'")))?;
    if name.chars().count() > LONGEST_NAME {
        return Err(ImageError::Invalid(format!(
            "Custom property name '{name}' has more than {LONGEST_NAME} characters"
        )));
    }
    bounded(text, LONGEST_VALUE)?;
    plain("Property names", name)?;
    plain("Property values", text)?;
    Ok(text.to_owned())
}
