# SPDX-License-Identifier: Apache-2.0
"""Every event Glance knows and the keys of what it says (glance/notifier.py of Glance 33)."""

DELETION = {"deleted", "deleted_at"}
TIMES = {"created_at", "updated_at"} | DELETION
IMAGE = {"id", "name", "status", "min_disk", "min_ram", "protected", "checksum", "owner", "disk_format", "container_format",
         "size", "virtual_size", "is_public", "visibility", "properties", "tags"} | TIMES
IMPORTS = {"os_glance_importing_to_stores", "os_glance_failed_import"}
SEND = {"bytes_sent", "image_id", "owner_id", "receiver_tenant_id", "receiver_user_id"}
MEMBER = {"image_id", "member_id", "status"} | TIMES
TASK = {"id", "type", "status", "result", "owner", "message", "expires_at"} | TIMES
NAMESPACE = {"namespace", "namespace_old", "display_name", "protected", "visibility", "owner", "description"} | TIMES
OBJECT = {"namespace", "name", "name_old", "properties", "required", "description"} | TIMES
SCHEMA = {"type", "title", "description", "default", "minimum", "maximum", "enum", "pattern", "minLength", "maxLength",
          "confidential", "items", "uniqueItems", "minItems", "maxItems", "additionalItems"}
PROPERTY = {"namespace", "name", "name_old"} | SCHEMA | DELETION
TAG = {"namespace", "name", "name_old"} | TIMES
RESOURCE_TYPE = {"namespace", "name", "name_old", "prefix", "properties_target"} | TIMES

KEYS = {
    "image.create": IMAGE, "image.update": IMAGE, "image.delete": IMAGE, "image.activate": IMAGE,
    "image.prepare": IMAGE | IMPORTS | {"backend"}, "image.upload": IMAGE | IMPORTS, "image.send": SEND,
    **{f"image.member.{deed}": MEMBER for deed in ("create", "update", "delete")},
    **{f"task.{deed}": TASK for deed in ("create", "run", "processing", "success", "failure")},
    **{f"metadef_namespace.{deed}": NAMESPACE
       for deed in ("create", "update", "delete", "delete_objects", "delete_properties", "delete_tags")},
    **{f"metadef_object.{deed}": OBJECT for deed in ("create", "update", "delete")},
    **{f"metadef_property.{deed}": PROPERTY for deed in ("create", "update", "delete")},
    **{f"metadef_tag.{deed}": TAG for deed in ("create", "update", "delete")},
    **{f"metadef_resource_type.{deed}": RESOURCE_TYPE for deed in ("create", "delete")},
}
