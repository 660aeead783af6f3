// SPDX-License-Identifier: Apache-2.0
//! `[database]`: oslo.db's options.

use std::time::Duration;

use scurry_types::Secret;

use crate::reader::Reader;

/// How the database is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// `connection`.
    pub connection: Option<Secret>,
    /// `max_pool_size` and `max_overflow`: connections at most. Without an end, as many as a server usually takes.
    pub connections: u32,
    /// `pool_timeout`: wait for a free connection.
    pub pool_timeout: Duration,
    /// `connection_recycle_time`: age at which a connection is replaced.
    pub recycle_time: Option<Duration>,
    /// `max_retries`: further attempts to reach the server at the start; none: without end.
    pub max_retries: Option<u32>,
    /// `retry_interval`: between those.
    pub retry_interval: Duration,
}

/// Connections of a pool that has no end by its options.
const UNLIMITED: u32 = 100;

pub(super) fn read(reader: &Reader<'_>) -> DatabaseOptions {
    let number = |name: &str, otherwise: i64| reader.opt::<i64>("database", name).unwrap_or(otherwise);
    let seconds = |name: &str, otherwise| number(name, otherwise).try_into().ok().map(Duration::from_secs);
    let (size, overflow) = (number("max_pool_size", 5), number("max_overflow", 50));
    let bounded = size > 0 && overflow >= 0;
    let connections = if bounded { u32::try_from(size.saturating_add(overflow)).ok() } else { None };
    DatabaseOptions {
        connection: reader.opt("database", "connection"),
        connections: connections.unwrap_or(UNLIMITED),
        pool_timeout: seconds("pool_timeout", 30).unwrap_or(Duration::from_secs(30)),
        recycle_time: seconds("connection_recycle_time", 3600),
        max_retries: u32::try_from(number("max_retries", 10)).ok(),
        retry_interval: seconds("retry_interval", 10).unwrap_or_default(),
    }
}
