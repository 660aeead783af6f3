// SPDX-License-Identifier: Apache-2.0
//! Where a database is, as operators write it: SQLAlchemy's addresses, whose passwords are never shown.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Where a database is.
#[derive(Clone)]
pub struct Address {
    pub(crate) target: Target,
    shown: String,
    unused: Vec<String>,
}

#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

/// Why an address cannot be understood. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another database.
    #[error("{0:?} is no database this service can use: sqlite, postgresql or mysql is expected")]
    Scheme(String),
    /// No scheme at all.
    #[error("it is no address: mysql+pymysql://user:password@host/glance is an example")]
    NoAddress,
    /// A part is missing or odd.
    #[error("{0}")]
    Part(String),
}

/// The parts of an address, by SQLAlchemy's grammar: a password may hold anything but `@`.
struct Parts<'a> {
    user: Option<String>,
    password: Option<String>,
    host: Option<&'a str>,
    port: Option<u16>,
    database: &'a str,
    options: Vec<(String, String)>,
}

impl Address {
    /// A file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let shown = path.display().to_string();
        Self { target: Target::Sqlite(path), shown, unused: Vec::new() }
    }

    /// Reads `[database] connection`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::NoAddress)?;
        if !scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+_-.".contains(sign)) {
            return Err(AddressError::NoAddress);
        }
        match scheme.split('+').next().unwrap_or_default() {
            "sqlite" => {
                let path = rest.split('?').next().unwrap_or_default().strip_prefix('/').unwrap_or_default();
                if path.is_empty() {
                    return Err(AddressError::Part(
                        "it names no file: sqlite:////var/lib/scurry/glance.db is an example".to_owned(),
                    ));
                }
                Ok(Self::file(path))
            }
            "postgresql" | "postgres" => postgres(&parts(rest)?),
            "mysql" | "mariadb" => mysql(&parts(rest)?),
            _ => Err(AddressError::Scheme(scheme.to_owned())),
        }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match &self.target {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) | Target::MySql(_) => None,
        }
    }

    /// Names of options in the address that mean nothing here.
    #[must_use]
    pub fn unused(&self) -> &[String] {
        &self.unused
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parts(rest: &str) -> Result<Parts<'_>, AddressError> {
    let (mut user, mut password, mut rest) = (None, None, rest);
    let name = rest.find([':', '/', '@']).map(|end| rest.split_at(end));
    match name {
        Some((name, behind)) if behind.starts_with('@') => {
            user = Some(decoded(name));
            rest = &behind[1..];
        }
        Some((name, behind)) if behind.starts_with(':') => {
            if let Some((secret, behind)) = behind[1..].split_once('@') {
                user = Some(decoded(name));
                password = Some(decoded(secret));
                rest = behind;
            }
        }
        _ => {}
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (place, database) = place.split_once('/').unwrap_or((place, ""));
    let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map(str::parse).transpose();
    let options = query.split('&').filter(|one| !one.is_empty()).map(|one| {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        (decoded(name), decoded(&value.replace('+', " ")))
    });
    Ok(Parts {
        user,
        password,
        host: Some(host).filter(|host| !host.is_empty()),
        port: port.map_err(|_| AddressError::Part("its port is no number from 1 to 65535".to_owned()))?,
        database,
        options: options.collect(),
    })
}

impl Parts<'_> {
    fn named(&self) -> Result<&str, AddressError> {
        if self.database.is_empty() {
            let why = "it names no database: mysql+pymysql://user:password@host/glance is an example";
            return Err(AddressError::Part(why.to_owned()));
        }
        Ok(self.database)
    }

    fn flag(value: &str) -> bool {
        matches!(value.to_ascii_lowercase().as_str(), "" | "1" | "true" | "yes" | "on")
    }
}

fn postgres(parts: &Parts<'_>) -> Result<Address, AddressError> {
    let port = parts.port.unwrap_or(5432);
    let given = parts.options.iter().find(|(name, _)| name == "host").map(|(_, value)| value.as_str());
    let host = given.or(parts.host).unwrap_or("/var/run/postgresql");
    let mut options = PgConnectOptions::new().port(port).database(parts.named()?);
    let place = format!("{host}:{port}");
    options = if host.starts_with('/') { options.socket(host) } else { options.host(host) };
    if let Some(user) = &parts.user {
        options = options.username(user);
    }
    if let Some(password) = &parts.password {
        options = options.password(password);
    }
    let mut unused = Vec::new();
    for (name, value) in &parts.options {
        options = match name.as_str() {
            "sslmode" => options.ssl_mode(value.parse::<PgSslMode>().map_err(|_| {
                AddressError::Part(
                    "its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"
                        .to_owned(),
                )
            })?),
            "sslrootcert" => options.ssl_root_cert(value),
            "sslcert" => options.ssl_client_cert(value),
            "sslkey" => options.ssl_client_key(value),
            "application_name" => options.application_name(value),
            "host" => options,
            _ => {
                unused.push(name.clone());
                options
            }
        };
    }
    let shown = format!("postgresql://{place}/{}", parts.database);
    Ok(Address { target: Target::Postgres(Box::new(options.disable_statement_logging())), shown, unused })
}

fn mysql(parts: &Parts<'_>) -> Result<Address, AddressError> {
    let (host, port) = (parts.host.unwrap_or("localhost"), parts.port.unwrap_or(3306));
    let mut options = MySqlConnectOptions::new().host(host).port(port).database(parts.named()?);
    let mut place = format!("{host}:{port}");
    if let Some(user) = &parts.user {
        options = options.username(user);
    }
    if let Some(password) = &parts.password {
        options = options.password(password);
    }
    let mut unused = Vec::new();
    let mut mode = MySqlSslMode::Preferred;
    for (name, value) in &parts.options {
        match name.as_str() {
            "ssl_ca" => {
                options = options.ssl_ca(value);
                mode = stricter(mode, MySqlSslMode::VerifyCa);
            }
            "ssl_cert" => options = options.ssl_client_cert(value),
            "ssl_key" => options = options.ssl_client_key(value),
            "ssl" if Parts::flag(value) => mode = stricter(mode, MySqlSslMode::Required),
            "ssl_verify_cert" if Parts::flag(value) => mode = stricter(mode, MySqlSslMode::VerifyCa),
            "ssl_verify_identity" | "ssl_check_hostname" if Parts::flag(value) => {
                mode = MySqlSslMode::VerifyIdentity;
            }
            "ssl_disabled" if Parts::flag(value) => mode = MySqlSslMode::Disabled,
            "unix_socket" => {
                place.clone_from(value);
                options = options.socket(value);
            }
            // Texts pass as utf8mb4 whatever is asked for, and the rest says what is so anyway.
            "charset"
            | "use_unicode"
            | "ssl_verify_cert"
            | "ssl_verify_identity"
            | "ssl_check_hostname"
            | "ssl_disabled"
            | "ssl" => {}
            _ => unused.push(name.clone()),
        }
    }
    let shown = format!("mysql://{place}/{}", parts.database);
    let options = options.ssl_mode(mode).disable_statement_logging();
    Ok(Address { target: Target::MySql(Box::new(options)), shown, unused })
}

fn stricter(one: MySqlSslMode, other: MySqlSslMode) -> MySqlSslMode {
    let rank = |mode: MySqlSslMode| match mode {
        MySqlSslMode::Disabled => 0,
        MySqlSslMode::Preferred => 1,
        MySqlSslMode::Required => 2,
        MySqlSslMode::VerifyCa => 3,
        MySqlSslMode::VerifyIdentity => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests;
