// SPDX-License-Identifier: Apache-2.0
//! What `scurry db adopt` tells of a database: as text, and as JSON for programs.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use scurry_image_db::{Survey, SurveyedLocation};
use serde::Serialize;

use super::whereabouts::{self, Whereabouts};

/// Lines of a kind that the text shows.
const SHOWN: usize = 10;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    database: String,
    /// Alembic's heads.
    revisions: Vec<String>,
    /// What an older revision means for whoever uses this database.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Whether Scurry's own tables are there, now.
    pub(super) adopted: bool,
    images: Images,
    rows: BTreeMap<&'static str, u64>,
    stores: BTreeMap<String, Contents>,
    unfinished_images: Vec<Unfinished>,
    open_tasks: Vec<Task>,
    legacy_locations: Vec<Odd>,
    dangling_locations: Vec<Odd>,
    missing_files: Vec<Odd>,
    encrypted_locations: Vec<Odd>,
}

#[derive(Debug, Default, Serialize)]
struct Images {
    by_status: BTreeMap<String, u64>,
    deleted: u64,
    pending_delete: u64,
}

/// What lies in a store.
#[derive(Debug, Default, Serialize)]
struct Contents {
    locations: u64,
    images_by_status: BTreeMap<String, u64>,
    #[serde(skip)]
    seen: HashSet<String>,
}

#[derive(Debug, Serialize)]
struct Unfinished {
    image: String,
    status: String,
    since: String,
    task: Option<String>,
    stage_host: Option<String>,
}

#[derive(Debug, Serialize)]
struct Task {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    status: String,
    image: Option<String>,
    since: String,
}

/// A location that needs a look.
#[derive(Debug, Serialize)]
struct Odd {
    image: String,
    url: String,
    /// The store its metadata names.
    #[serde(skip_serializing_if = "Option::is_none")]
    named_store: Option<String>,
    what: String,
}

impl Report {
    /// A report on a database in which nothing was looked at yet.
    pub(super) fn of(database: String, revisions: Vec<String>, note: Option<String>) -> Self {
        Self { database, revisions, note, ..Self::default() }
    }

    /// Takes over what was counted.
    pub(super) fn take(&mut self, survey: Survey) {
        self.images = Images {
            by_status: survey.images,
            deleted: survey.deleted_images,
            pending_delete: survey.pending_delete,
        };
        self.rows = survey.rows;
        self.unfinished_images = survey
            .unfinished
            .into_iter()
            .map(|one| Unfinished {
                image: one.id,
                status: one.status,
                since: one.since,
                task: one.task,
                stage_host: one.stage_host,
            })
            .collect();
        self.open_tasks = survey
            .open_tasks
            .into_iter()
            .map(|one| Task {
                id: one.id,
                kind: one.kind,
                status: one.status,
                image: one.image,
                since: one.since,
            })
            .collect();
    }

    /// Takes in one location.
    pub(super) fn add(&mut self, location: SurveyedLocation, place: Whereabouts) {
        if let Whereabouts::Store(store) | Whereabouts::Legacy(store) | Whereabouts::Missing(store) = &place {
            let contents = self.stores.entry(store.clone()).or_default();
            contents.locations += 1;
            if contents.seen.insert(location.image.clone()) {
                *contents.images_by_status.entry(location.image_status.clone()).or_default() += 1;
            }
        }
        let (list, what) = match place {
            Whereabouts::Store(_) => return,
            Whereabouts::Legacy(store) => {
                (&mut self.legacy_locations, format!("lies in store {store} by its address"))
            }
            Whereabouts::AskVolume => {
                (&mut self.legacy_locations, "lies in the store of the volume's type".to_owned())
            }
            Whereabouts::Dangling(reason) => (&mut self.dangling_locations, reason),
            Whereabouts::Missing(store) => {
                (&mut self.missing_files, format!("is not in the directory of store {store}"))
            }
            Whereabouts::Encrypted => {
                (&mut self.encrypted_locations, "encrypted with metadata_encryption_key".to_owned())
            }
        };
        let url = whereabouts::shown(&location.value);
        list.push(Odd { image: location.image, url, named_store: location.store, what });
    }

    /// How many locations cannot be read, whatever the configuration says.
    pub(super) fn encrypted(&self) -> usize {
        self.encrypted_locations.len()
    }
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    let words: Vec<_> = counts.iter().map(|(status, number)| format!("{number} {status}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn section<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &[T],
    line: impl Fn(&T) -> String,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}: {}", items.len())?;
    for item in items.iter().take(SHOWN) {
        writeln!(f, "  {}", line(item))?;
    }
    if items.len() > SHOWN {
        writeln!(f, "  … and {} more (--json shows all)", items.len() - SHOWN)?;
    }
    Ok(())
}

fn of_task(task: Option<&String>) -> String {
    task.map_or_else(String::new, |task| format!(", held by task {task}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: Glance's tables at {}", self.database, self.revisions.join(", "))?;
        if let Some(note) = &self.note {
            writeln!(f, "  {note}")?;
        }
        writeln!(f, "\nimages: {}", counts(&self.images.by_status))?;
        writeln!(
            f,
            "  deleted: {}, waiting for the scrubber: {}",
            self.images.deleted, self.images.pending_delete
        )?;
        let rows: Vec<_> = self.rows.iter().map(|(name, number)| format!("{number} {name}")).collect();
        writeln!(f, "  {}", rows.join(", "))?;
        for (store, contents) in &self.stores {
            writeln!(
                f,
                "  store {store}: {} locations of images {}",
                contents.locations,
                counts(&contents.images_by_status)
            )?;
        }
        let title = "half-finished images (taken for interrupted when the image service starts)";
        section(f, title, &self.unfinished_images, |one| {
            format!("{} {} since {}{}", one.image, one.status, one.since, of_task(one.task.as_ref()))
        })?;
        section(f, "tasks that were not ended", &self.open_tasks, |one| {
            let image = one.image.as_ref().map_or_else(String::new, |image| format!(" of image {image}"));
            format!("{} {} {} since {}{image}", one.id, one.kind, one.status, one.since)
        })?;
        let odd = |one: &Odd| format!("{} {}: {}", one.image, one.url, one.what);
        let title = "locations from before there were several stores (read by their address)";
        section(f, title, &self.legacy_locations, odd)?;
        section(f, "locations in no store of this configuration", &self.dangling_locations, odd)?;
        section(f, "locations whose file is not there", &self.missing_files, odd)?;
        section(f, "locations that are encrypted and cannot be read", &self.encrypted_locations, odd)
    }
}
