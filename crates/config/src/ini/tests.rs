// SPDX-License-Identifier: Apache-2.0
//! Tests of the line parser.

use super::*;
use proptest::prelude::*;

fn values(text: &str) -> Vec<(String, String)> {
    let parsed = parse(text);
    assert_eq!(parsed.wrong, []);
    parsed.assignments.into_iter().map(|each| (each.key, each.value)).collect()
}

fn value(line: &str) -> String {
    values(&format!("[s]\n{line}\n")).pop().unwrap().1
}

#[test]
fn both_signs_separate_and_the_first_counts() {
    assert_eq!(value("a = b"), "b");
    assert_eq!(value("a: b"), "b");
    assert_eq!(value("a=http://x:1/?q=1"), "http://x:1/?q=1");
    assert_eq!(value("a : b = c"), "b = c");
    assert_eq!(value("a ="), "");
}

#[test]
fn one_pair_of_quotes_is_taken_off() {
    assert_eq!(value("a = \"Pure Array 1\""), "Pure Array 1");
    assert_eq!(value("a = ' x '"), " x ");
    assert_eq!(value("a = \"x"), "\"x");
    assert_eq!(value("a = \"x'"), "\"x'");
    assert_eq!(value("a = \"a\", \"b\""), "a\", \"b");
    assert_eq!(value("a = \""), "\"");
}

#[test]
fn a_hash_inside_a_value_is_the_values() {
    assert_eq!(value("a = b # c"), "b # c");
}

#[test]
fn indented_lines_go_on_until_a_blank_line() {
    assert_eq!(value("a = 1,\n  2,\n\t3"), "1,\n2,\n3");
    let parsed = parse("[s]\na = 1\n\n  2\n");
    assert_eq!(parsed.assignments[0].value, "1");
    assert_eq!(parsed.wrong[0].0, 4);
}

#[test]
fn repeated_keys_are_all_kept_with_their_lines() {
    let parsed = parse("[s]\na = 1\n# c\na = 2\n");
    let lines: Vec<_> = parsed.assignments.iter().map(|each| (each.line, each.value.as_str())).collect();
    assert_eq!(lines, [(2, "1"), (4, "2")]);
}

#[test]
fn every_wrong_line_is_reported() {
    let parsed = parse("x = 1\n[s\n[]\nnonsense\n[s]\n= 3\n  y\n");
    let lines: Vec<_> = parsed.wrong.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 6, 7]);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn no_lines_panic(lines in prop::collection::vec("[ \t]?[\\[\\]=:#;\"'a-z ]{0,12}", 0..20)) {
        let text = lines.join("\n");
        let parsed = parse(&text);
        let count = text.lines().count();
        prop_assert!(parsed.assignments.iter().all(|each| each.line <= count && !each.key.is_empty()));
    }

    #[test]
    fn what_is_written_is_read(
        pairs in prop::collection::vec(("[a-z][a-z0-9_]{0,20}", "[a-zA-Z0-9/._,-][a-zA-Z0-9/=:#._, -]{0,30}[a-zA-Z0-9]"), 0..20)
    ) {
        let mut text = String::from("[DEFAULT]\n");
        for (key, value) in &pairs {
            text.push_str(&format!("{key} = {value}\n"));
        }
        prop_assert_eq!(values(&text), pairs);
    }
}
