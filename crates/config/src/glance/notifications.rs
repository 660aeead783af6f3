// SPDX-License-Identifier: Apache-2.0
//! Notifications: `[oslo_messaging_notifications]`, `[oslo_messaging_rabbit]`, and what `[DEFAULT]` says of them.

use std::path::PathBuf;
use std::time::Duration;

use super::filled;
use super::transport::TransportUrl;
use crate::reader::Reader;

const D: &str = "DEFAULT";
const GROUP: &str = "oslo_messaging_notifications";
const RABBIT: &str = "oslo_messaging_rabbit";

/// A way to send notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationDriver {
    /// To the bus, in an envelope (`messagingv2`).
    MessagingV2,
    /// To the bus, bare (`messaging`).
    Messaging,
    /// Into the log (`log`).
    Log,
}

impl NotificationDriver {
    /// Whether it needs a bus.
    #[must_use]
    pub const fn needs_bus(self) -> bool {
        matches!(self, Self::MessagingV2 | Self::Messaging)
    }
}

/// Where notifications go, and which.
#[derive(Debug, Clone, PartialEq)]
pub struct Notifications {
    /// `driver`, at least one.
    pub drivers: Vec<NotificationDriver>,
    /// `topics`.
    pub topics: Vec<String>,
    /// `retry`: how often sending is tried again; none for ever.
    pub retry: Option<u32>,
    /// `default_publisher_id`.
    pub publisher_id: String,
    /// `disabled_notifications`: names, or what names begin with.
    pub disabled: Vec<String>,
    /// `control_exchange`.
    pub exchange: String,
    /// `transport_url`.
    pub transport: TransportUrl,
    /// `[oslo_messaging_rabbit]`.
    pub rabbit: RabbitSettings,
    /// `[scurry] outbox_max_events`.
    pub max_waiting: u64,
    /// `[scurry] outbox_max_age`.
    pub max_age: Duration,
}

/// `[oslo_messaging_rabbit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RabbitSettings {
    /// `ssl` and its files.
    pub tls: Option<RabbitTls>,
    /// `heartbeat_timeout_threshold`: seconds; zero for none.
    pub heartbeat: u16,
    /// `amqp_durable_queues`.
    pub durable: bool,
    /// `amqp_auto_delete`.
    pub auto_delete: bool,
    /// `rabbit_ha_queues`.
    pub ha: bool,
    /// `rabbit_quorum_queue` and its bounds.
    pub quorum: Option<QuorumQueues>,
    /// `rabbit_login_method` is EXTERNAL: the client's certificate says who it is.
    pub external: bool,
    /// `rabbit_retry_interval`.
    pub retry_interval: Duration,
    /// `rabbit_retry_backoff`: what each further pause is longer.
    pub retry_backoff: Duration,
    /// `rabbit_interval_max`.
    pub interval_max: Duration,
}

impl Default for RabbitSettings {
    fn default() -> Self {
        Self {
            tls: None,
            heartbeat: 60,
            durable: false,
            auto_delete: false,
            ha: false,
            quorum: None,
            external: false,
            retry_interval: Duration::from_secs(1),
            retry_backoff: Duration::from_secs(2),
            interval_max: Duration::from_secs(30),
        }
    }
}

/// Files of TLS with a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RabbitTls {
    /// `ssl_ca_file`: whom to trust besides the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// `ssl_cert_file` and `ssl_key_file`.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Bounds of quorum queues; zero for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuorumQueues {
    /// `rabbit_quorum_delivery_limit`.
    pub delivery_limit: i64,
    /// `rabbit_quorum_max_memory_length`.
    pub max_memory_length: i64,
    /// `rabbit_quorum_max_memory_bytes`.
    pub max_memory_bytes: i64,
}

/// Reads the options; `None` when nothing is to be told.
pub(super) fn read(reader: &Reader<'_>) -> Option<Notifications> {
    let mut drivers = Vec::new();
    for word in reader.all(GROUP, GROUP, "driver") {
        let driver = match word.trim() {
            "messagingv2" => NotificationDriver::MessagingV2,
            "messaging" => NotificationDriver::Messaging,
            "log" => NotificationDriver::Log,
            "" | "noop" => continue,
            other => {
                let text =
                    format!("there is no driver {other}; there are messagingv2, messaging, log and noop");
                reader.reject(GROUP, "driver", &text);
                continue;
            }
        };
        if !drivers.contains(&driver) {
            drivers.push(driver);
        }
    }
    if drivers.is_empty() {
        return None;
    }
    let needs_bus = drivers.iter().any(|driver| driver.needs_bus());
    let transport = if needs_bus { transport(reader) } else { TransportUrl::default() };
    Some(Notifications {
        rabbit: rabbit(reader, transport.ssl),
        drivers,
        topics: reader.opt(GROUP, "topics").unwrap_or_default(),
        retry: reader.opt::<i64>(GROUP, "retry").and_then(|retry| u32::try_from(retry).ok()),
        publisher_id: reader.opt(D, "default_publisher_id").unwrap_or_else(|| "image.localhost".to_owned()),
        disabled: reader.opt(D, "disabled_notifications").unwrap_or_default(),
        exchange: filled(reader.opt(D, "control_exchange")).unwrap_or_else(|| "glance".to_owned()),
        transport,
        max_waiting: reader.opt("scurry", "outbox_max_events").unwrap_or(100_000),
        max_age: Duration::from_secs(reader.opt("scurry", "outbox_max_age").unwrap_or(604_800)),
    })
}

fn transport(reader: &Reader<'_>) -> TransportUrl {
    let (section, url) = match filled(reader.opt(GROUP, "transport_url")) {
        Some(url) => (GROUP, url),
        None => (D, reader.opt(D, "transport_url").unwrap_or_else(|| "rabbit://".to_owned())),
    };
    TransportUrl::parse(&url).unwrap_or_else(|error| {
        reader.reject(section, "transport_url", &error.to_string());
        TransportUrl::default()
    })
}

