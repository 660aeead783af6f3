// SPDX-License-Identifier: Apache-2.0
//! The image cache's books.

use chrono::{SubsecRound, TimeDelta, Utc};
use scurry_image::ports::{CacheRecords, Hits};
use scurry_types::ImageId;

use scurry_testkit::DatabaseKind;

use crate::{database, on_every_database};

async fn each_node_has_its_own_entries(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let (one, two) = (ImageId::random(), ImageId::random());
    db.add_cached("http://a", &one, 10).await.unwrap();
    db.add_cached("http://a", &two, 20).await.unwrap();
    db.add_cached("http://b", &one, 10).await.unwrap();
    let images = async |node: &str| -> Vec<ImageId> {
        db.cached_images(node).await.unwrap().into_iter().map(|entry| entry.image).collect()
    };
    assert_eq!(images("http://a").await, [one.clone(), two.clone()]);
    assert_eq!(images("http://b").await, std::slice::from_ref(&one));
    assert_eq!(images("http://c").await, []);
    assert_eq!(db.nodes_with(&one).await.unwrap(), ["http://a", "http://b"]);
    let entry = db.cached_image("http://a", &one).await.unwrap().unwrap();
    assert_eq!((entry.size, entry.hits), (10, 0));

    db.remove_cached("http://a", &one).await.unwrap();
    db.remove_cached("http://c", &one).await.unwrap();
    assert_eq!(db.nodes_with(&one).await.unwrap(), ["http://b"]);
    db.clear_cached("http://b").await.unwrap();
    db.clear_cached("http://c").await.unwrap();
    assert_eq!(images("http://a").await, std::slice::from_ref(&two));
    db.add_cached("http://b", &two, 20).await.unwrap();
    db.remove_cached_everywhere(&two).await.unwrap();
    assert_eq!(db.nodes_with(&two).await.unwrap(), Vec::<String>::new());
}

async fn hits_add_up_until_the_image_comes_anew(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let (image, other) = (ImageId::random(), ImageId::random());
    db.add_cached("http://a", &image, 10).await.unwrap();
    db.add_cached("http://b", &image, 10).await.unwrap();
    let last = Utc::now().trunc_subsecs(0) + TimeDelta::hours(1);
    let hits = |count| Hits { image: image.clone(), count, last };
    db.count_hits("http://a", &[hits(2), Hits { image: other.clone(), count: 1, last }]).await.unwrap();
    db.count_hits("http://a", &[hits(3)]).await.unwrap();
    db.count_hits("http://nobody", &[hits(9)]).await.unwrap();
    let entry = db.cached_image("http://a", &image).await.unwrap().unwrap();
    assert_eq!((entry.hits, entry.last_accessed), (5, last));
    assert_eq!(db.cached_image("http://b", &image).await.unwrap().unwrap().hits, 0);
    assert_eq!(db.cached_image("http://a", &other).await.unwrap(), None);
    db.add_cached("http://a", &image, 11).await.unwrap();
    let anew = db.cached_image("http://a", &image).await.unwrap().unwrap();
    assert_eq!((anew.id, anew.size, anew.hits), (entry.id, 11, 0));
}

on_every_database!(each_node_has_its_own_entries, hits_add_up_until_the_image_comes_anew,);
