-- Indexes of our own on Glance's tables, for lists of many images: see images/list.rs. Glance's tools keep to
-- their own and leave these alone. The expressions are those the lists are sorted by, word for word.

CREATE INDEX IF NOT EXISTS scurry_images_owner_created_at ON images
  (deleted, os_hidden, owner, created_at, id, visibility);
CREATE INDEX IF NOT EXISTS scurry_images_owner_name ON images
  (deleted, os_hidden, owner, COALESCE(name, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_size ON images
  (deleted, os_hidden, owner, COALESCE(size, 0), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_updated_at ON images
  (deleted, os_hidden, owner, COALESCE(updated_at, created_at), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_status ON images
  (deleted, os_hidden, owner, status, created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_disk_format ON images
  (deleted, os_hidden, owner, COALESCE(disk_format, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_container_format ON images
  (deleted, os_hidden, owner, COALESCE(container_format, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_owner_id ON images (deleted, os_hidden, owner, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_created_at ON images
  (deleted, os_hidden, visibility, created_at, id, owner);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_name ON images
  (deleted, os_hidden, visibility, COALESCE(name, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_size ON images
  (deleted, os_hidden, visibility, COALESCE(size, 0), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_updated_at ON images
  (deleted, os_hidden, visibility, COALESCE(updated_at, created_at), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_status ON images
  (deleted, os_hidden, visibility, status, created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_disk_format ON images
  (deleted, os_hidden, visibility, COALESCE(disk_format, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_container_format ON images
  (deleted, os_hidden, visibility, COALESCE(container_format, ''), created_at, id);
CREATE INDEX IF NOT EXISTS scurry_images_visibility_id ON images (deleted, os_hidden, visibility, id);
CREATE INDEX IF NOT EXISTS scurry_image_tags_value ON image_tags (value, deleted, image_id);
CREATE INDEX IF NOT EXISTS scurry_image_properties_value ON image_properties (name, value, deleted, image_id);
CREATE INDEX IF NOT EXISTS scurry_image_members_member ON image_members (member, deleted, status, image_id);
-- Whose an object is that is to be registered.
CREATE INDEX IF NOT EXISTS ix_scurry_image_locations_value ON image_locations (value);
