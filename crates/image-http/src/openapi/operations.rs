// SPDX-License-Identifier: Apache-2.0
//! The table of operations: what each takes, what it answers, and how it refuses.

mod cache;
mod images;
mod metadefs;
mod service;

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// JSON of that schema.
    Json(&'static str),
    /// A patch in one of the two media types.
    Patch,
    /// An image's data.
    Bytes,
    /// The same, perhaps with its holes told apart.
    Image,
    /// A part of an image's data.
    Part,
}

/// What an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing.
    Empty,
    /// JSON of that schema.
    Json(&'static str),
    /// An image's data.
    Bytes,
    /// A word.
    Text,
}

/// One method of one path.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// Names of query and header parameters in `parameters.rs`.
    pub(super) parameters: &'static [&'static str],
    pub(super) body: Body,
    pub(super) answers: &'static [(u16, Reply)],
    /// Statuses of refusals beside those every route has.
    pub(super) refusals: &'static [u16],
}

/// Every operation, by area.
pub(super) const TABLES: [&[Operation]; 4] =
    [images::OPERATIONS, service::OPERATIONS, metadefs::OPERATIONS, cache::OPERATIONS];

impl Operation {
    /// Whether it is answered without a token.
    pub(super) fn is_open(&self) -> bool {
        !self.path.starts_with("/v2")
    }

    /// `get_v2_images_id_file`
    pub(super) fn id(&self) -> String {
        let words = self.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
        words.fold(self.method.to_lowercase(), |id, word| format!("{id}_{word}"))
    }

    /// The area it belongs to.
    pub(super) fn tag(&self) -> &'static str {
        self.path
            .trim_start_matches("/v2")
            .split('/')
            .nth(1)
            .filter(|word| !word.is_empty())
            .unwrap_or("versions")
    }

    /// Names of the schemas it mentions.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &'static str> {
        let taken: &[&str] = match &self.body {
            Body::Json(name) => std::slice::from_ref(name),
            Body::Patch => &["patch_v21", "patch_v20"],
            Body::None | Body::Bytes | Body::Image | Body::Part => &[],
        };
        let given = self.answers.iter().filter_map(|(_, reply)| match reply {
            Reply::Json(name) => Some(*name),
            Reply::Empty | Reply::Bytes | Reply::Text => None,
        });
        taken.iter().copied().chain(given).chain(["error"])
    }
}

/// A row of the table.
const fn row(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    parameters: &'static [&'static str],
    body: Body,
    answers: &'static [(u16, Reply)],
    refusals: &'static [u16],
) -> Operation {
    Operation { method, path, summary, parameters, body, answers, refusals }
}
