// SPDX-License-Identifier: Apache-2.0
//! `validation_data` of legacy locations: what a client says of the bytes, believed where nothing is known yet.

use scurry_types::{HashAlgorithm, ImageStatus};
use serde_json::{Map, Value};

use super::invalid;
use crate::error::ImageError;
use crate::image::Image;

const NAMES: [&str; 3] = ["checksum", "os_hash_algo", "os_hash_value"];

/// Hashes as a client gives them, under the names of the image's attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) checksum: Option<String>,
    pub(crate) os_hash_algo: Option<String>,
    pub(crate) os_hash_value: Option<String>,
}

fn conflict<T>(text: String) -> Result<T, ImageError> {
    Err(ImageError::Conflict(text))
}

impl Claims {
    /// Reads what fits the schema; whether it is true is another matter.
    pub(super) fn read(value: &Value) -> Result<Self, ImageError> {
        let object = value.as_object().ok_or_else(|| invalid("validation_data must be an object"))?;
        if let Some(name) = object.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(invalid(&format!("validation_data has no property '{name}'")));
        }
        let claims = Self {
            checksum: text(object, "checksum", 32)?,
            os_hash_algo: text(object, "os_hash_algo", 64)?,
            os_hash_value: text(object, "os_hash_value", 128)?,
        };
        if claims.checksum.as_ref().is_some_and(|checksum| checksum.len() < 32) {
            return Err(invalid("checksum of validation_data is too short"));
        }
        for (name, value) in &claims.each()[1..] {
            if value.is_none() {
                return Err(invalid(&format!("'{name}' is a required property of validation_data")));
            }
        }
        Ok(claims)
    }

    fn each(&self) -> [(&'static str, &Option<String>); 3] {
        let [checksum, algorithm, value] = NAMES;
        [(checksum, &self.checksum), (algorithm, &self.os_hash_algo), (value, &self.os_hash_value)]
    }

    /// What several locations say together, if they agree.
    fn merge(all: &[&Self]) -> Result<Self, ImageError> {
        let mut merged = Self::default();
        for one in all {
            for (name, value) in one.each() {
                let slot = match name {
                    "checksum" => &mut merged.checksum,
                    "os_hash_algo" => &mut merged.os_hash_algo,
                    _ => &mut merged.os_hash_value,
                };
                match (slot.as_ref(), value) {
                    (_, None) => {}
                    (Some(known), Some(value)) if known != value => {
                        return conflict(format!("Conflicting values for {name}"));
                    }
                    (_, Some(value)) => *slot = Some(value.clone()),
                }
            }
        }
        Ok(merged)
    }

    /// The hashes an image gets from what its new locations say; none when they say nothing new.
    pub(super) fn accept(
        image: &Image,
        all: &[&Self],
        algorithm: HashAlgorithm,
    ) -> Result<Option<Self>, ImageError> {
        let merged = Self::merge(all)?;
        let known = Self {
            checksum: image.checksum.clone(),
            os_hash_algo: image.os_hash_algo.clone(),
            os_hash_value: image.os_hash_value.clone(),
        };
        let mut new = Vec::new();
        for ((name, said), (_, known)) in merged.each().into_iter().zip(known.each()) {
            match (said, known) {
                (None, _) => {}
                (Some(said), Some(known)) if said == known => {}
                (Some(_), Some(known)) if !known.is_empty() => {
                    return conflict(format!("{name} is already set with a different value"));
                }
                (Some(_), _) => new.push(name),
            }
        }
        if new.is_empty() {
            return Ok(None);
        }
        if image.status != ImageStatus::Queued {
            let names = new.join(", ");
            return conflict(format!(
                "New value(s) for {names} may only be provided when image status is 'queued'"
            ));
        }
        merged.check(algorithm)?;
        Ok(Some(merged))
    }

    fn check(&self, algorithm: HashAlgorithm) -> Result<(), ImageError> {
        if let Some(checksum) = &self.checksum {
            hexadecimal("checksum", checksum, "md5", 16)?;
        }
        let said = self.os_hash_algo.as_deref().unwrap_or("None");
        if said != algorithm.to_string() {
            return conflict(format!("os_hash_algo must be {algorithm}, not {said}"));
        }
        let value = self.os_hash_value.as_deref().unwrap_or_default();
        hexadecimal("os_hash_value", value, said, algorithm.hex_len() / 2)
    }
}

fn hexadecimal(name: &str, value: &str, algorithm: &str, bytes: usize) -> Result<(), ImageError> {
    if !value.len().is_multiple_of(2) || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return conflict(format!("{name} ({value}) is not a valid hexadecimal value"));
    }
    if value.len() / 2 != bytes {
        return conflict(format!(
            "{name} ({value}) is not the correct size for {algorithm} (should be {bytes} bytes)"
        ));
    }
    Ok(())
}

fn text(object: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<String>, ImageError> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= longest => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("'{name}' of validation_data is not a string of that length"))),
    }
}

#[cfg(test)]
mod tests;