/// `ssl` in the transport's address counts more than the option.
fn rabbit(reader: &Reader<'_>, ssl: Option<bool>) -> RabbitSettings {
    let flag = |name: &str| reader.opt::<bool>(RABBIT, name).unwrap_or_default();
    let number = |name: &str| reader.opt::<i64>(RABBIT, name).unwrap_or_default();
    let file = |name: &str| filled(reader.opt(RABBIT, name)).map(PathBuf::from);
    let seconds = |name: &str| Duration::from_secs(reader.opt(RABBIT, name).unwrap_or(1));
    let identity = match (file("ssl_cert_file"), file("ssl_key_file")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        // One file may hold both.
        (Some(both), None) => Some((both.clone(), both)),
        (None, Some(_)) => {
            reader.reject(RABBIT, "ssl_key_file", "ssl_cert_file is missing beside it");
            None
        }
        (None, None) => None,
    };
    let tls = RabbitTls { ca_file: file("ssl_ca_file"), identity };
    let (ha, quorum) = (flag("rabbit_ha_queues"), flag("rabbit_quorum_queue"));
    if ha && quorum {
        reader.reject(
            RABBIT,
            "rabbit_quorum_queue",
            "a queue is either a quorum queue or mirrored (rabbit_ha_queues)",
        );
    }
    let bounds = QuorumQueues {
        delivery_limit: number("rabbit_quorum_delivery_limit"),
        max_memory_length: number("rabbit_quorum_max_memory_length"),
        max_memory_bytes: number("rabbit_quorum_max_memory_bytes"),
    };
    RabbitSettings {
        tls: ssl.unwrap_or_else(|| flag("ssl")).then_some(tls),
        heartbeat: reader.opt(RABBIT, "heartbeat_timeout_threshold").unwrap_or(60),
        durable: flag("amqp_durable_queues"),
        auto_delete: flag("amqp_auto_delete"),
        ha,
        quorum: quorum.then_some(bounds),
        external: reader.opt::<String>(RABBIT, "rabbit_login_method").as_deref() == Some("EXTERNAL"),
        retry_interval: seconds("rabbit_retry_interval"),
        retry_backoff: seconds("rabbit_retry_backoff"),
        interval_max: seconds("rabbit_interval_max"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::ConfigFiles;
    use crate::glance::GlanceConf;

    fn load(text: &str) -> Result<Option<Notifications>, String> {
        let files = ConfigFiles::parse(Path::new("g.conf"), text).unwrap();
        GlanceConf::load(&files).map(|conf| conf.notifications).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_told_unless_a_driver_is_named() {
        for text in ["", "[oslo_messaging_notifications]\ndriver = noop\ntransport_url = nonsense\n"] {
            assert_eq!(load(text).unwrap(), None);
        }
    }

    #[test]
    fn options_as_deployments_have_them() {
        let text = "[DEFAULT]\ntransport_url = rabbit://openstack:s%40x@c1:5671,openstack:s%40x@c2:5671//\n\
            disabled_notifications = image.send, task\ndefault_publisher_id = image.c1\n\
            [oslo_messaging_notifications]\ndriver = messagingv2\ndriver = log\ntopics = notifications,billing\n\
            retry = 5\n[oslo_messaging_rabbit]\nssl = true\nssl_ca_file = /ca.pem\nrabbit_quorum_queue = true\n\
            rabbit_quorum_delivery_limit = 3\nheartbeat_timeout_threshold = 0\nrabbit_interval_max = 10\n";
        let found = load(text).unwrap().unwrap();
        assert_eq!(found.drivers, [NotificationDriver::MessagingV2, NotificationDriver::Log]);
        assert_eq!(found.topics, ["notifications", "billing"]);
        assert_eq!((found.retry, found.exchange.as_str()), (Some(5), "glance"));
        assert_eq!(found.disabled, ["image.send", "task"]);
        assert_eq!(found.transport.hosts.len(), 2);
        let tls = RabbitTls { ca_file: Some("/ca.pem".into()), identity: None };
        assert_eq!((found.rabbit.tls, found.rabbit.heartbeat), (Some(tls), 0));
        assert_eq!(found.rabbit.quorum.map(|bounds| bounds.delivery_limit), Some(3));
        assert_eq!(found.rabbit.interval_max, Duration::from_secs(10));
    }

    #[test]
    fn its_own_address_counts_more_and_ssl_may_stand_there() {
        let text = "[DEFAULT]\ntransport_url = kafka://k\n[oslo_messaging_notifications]\ndriver = messaging\n\
            transport_url = rabbit://n/vh?ssl=1\n";
        let found = load(text).unwrap().unwrap();
        assert_eq!(found.transport.hosts[0].host, "n");
        assert!(found.rabbit.tls.is_some());
        assert_eq!(found.retry, None);
    }

    #[test]
    fn mistakes_are_named_without_secrets() {
        let wrong = |text: &str| load(text).unwrap_err();
        let driver = "[oslo_messaging_notifications]\ndriver = routing\n";
        assert!(wrong(driver).contains("no driver routing"));
        let url =
            "[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = kafka://u:sesame@h:1/\n";
        let told = wrong(url);
        assert!(told.contains("only RabbitMQ") && !told.contains("sesame"), "{told}");
        let both = "[oslo_messaging_notifications]\ndriver = messagingv2\n[oslo_messaging_rabbit]\n\
            rabbit_quorum_queue = true\nrabbit_ha_queues = true\n";
        assert!(wrong(both).contains("rabbit_ha_queues"));
    }
}
