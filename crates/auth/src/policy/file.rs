// SPDX-License-Identifier: Apache-2.0
//! Policy files: a mapping of rule names to rules, in YAML or JSON.

use std::path::Path;

use saphyr_parser::{Event, Parser, Span};

use super::PolicyError;
use super::parser::{self, ParseError};
use super::rule::Check;

/// A rule as a file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Text(String),
    /// The old form: any of lists, all of whose checks hold.
    Lists(Vec<Vec<String>>),
}

impl Source {
    pub(super) fn parse(&self) -> Result<Check, ParseError> {
        match self {
            Self::Text(text) => parser::parse(text),
            Self::Lists(outer) if outer.is_empty() => Ok(Check::True),
            Self::Lists(outer) => {
                let mut any = Vec::new();
                for inner in outer.iter().filter(|inner| !inner.is_empty()) {
                    let all =
                        inner.iter().map(|word| parser::check(word.trim())).collect::<Result<_, _>>()?;
                    any.push(parser::joined(all, Check::All));
                }
                // Lists that are all empty hold for nobody.
                if any.is_empty() { Ok(Check::False) } else { Ok(parser::joined(any, Check::Any)) }
            }
        }
    }
}

/// One entry of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) source: Source,
    /// Line of the name, counted from 1.
    pub(super) line: usize,
}

/// Reads a file's rules in its order.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Entry>, PolicyError> {
    // JSON may be indented by tabs, which YAML does not take; in JSON's strings they cannot stand.
    let json = text.trim_start().starts_with('{').then(|| text.replace('\t', " "));
    let mut reader = Reader { parser: Parser::new_from_str(json.as_deref().unwrap_or(text)), line: 1 };
    reader.file().map_err(|problem| PolicyError::File {
        path: path.to_owned(),
        // What is missing at the end is found behind it.
        line: reader.line.clamp(1, text.lines().count().max(1)),
        problem,
    })
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Where the last thing read begins.
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => {
                self.line = start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                self.line = error.marker().line();
                Err(error.info().to_owned())
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn file(&mut self) -> Result<Vec<Entry>, String> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => return Ok(Vec::new()),
                // A document of nothing but comments.
                Event::Scalar(text, ..) if is_null(&text) => {}
                Event::MappingStart(..) => return self.mapping(),
                _ => return Err("a mapping of rule names to rules is expected".to_owned()),
            }
        }
    }

    fn mapping(&mut self) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        loop {
            let name = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(name, ..) => name.into_owned(),
                _ => return Err("name: \"rule\" is expected".to_owned()),
            };
            let line = self.line;
            let source = match self.next()? {
                Event::Scalar(text, ..) if is_null(&text) => Source::Text(String::new()),
                Event::Scalar(text, ..) => Source::Text(text.into_owned()),
                Event::SequenceStart(..) => Source::Lists(self.lists()?),
                _ => return Err(format!("the rule {name} is neither text nor lists of checks")),
            };
            entries.push(Entry { name, source, line });
        }
        match self.next()? {
            Event::DocumentEnd => {}
            _ => return Err("one mapping of rule names to rules is expected".to_owned()),
        }
        match self.next()? {
            Event::StreamEnd => Ok(entries),
            _ => Err("one document is expected".to_owned()),
        }
    }

    fn lists(&mut self) -> Result<Vec<Vec<String>>, String> {
        let mut outer = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(outer),
                Event::Scalar(word, ..) => outer.push(vec![word.into_owned()]),
                Event::SequenceStart(..) => outer.push(self.words()?),
                _ => return Err("a list of lists of checks is expected".to_owned()),
            }
        }
    }

    fn words(&mut self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(words),
                Event::Scalar(word, ..) => words.push(word.into_owned()),
                _ => return Err("a list of checks is expected".to_owned()),
            }
        }
    }
}

/// Nothing after the colon: an empty rule.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(text: &str) -> Vec<(String, Source, usize)> {
        let entries = read(Path::new("policy.yaml"), text).unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.source, entry.line)).collect()
    }

    fn text(text: &str) -> Source {
        Source::Text(text.to_owned())
    }

    #[test]
    fn yaml_forms_are_read_with_their_lines() {
        let read = entries(
            "---\n# who may share\n\"publicize_image\": \"role:admin\"  # only they\nvolume:create: rule:admin_or_owner\n\
             'get_image': 'role:reader and ''public'':%(visibility)s'\nempty: \"\"\nnone:\nlong: >-\n  role:admin or\n  role:x\n",
        );
        let wanted = [
            ("publicize_image", text("role:admin"), 3),
            ("volume:create", text("rule:admin_or_owner"), 4),
            ("get_image", text("role:reader and 'public':%(visibility)s"), 5),
            ("empty", text(""), 6),
            ("none", text(""), 7),
            ("long", text("role:admin or role:x"), 8),
        ];
        assert_eq!(read, wanted.map(|(name, source, line)| (name.to_owned(), source, line)));
    }

    #[test]
    fn lists_are_read_in_yaml_and_json() {
        let lists = Source::Lists(vec![
            vec!["role:admin".into()],
            vec!["role:member".into(), "project_id:%(project_id)s".into()],
            vec!["role:x".into()],
        ]);
        for file in [
            "a:\n  - [role:admin]\n  - - role:member\n    - project_id:%(project_id)s\n  - role:x\n",
            "{\n\t\"a\": [[\"role:admin\"], [\"role:member\", \"project_id:%(project_id)s\"], \"role:x\"]\n}\n",
        ] {
            assert_eq!(entries(file)[0].1, lists, "{file}");
        }
        assert_eq!(
            lists.parse(),
            parser::parse("role:admin or (role:member and project_id:%(project_id)s) or role:x")
        );
        assert_eq!(Source::Lists(vec![]).parse(), Ok(Check::True));
        assert_eq!(Source::Lists(vec![vec![]]).parse(), Ok(Check::False));
    }

    #[test]
    fn a_file_without_rules_has_none() {
        for file in ["", "# nothing yet\n", "---\n", "{}", "null\n"] {
            assert_eq!(entries(file), [], "{file:?}");
        }
    }

    #[test]
    fn wrong_files_name_the_line() {
        for (text, line) in [
            ("a: \"x\"\nnonsense\n", 2),
            ("- x\n", 1),
            ("a: x\nb: {c: d}\n", 2),
            ("a: x\nb: [[[c]]]\n", 2),
            ("{\n\"a\": ]}", 2),
            ("a: x\n---\nb: y\n", 2),
        ] {
            match read(Path::new("policy.yaml"), text) {
                Err(PolicyError::File { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "(?s).{0,200}") {
            let _ = read(Path::new("policy.yaml"), &text);
        }
    }
}
