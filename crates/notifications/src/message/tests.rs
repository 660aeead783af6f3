// SPDX-License-Identifier: Apache-2.0
//! Messages in the shape oslo.messaging gives them: the keys and their order, one id for every attempt.

use chrono::{DateTime, Utc};

use super::*;

fn waiting() -> Waiting {
    Waiting {
        id: 7,
        message_id: "7c1c56cb-3f66-4a4a-a16e-0f6eb5d0f8a1".to_owned(),
        event_type: "image.upload".to_owned(),
        priority: "ERROR".to_owned(),
        payload: json!("Image storage media is full: no space left"),
        created_at: "2026-11-23T01:20:30.120000Z".parse::<DateTime<Utc>>().unwrap(),
    }
}

#[test]
fn format_two_is_text_in_an_envelope() {
    let text = body(&waiting(), "image.host1", Driver::MessagingV2, "notifications.error");
    let envelope: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(envelope["oslo.version"], "2.0");
    let inner: Value = serde_json::from_str(envelope["oslo.message"].as_str().unwrap()).unwrap();
    let keys: Vec<_> = inner.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["message_id", "publisher_id", "event_type", "priority", "payload", "timestamp", "_unique_id"];
    assert_eq!(keys, expected);
    assert_eq!(inner["timestamp"], "2026-11-23 01:20:30.120000");
    assert_eq!(inner["publisher_id"], "image.host1");
    assert_eq!(inner["_unique_id"].as_str().map(str::len), Some(32));
}

#[test]
fn an_attempt_has_the_same_unique_id_as_the_one_before_and_each_topic_its_own() {
    let of = |key| body(&waiting(), "p", Driver::Messaging, key);
    assert_eq!(of("notifications.error"), of("notifications.error"));
    assert_ne!(of("notifications.error"), of("billing.error"));
    let bare: Value = serde_json::from_str(&of("notifications.error")).unwrap();
    assert_eq!(bare["event_type"], "image.upload");
    assert_eq!(routing_key("billing", "ERROR"), "billing.error");
}
