// SPDX-License-Identifier: Apache-2.0
//! Policy files: JSON, or the flat mapping of YAML that they are in practice.

use std::path::Path;

use serde_json::Value;

use super::PolicyError;
use super::parser::{self, ParseError};
use super::rule::Check;

/// A rule as a file gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Text(String),
    /// The old form in JSON: any of lists, all of whose checks hold.
    Lists(Value),
}

impl Source {
    pub(super) fn parse(&self) -> Result<Check, ParseError> {
        match self {
            Self::Text(text) => parser::parse(text),
            Self::Lists(value) => lists(value),
        }
    }
}

fn lists(value: &Value) -> Result<Check, ParseError> {
    let outer = value.as_array().ok_or(ParseError::Shape)?;
    if outer.is_empty() {
        return Ok(Check::True);
    }
    let word = |value: &Value| parser::check(value.as_str().ok_or(ParseError::Shape)?.trim());
    let mut any = Vec::new();
    for inner in outer {
        match inner {
            Value::Array(all) if all.is_empty() => {}
            Value::Array(all) => any.push(Check::All(all.iter().map(word).collect::<Result<_, _>>()?)),
            other => any.push(word(other)?),
        }
    }
    Ok(Check::Any(any))
}

/// Reads a file's rules in its order.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<(String, Source)>, PolicyError> {
    let wrong = |line: usize, problem: String| PolicyError::File { path: path.to_owned(), line, problem };
    if text.trim_start().starts_with('{') {
        let value: serde_json::Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| wrong(error.line(), "not a JSON object of rules".to_owned()))?;
        return Ok(value.into_iter().map(|(name, value)| (name, json_source(value))).collect());
    }
    yaml(text).map_err(|(line, problem)| wrong(line, problem.to_owned()))
}

fn json_source(value: Value) -> Source {
    match value {
        Value::String(text) => Source::Text(text),
        other => Source::Lists(other),
    }
}

type Wrong = (usize, &'static str);

fn yaml(text: &str) -> Result<Vec<(String, Source)>, Wrong> {
    let mut rules: Vec<(String, String)> = Vec::new();
    let mut entries: Vec<(usize, String, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed == "---" || trimmed == "..." {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            // A longer rule goes on in indented lines, with or without a > or | at its start.
            let last = entries.last_mut().ok_or((number, "an indented line without a rule before it"))?;
            last.2.push(' ');
            last.2.push_str(trimmed);
            continue;
        }
        let (name, rest) = key(trimmed).ok_or((number, "name: \"rule\" is expected"))?;
        entries.push((number, name, rest.trim().to_owned()));
    }
    for (number, name, value) in entries {
        let value = scalar(&value).ok_or((number, "the rule's quotes do not end, or it is not text"))?;
        rules.push((name, value));
    }
    Ok(rules.into_iter().map(|(name, text)| (name, Source::Text(text))).collect())
}

fn key(line: &str) -> Option<(String, &str)> {
    if let Some(quote @ ('"' | '\'')) = line.chars().next() {
        let (name, rest) = line[1..].split_once(quote)?;
        return Some((name.to_owned(), rest.trim_start().strip_prefix(':')?));
    }
    // A plain key ends at a colon with a space behind it: names such as volume:create have colons of their own.
    let end = line
        .match_indices(':')
        .find(|(at, _)| line[at + 1..].is_empty() || line[at + 1..].starts_with([' ', '\t']))?
        .0;
    Some((line[..end].trim_end().to_owned(), &line[end + 1..]))
}

fn scalar(value: &str) -> Option<String> {
    match value.chars().next() {
        Some('"') => {
            let mut text = String::new();
            let mut chars = value[1..].chars();
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => match chars.next()? {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        other => text.push(other),
                    },
                    other => text.push(other),
                }
            }
            ends(chars.as_str()).then_some(text)
        }
        Some('\'') => {
            let mut text = String::new();
            let mut rest = &value[1..];
            loop {
                let (part, after) = rest.split_once('\'')?;
                text.push_str(part);
                match after.strip_prefix('\'') {
                    Some(more) => {
                        text.push('\'');
                        rest = more;
                    }
                    None => return ends(after).then_some(text),
                }
            }
        }
        Some('[' | '{' | '&' | '*') => None,
        Some('>' | '|') => Some(value.trim_start_matches(['>', '|', '-', '+']).trim().to_owned()),
        _ => Some(value.split(" #").next().unwrap_or("").trim().to_owned()),
    }
}

/// Whether nothing but a comment is left.
fn ends(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(String, String)> {
        let rules = read(Path::new("policy.yaml"), text).unwrap();
        rules
            .into_iter()
            .map(|(name, source)| match source {
                Source::Text(text) => (name, text),
                Source::Lists(value) => (name, value.to_string()),
            })
            .collect()
    }

    #[test]
    fn yaml_forms_are_read() {
        let read = texts(
            "---\n# who may share\n\"publicize_image\": \"role:admin\"  # only they\nvolume:create: rule:admin_or_owner\n\
             'get_image': 'role:reader and ''public'':%(visibility)s'\nempty: \"\"\nlong: >-\n  role:admin or\n  role:x\n",
        );
        let pairs: Vec<_> = read.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("publicize_image", "role:admin"),
                ("volume:create", "rule:admin_or_owner"),
                ("get_image", "role:reader and 'public':%(visibility)s"),
                ("empty", ""),
                ("long", "role:admin or role:x"),
            ]
        );
    }

    #[test]
    fn wrong_files_name_the_line() {
        for (text, line) in [
            ("a: \"x\"\nnonsense\n", 2),
            ("  - x\n", 1),
            ("a: \"x\n", 1),
            ("a: [x]\n", 1),
            ("{\n\"a\": }", 2),
        ] {
            match read(Path::new("policy.yaml"), text) {
                Err(PolicyError::File { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_old_list_form_is_any_of_all() {
        let value = serde_json::json!([["role:admin"], ["role:member", "project_id:%(project_id)s"]]);
        let old = Source::Lists(value).parse().unwrap();
        let Check::Any(parts) = old else { panic!("any is expected") };
        assert_eq!(parts.len(), 2);
        assert_eq!(Source::Lists(serde_json::json!([])).parse().unwrap(), Check::True);
        assert_eq!(Source::Lists(serde_json::json!(7)).parse(), Err(ParseError::Shape));
    }
}
