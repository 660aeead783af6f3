// SPDX-License-Identifier: Apache-2.0
//! Values from text, by an option's type and bounds.

use crate::option::{Kind, OptionSpec};

/// A value understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Str(String),
    Bool(bool),
    Int(i64),
    Float(f64),
    List(Vec<String>),
    /// In the order written.
    Dict(Vec<(String, String)>),
}

/// Reads one value; the error says what is expected.
pub(crate) fn parse(spec: &OptionSpec, text: &str) -> Result<Value, String> {
    match spec.kind {
        Kind::Str | Kind::MultiStr | Kind::Any => {
            if spec.choices.is_empty() || spec.choices.contains(&text) {
                Ok(Value::Str(text.to_owned()))
            } else {
                Err(format!("one of {} is expected", spec.choices.join(", ")))
            }
        }
        Kind::Bool => boolean(text).map(Value::Bool).ok_or_else(|| "true or false is expected".to_owned()),
        Kind::Int => integer(text, spec.min, spec.max).map(Value::Int),
        Kind::Port => integer(text, Some(0), Some(65535)).map(Value::Int),
        Kind::Float => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err("a number is expected".to_owned()),
        },
        Kind::List => Ok(Value::List(list(text))),
        Kind::Dict => dict(text).map(Value::Dict),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

fn integer(text: &str, min: Option<i64>, max: Option<i64>) -> Result<i64, String> {
    let expected = || match (min, max) {
        (Some(min), Some(max)) => format!("an integer from {min} to {max} is expected"),
        (Some(min), None) => format!("an integer of at least {min} is expected"),
        (None, Some(max)) => format!("an integer of at most {max} is expected"),
        (None, None) => "an integer is expected".to_owned(),
    };
    let number: i64 = text.trim().parse().map_err(|_| expected())?;
    if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
        return Err(expected());
    }
    Ok(number)
}

fn list(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).trim();
    if inner.is_empty() {
        return Vec::new();
    }
    inner.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn dict(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.trim();
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text).trim();
    let mut pairs: Vec<(String, String)> = Vec::new();
    if inner.is_empty() {
        return Ok(pairs);
    }
    for part in inner.split(',') {
        let Some((key, value)) = part.split_once(':') else {
            return Err(format!(
                "name:value pairs between commas are expected, and {:?} is none",
                part.trim()
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err("a name is expected before each colon".to_owned());
        }
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(format!("{key} stands in it twice"));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(kind: Kind) -> OptionSpec {
        OptionSpec::new("DEFAULT", "x", kind, "")
    }

    #[test]
    fn booleans_are_oslos() {
        for yes in ["true", "True", "1", "on", "YES"] {
            assert_eq!(parse(&spec(Kind::Bool), yes), Ok(Value::Bool(true)));
        }
        for no in ["false", "0", "off", "No"] {
            assert_eq!(parse(&spec(Kind::Bool), no), Ok(Value::Bool(false)));
        }
        for bad in ["", "2", "y", "t", "enabled"] {
            assert!(parse(&spec(Kind::Bool), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn integers_have_bounds() {
        assert_eq!(
            parse(&spec(Kind::Int).min(1), "zero"),
            Err("an integer of at least 1 is expected".to_owned())
        );
        assert_eq!(
            parse(&spec(Kind::Int).min(0).max(9), "10"),
            Err("an integer from 0 to 9 is expected".to_owned())
        );
        assert_eq!(
            parse(&spec(Kind::Port), "70000"),
            Err("an integer from 0 to 65535 is expected".to_owned())
        );
        assert_eq!(parse(&spec(Kind::Int), " -1 "), Ok(Value::Int(-1)));
    }

    #[test]
    fn lists_and_pairs() {
        let words = Value::List(vec!["a".into(), "b c".into()]);
        for text in ["a,b c", " a , b c ", "[a, b c]", "a,\nb c", "a, b c,"] {
            assert_eq!(parse(&spec(Kind::List), text), Ok(words.clone()), "{text}");
        }
        assert_eq!(parse(&spec(Kind::List), ""), Ok(Value::List(vec![])));
        assert_eq!(
            parse(&spec(Kind::Dict), "pure1:cinder, fast : file"),
            Ok(Value::Dict(vec![("pure1".into(), "cinder".into()), ("fast".into(), "file".into())]))
        );
        for bad in ["pure1", "a:b,a:c", ":b", "a:b,,"] {
            assert!(parse(&spec(Kind::Dict), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn choices_are_named() {
        let spec = spec(Kind::Str).choices(&["roles", "policies"]);
        assert_eq!(parse(&spec, "x"), Err("one of roles, policies is expected".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            for kind in [Kind::Str, Kind::Bool, Kind::Int, Kind::Float, Kind::Port, Kind::List, Kind::Dict] {
                let _ = parse(&spec(kind), &text);
            }
        }
    }
}
