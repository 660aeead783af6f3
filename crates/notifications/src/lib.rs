// SPDX-License-Identifier: Apache-2.0
//! Notifications in oslo.messaging's format: the message, the transport's address, and the way to RabbitMQ.
//!
//! Events wait in an [`Outbox`]; [`Publisher`] takes them from there in their order, and removes them when the broker
//! has confirmed them. Nobody who makes an event waits for that.

mod message;
mod outbox;
mod publisher;
mod rabbit;

pub use outbox::{Outbox, OutboxError, Waiting};
pub use publisher::Publisher;
