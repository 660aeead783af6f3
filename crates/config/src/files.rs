// SPDX-License-Identifier: Apache-2.0
//! What a set of files says, later files over earlier ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{ConfigErrors, Place, Problem};
use crate::ini;

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawValue {
    /// The text, lines joined by newlines, `$name` still in it.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

#[derive(Debug, Clone, Default)]
struct Section {
    /// As first spelled.
    name: String,
    places: Vec<Place>,
    options: BTreeMap<String, Vec<RawValue>>,
}

/// Configuration files, read and merged, not yet understood.
#[derive(Debug, Clone, Default)]
pub struct ConfigFiles {
    paths: Vec<Arc<Path>>,
    sections: BTreeMap<String, Section>,
}

/// Sections are the same in any case, except `DEFAULT`, which is its own.
fn normal(section: &str) -> String {
    if section == "DEFAULT" { section.to_owned() } else { section.to_lowercase() }
}

impl ConfigFiles {
    /// Reads `paths` in their order, then every `*.conf` of each of `dirs` in the order of its name.
    ///
    /// # Errors
    /// Every file that cannot be read and every line that is not in the dialect.
    pub fn load(paths: &[PathBuf], dirs: &[PathBuf]) -> Result<Self, ConfigErrors> {
        let mut files = Self::default();
        let mut problems = Vec::new();
        let mut all: Vec<PathBuf> = paths.to_vec();
        for dir in dirs {
            match conf_files(dir) {
                Ok(found) => all.extend(found),
                Err(error) => problems.push(unreadable(dir, "directory", &error)),
            }
        }
        for path in all {
            match std::fs::read(&path) {
                Ok(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => files.add(&path, &text, &mut problems),
                    Err(_) => problems.push(Problem::at(
                        &Place { file: path.into(), line: 0 },
                        "the file is not UTF-8 text",
                    )),
                },
                Err(error) => problems.push(unreadable(&path, "file", &error)),
            }
        }
        if problems.is_empty() { Ok(files) } else { Err(ConfigErrors(problems)) }
    }

    /// Takes one file's text, as if it were at `path`.
    ///
    /// # Errors
    /// Every line that is not in the dialect.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigErrors> {
        let mut files = Self::default();
        let mut problems = Vec::new();
        files.add(path, text, &mut problems);
        if problems.is_empty() { Ok(files) } else { Err(ConfigErrors(problems)) }
    }

    fn add(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        let file: Arc<Path> = path.into();
        let place = |line| Place { file: Arc::clone(&file), line };
        let parsed = ini::parse(text);
        problems.extend(parsed.wrong.into_iter().map(|(line, text)| Problem::at(&place(line), text)));
        for heading in parsed.headings {
            self.section_mut(&heading.name).places.push(place(heading.line));
        }
        for assignment in parsed.assignments {
            let value = RawValue { text: assignment.value, place: place(assignment.line) };
            self.section_mut(&assignment.section).options.entry(assignment.key).or_default().push(value);
        }
        self.paths.push(file);
    }

    fn section_mut(&mut self, name: &str) -> &mut Section {
        self.sections
            .entry(normal(name))
            .or_insert_with(|| Section { name: name.to_owned(), ..Section::default() })
    }

    /// The files, in the order they were read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(AsRef::as_ref)
    }

    /// The names of the sections, as first spelled.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.values().map(|section| section.name.as_str())
    }

    /// Whether there is such a section, even an empty one.
    #[must_use]
    pub fn has_section(&self, section: &str) -> bool {
        self.sections.contains_key(&normal(section))
    }

    /// Where a section begins first.
    #[must_use]
    pub fn section_place(&self, section: &str) -> Option<&Place> {
        self.sections.get(&normal(section))?.places.first()
    }

    /// The names of a section's options.
    pub fn options(&self, section: &str) -> impl Iterator<Item = &str> {
        self.sections
            .get(&normal(section))
            .into_iter()
            .flat_map(|section| section.options.keys().map(String::as_str))
    }

    /// The value that counts: the last one.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&RawValue> {
        self.all(section, key).last()
    }

    /// All values of a repeated option, in their order.
    #[must_use]
    pub fn all(&self, section: &str, key: &str) -> &[RawValue] {
        self.sections
            .get(&normal(section))
            .and_then(|section| section.options.get(key))
            .map_or(&[], Vec::as_slice)
    }
}

fn conf_files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|ext| ext == "conf") && !hidden {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, what: &str, error: &std::io::Error) -> Problem {
    Problem::at(&Place { file: path.into(), line: 0 }, format!("cannot read the {what}: {}", error.kind()))
}
