// SPDX-License-Identifier: Apache-2.0
//! The configuration files of the embedded default.
//!
//! The operator's files are read as they are. Behind them, and so winning, `embedded.conf` and
//! `embedded-cinder.conf` are read: written anew at every start, they say where the embedded services are and
//! who may talk to them.

use std::fmt::Write as _;
use std::path::Path;

/// `glance-api.conf` of a data directory that has none yet.
pub(crate) const GLANCE: &str = r#"# The image service's configuration, in Glance's own dialect: edit it and start again.
# Addresses and credentials of the embedded services stand in embedded.conf, which is read after this file.
[DEFAULT]
show_multiple_locations = True
show_image_direct_url = False
use_keystone_limits = True
enabled_backends = pure1:cinder, pure2:cinder, pure3:cinder, pure4:cinder

[glance_store]
default_backend = pure2

[pure1]
store_description = "Pure Array 1"
cinder_volume_type = pure

[pure2]
store_description = "Pure Array 2"
cinder_volume_type = pure2

[pure3]
store_description = "Pure Array 3"
cinder_volume_type = pure3

[pure4]
store_description = "Pure Replicated"
cinder_volume_type = replicated
"#;

/// `cinder.conf` of a data directory that has none yet.
pub(crate) const CINDER: &str = r"# The block-storage service's configuration, in Cinder's own dialect: edit it and start again.
[DEFAULT]
enabled_backends = puredriver-1, puredriver-2, puredriver-3
allowed_direct_url_schemes = cinder
image_upload_use_cinder_backend = True
quota_volumes = 1000
quota_gigabytes = 100000
quota_snapshots = 1000

# A backend is a pool: a directory below the data directory, or the one scurry_pool_dir names.
[puredriver-1]
volume_backend_name = puredriver-1

[puredriver-2]
volume_backend_name = puredriver-2

# Volumes of types with replication have a second, full copy on the backend named here.
[puredriver-3]
volume_backend_name = puredriver-3
replication_device = backend_id:puredriver-2,type:sync
";

/// Volume types of the embedded default: name and extra specs.
pub(crate) const VOLUME_TYPES: &[(&str, &[(&str, &str)])] = &[
    ("pure", &[("volume_backend_name", "puredriver-1")]),
    ("pure2", &[("volume_backend_name", "puredriver-2")]),
    ("pure3", &[("volume_backend_name", "puredriver-3")]),
    (
        "replicated",
        &[
            ("volume_backend_name", "puredriver-3"),
            ("replication_enabled", "<is> True"),
            ("replication_type", "<in> sync"),
        ],
    ),
];

/// Registered limits of a new cloud, in MiB and counts: wide, for a start.
pub(crate) const LIMITS: &[(&str, i64)] = &[
    ("image_size_total", 1_000_000),
    ("image_stage_total", 1_000_000),
    ("image_count_total", 10_000),
    ("image_count_uploading", 1_000),
];

/// What the image service is told about its neighbours.
#[derive(Debug)]
pub(crate) struct Neighbours<'a> {
    /// Root of the identity service, with `/v3`.
    pub(crate) auth_url: &'a str,
    /// Region of all endpoints.
    pub(crate) region: &'a str,
    /// Where the image service itself is found.
    pub(crate) public_endpoint: &'a str,
    /// Id of the image service's public endpoint, for unified limits.
    pub(crate) image_endpoint_id: &'a str,
    /// Password of the user `glance` of project `service`.
    pub(crate) glance_password: &'a str,
    /// Data directory.
    pub(crate) data: &'a Path,
    /// Identifiers of the stores that are volumes.
    pub(crate) cinder_stores: Vec<String>,
    /// Identifiers of the stores that are directories and name none.
    pub(crate) file_stores: Vec<String>,
    /// Address of the image service's database; a file in the data directory without one.
    pub(crate) database: Option<&'a str>,
}

/// `embedded.conf`.
pub(crate) fn embedded(neighbours: &Neighbours<'_>) -> String {
    let Neighbours { auth_url, region, public_endpoint, image_endpoint_id, glance_password, data, .. } =
        neighbours;
    let data = data.display().to_string().replace('$', "$$");
    let own = format!("sqlite:///{data}/glance.db");
    let database = neighbours.database.map_or(own, |address| address.replace('$', "$$"));
    let mut text = format!(
        "# Written at every start of `scurry up`: do not edit.
[DEFAULT]
public_endpoint = {public_endpoint}

[database]
connection = {database}

[keystone_authtoken]
www_authenticate_uri = {auth_url}
auth_url = {auth_url}
auth_type = password
username = glance
password = {glance_password}
user_domain_id = default
project_name = service
project_domain_id = default
region_name = {region}
interface = public

[oslo_limit]
auth_url = {auth_url}
auth_type = password
username = glance
password = {glance_password}
user_domain_id = default
system_scope = all
region_name = {region}
endpoint_id = {image_endpoint_id}

[os_glance_staging_store]
filesystem_store_datadir = {data}/staging

[os_glance_tasks_store]
filesystem_store_datadir = {data}/tasks
"
    );
    for store in &neighbours.cinder_stores {
        let _ = write!(
            text,
            "\n[{store}]\ncinder_store_auth_address = {auth_url}\ncinder_store_user_name = glance\n\
             cinder_store_password = {glance_password}\ncinder_store_project_name = service\n\
             cinder_os_region_name = {region}\ncinder_catalog_info = block-storage:cinder:publicURL\n\
             cinder_endpoint_template =\ncinder_store_application_credential_id =\n\
             cinder_store_application_credential_secret =\n"
        );
    }
    for store in &neighbours.file_stores {
        let _ = write!(text, "\n[{store}]\nfilesystem_store_datadir = {data}/images/{store}\n");
    }
    text
}
