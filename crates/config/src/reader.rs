// SPDX-License-Identifier: Apache-2.0
//! Typed values of known options, with everything that is wrong collected.

use std::cell::RefCell;

use scurry_types::Secret;

use crate::error::{ConfigErrors, Place, Problem};
use crate::files::{ConfigFiles, RawValue};
use crate::interpolate;
use crate::option::{Kind, OptionSpec};
use crate::registry::{self, Dialect};
use crate::value::{self, Value};

/// A type an option's value can be taken as.
pub trait FromOption: Sized {
    #[doc(hidden)]
    fn from_value(value: ParsedValue) -> Option<Self>;
}

/// A value understood, on its way to its Rust type.
#[doc(hidden)]
#[derive(Debug)]
pub struct ParsedValue(Value);

macro_rules! from_option {
    ($type:ty, $pattern:pat => $taken:expr) => {
        impl FromOption for $type {
            fn from_value(value: ParsedValue) -> Option<Self> {
                match value.0 {
                    $pattern => $taken,
                    _ => None,
                }
            }
        }
    };
}

from_option!(String, Value::Str(text) => Some(text));
from_option!(Secret, Value::Str(text) => Some(Self::new(text)));
from_option!(std::path::PathBuf, Value::Str(text) => Some(text.into()));
from_option!(bool, Value::Bool(yes) => Some(yes));
from_option!(i64, Value::Int(number) => Some(number));
from_option!(u64, Value::Int(number) => Self::try_from(number).ok());
from_option!(u32, Value::Int(number) => Self::try_from(number).ok());
from_option!(u16, Value::Int(number) => Self::try_from(number).ok());
from_option!(usize, Value::Int(number) => Self::try_from(number).ok());
from_option!(f64, Value::Float(number) => Some(number));
from_option!(Vec<String>, Value::List(words) => Some(words));
from_option!(Vec<(String, String)>, Value::Dict(pairs) => Some(pairs));

