// SPDX-License-Identifier: Apache-2.0
//! Tests that the tables agree with themselves.

use std::collections::HashSet;

use super::*;
use crate::value;

#[test]
fn every_default_is_a_value_of_its_own_option() {
    for dialect in [Dialect::Image, Dialect::BlockStorage] {
        for spec in specs(dialect).iter().flat_map(|table| table.iter()) {
            if let Some(default) = spec.default {
                let parsed = value::parse(spec, default);
                assert!(parsed.is_ok(), "[{}] {} = {default}: {parsed:?}", spec.group, spec.name);
            }
        }
    }
}

#[test]
fn no_option_is_listed_twice_and_all_are_explained() {
    for dialect in [Dialect::Image, Dialect::BlockStorage] {
        let mut seen = HashSet::new();
        for spec in specs(dialect).iter().flat_map(|table| table.iter()) {
            assert!(seen.insert((spec.group, spec.name)), "[{}] {} is listed twice", spec.group, spec.name);
            assert!(spec.help.ends_with('.'), "[{}] {} has no help", spec.group, spec.name);
        }
    }
}

#[test]
fn passwords_are_secret() {
    for dialect in [Dialect::Image, Dialect::BlockStorage] {
        for spec in specs(dialect).iter().flat_map(|table| table.iter()) {
            let telling = ["password", "secret_key", "_secret", "api_token", "encryption_key", "store_key"];
            if telling.iter().any(|part| spec.name.ends_with(part)) {
                assert!(spec.secret, "[{}] {} would be shown", spec.group, spec.name);
            }
        }
    }
}
