// SPDX-License-Identifier: Apache-2.0
//! Notifications: events are kept in the database, one task takes them to the bus.

use std::sync::Arc;

use scurry_config::GlanceConf;
use scurry_image_db::Database;
use scurry_notifications::Publisher;

/// The database, keeping events where the operator named a driver.
pub(super) fn telling(conf: &GlanceConf, database: Database) -> Database {
    match &conf.notifications {
        Some(wanted) => database.telling(wanted.disabled.clone()),
        None => database,
    }
}

/// Begins to publish what the database keeps.
pub(super) fn publisher(conf: &GlanceConf, database: &Arc<Database>, node: &str) -> Option<Publisher> {
    let wanted = conf.notifications.clone()?;
    let outbox = Arc::<Database>::clone(database);
    Some(Publisher::start(outbox, wanted, node.to_owned()))
}
