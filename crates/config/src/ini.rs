// SPDX-License-Identifier: Apache-2.0
//! One file's lines: sections, options, values that go on in indented lines.
//!
//! The dialect is oslo.config's parser: `key = value` or `key: value`, whichever sign comes first; a value in one
//! pair of equal quotes loses them; an indented line goes on with the value before it; a blank line ends it;
//! comments begin a line with `#` or `;` and nowhere else.

/// An option as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section it stands in.
    pub section: String,
    /// Its name.
    pub key: String,
    /// Lines of the value, joined by newlines.
    pub value: String,
    /// Line of the key, counted from 1.
    pub line: usize,
}

/// A section's heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The section's name.
    pub name: String,
    /// Its line, counted from 1.
    pub line: usize,
}

/// What a file says, with what could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Headings in their order.
    pub headings: Vec<Heading>,
    /// Options in their order.
    pub assignments: Vec<Assignment>,
    /// Line and what is wrong with it.
    pub wrong: Vec<(usize, String)>,
}

/// Reads a file's text. A wrong line is noted and skipped, so that all of them are found at once.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut section: Option<String> = None;
    // Whether an indented line has a value to go on with.
    let mut open = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let line = line.trim_end();
        if line.is_empty() {
            open = false;
        } else if line.starts_with([' ', '\t']) {
            match parsed.assignments.last_mut().filter(|_| open) {
                Some(last) => {
                    last.value.push('\n');
                    last.value.push_str(line.trim_start());
                }
                None => parsed.wrong.push((
                    number,
                    "an indented line goes on with the value before it, and there is none: remove the indentation"
                        .to_owned(),
                )),
            }
        } else if let Some(rest) = line.strip_prefix('[') {
            open = false;
            match rest.strip_suffix(']') {
                Some(name) if !name.is_empty() => {
                    parsed.headings.push(Heading { name: name.to_owned(), line: number });
                    section = Some(name.to_owned());
                }
                _ => parsed.wrong.push((number, format!("{line:?} is not a section: [name] is expected"))),
            }
        } else if line.starts_with(['#', ';']) {
            open = false;
        } else {
            open = false;
            match (section.as_ref(), split(line)) {
                (_, None) => {
                    parsed.wrong.push((
                        number,
                        format!("{:?} is not an option: name = value is expected", cut(line)),
                    ));
                }
                (None, Some((key, _))) => {
                    parsed.wrong.push((number, format!("option {key} stands before the first [section]")));
                }
                (Some(section), Some((key, value))) => {
                    open = true;
                    parsed.assignments.push(Assignment {
                        section: section.clone(),
                        key: key.to_owned(),
                        value: unquoted(value).to_owned(),
                        line: number,
                    });
                }
            }
        }
    }
    parsed
}

/// Key and value around the first `=` or `:`.
fn split(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(['=', ':'])?;
    let key = key.trim();
    (!key.is_empty()).then(|| (key, value.trim()))
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return &value[1..value.len() - 1];
        }
    }
    value
}

/// The beginning of a line that may hold a password without its name.
fn cut(line: &str) -> &str {
    match line.char_indices().nth(20) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

#[cfg(test)]
mod tests;
