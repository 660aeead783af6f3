// SPDX-License-Identifier: Apache-2.0
//! What belongs to the store: objects of an image, leftovers of an earlier life, the volume type.

use scurry_store::{Store, StoreErrorKind};
use scurry_types::ImageId;

use crate::fake::{Fake, Faults};
use crate::{content, spec, write};

#[tokio::test]
async fn stores_of_one_type_keep_their_volumes_apart() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let (one, two) = (fake.store("one", "gold"), fake.store("two", "gold"));
    let object = write(&one, &image, b"x").await.unwrap();
    assert_eq!(one.find(&image).await.unwrap(), std::slice::from_ref(&object.url));
    assert_eq!(two.find(&image).await.unwrap(), Vec::<String>::new());
    assert_eq!(one.find(&ImageId::random()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn volumes_that_glance_made_count_by_their_type() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let (gold, silver) = (fake.store("one", "id-gold"), fake.store("two", "silver"));
    let object = write(&fake.store("one", "gold"), &image, b"x").await.unwrap();
    let id = fake.volume(&object.url).id;
    fake.state().volumes.get_mut(&id).unwrap().metadata.remove("scurry_store");
    assert_eq!(gold.find(&image).await.unwrap(), std::slice::from_ref(&object.url));
    assert_eq!(silver.find(&image).await.unwrap(), Vec::<String>::new());
    // A clone that Cinder has not registered yet has its owner and the name, a volume of Cinder's cache the name alone.
    let owner = |key: &String, _: &mut String| key == "image_owner";
    fake.state().volumes.get_mut(&id).unwrap().metadata.retain(owner);
    assert_eq!(gold.find(&image).await.unwrap(), [object.url]);
    fake.state().volumes.get_mut(&id).unwrap().metadata.clear();
    assert_eq!(gold.find(&image).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_url_without_a_store_lies_where_its_volume_type_says() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let (gold, silver) = (fake.store("one", "gold"), fake.store("two", "silver"));
    let object = write(&gold, &image, b"x").await.unwrap();
    let id = fake.volume(&object.url).id;
    let url = format!("cinder://{id}");
    // As Cinder makes a clone of a user's volume, before it registers it.
    let mark = |key: Option<&str>| {
        let mut state = fake.state();
        let volume = state.volumes.get_mut(&id).unwrap();
        volume.project = "user-project".to_owned();
        volume.metadata = key.map(|key| (key.to_owned(), "owner-project".to_owned())).into_iter().collect();
    };
    mark(Some("image_owner"));
    assert!(gold.holds(&url).await.unwrap());
    assert!(!silver.holds(&url).await.unwrap());
    gold.open_read(&object.url).await.unwrap().close().await.unwrap();
    mark(None);
    assert!(!gold.holds(&url).await.unwrap(), "a volume of another tenant's own");
    assert_eq!(gold.open_read(&object.url).await.unwrap_err().kind, StoreErrorKind::NotFound);
    assert!(!gold.holds("cinder://00000000-0000-0000-0000-000000000000").await.unwrap());
}

#[tokio::test]
async fn the_owner_on_a_volume_follows_the_images() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("one", "gold");
    let object = write(&store, &image, b"x").await.unwrap();
    let shown = || fake.volume(&object.url).metadata.get("image_owner").cloned();
    assert_eq!(shown().as_deref(), Some("owner-project"));
    store.set_owner(&object.url, Some(&"another".into())).await.unwrap();
    assert_eq!(shown().as_deref(), Some("another"));
    store.set_owner(&object.url, None).await.unwrap();
    store.set_owner(&object.url, None).await.unwrap();
    assert_eq!(shown(), None);
    let gone = "cinder://one/00000000-0000-0000-0000-000000000000";
    assert_eq!(store.set_owner(gone, None).await.unwrap_err().kind, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn recovery_takes_back_only_what_this_node_left() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let earlier = fake.store("one", "gold");
    let ours = write(&earlier, &image, b"ours").await.unwrap();
    let theirs = write(&earlier, &ImageId::random(), b"theirs").await.unwrap();
    let servers = write(&earlier, &ImageId::random(), b"servers").await.unwrap();
    let half = ImageId::random();
    std::mem::forget(earlier.begin_write(&spec(&half, Some(4))).await.unwrap());
    fake.state().attachments.values_mut().for_each(|attachment| attachment.attached = false);
    fake.attach(&fake.volume(&ours.url).id, "node-1", None);
    let kept = [
        fake.attach(&fake.volume(&theirs.url).id, "another-node", None),
        fake.attach(&fake.volume(&servers.url).id, "compute", Some("server-7")),
    ];

    let later = fake.store("one", "gold");
    fake.store("two", "gold").recover().await.unwrap();
    assert_eq!(fake.state().attachments.len(), 4);
    later.recover().await.unwrap();
    let mut left: Vec<_> = fake.state().attachments.keys().cloned().collect();
    let mut kept = kept.to_vec();
    left.sort();
    kept.sort();
    assert_eq!(left, kept);
    let urls = later.find(&half).await.unwrap();
    assert_eq!(urls.len(), 1);
    later.delete(&urls[0]).await.unwrap();
}

#[tokio::test]
async fn attachments_that_were_never_completed_are_found_by_their_host() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("one", "gold");
    let ours = write(&store, &image, b"ours").await.unwrap();
    let theirs = write(&store, &ImageId::random(), b"theirs").await.unwrap();
    let (our_volume, their_volume) = (fake.volume(&ours.url).id, fake.volume(&theirs.url).id);
    let kept = fake.attach_half(&their_volume, "another-node");

    // At the start, before a read, before a delete.
    let recover = async || store.recover().await.unwrap();
    let read = async || assert_eq!(content(&store, &ours.url).await.unwrap(), "ours");
    fake.attach_half(&our_volume, "node-1");
    recover().await;
    assert_eq!(fake.state().attachments.keys().collect::<Vec<_>>(), [&kept]);
    fake.attach_half(&our_volume, "node-1");
    read().await;
    fake.attach(&our_volume, "node-1", None);
    read().await;
    fake.attach_half(&our_volume, "node-1");
    store.delete(&ours.url).await.unwrap();
    assert_eq!(fake.state().attachments.keys().collect::<Vec<_>>(), [&kept]);

    // Who is not told whose they are leaves them alone.
    let spared = write(&store, &image, b"spared").await.unwrap();
    fake.attach_half(&fake.volume(&spared.url).id, "node-1");
    fake.faults(Faults { not_admin: true, ..Faults::default() });
    recover().await;
    assert_eq!(fake.state().attachments.len(), 2);
    assert_eq!(store.delete(&spared.url).await.unwrap_err().kind, StoreErrorKind::InUse);
}

#[tokio::test]
async fn an_unknown_volume_type_is_told_at_the_start() {
    let fake = Fake::start().await;
    fake.store("one", "gold").check_volume_type().await.unwrap();
    fake.store("one", "id-gold").check_volume_type().await.unwrap();
    let error = fake.store("one", "goldd").check_volume_type().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "[one] cinder_volume_type = goldd: there is no such volume type; known are also-gold, gold, silver"
    );
    let mut config = fake.config("one", "gold");
    config.endpoint_template = Some("http://127.0.0.1:1/v3".to_owned());
    fake.store_with(config).check_volume_type().await.unwrap();
}

#[tokio::test]
async fn facts_are_what_the_configuration_says() {
    let fake = Fake::start().await;
    fake.faults(Faults::default());
    let mut config = fake.config("pure1", "gold");
    (config.description, config.weight) = (Some("\"Pure Array 1\"".to_owned()), 7);
    let store = fake.store_with(config);
    let facts = store.facts();
    assert_eq!((facts.id.as_str(), facts.kind, facts.weight, facts.read_only), ("pure1", "cinder", 7, false));
    assert_eq!(facts.description.as_deref(), Some("\"Pure Array 1\""));
    assert_eq!(facts.properties["volume_type"], "gold");
    assert_eq!(facts.properties["use_multipath"], false);
    assert!(!format!("{store:?}").contains("secret\""));
}
