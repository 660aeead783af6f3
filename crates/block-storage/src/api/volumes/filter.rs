// SPDX-License-Identifier: Apache-2.0
//! Filters of volume lists.

use serde_json::Value;

use crate::api::fault::{Answer, Fault};
use crate::api::paging::{Query, truth};
use crate::api::view::Around;
use crate::db::properties::Properties;
use crate::db::volumes::Volume;

/// Keys of a query that are no filters.
const NOT_FILTERS: &[&str] =
    &["limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants", "with_count", "fields"];

/// The filters whoever is no administrator may use; others of theirs are passed over, as in Cinder.
const FOR_ALL: &[&str] = &[
    "name",
    "status",
    "metadata",
    "bootable",
    "migration_status",
    "availability_zone",
    "group_id",
    "size",
    "consumes_quota",
    "created_at",
    "updated_at",
    "id",
    "volume_type_id",
    "glance_metadata",
    "display_name",
];

/// What a volume must be like to be listed.
#[derive(Debug)]
pub(crate) struct Filter(Vec<Test>);

#[derive(Debug)]
enum Test {
    Is(&'static str, String),
    Contains(&'static str, String),
    Bootable(bool),
    ConsumesQuota(bool),
    Metadata(Properties),
    ImageMetadata(Properties),
    Nothing,
}

impl Filter {
    /// Reads the filters of a query.
    pub(crate) fn of(query: &Query, is_admin: bool) -> Answer<Self> {
        let mut tests = Vec::new();
        for (key, value) in &query.0 {
            let (plain, like) = key.strip_suffix('~').map_or((key.as_str(), false), |key| (key, true));
            if NOT_FILTERS.contains(&plain) || (!is_admin && !FOR_ALL.contains(&plain)) {
                continue;
            }
            let column = match plain {
                "name" | "display_name" => "name",
                "status" => "status",
                "availability_zone" => "availability_zone",
                "size" => "size",
                "id" => "id",
                "volume_type_id" => "volume_type_id",
                "host" => "host",
                "project_id" | "tenant_id" => "project_id",
                "user_id" => "user_id",
                "source_volid" => "source_volid",
                "snapshot_id" => "snapshot_id",
                "description" | "display_description" => "description",
                "attach_status" => "attach_status",
                "replication_status" => "replication_status",
                "bootable" => {
                    let flag =
                        truth(value).ok_or_else(|| Fault::invalid_input(format!("bootable={value}")))?;
                    tests.push(Test::Bootable(flag));
                    continue;
                }
                "consumes_quota" | "use_quota" => {
                    tests.push(Test::ConsumesQuota(truth(value).unwrap_or(true)));
                    continue;
                }
                "metadata" => {
                    tests.push(Test::Metadata(dictionary("metadata", value)?));
                    continue;
                }
                "glance_metadata" => {
                    tests.push(Test::ImageMetadata(dictionary("glance_metadata", value)?));
                    continue;
                }
                // Volumes here are in no group and never migrate.
                "group_id" | "migration_status" => {
                    tests.push(Test::Nothing);
                    continue;
                }
                "created_at" | "updated_at" => {
                    return Err(Fault::bad_request(format!(
                        "Filtering volumes by {plain} is not supported."
                    )));
                }
                _ => continue,
            };
            tests.push(if like {
                Test::Contains(column, value.clone())
            } else {
                Test::Is(column, value.clone())
            });
        }
        Ok(Self(tests))
    }

    /// Whether the volume is to be listed.
    pub(crate) fn passes(&self, volume: &Volume, around: &Around) -> bool {
        self.0.iter().all(|test| match test {
            Test::Is(column, wanted) => value(volume, column).as_deref() == Some(wanted),
            Test::Contains(column, part) => value(volume, column).is_some_and(|v| v.contains(part.as_str())),
            Test::Bootable(wanted) => volume.bootable == *wanted,
            Test::ConsumesQuota(wanted) => volume.consumes_quota == *wanted,
            Test::Metadata(wanted) => holds(&around.metadata(&volume.id), wanted),
            Test::ImageMetadata(wanted) => around.image(&volume.id).is_some_and(|set| holds(set, wanted)),
            Test::Nothing => false,
        })
    }
}

fn value(volume: &Volume, column: &str) -> Option<String> {
    match column {
        "name" => volume.name.clone(),
        "description" => volume.description.clone(),
        "status" => Some(volume.status.clone()),
        "attach_status" => Some(volume.attach_status.clone()),
        "availability_zone" => Some(volume.availability_zone.clone()),
        "size" => Some(volume.size.to_string()),
        "id" => Some(volume.id.clone()),
        "volume_type_id" => Some(volume.volume_type_id.clone()),
        "host" => volume.host.clone(),
        "project_id" => Some(volume.project_id.clone()),
        "user_id" => Some(volume.user_id.clone()),
        "source_volid" => volume.source_volid.clone(),
        "snapshot_id" => volume.snapshot_id.clone(),
        "replication_status" => volume.replication_status.clone(),
        _ => None,
    }
}

fn holds(set: &Properties, wanted: &Properties) -> bool {
    wanted.iter().all(|(key, value)| set.get(key) == Some(value))
}

/// A dictionary as clients write it into a query: JSON, or Python's notation with single quotes.
fn dictionary(key: &str, text: &str) -> Answer<Properties> {
    let parsed: Option<Value> = serde_json::from_str(text)
        .ok()
        .or_else(|| serde_json::from_str(&text.replace("u'", "'").replace('\'', "\"")).ok());
    match parsed {
        Some(Value::Object(map)) => Ok(map
            .into_iter()
            .map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .collect()),
        _ => Err(Fault::invalid_input(format!("'{key} = {text}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::dictionary;

    #[test]
    fn dictionaries_come_in_two_notations() {
        for text in [r#"{"k": "v"}"#, "{'k': 'v'}", "{u'k': u'v'}"] {
            assert_eq!(dictionary("metadata", text).unwrap()["k"], "v", "{text}");
        }
        assert!(dictionary("metadata", "k=v").is_err());
    }
}
