// SPDX-License-Identifier: Apache-2.0
//! `rabbit://user:password@host:port,user:password@host:port/virtual_host?query`, as oslo.messaging reads it.

use percent_encoding::percent_decode_str;
use scurry_types::Secret;

/// RabbitMQ's port.
const PORT: u16 = 5672;

/// A transport's address cannot be understood. Never shows a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportUrlError {
    /// There is no `://`.
    #[error("rabbit://user:password@host:port/virtual_host is expected")]
    NoScheme,
    /// Another kind of bus.
    #[error("transport {0:?} is not one of rabbit, amqp and kombu: only RabbitMQ can be used")]
    Scheme(String),
    /// No number, or too large a one.
    #[error("host {0:?} has no usable port")]
    Port(String),
    /// A `%` that is followed by no text in UTF-8.
    #[error("user, password and virtual host must be percent-encoded UTF-8")]
    Encoding,
}

/// One broker.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerHost {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who connects.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// Where the bus is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransportUrl {
    /// Brokers of one cluster, at least one.
    pub hosts: Vec<BrokerHost>,
    /// `/` unless named.
    pub virtual_host: String,
    /// `ssl` of the query.
    pub ssl: Option<bool>,
}

impl TransportUrl {
    /// Understands an address.
    pub fn parse(text: &str) -> Result<Self, TransportUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(TransportUrlError::NoScheme)?;
        if !matches!(scheme, "rabbit" | "amqp" | "kombu") {
            return Err(TransportUrlError::Scheme(scheme.to_owned()));
        }
        // A password may hold neither of these unless encoded.
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let ssl = query.split('&').find_map(|pair| pair.strip_prefix("ssl="));
        let ssl = ssl.and_then(|word| match word.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        });
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let named = hosts.split(',').filter(|host| !host.is_empty());
        let mut hosts = named.map(host).collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            hosts.push(host("guest:guest@localhost")?);
        }
        let virtual_host = match decoded(path)?.as_str() {
            "" => "/".to_owned(),
            other => other.to_owned(),
        };
        Ok(Self { hosts, virtual_host, ssl })
    }
}

fn decoded(text: &str) -> Result<String, TransportUrlError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| TransportUrlError::Encoding)?;
    Ok(text.into_owned())
}

fn host(text: &str) -> Result<BrokerHost, TransportUrlError> {
    let (login, place) = text.rsplit_once('@').unwrap_or(("", text));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let wrong = || TransportUrlError::Port(place.to_owned());
    let (name, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, "")) => (name, None),
        Some((name, port)) => (name, Some(port.strip_prefix(':').ok_or_else(wrong)?)),
        None => match place.rsplit_once(':') {
            // More than one colon: an IPv6 address without brackets.
            Some((name, port)) if !name.contains(':') => (name, Some(port)),
            _ => (place, None),
        },
    };
    let port = port.map(str::parse).transpose().map_err(|_| wrong())?;
    Ok(BrokerHost {
        host: if name.is_empty() { "localhost".to_owned() } else { name.to_owned() },
        port: port.unwrap_or(PORT),
        user: decoded(user)?,
        password: Secret::new(decoded(password)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let url = TransportUrl::parse(text).unwrap();
        let hosts = url
            .hosts
            .iter()
            .map(|one| format!("{}|{}|{}|{}", one.user, one.password.expose(), one.host, one.port));
        format!("{} {}", hosts.collect::<Vec<_>>().join(" "), url.virtual_host)
    }

    #[test]
    fn addresses_as_operators_write_them() {
        let cases = [
            ("rabbit://", "guest|guest|localhost|5672 /"),
            ("rabbit://u:p@h1:5672,u:q@h2:5673/cloud", "u|p|h1|5672 u|q|h2|5673 cloud"),
            ("rabbit://a%40b:p%2Fw%2C%3A@h//", "a@b|p/w,:|h|5672 /"),
            ("rabbit://u:p@[fd00::1]:5671/%2Fx?ssl=1", "u|p|fd00::1|5671 /x"),
            ("rabbit://u@x:p@h/", "u@x|p|h|5672 /"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        let wrong = |text: &str| TransportUrl::parse(text).unwrap_err();
        assert_eq!(wrong("h:5672"), TransportUrlError::NoScheme);
        assert_eq!(wrong("kafka://h:9092"), TransportUrlError::Scheme("kafka".to_owned()));
        assert_eq!(wrong("rabbit://u:sesame@h:x/"), TransportUrlError::Port("h:x".to_owned()));
        assert_eq!(wrong("rabbit://u:%FF@h/"), TransportUrlError::Encoding);
        let url = TransportUrl::parse("rabbit://u:sesame@h:1/").unwrap();
        assert!(!format!("{url:?}").contains("sesame"));
    }
}
