// SPDX-License-Identifier: Apache-2.0
//! Which changes tell what.

use super::*;
use crate::image::ImageLocation;
use crate::ports::WriteRow;

fn row(store: &str) -> WriteRow {
    let image = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    WriteRow::begin(&image, Some(&StoreId::from(store)), "n1", Purpose::Upload)
}

#[test]
fn an_upload_tells_in_glances_order() {
    let begin = [Change::Status(ImageStatus::Saving), Change::Journal(row("fast"))];
    let fast = StoreId::from("fast");
    assert_eq!(told(&begin), [Told::Updated, Told::Prepared(Some(&fast))]);
    let end = [
        Change::AddLocation(ImageLocation::in_store(&fast, "file:///x")),
        Change::Status(ImageStatus::Active),
        Change::JournalClear("w".to_owned()),
    ];
    assert_eq!(told(&end), [Told::Uploaded, Told::Activated, Told::Updated]);
    let failed = [Change::Status(ImageStatus::Queued), Change::UploadFailed("full".to_owned())];
    assert_eq!(told(&failed), [Told::Failed("full"), Told::Updated]);
}

#[test]
fn a_copy_activates_nothing_and_books_are_not_told() {
    let end = [
        Change::AddLocation(ImageLocation::in_store(&StoreId::from("b"), "file:///y")),
        Change::JournalClear("w".to_owned()),
    ];
    assert_eq!(told(&end), [Told::Uploaded, Told::Updated]);
    assert_eq!(told(&[Change::BlockHashes(None), Change::CancelJobs("image.copy")]), []);
    let put_back: Vec<_> = end.iter().rev().cloned().collect();
    assert_eq!(told(&put_back), [Told::Updated]);
    // A location a client adds is no upload.
    let patched = [
        Change::AddLocation(ImageLocation::in_store(&StoreId::from("b"), "file:///y")),
        Change::Status(ImageStatus::Active),
    ];
    assert_eq!(told(&patched), [Told::Updated]);
    assert_eq!(
        told(&[Change::DeletePending, Change::CloseSession(None)]),
        [Told::Deleted(ImageStatus::PendingDelete)]
    );
}

mod payloads {
    //! What events say, beside the keys of Glance's `notifier.py`.

    use chrono::{DateTime, Utc};
    use scurry_types::{TaskStatus, Visibility};
    use serde_json::json;

    use super::*;
    use crate::caller::Caller;
    use crate::image::Image;
    use crate::metadef::{Namespace, Object, Property};
    use crate::task::Task;

    fn time() -> DateTime<Utc> {
        "2026-11-23T01:20:30.123456Z".parse().unwrap()
    }

    fn image() -> Image {
        let properties = [("os_distro", "debian"), ("os_glance_importing_to_stores", "a,b")];
        Image {
            id: "11111111-2222-4333-8444-555555555555".parse().unwrap(),
            name: Some("n".to_owned()),
            status: ImageStatus::Importing,
            visibility: Visibility::Public,
            protected: false,
            os_hidden: false,
            owner: Some("p".into()),
            container_format: Some("bare".to_owned()),
            disk_format: Some("raw".to_owned()),
            min_disk: 1,
            min_ram: 2,
            size: Some(3),
            virtual_size: None,
            checksum: Some("c".to_owned()),
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("h".to_owned()),
            created_at: time(),
            updated_at: time(),
            properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            tags: ["t".to_owned()].into(),
            locations: vec![ImageLocation::in_store(&StoreId::from("a"), "file:///secret")],
        }
    }

