// SPDX-License-Identifier: Apache-2.0
//! The message: oslo.messaging's notification, bare (format 1.0) or in its envelope (2.0).

use scurry_config::NotificationDriver as Driver;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outbox::Waiting;

/// The notification as every driver gives it out.
pub(crate) fn notification(of: &Waiting, publisher_id: &str) -> Value {
    json!({
        "message_id": of.message_id,
        "publisher_id": publisher_id,
        "event_type": of.event_type,
        "priority": of.priority,
        "payload": of.payload,
        "timestamp": of.created_at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
    })
}

/// What is sent to one topic. The unique id is the same at every attempt: consumers drop what they have already.
pub(crate) fn body(of: &Waiting, publisher_id: &str, driver: Driver, routing_key: &str) -> String {
    let mut message = notification(of, publisher_id);
    let name = format!("{}/{driver:?}/{routing_key}", of.message_id);
    message["_unique_id"] = json!(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple().to_string());
    if driver == Driver::Messaging {
        return message.to_string();
    }
    json!({"oslo.version": "2.0", "oslo.message": message.to_string()}).to_string()
}

/// The queue and routing key of a topic: `notifications.info`.
pub(crate) fn routing_key(topic: &str, priority: &str) -> String {
    format!("{topic}.{}", priority.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
