-- MariaDB and MySQL: indexes of our own on Glance's tables, for lists of many images. MariaDB indexes columns, not
-- expressions: what lists are sorted by is a column that takes no room and that nobody sees who does not name it.

ALTER TABLE images ADD COLUMN scurry_name VARCHAR(255) GENERATED ALWAYS AS (COALESCE(name, '')) VIRTUAL INVISIBLE;
ALTER TABLE images ADD COLUMN scurry_size BIGINT GENERATED ALWAYS AS (COALESCE(size, 0)) VIRTUAL INVISIBLE;
ALTER TABLE images ADD COLUMN scurry_updated_at DATETIME GENERATED ALWAYS AS (COALESCE(updated_at, created_at)) VIRTUAL INVISIBLE;
ALTER TABLE images ADD COLUMN scurry_disk_format VARCHAR(20) GENERATED ALWAYS AS (COALESCE(disk_format, '')) VIRTUAL INVISIBLE;
ALTER TABLE images ADD COLUMN scurry_container_format VARCHAR(20) GENERATED ALWAYS AS (COALESCE(container_format, '')) VIRTUAL INVISIBLE;
CREATE INDEX scurry_images_owner_created_at ON images
  (deleted, os_hidden, owner, created_at, id);
CREATE INDEX scurry_images_owner_name ON images
  (deleted, os_hidden, owner, scurry_name, created_at, id);
CREATE INDEX scurry_images_owner_size ON images
  (deleted, os_hidden, owner, scurry_size, created_at, id);
CREATE INDEX scurry_images_owner_updated_at ON images
  (deleted, os_hidden, owner, scurry_updated_at, created_at, id);
CREATE INDEX scurry_images_owner_status ON images
  (deleted, os_hidden, owner, status, created_at, id);
CREATE INDEX scurry_images_owner_disk_format ON images
  (deleted, os_hidden, owner, scurry_disk_format, created_at, id);
CREATE INDEX scurry_images_owner_container_format ON images
  (deleted, os_hidden, owner, scurry_container_format, created_at, id);
CREATE INDEX scurry_images_owner_id ON images (deleted, os_hidden, owner, id);
CREATE INDEX scurry_images_visibility_created_at ON images
  (deleted, os_hidden, visibility, created_at, id);
CREATE INDEX scurry_images_visibility_name ON images
  (deleted, os_hidden, visibility, scurry_name, created_at, id);
CREATE INDEX scurry_images_visibility_size ON images
  (deleted, os_hidden, visibility, scurry_size, created_at, id);
CREATE INDEX scurry_images_visibility_updated_at ON images
  (deleted, os_hidden, visibility, scurry_updated_at, created_at, id);
CREATE INDEX scurry_images_visibility_status ON images
  (deleted, os_hidden, visibility, status, created_at, id);
CREATE INDEX scurry_images_visibility_disk_format ON images
  (deleted, os_hidden, visibility, scurry_disk_format, created_at, id);
CREATE INDEX scurry_images_visibility_container_format ON images
  (deleted, os_hidden, visibility, scurry_container_format, created_at, id);
CREATE INDEX scurry_images_visibility_id ON images (deleted, os_hidden, visibility, id);
CREATE INDEX scurry_image_tags_value ON image_tags (value, deleted, image_id);
CREATE INDEX scurry_image_properties_value ON image_properties (name, value(255), deleted, image_id);
CREATE INDEX scurry_image_members_member ON image_members (member, deleted, status, image_id);
-- Whose an object is that is to be registered.
CREATE INDEX ix_scurry_image_locations_value ON image_locations (value(255));
