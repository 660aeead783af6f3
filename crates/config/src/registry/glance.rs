// SPDX-License-Identifier: Apache-2.0
//! Glance's own options.

use super::{boolean, int, list, text};
use crate::option::{Kind, OptionSpec};

const D: &str = "DEFAULT";

/// Options of `glance-api.conf` outside stores and Keystone.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        D,
        "enabled_backends",
        Kind::Dict,
        "The stores: an identifier and a type each, the order kept.",
    ),
    boolean(D, "show_image_direct_url", false, "Show one location of an image as direct_url."),
    boolean(
        D,
        "show_multiple_locations",
        false,
        "Show all locations of an image and let clients change them.",
    )
    .deprecated(),
    int(D, "limit_param_default", "25", "Entries of a list when the client names no limit.").min(1),
    int(D, "api_limit_max", "1000", "Most entries of a list.").min(1),
    int(D, "image_size_cap", "1099511627776", "Largest image taken, in bytes.").min(1),
    text(
        D,
        "user_storage_quota",
        "Most bytes a project may store, with B, KB, MB, GB or TB; 0 for no limit.",
    )
    .default("0"),
    int(D, "image_member_quota", "128", "Most members of an image; negative for no limit."),
    int(D, "image_property_quota", "128", "Most properties of an image; negative for no limit."),
    int(D, "image_tag_quota", "128", "Most tags of an image; negative for no limit."),
    int(D, "image_location_quota", "10", "Most locations of an image; negative for no limit."),
    text(D, "hashing_algorithm", "Algorithm of os_hash_value.").default("sha512"),
    boolean(D, "do_secure_hash", true, "Hash images that are added by their location."),
    int(D, "http_retries", "3", "How often hashing of an added location is tried again.").min(0),
    boolean(D, "use_keystone_limits", false, "Take projects' limits from Keystone's unified limits."),
    text(D, "public_endpoint", "Address clients have, for links in answers."),
    text(D, "worker_self_reference_url", "Address other workers reach this one at."),
    list(
        D,
        "enabled_import_methods",
        "glance-direct, web-download, copy-image",
        "Import methods clients may use.",
    ),
    text(D, "metadata_source_path", "Directory of metadata definitions' files, for load and export.")
        .default("/etc/glance/metadefs/"),
    text(D, "node_staging_uri", "Staging directory when enabled_backends is not used.")
        .default("file:///tmp/staging/"),
    int(D, "max_request_id_length", "64", "Longest request id taken from a client.").min(0),
    boolean(D, "allow_anonymous_access", false, "Let callers without a token read public images."),
    boolean(D, "delayed_delete", false, "Keep deleted images' data until a scrubber runs."),
    int(D, "scrub_time", "0", "Seconds deleted data is kept.").min(0),
    int(D, "scrub_pool_size", "1", "Images scrubbed at once.").min(1),
    int(D, "wakeup_time", "300", "Seconds between two runs of the scrubber.").min(0),
    boolean(D, "daemon", false, "Run the scrubber for ever.").ignored(),
    text(D, "restore", "Image whose deletion the scrubber takes back.").ignored(),
    text(D, "property_protection_file", "File of rules on who may touch which property."),
    text(D, "property_protection_rule_format", "What the rules of that file name.")
        .default("roles")
        .choices(&["roles", "policies"]),
    text(D, "metadata_encryption_key", "Key that hides locations in the database.")
        .secret()
        .deprecated()
        .ignored(),
    text(D, "digest_algorithm", "Digest of signatures.").default("sha256").deprecated().ignored(),
    text(D, "image_cache_dir", "Directory of the image cache."),
    text(D, "image_cache_driver", "How the image cache keeps its books.")
        .default("centralized_db")
        .choices(&["centralized_db", "sqlite", "xattr"]),
    text(D, "image_cache_sqlite_db", "The image cache's database file.")
        .default("cache.db")
        .deprecated()
        .ignored(),
    int(D, "image_cache_max_size", "10737418240", "Bytes the image cache is pruned to.").min(0),
    int(D, "image_cache_stall_time", "86400", "Seconds an unfinished cache entry is kept.").min(0),
    text(D, "default_publisher_id", "Sender of notifications.").default("image.localhost"),
    list(D, "disabled_notifications", "", "Notifications not sent, by name or by what names begin with."),
    text(D, "pydev_worker_debug_host", "Host of a debugger.").ignored(),
    OptionSpec::new(D, "pydev_worker_debug_port", Kind::Port, "Port of a debugger.")
        .default("5678")
        .ignored(),
    text(D, "bind_host", "Address to listen on.").default("0.0.0.0"),
    OptionSpec::new(D, "bind_port", Kind::Port, "Port to listen on.").default("9292"),
    OptionSpec::new(D, "workers", Kind::Int, "Processes; one with many threads is used here.").ignored(),
    boolean(D, "debug", false, "Log more."),
    list(
        "image_format",
        "container_formats",
        "ami, ari, aki, bare, ovf, ova, docker, compressed",
        "Values container_format may have.",
    ),
    list(
        "image_format",
        "disk_formats",
        "ami, ari, aki, vhd, vhdx, vmdk, raw, qcow2, vdi, iso, ploop",
        "Values disk_format may have.",
    ),
    list(
        "image_format",
        "vmdk_allowed_types",
        "streamOptimized, monolithicSparse",
        "VMDK create types taken.",
    ),
    boolean(
        "image_format",
        "require_image_format_match",
        true,
        "Refuse data that is not of the image's disk_format.",
    ),
    list("image_format", "gpt_safety_checks_nonfatal", "", "Checks of GPT disks that only warn."),
    int("task", "task_time_to_live", "48", "Hours a task is listed after its end."),
    text("task", "task_executor", "How tasks are run.").default("taskflow").choices(&["taskflow"]).ignored(),
    text("task", "work_dir", "Directory for tasks' work.").ignored(),
    text("taskflow_executor", "engine_mode", "Order of steps of a task.")
        .default("parallel")
        .choices(&["serial", "parallel"])
        .ignored(),
    int("taskflow_executor", "max_workers", "10", "Steps run at once.").min(1).ignored(),
    text("taskflow_executor", "conversion_format", "Format task imports convert to.")
        .choices(&["qcow2", "raw", "vmdk"])
        .ignored(),
    text(
        "paste_deploy",
        "flavor",
        "Pipeline: keystone, caching, cachemanagement, keystone+caching, keystone+cachemanagement.",
    ),
    text(
        "paste_deploy",
        "config_file",
        "File of pipelines; glance-api-paste.ini beside the configuration is read too.",
    ),
    text(
        "scurry",
        "image_schema_file",
        "File of declared properties [schema-image.json where Glance looks for it].",
    ),
    boolean(
        "scurry",
        "trusted_headers",
        false,
        "Take callers from a proxy's identity headers; loopback or unix sockets only.",
    ),
    int("scurry", "upload_expiry", "86400", "Seconds an interrupted resumable upload is kept.").min(60),
    int("wsgi", "task_pool_threads", "16", "Imports run at once.").min(1),
    text("wsgi", "python_interpreter", "Python for helper processes.").ignored(),
    list("image_import_opts", "image_import_plugins", "", "Steps put into imports."),
    int("image_import_opts", "max_parallel_stores", "1", "Stores one import writes at once.").min(1),
    list("import_filtering_opts", "allowed_schemes", "http, https", "URL schemes web-download may use."),
    list("import_filtering_opts", "disallowed_schemes", "", "URL schemes it may not use."),
    list("import_filtering_opts", "allowed_hosts", "", "Hosts it may use."),
    list("import_filtering_opts", "disallowed_hosts", "", "Hosts it may not use."),
    list("import_filtering_opts", "allowed_ports", "80, 443", "Ports it may use."),
    list("import_filtering_opts", "disallowed_ports", "", "Ports it may not use."),
    list(
        "glance_download_properties",
        "extra_properties",
        "hw_, trait:, os_distro, os_secure_boot, os_type",
        "Prefixes of properties glance-download takes over.",
    ),
    list(
        "inject_metadata_properties",
        "ignore_user_roles",
        "admin",
        "Roles whose imports get no properties.",
    ),
    OptionSpec::new("inject_metadata_properties", "inject", Kind::Dict, "Properties put on imported images."),
    text("image_conversion", "output_format", "Format the conversion step makes.")
        .default("raw")
        .choices(&["qcow2", "raw", "vmdk"]),
    text("database", "connection", "The database: mysql+pymysql://, postgresql:// or sqlite:///<path>.")
        .secret(),
    int("database", "max_pool_size", "5", "Connections kept to the database."),
    int("database", "max_overflow", "50", "Connections beyond those when all are in use."),
    OptionSpec::new(
        "database",
        "pool_timeout",
        Kind::Int,
        "Seconds to wait for a connection; 30 when unset.",
    ),
    int(
        "database",
        "connection_recycle_time",
        "3600",
        "Age in seconds at which a connection is replaced; -1: none.",
    ),
    int(
        "database",
        "max_retries",
        "10",
        "Further attempts to reach the database at the start; -1: without end.",
    ),
    int("database", "retry_interval", "10", "Seconds between them."),
    text("database", "slave_connection", "A replica to read from; reads go where writes go.")
        .secret()
        .ignored(),
    text("oslo_policy", "policy_file", "File of policy rules over the built-in ones.").default("policy.yaml"),
    OptionSpec::new("oslo_policy", "policy_dirs", Kind::MultiStr, "Directories of further policy files.")
        .default("policy.d"),
    text("oslo_policy", "policy_default_rule", "Rule for what has none.").default("default"),
    boolean("oslo_policy", "enforce_scope", true, "Refuse tokens of another scope than a rule is for."),
    boolean("oslo_policy", "enforce_new_defaults", true, "Leave the defaults of older releases out."),
    text(
        "oslo_policy",
        "remote_content_type",
        "How rules that ask another server send; there are none here.",
    )
    .ignored(),
    boolean("oslo_policy", "remote_ssl_verify_server_crt", false, "Verify that server.").ignored(),
    text("oslo_policy", "remote_ssl_ca_crt_file", "Certificate authorities of that server.").ignored(),
    text("oslo_policy", "remote_ssl_client_crt_file", "Certificate shown to that server.").ignored(),
    text("oslo_policy", "remote_ssl_client_key_file", "Key of that certificate.").ignored(),
    OptionSpec::new("oslo_policy", "remote_timeout", Kind::Float, "Seconds that server may take.")
        .default("60")
        .ignored(),
    list(
        "cors",
        "allowed_origin",
        "",
        "Origins whose pages may call, such as https://horizon.example.com; * for any.",
    ),
    boolean("cors", "allow_credentials", true, "Let pages send the user's credentials."),
    list(
        "cors",
        "expose_headers",
        "X-Image-Meta-Checksum, X-Auth-Token, X-Subject-Token, X-Service-Token, X-OpenStack-Request-ID",
        "Headers of answers that pages may read.",
    ),
    int("cors", "max_age", "3600", "Seconds a browser may remember what it may do."),
    list("cors", "allow_methods", "GET, PUT, POST, DELETE, PATCH", "Verbs pages may use."),
    list(
        "cors",
        "allow_headers",
        "Content-MD5, X-Image-Meta-Checksum, X-Storage-Token, Accept-Encoding, X-Auth-Token, X-Identity-Status, \
         X-Roles, X-Service-Catalog, X-User-Id, X-Tenant-Id, X-OpenStack-Request-ID",
        "Headers pages may send.",
    ),
    boolean(
        "oslo_middleware",
        "enable_proxy_headers_parsing",
        false,
        "Believe a proxy's headers on scheme, host and path.",
    ),
    boolean("healthcheck", "detailed", false, "Tell more than yes or no."),
    list(
        "healthcheck",
        "backends",
        "",
        "Questions asked: disable_by_file, disable_by_files_ports, enable_by_files.",
    ),
    list("healthcheck", "allowed_source_ranges", "", "Addresses that are answered; empty for all."),
    boolean("healthcheck", "ignore_proxied_requests", false, "Do not answer what came through a proxy."),
    text("healthcheck", "disable_by_file_path", "Ill while this file exists."),
    list("healthcheck", "disable_by_file_paths", "", "Ill while the file of the port exists: port:path."),
    list("healthcheck", "enable_by_file_paths", "", "Ill while one of these files is missing."),
    text("oslo_concurrency", "lock_path", "Directory of lock files.").ignored(),
    boolean("oslo_concurrency", "disable_process_locking", false, "No locks between processes.").ignored(),
];