/// Reads options by their table and collects what is wrong, so that one start shows every mistake.
#[derive(Debug)]
pub struct Reader<'a> {
    files: &'a ConfigFiles,
    dialect: Dialect,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    /// A reader of `files` by the dialect's table.
    #[must_use]
    pub fn new(files: &'a ConfigFiles, dialect: Dialect) -> Self {
        Self { files, dialect, problems: RefCell::new(Vec::new()) }
    }

    /// The files it reads.
    #[must_use]
    pub fn files(&self) -> &'a ConfigFiles {
        self.files
    }

    /// The service whose options count.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// An option of a section that has the name of its group, such as `DEFAULT` or `keystone_authtoken`.
    ///
    /// Gives the default when the files do not set it; none when it has no default or the value is wrong (then
    /// [`Reader::finish`] tells).
    pub fn opt<T: FromOption>(&self, section: &str, name: &str) -> Option<T> {
        self.opt_in(section, section, name)
    }

    /// An option of a section of some kind: a store's own section is of the group `store.cinder` or `store.file`, a
    /// block-storage backend's of the group `backend`. What the section does not set, `[backend_defaults]` may.
    pub fn opt_in<T: FromOption>(&self, section: &str, group: &str, name: &str) -> Option<T> {
        let Some(spec) = registry::find(self.dialect, group, name) else {
            self.note(Problem::nowhere(format!("[{section}] {name}: no option of {group} has this name")));
            return None;
        };
        let raw = self.raw(section, spec);
        let (text, place) = match raw {
            Some(raw) => (self.filled(section, spec, raw)?, Some(&raw.place)),
            None => (self.filled_default(section, spec)?, None),
        };
        match value::parse(spec, &text) {
            Ok(value) => {
                let taken = T::from_value(ParsedValue(value));
                if taken.is_none() {
                    self.wrong(section, spec, &text, place, "a value in the option's range is expected");
                }
                taken
            }
            Err(expected) => {
                self.wrong(section, spec, &text, place, &expected);
                None
            }
        }
    }

    /// All values of an option that may be repeated.
    pub fn all(&self, section: &str, group: &str, name: &str) -> Vec<String> {
        let Some(spec) = registry::find(self.dialect, group, name) else { return Vec::new() };
        let values = self.files.all(section, name);
        values.iter().filter_map(|raw| self.filled(section, spec, raw)).collect()
    }

    /// Whether the files set it.
    #[must_use]
    pub fn is_set(&self, section: &str, name: &str) -> bool {
        self.files.get(section, name).is_some()
    }

    /// Where the files set it.
    #[must_use]
    pub fn place(&self, section: &str, name: &str) -> Option<&'a Place> {
        self.files.get(section, name).map(|raw| &raw.place)
    }

    /// Notes something wrong about an option that its own value does not show.
    pub fn reject(&self, section: &str, name: &str, text: &str) {
        let text = format!("[{section}] {name}: {text}");
        let place = self.place(section, name).or_else(|| self.files.section_place(section));
        self.note(match place {
            Some(place) => Problem::at(place, text),
            None => Problem::nowhere(text),
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that was found wrong.
    pub fn finish(self) -> Result<(), ConfigErrors> {
        let problems = self.take_problems();
        if problems.is_empty() { Ok(()) } else { Err(ConfigErrors(problems)) }
    }

    pub(crate) fn take_problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.take();
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems
    }

    /// The value as written that counts for a section.
    pub(crate) fn raw(&self, section: &str, spec: &OptionSpec) -> Option<&'a RawValue> {
        let own = self.files.get(section, spec.name);
        if spec.group == section || !registry::is_kind_of_section(spec.group) {
            return own;
        }
        own.or_else(|| self.files.get("backend_defaults", spec.name))
    }

    fn filled(&self, section: &str, spec: &OptionSpec, raw: &RawValue) -> Option<String> {
        match interpolate::fill(section, &raw.text, &|group, name| self.text_of(group, name)) {
            Ok(text) => Some(text),
            Err(circle) => {
                let text = format!("[{section}] {}: ${} leads back to itself", spec.name, circle.0);
                self.note(Problem::at(&raw.place, text));
                None
            }
        }
    }

    fn filled_default(&self, section: &str, spec: &OptionSpec) -> Option<String> {
        let default = spec.default?;
        interpolate::fill(section, default, &|group, name| self.text_of(group, name)).ok()
    }

    /// The text behind a name in another value: the files', else the default.
    fn text_of(&self, group: &str, name: &str) -> Option<String> {
        let set = self.files.get(group, name).map(|raw| raw.text.clone());
        set.or_else(|| registry::find(self.dialect, group, name)?.default.map(str::to_owned))
    }

    fn wrong(&self, section: &str, spec: &OptionSpec, text: &str, place: Option<&Place>, expected: &str) {
        let shown = if spec.secret { "***" } else { text };
        let text = format!("[{section}] {} = {}: {expected}", spec.name, shown.replace('\n', " "));
        self.note(match place {
            Some(place) => Problem::at(place, text),
            None => Problem::nowhere(text),
        });
    }

    pub(crate) fn note(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// The value of an option as reports show it: filled in, secrets hidden, repeated ones joined.
pub(crate) fn shown(reader: &Reader<'_>, section: &str, spec: &OptionSpec) -> Option<(String, bool)> {
    let (text, is_default) = if spec.kind == Kind::MultiStr {
        let all = reader.all(section, spec.group, spec.name);
        if all.is_empty() { (spec.default?.to_owned(), true) } else { (all.join(", "), false) }
    } else {
        match reader.raw(section, spec) {
            Some(raw) => (reader.filled(section, spec, raw)?, false),
            None => (reader.filled_default(section, spec)?, true),
        }
    };
    let text = if spec.secret && !text.is_empty() { "***".to_owned() } else { text.replace('\n', " ") };
    Some((text, is_default))
}
