// SPDX-License-Identifier: Apache-2.0
//! `$name`, `${name}` and `${group.name}` in values.

/// How deep one value may lead to others.
const DEPTH_LIMIT: usize = 10;

/// Values lead to each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle(pub(crate) String);

/// Fills in a value. `look_up` gives the text behind a name of a section, still to be filled in itself; names it does
/// not know stay as they are (oslo.config refuses the option then). `$$` and `\$` are the character.
pub(crate) fn fill(
    section: &str,
    text: &str,
    look_up: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<String, Circle> {
    fill_at(section, text, look_up, 0)
}

fn fill_at(
    section: &str,
    text: &str,
    look_up: &dyn Fn(&str, &str) -> Option<String>,
    depth: usize,
) -> Result<String, Circle> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let escaped = rest[..at].ends_with('\\');
        filled.push_str(if escaped { &rest[..at - 1] } else { &rest[..at] });
        let after = &rest[at + 1..];
        if escaped {
            filled.push('$');
            rest = after;
            continue;
        }
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        let (name, length) = name_in(after);
        let found = name.and_then(|name| resolve(section, name, look_up).map(|found| (name, found)));
        match found {
            Some((name, (group, value))) => {
                if depth >= DEPTH_LIMIT {
                    return Err(Circle(name.to_owned()));
                }
                filled.push_str(&fill_at(&group, &value, look_up, depth + 1)?);
                rest = &after[length..];
            }
            None => {
                filled.push('$');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The name behind a `$`, and how many bytes it takes with its braces.
fn name_in(text: &str) -> (Option<&str>, usize) {
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.split_once('}') {
            Some((name, _)) if is_name(name) => (Some(name), name.len() + 2),
            _ => (None, 0),
        };
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let name = &text[..end];
    if is_name(name) { (Some(name), end) } else { (None, 0) }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// The section a name is found in, and its text: `group.name`, else this section's, else `[DEFAULT]`'s.
fn resolve(
    section: &str,
    name: &str,
    look_up: &dyn Fn(&str, &str) -> Option<String>,
) -> Option<(String, String)> {
    if let Some((group, option)) = name.split_once('.') {
        return look_up(group, option).map(|value| (group.to_owned(), value));
    }
    let own = look_up(section, name).map(|value| (section.to_owned(), value));
    own.or_else(|| look_up("DEFAULT", name).map(|value| ("DEFAULT".to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> Result<String, Circle> {
        fill("pure1", text, &|group, name| {
            let value = match (group, name) {
                ("DEFAULT", "state_path") => "/var/lib/glance",
                ("DEFAULT", "log_dir") => "$state_path/log",
                ("DEFAULT", "my_ip") => "10.0.0.1",
                ("pure1", "my_ip") => "10.0.0.2",
                ("database", "host") => "db",
                ("DEFAULT", "a") => "$b",
                ("DEFAULT", "b") => "$a",
                _ => return None,
            };
            Some(value.to_owned())
        })
    }

    #[test]
    fn names_are_replaced() {
        for (text, wanted) in [
            ("$state_path/x", "/var/lib/glance/x"),
            ("${state_path}x", "/var/lib/glancex"),
            ("$log_dir", "/var/lib/glance/log"),
            ("http://$my_ip:9292", "http://10.0.0.2:9292"),
            ("${database.host}", "db"),
            ("$database.host", "db"),
            ("pa$$word", "pa$word"),
            ("pa\\$state_path", "pa$state_path"),
            ("pa$word", "pa$word"),
            ("5$", "5$"),
            ("${", "${"),
            ("$1", "$1"),
        ] {
            assert_eq!(filled(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn a_circle_is_found() {
        assert!(filled("$a").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[$\\\\{}a-z._é ]{0,40}") {
            let _ = filled(&text);
        }
    }
}
