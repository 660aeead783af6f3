// SPDX-License-Identifier: Apache-2.0
//! Changes of metadata definitions that race, and what a deleted namespace leaves behind.

use chrono::{SubsecRound, Utc};
use scurry_image::metadef::{Contents, Item, Namespace, Part, Tag};
use scurry_image::ports::{MetadefOutcome, MetadefRepository};
use scurry_image_db::Database;

use scurry_testkit::DatabaseKind;

use crate::{database, on_every_database};

fn namespace(name: &str) -> Namespace {
    let now = Utc::now().trunc_subsecs(0);
    Namespace {
        name: name.to_owned(),
        display_name: None,
        description: None,
        public: false,
        protected: false,
        owner: "p".to_owned(),
        created_at: now,
        updated_at: now,
    }
}

fn tags(names: &[&str]) -> Contents {
    let now = Utc::now().trunc_subsecs(0);
    let tag = |name: &&str| Tag { name: (*name).to_owned(), created_at: now, updated_at: now };
    Contents { tags: names.iter().map(tag).collect(), ..Contents::default() }
}

async fn names(db: &Database, namespace: &str) -> Vec<String> {
    let contents = db.contents(namespace, &[Part::Tags]).await.unwrap();
    contents.tags.into_iter().map(|tag| tag.name).collect()
}

async fn of_many_racing_namespaces_one_is_made_with_its_own_contents(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let racers: Vec<_> = (0..16)
        .map(|racer| {
            let db = db.clone();
            tokio::spawn(async move {
                let name = racer.to_string();
                let outcome = db.create_namespace(&namespace("n"), &tags(&[&name, "all"])).await.unwrap();
                (outcome == MetadefOutcome::Done).then_some(name)
            })
        })
        .collect();
    let mut won = Vec::new();
    for racer in racers {
        won.extend(racer.await.unwrap());
    }
    assert_eq!(won.len(), 1);
    assert_eq!(names(&db, "n").await, [won[0].as_str(), "all"]);
}

async fn what_cannot_be_done_whole_is_not_begun(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    db.create_namespace(&namespace("n"), &tags(&["a", "b"])).await.unwrap();
    let taken = MetadefOutcome::Taken(Part::Tags, "b".to_owned());
    assert_eq!(db.add("n", &tags(&["c", "b"]), false).await.unwrap(), taken);
    let twice = MetadefOutcome::Taken(Part::Tags, "c".to_owned());
    assert_eq!(db.add("n", &tags(&["c", "c"]), true).await.unwrap(), twice);
    assert_eq!(names(&db, "n").await, ["a", "b"]);
    let rename = Item::Tag(tags(&["b"]).tags.remove(0));
    assert_eq!(db.change("n", "a", &rename).await.unwrap(), taken);
    assert_eq!(db.change("n", "z", &rename).await.unwrap(), MetadefOutcome::NoItem);
    assert_eq!(db.change("z", "a", &rename).await.unwrap(), MetadefOutcome::NoNamespace);
    db.create_namespace(&namespace("m"), &Contents::default()).await.unwrap();
    assert_eq!(db.change_namespace("m", &namespace("n")).await.unwrap(), MetadefOutcome::NamespaceTaken);
    let protected = Namespace { protected: true, ..namespace("n") };
    assert_eq!(db.change_namespace("n", &protected).await.unwrap(), MetadefOutcome::Done);
    assert_eq!(db.remove("n", Part::Tags, "a").await.unwrap(), MetadefOutcome::Protected);
    assert_eq!(db.clear("n", Part::Tags).await.unwrap(), MetadefOutcome::Protected);
    assert_eq!(db.delete_namespace("n").await.unwrap(), MetadefOutcome::Protected);
    assert_eq!(names(&db, "n").await, ["a", "b"]);
}

on_every_database!(
    of_many_racing_namespaces_one_is_made_with_its_own_contents,
    what_cannot_be_done_whole_is_not_begun,
);
