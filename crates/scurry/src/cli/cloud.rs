// SPDX-License-Identifier: Apache-2.0
//! Options of every command that speaks to a cloud: which one, and as whom.

use std::path::PathBuf;

use clap::Args;

/// What such commands say of credentials at the end of their help.
pub(crate) const CREDENTIALS_HELP: &str = "Credentials are found as the openstack command finds them: --os-cloud NAME \
     (or OS_CLOUD) takes an entry of clouds.yaml,\notherwise the OS_* variables of an openrc file count. `scurry up` \
     writes both: DATA_DIR/clouds.yaml, DATA_DIR/admin-openrc.";

/// Which cloud, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cloud")]
pub(crate) struct CloudOptions {
    /// Entry of clouds.yaml (in ., ~/.config/openstack or /etc/openstack, or the file OS_CLIENT_CONFIG_FILE names)
    #[arg(long, value_name = "NAME", env = "OS_CLOUD")]
    pub(crate) os_cloud: Option<String>,

    /// Region of the services [default: as in clouds.yaml or OS_REGION_NAME]
    #[arg(long, value_name = "REGION")]
    pub(crate) os_region_name: Option<String>,

    /// Address of the image service, instead of the one in the catalog
    #[arg(long, value_name = "URL", env = "OS_IMAGE_ENDPOINT_OVERRIDE")]
    pub(crate) image_endpoint: Option<String>,

    /// Token to use as it is with --image-endpoint; without it, a token to log in with
    #[arg(long, value_name = "TOKEN", env = "SCURRY_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,

    /// PEM file with further certificate authorities
    #[arg(long, value_name = "FILE")]
    pub(crate) os_cacert: Option<PathBuf>,

    /// Do not verify servers' certificates
    #[arg(long)]
    pub(crate) insecure: bool,
}
