// SPDX-License-Identifier: Apache-2.0
//! oslo.messaging's options, as far as notifications need them.

use super::{boolean, int, list, text};
use crate::option::{Kind, OptionSpec};

const D: &str = "DEFAULT";
const N: &str = "oslo_messaging_notifications";
const R: &str = "oslo_messaging_rabbit";

pub(super) const OPTIONS: &[OptionSpec] = &[
    text(D, "transport_url", "The message bus: rabbit://user:password@host:port,…/virtual_host.")
        .default("rabbit://")
        .secret(),
    text(D, "control_exchange", "Exchange of notifications.").default("glance"),
    OptionSpec::new(N, "driver", Kind::MultiStr, "Ways notifications go: messagingv2, messaging, log, noop."),
    text(N, "transport_url", "The message bus of notifications, where it is another.").secret(),
    list(N, "topics", "notifications", "Topics of notifications; each has a queue for each priority."),
    int(N, "retry", "-1", "How often sending is tried again; -1 for ever.").min(-1),
    boolean(R, "ssl", false, "Speak TLS with the broker."),
    text(R, "ssl_ca_file", "Authorities trusted besides the system's."),
    text(R, "ssl_cert_file", "Certificate shown to the broker."),
    text(R, "ssl_key_file", "Its key."),
    int(R, "heartbeat_timeout_threshold", "60", "Seconds without a sign of life; 0 for any.")
        .min(0)
        .max(65535),
    boolean(R, "amqp_durable_queues", false, "Exchange and queues outlive a restart of the broker."),
    boolean(R, "amqp_auto_delete", false, "Exchange and queues go with their last user."),
    boolean(R, "rabbit_ha_queues", false, "Queues are mirrored (x-ha-policy)."),
    boolean(R, "rabbit_quorum_queue", false, "Queues are quorum queues."),
    int(R, "rabbit_quorum_delivery_limit", "0", "Deliveries before a message is dropped; 0 for any.").min(0),
    int(R, "rabbit_quorum_max_memory_length", "0", "Messages kept in memory; 0 for any.").min(0),
    int(R, "rabbit_quorum_max_memory_bytes", "0", "Bytes kept in memory; 0 for any.").min(0),
    text(R, "rabbit_login_method", "How to log in; EXTERNAL by the certificate.")
        .default("AMQPLAIN")
        .choices(&["PLAIN", "AMQPLAIN", "EXTERNAL", "RABBIT-CR-DEMO"]),
    int(R, "rabbit_retry_interval", "1", "Seconds before a broker is tried again.").min(1),
    int(R, "rabbit_retry_backoff", "2", "Seconds each further pause is longer.").min(0),
    int(R, "rabbit_interval_max", "30", "Longest pause in seconds.").min(1),
    int("scurry", "outbox_max_events", "100000", "Notifications that may wait for the message bus.").min(1),
    int("scurry", "outbox_max_age", "604800", "Seconds a notification may wait for the message bus.").min(60),
];
