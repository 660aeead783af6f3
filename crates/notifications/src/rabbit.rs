// SPDX-License-Identifier: Apache-2.0
//! One connection to RabbitMQ: queues declared as oslo.messaging declares them, messages confirmed.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind, ExchangeKind,
};
use scurry_config::{BrokerHost, Notifications, RabbitSettings, RabbitTls};
use tokio::time::timeout;

/// Longest time a broker may take for a connection, a declaration, or a batch of messages.
const PATIENCE: Duration = Duration::from_secs(25);

/// Why a message did not get to the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error("the broker does not answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    #[error("the broker refuses a message")]
    Refused,
    #[error("{0:?} is too long a name for AMQP")]
    Name(String),
    #[error("the files of [oslo_messaging_rabbit] ssl_* cannot be read")]
    Tls(#[source] io::Error),
}

/// A message and where it goes.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) routing_key: String,
    pub(crate) body: String,
}

/// A connection with one channel that confirms.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Connection,
    channel: Channel,
    declared: HashSet<String>,
}

async fn soon<T>(work: impl Future<Output = lapin::Result<T>>) -> Result<T, LinkError> {
    Ok(timeout(PATIENCE, work).await.map_err(|_| LinkError::Silent)??)
}

fn name(text: &str) -> Result<ShortString, LinkError> {
    ShortString::try_new(text).map_err(|_| LinkError::Name(text.to_owned()))
}

impl Link {
    /// Connects to a broker.
    pub(crate) async fn open(
        settings: &Notifications,
        host: &BrokerHost,
        owner: &str,
    ) -> Result<Self, LinkError> {
        let rabbit = &settings.rabbit;
        let tls = tls(rabbit.tls.as_ref()).await.map_err(LinkError::Tls)?;
        let properties =
            ConnectionProperties::default().with_connection_name(format!("scurry:{owner}").as_str().into());
        let uri = uri(rabbit, host, &settings.transport.virtual_host);
        let runtime = lapin::runtime::default_runtime()?;
        let connection = soon(Connection::connect_uri_with_config(uri, properties, tls, runtime)).await?;
        let channel = confirming(&connection).await?;
        Ok(Self { connection, channel, declared: HashSet::new() })
    }

    /// Publishes messages in their order; done when the broker has confirmed all of them.
    pub(crate) async fn publish(
        &mut self,
        settings: &Notifications,
        messages: &[Outgoing],
    ) -> Result<(), LinkError> {
        timeout(PATIENCE, self.send(settings, messages)).await.map_err(|_| LinkError::Silent)?
    }

    async fn send(&mut self, settings: &Notifications, messages: &[Outgoing]) -> Result<(), LinkError> {
        for message in messages {
            self.declare(settings, &message.routing_key).await?;
        }
        let exchange = name(&settings.exchange)?;
        let mut confirms = Vec::with_capacity(messages.len());
        for message in messages {
            let published = self.channel.basic_publish(
                exchange.clone(),
                name(&message.routing_key)?,
                // What no queue takes comes back.
                BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() },
                message.body.as_bytes(),
                BasicProperties::default()
                    .with_content_type("application/json".into())
                    .with_content_encoding("utf-8".into())
                    .with_headers(FieldTable::default())
                    .with_delivery_mode(2)
                    .with_priority(0),
            );
            confirms.push(published.await?);
        }
        for confirm in confirms {
            match confirm.await? {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => {
                    return Err(LinkError::Refused);
                }
            }
        }
        Ok(())
    }

    /// Makes the exchange and the queue, so that nothing is lost that nobody reads yet. Where others have made them
    /// with other arguments, theirs are used.
    async fn declare(&mut self, settings: &Notifications, key: &str) -> Result<(), LinkError> {
        if self.declared.contains(key) {
            return Ok(());
        }
        let rabbit = &settings.rabbit;
        let durable = rabbit.durable || rabbit.quorum.is_some();
        let (exchange, queue) = (name(&settings.exchange)?, name(key)?);
        let options = ExchangeDeclareOptions {
            durable,
            auto_delete: rabbit.auto_delete,
            ..ExchangeDeclareOptions::default()
        };
        let declared = soon(self.channel.exchange_declare(
            exchange.clone(),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        ));
        let declared = declared.await;
        self.unless_different("exchange", &settings.exchange, declared).await?;
        let options = QueueDeclareOptions {
            durable,
            auto_delete: rabbit.auto_delete,
            ..QueueDeclareOptions::default()
        };
        let declared = soon(self.channel.queue_declare(queue.clone(), options, arguments(rabbit))).await;
        self.unless_different("queue", key, declared.map(drop)).await?;
        let bound = self.channel.queue_bind(
            queue.clone(),
            exchange,
            queue,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        soon(bound).await?;
        self.declared.insert(key.to_owned());
        Ok(())
    }

    /// Goes on with a new channel when something is there already, made otherwise.
    async fn unless_different(
        &mut self,
        what: &str,
        named: &str,
        declared: Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        match declared {
            Err(LinkError::Amqp(error)) if is_different(&error) => {
                tracing::warn!(%error, "{what} {named} was made by others with other arguments; it is used as it is");
                self.channel = confirming(&self.connection).await?;
                Ok(())
            }
            other => other,
        }
    }

    /// Says good-bye; a broker that does not answer is left.
    pub(crate) async fn close(self) {
        let _ = timeout(Duration::from_secs(2), self.connection.close(200, "OK".into())).await;
    }
}

async fn confirming(connection: &Connection) -> Result<Channel, LinkError> {
    let channel = soon(connection.create_channel()).await?;
    soon(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

fn is_different(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error)
        if *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
}

fn uri(rabbit: &RabbitSettings, host: &BrokerHost, virtual_host: &str) -> AMQPUri {
    let mechanism = if rabbit.external { SASLMechanism::External } else { SASLMechanism::Plain };
    AMQPUri {
        scheme: if rabbit.tls.is_some() { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: host.user.clone(),
                password: host.password.expose().to_owned(),
            },
            host: host.host.clone(),
            port: host.port,
        },
        vhost: virtual_host.to_owned(),
        query: AMQPQueryString {
            heartbeat: Some(rabbit.heartbeat),
            connection_timeout: Some(10_000),
            auth_mechanism: Some(mechanism),
            ..AMQPQueryString::default()
        },
    }
}

async fn tls(files: Option<&RabbitTls>) -> io::Result<OwnedTLSConfig> {
    let mut config = OwnedTLSConfig::default();
    let Some(files) = files else { return Ok(config) };
    if let Some(path) = &files.ca_file {
        config.cert_chain = Some(tokio::fs::read_to_string(path).await?);
    }
    if let Some((certificate, key)) = &files.identity {
        let (pem, key) = (tokio::fs::read(certificate).await?, tokio::fs::read(key).await?);
        config.identity = Some(OwnedIdentity::PKCS8 { pem, key });
    }
    Ok(config)
}

/// Arguments of a queue of notifications.
fn arguments(rabbit: &RabbitSettings) -> FieldTable {
    let mut table = FieldTable::default();
    if rabbit.ha {
        table.insert("x-ha-policy".into(), AMQPValue::LongString("all".into()));
    }
    if let Some(quorum) = &rabbit.quorum {
        table.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let bounds = [
            ("x-delivery-limit", quorum.delivery_limit),
            ("x-max-in-memory-length", quorum.max_memory_length),
            ("x-max-in-memory-bytes", quorum.max_memory_bytes),
        ];
        for (bound, value) in bounds.into_iter().filter(|(_, value)| *value != 0) {
            table.insert(bound.into(), AMQPValue::LongLongInt(value));
        }
    }
    table
}
