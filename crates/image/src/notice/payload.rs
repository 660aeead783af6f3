// SPDX-License-Identifier: Apache-2.0
//! What notifications of images, members and tasks say: the keys of Glance's `notifier.py`.

use chrono::{DateTime, Utc};
use scurry_types::TaskStatus;
use serde_json::{Value, json};

use super::{Event, Priority, Told};
use crate::caller::Caller;
use crate::image::{Image, reserved};
use crate::member::Member;
use crate::task::Task;

pub(super) fn iso(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Locations are left out: they may hold credentials.
fn image(image: &Image) -> Value {
    json!({
        "id": image.id,
        "name": image.name,
        "status": image.status.as_str(),
        "created_at": iso(image.created_at),
        "updated_at": iso(image.updated_at),
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "protected": image.protected,
        "checksum": image.checksum,
        "owner": image.owner,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "is_public": image.visibility.as_str() == "public",
        "visibility": image.visibility.as_str(),
        "properties": image.properties,
        "tags": image.tags,
        "deleted": false,
        "deleted_at": null,
    })
}

/// Marks what an event says as said of something that is gone.
#[must_use]
pub fn deletion(mut event: Event, at: DateTime<Utc>) -> Event {
    event.payload["deleted"] = json!(true);
    event.payload["deleted_at"] = json!(iso(at));
    event
}

fn with_imports(mut payload: Value, of: &Image) -> Value {
    payload[reserved::IMPORTING_TO] = json!(of.list_property(reserved::IMPORTING_TO));
    payload[reserved::FAILED_IMPORT] = json!(of.list_property(reserved::FAILED_IMPORT));
    payload
}

/// The event of something told of an image; the image as it is after the change (for a deletion: before).
#[must_use]
pub fn image_event(told: Told<'_>, of: &Image) -> Event {
    match told {
        Told::Updated => Event::info("image.update", image(of)),
        Told::Prepared(store) => {
            let mut payload = with_imports(image(of), of);
            if let Some(store) = store {
                payload["backend"] = json!(store);
            }
            Event::info("image.prepare", payload)
        }
        Told::Uploaded => Event::info("image.upload", with_imports(image(of), of)),
        Told::Activated => Event::info("image.activate", image(of)),
        Told::Deleted(status) => {
            let mut payload = image(of);
            payload["status"] = json!(status.as_str());
            deletion(Event::info("image.delete", payload), Utc::now())
        }
        Told::Failed(reason) => {
            let text = format!("Failed to upload image data for image {}: {reason}", of.id);
            Event { kind: "image.upload", priority: Priority::Error, payload: Value::from(text) }
        }
    }
}

/// That an image was made.
impl From<&Image> for Event {
    fn from(of: &Image) -> Self {
        Self::info("image.create", image(of))
    }
}

/// That an image was given out, or not wholly.
#[must_use]
pub fn image_sent(of: &Image, to: &Caller, bytes_sent: u64, whole: bool) -> Event {
    let payload = json!({
        "bytes_sent": bytes_sent,
        "image_id": of.id,
        "owner_id": of.owner,
        "receiver_tenant_id": to.project,
        "receiver_user_id": to.user,
    });
    let priority = if whole { Priority::Info } else { Priority::Error };
    Event { kind: "image.send", priority, payload }
}

/// What became of a member: `image.member.create`, …
#[must_use]
pub fn member_event(kind: &'static str, of: &Member) -> Event {
    let payload = json!({
        "image_id": of.image_id,
        "member_id": of.member,
        "status": of.status.as_str(),
        "created_at": iso(of.created_at),
        "updated_at": iso(of.updated_at),
        "deleted": false,
        "deleted_at": null,
    });
    Event::info(kind, payload)
}

/// What became of a task: `task.create`, … Input, result and message are not told, they may hold secrets.
#[must_use]
pub fn task_event(kind: &'static str, of: &Task) -> Event {
    let payload = json!({
        "id": of.id,
        "type": of.kind,
        "status": of.status.as_str(),
        "result": null,
        "owner": of.owner,
        "message": null,
        "expires_at": of.expires_at.map(iso),
        "created_at": iso(of.created_at),
        "updated_at": iso(of.updated_at),
        "deleted": false,
        "deleted_at": null,
    });
    Event::info(kind, payload)
}

/// The event of a task that came into a state; none for one that waits.
#[must_use]
pub const fn kind_of_state(status: TaskStatus) -> Option<&'static str> {
    match status {
        TaskStatus::Pending => None,
        TaskStatus::Processing => Some("task.processing"),
        TaskStatus::Success => Some("task.success"),
        TaskStatus::Failure => Some("task.failure"),
    }
}
