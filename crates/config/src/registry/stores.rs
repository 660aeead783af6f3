// SPDX-License-Identifier: Apache-2.0
//! Options of stores: what all have, and the file and cinder drivers.

use super::{boolean, int, text};
use crate::option::{Kind, OptionSpec};

const S: &str = "glance_store";
const FILE: &str = "store.file";
const CINDER: &str = "store.cinder";
const HTTP: &str = "store.http";

/// The section of the old single-store options, and what every store's own section may say.
pub(super) const OPTIONS: &[OptionSpec] = &[
    text(S, "default_backend", "The store that is used when a client names none."),
    OptionSpec::new(S, "stores", Kind::List, "Store types, before enabled_backends.").deprecated(),
    text(S, "default_store", "The store type that is used, before enabled_backends.").deprecated(),
    text(S, "filesystem_store_datadir", "Directory of images, before enabled_backends.")
        .default("/var/lib/glance/images"),
    text("os_glance_staging_store", "filesystem_store_datadir", "Directory of staged data.")
        .default("/var/lib/glance/os_glance_staging_store"),
    text("os_glance_tasks_store", "filesystem_store_datadir", "Directory of tasks' work.")
        .default("/var/lib/glance/os_glance_tasks_store"),
    text(FILE, "store_description", "What users are told about the store."),
    int(FILE, "weight", "0", "Stores with a higher number are read from first."),
    text(FILE, "filesystem_store_datadir", "Directory of images.").default("/var/lib/glance/images"),
    OptionSpec::new(
        FILE,
        "filesystem_store_datadirs",
        Kind::MultiStr,
        "Directories of images with priorities.",
    )
    .deprecated()
    .ignored(),
    text(FILE, "filesystem_store_metadata_file", "File of metadata put on locations.").ignored(),
    int(
        FILE,
        "filesystem_store_file_perm",
        "0",
        "Permissions of image files, as octal digits; 0 for the umask's.",
    ),
    int(FILE, "filesystem_store_chunk_size", "65536", "Bytes of one read or write.").min(1),
    boolean(FILE, "filesystem_thin_provisioning", false, "Leave holes where an image is zero."),
    int(FILE, "filesystem_store_timeout", "0", "Seconds a file operation may take.").min(0).ignored(),
    int(FILE, "filesystem_store_thread_pool_size", "10", "Threads for those operations.").min(1).ignored(),
    int(FILE, "filesystem_store_threadpool_threshold", "75", "Percent of them in use that is logged.")
        .min(0)
        .max(100)
        .ignored(),
    text(HTTP, "store_description", "What users are told about the store."),
    int(HTTP, "weight", "0", "Stores with a higher number are read from first."),
    text(HTTP, "https_ca_certificates_file", "Certificate authorities of web servers."),
    boolean(HTTP, "https_insecure", false, "Do not verify web servers' certificates."),
    OptionSpec::new(HTTP, "http_proxy_information", Kind::Dict, "A proxy for http and one for https."),
    text(CINDER, "store_description", "What users are told about the store."),
    int(CINDER, "weight", "0", "Stores with a higher number are read from first."),
    text(CINDER, "cinder_catalog_info", "Type, name and interface of Cinder in the catalog.")
        .default("volumev3::publicURL"),
    text(CINDER, "cinder_endpoint_template", "Cinder's address instead of the catalog's."),
    text(CINDER, "cinder_os_region_name", "Region of Cinder."),
    text(CINDER, "cinder_ca_certificates_file", "Certificate authorities of Cinder and Keystone."),
    int(CINDER, "cinder_http_retries", "3", "How often a failed call is tried again.").min(0),
    int(CINDER, "cinder_state_transition_timeout", "300", "Seconds a volume may take to change its state.")
        .min(0),
    boolean(CINDER, "cinder_api_insecure", false, "Do not verify Cinder's certificate."),
    text(CINDER, "cinder_store_auth_address", "Keystone for the account that owns image volumes."),
    text(CINDER, "cinder_store_user_name", "User that owns image volumes."),
    text(CINDER, "cinder_store_user_domain_name", "The user's domain.").default("Default"),
    text(CINDER, "cinder_store_password", "The user's password.").secret(),
    text(
        CINDER,
        "cinder_store_application_credential_id",
        "Application credential instead of user and password.",
    ),
    text(CINDER, "cinder_store_application_credential_secret", "Its secret.").secret(),
    text(CINDER, "cinder_store_project_name", "Project that owns image volumes."),
    text(CINDER, "cinder_store_project_domain_name", "The project's domain.").default("Default"),
    text(CINDER, "cinder_volume_type", "Volume type of image volumes; it chooses the backend."),
    boolean(CINDER, "cinder_do_extend_attached", false, "Grow volumes while they are attached."),
    int(CINDER, "cinder_attachment_retry_attempts", "5", "How often a busy volume is tried to attach.")
        .min(1),
    boolean(CINDER, "cinder_use_multipath", false, "Ask for all paths to a volume."),
    boolean(
        CINDER,
        "cinder_enforce_multipath",
        false,
        "With cinder_use_multipath: refuse volumes that come with one path.",
    ),
    text(CINDER, "cinder_mount_point_base", "Where NFS shares would be mounted.")
        .default("/var/lib/glance/mnt")
        .ignored(),
    text(CINDER, "rootwrap_config", "Rules of a root helper; none is used here.")
        .default("/etc/glance/rootwrap.conf")
        .ignored(),
];
