-- Tables of our own. Glance never looks at them. Written for SQLite; schema/own.rs says it in the words of the others.
-- A table or index that is there is left alone: what changes gets a new name.

CREATE TABLE IF NOT EXISTS scurry_schema (
  version INTEGER NOT NULL PRIMARY KEY,
  applied_at DATETIME NOT NULL
);
-- What is to be done. A running job whose lease has run out belongs to whoever claims it.
CREATE TABLE IF NOT EXISTS scurry_jobs (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  kind VARCHAR(64) NOT NULL,
  image_id VARCHAR(36),
  state VARCHAR(16) NOT NULL,
  payload TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  lease_owner VARCHAR(255),
  lease_expires_at DATETIME,
  attempts INTEGER NOT NULL,
  last_error TEXT,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_scurry_jobs_state ON scurry_jobs (state, lease_expires_at);
CREATE INDEX IF NOT EXISTS ix_scurry_jobs_image_id ON scurry_jobs (image_id);
-- What may lie in a store (or, without one, in the staging area) although no image names it yet.
CREATE TABLE IF NOT EXISTS scurry_writes (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  image_id VARCHAR(36) NOT NULL,
  store_id VARCHAR(255),
  url TEXT,
  node VARCHAR(255) NOT NULL,
  purpose VARCHAR(16) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_scurry_writes_image_id ON scurry_writes (image_id);
CREATE INDEX IF NOT EXISTS ix_scurry_writes_node ON scurry_writes (node);
-- BLAKE3 of each 4 MiB block of an image, one after the other.
CREATE TABLE IF NOT EXISTS scurry_block_hashes (
  image_id VARCHAR(36) NOT NULL PRIMARY KEY,
  image_len BIGINT NOT NULL,
  hashes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS scurry_nodes (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  heartbeat_at DATETIME NOT NULL
);
-- Uploads that can be gone on with, one an image at most. Whoever appends holds the row while its lease lasts.
CREATE TABLE IF NOT EXISTS scurry_uploads (
  image_id VARCHAR(36) NOT NULL PRIMARY KEY,
  id VARCHAR(36) NOT NULL,
  write_id VARCHAR(36) NOT NULL,
  store_id VARCHAR(255) NOT NULL,
  declared_len BIGINT,
  durable BIGINT NOT NULL,
  checkpoint BLOB,
  complete BOOLEAN NOT NULL,
  holder VARCHAR(36),
  node VARCHAR(255),
  lease_expires_at DATETIME,
  wanted BOOLEAN NOT NULL,
  touched_at DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_scurry_uploads_touched_at ON scurry_uploads (touched_at);
-- Which node's staging directory holds an image's staged bytes, as long as the image is uploading or importing.
CREATE TABLE IF NOT EXISTS scurry_staged (
  image_id VARCHAR(36) NOT NULL PRIMARY KEY,
  node VARCHAR(255) NOT NULL
);
-- Names somebody works under in a transaction: a row is there for no longer than that, and keeps others waiting.
CREATE TABLE IF NOT EXISTS scurry_locks (
  name VARCHAR(255) NOT NULL PRIMARY KEY
);
