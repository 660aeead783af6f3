// SPDX-License-Identifier: Apache-2.0
//! What changes of metadata definitions tell, kept in their transactions.

use chrono::Utc;
use scurry_image::metadef::{Contents, Item, Namespace, Part};
use scurry_image::notice::{Event, ItemEvent, deletion, item_event, namespace_event};
use sea_orm::ConnectionTrait;

use crate::images::RowError;
use crate::outbox::Events;

pub(super) async fn namespace<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    kind: &'static str,
    of: &Namespace,
    old: &str,
) -> Result<(), RowError> {
    events.keep(db, &namespace_event(kind, of, old)).await
}

pub(super) async fn namespace_deleted<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    of: &Namespace,
) -> Result<(), RowError> {
    let event = namespace_event("metadef_namespace.delete", of, &of.name);
    events.keep(db, &deletion(event, Utc::now())).await
}

/// The events of all that contents hold, or of what has that name.
fn of_each(contents: &Contents, namespace: &str, only: Option<&str>, what: ItemEvent<'_>) -> Vec<Event> {
    let meant = |name: &str| only.is_none_or(|only| only == name);
    let mut all = Vec::new();
    macro_rules! each {
        ($($list:ident),+) => {$(
            let some = contents.$list.iter().filter(|one| meant(&one.name));
            all.extend(some.map(|one| item_event(one, namespace, what)));
        )+};
    }
    each!(associations, objects, tags, properties);
    all
}

pub(super) async fn created<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    namespace: &str,
    contents: &Contents,
) -> Result<(), RowError> {
    for event in of_each(contents, namespace, None, ItemEvent::Created) {
        events.keep(db, &event).await?;
    }
    Ok(())
}

/// Tells of the thing of that name.
pub(super) async fn removed<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    namespace: &str,
    name: &str,
    contents: &Contents,
) -> Result<(), RowError> {
    for event in of_each(contents, namespace, Some(name), ItemEvent::Deleted) {
        events.keep(db, &event).await?;
    }
    Ok(())
}

pub(super) async fn changed<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    namespace: &str,
    old: &str,
    new: &Item,
) -> Result<(), RowError> {
    let what = ItemEvent::Updated(old);
    let event = match new {
        Item::Object(object) => item_event(object, namespace, what),
        Item::Property(property) => item_event(property, namespace, what),
        Item::Tag(tag) => item_event(tag, namespace, what),
    };
    events.keep(db, &event).await
}

/// Tells that all of a kind is gone.
pub(super) async fn cleared<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    part: Part,
    of: &Namespace,
) -> Result<(), RowError> {
    let kind = match part {
        Part::Objects => "metadef_namespace.delete_objects",
        Part::Properties => "metadef_namespace.delete_properties",
        Part::Tags => "metadef_namespace.delete_tags",
        // Glance has no such request, and no name for it.
        Part::Associations => return Ok(()),
    };
    namespace(events, db, kind, of, &of.name).await
}
