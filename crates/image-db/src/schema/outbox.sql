-- Notifications on their way to the message bus. What was published is gone; ids give the order.
CREATE TABLE IF NOT EXISTS scurry_outbox (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  message_id VARCHAR(36) NOT NULL,
  event_type VARCHAR(64) NOT NULL,
  priority VARCHAR(8) NOT NULL,
  payload TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
-- Who publishes: one process at a time, so that the order is kept.
CREATE TABLE IF NOT EXISTS scurry_publisher (
  name VARCHAR(16) NOT NULL PRIMARY KEY,
  owner VARCHAR(255) NOT NULL,
  lease_expires_at DATETIME NOT NULL
);