    #[test]
    fn an_image_is_told_as_glance_tells_it() {
        let store = StoreId::from("b");
        let event = image_event(Told::Prepared(Some(&store)), &image());
        let expected = json!({
            "id": "11111111-2222-4333-8444-555555555555",
            "name": "n",
            "status": "importing",
            "created_at": "2026-11-23T01:20:30Z",
            "updated_at": "2026-11-23T01:20:30Z",
            "min_disk": 1,
            "min_ram": 2,
            "protected": false,
            "checksum": "c",
            "owner": "p",
            "disk_format": "raw",
            "container_format": "bare",
            "size": 3,
            "virtual_size": null,
            "is_public": true,
            "visibility": "public",
            "properties": {"os_distro": "debian", "os_glance_importing_to_stores": "a,b"},
            "tags": ["t"],
            "deleted": false,
            "deleted_at": null,
            "os_glance_importing_to_stores": ["a", "b"],
            "os_glance_failed_import": [],
            "backend": "b",
        });
        assert_eq!(event, Event::info("image.prepare", expected));
        let gone = image_event(Told::Deleted(ImageStatus::PendingDelete), &image()).payload;
        assert_eq!((&gone["deleted"], &gone["status"]), (&json!(true), &json!("pending_delete")));
        let failed = image_event(Told::Failed("no space"), &image());
        assert_eq!((failed.kind, failed.priority), ("image.upload", Priority::Error));
        let text = "Failed to upload image data for image 11111111-2222-4333-8444-555555555555: no space";
        assert_eq!(failed.payload, text);
    }

    #[test]
    fn what_was_sent_says_who_got_it() {
        let caller = Caller {
            project: Some("q".into()),
            user: Some("u".into()),
            is_admin: false,
            roles: Vec::new(),
            request_id: "req-1".to_owned(),
        };
        let event = image_sent(&image(), &caller, 2, false);
        assert_eq!(event.priority, Priority::Error);
        let expected = json!({
            "bytes_sent": 2,
            "image_id": "11111111-2222-4333-8444-555555555555",
            "owner_id": "p",
            "receiver_tenant_id": "q",
            "receiver_user_id": "u",
        });
        assert_eq!(event.payload, expected);
    }

    #[test]
    fn a_task_keeps_its_texts_to_itself() {
        let task = Task {
            id: "t1".into(),
            kind: "api_image_import".to_owned(),
            status: TaskStatus::Failure,
            owner: Some("p".into()),
            image_id: None,
            request_id: None,
            user_id: None,
            input: Some(json!({"import_from": "http://u:secret@h/"})),
            result: Some(json!({"secret": 1})),
            message: "secret".to_owned(),
            expires_at: None,
            created_at: time(),
            updated_at: time(),
        };
        let event = task_event("task.failure", &task);
        assert!(!event.payload.to_string().contains("secret"));
        let keys: Vec<_> = event.payload.as_object().unwrap().keys().cloned().collect();
        let glances = [
            "id",
            "type",
            "status",
            "result",
            "owner",
            "message",
            "expires_at",
            "created_at",
            "updated_at",
            "deleted",
            "deleted_at",
        ];
        assert_eq!(keys, glances);
    }

    #[test]
    fn definitions_have_every_field() {
        let schema = json!({"type": "integer", "minimum": 0, "title": ""});
        let schema = schema.as_object().unwrap().clone();
        let property = Property { name: "cpus".to_owned(), schema: schema.clone() };
        let event = item_event(&property, "N", ItemEvent::Updated("cores"));
        assert_eq!(event.kind, "metadef_property.update");
        assert_eq!(event.payload["name_old"], "cores");
        // Here zero is zero, in an object's properties it is nothing: both as Glance has it.
        assert_eq!((&event.payload["minimum"], &event.payload["title"]), (&json!(0), &json!("")));
        assert_eq!(event.payload.as_object().unwrap().len(), 21);
        let object = Object {
            name: "o".to_owned(),
            description: None,
            required: vec!["cpus".to_owned()],
            properties: [("cpus".to_owned(), schema.into())].into_iter().collect(),
            created_at: time(),
            updated_at: time(),
        };
        let event = item_event(&object, "N", ItemEvent::Deleted);
        assert_eq!((event.kind, &event.payload["deleted"]), ("metadef_object.delete", &json!(true)));
        let part = &event.payload["properties"][0];
        assert_eq!(
            (&part["name"], &part["type"], &part["minimum"]),
            (&json!("cpus"), &json!("integer"), &json!(null))
        );
        let namespace = Namespace {
            name: "N".to_owned(),
            display_name: None,
            description: None,
            public: false,
            protected: true,
            owner: "p".to_owned(),
            created_at: time(),
            updated_at: time(),
        };
        let event = namespace_event("metadef_namespace.update", &namespace, "M");
        assert_eq!(
            (&event.payload["namespace_old"], &event.payload["visibility"]),
            (&json!("M"), &json!("private"))
        );
    }
}
