// SPDX-License-Identifier: Apache-2.0
//! `scurry volume export`: a volume's content as a connector sees it, holes as holes.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use scurry_connect::BlockVolume;
use scurry_openstack_client::block::BlockClient;
use scurry_openstack_client::{
    AuthMethod, Credentials, DomainRef, PrincipalRef, Secret, Session, SessionOptions,
};
use scurry_types::ExtentKind;

use crate::attach;
use crate::cli::VolumeAction;
use crate::failure::Failure;

/// Bytes of one read.
const CHUNK: u64 = 4 << 20;

pub(crate) async fn run(action: VolumeAction) -> Result<ExitCode, Failure> {
    let VolumeAction::Export { volume, file } = action;
    let session = session_from_environment()?;
    let region = session.options().region.clone();
    let client = BlockClient::new(session, "block-storage::public", None, region.as_deref())
        .map_err(|error| Failure::new("cannot use the block-storage service", error))?;
    let host = format!("scurry-export-{}", uuid::Uuid::new_v4().simple());
    attach::read_only(&client, &volume, host, async |opened| write_sparse(opened, &file).await).await?;
    Ok(ExitCode::SUCCESS)
}

async fn write_sparse(volume: &Arc<dyn BlockVolume>, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot write {}", path.display()), error);
    let file = Arc::new(OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?);
    file.set_len(volume.len()).map_err(failed)?;
    let extents = volume
        .extents(0..volume.len())
        .await
        .map_err(|error| Failure::new("cannot read the volume", error))?;
    for extent in extents.iter().filter(|extent| extent.kind == ExtentKind::Data) {
        let mut offset = extent.offset;
        while offset < extent.end() {
            let len = (extent.end() - offset).min(CHUNK);
            let bytes = volume
                .read_at(offset, len)
                .await
                .map_err(|error| Failure::new("cannot read the volume", error))?;
            let file = Arc::clone(&file);
            tokio::task::spawn_blocking(move || file.write_all_at(&bytes, offset))
                .await
                .map_err(|error| Failure::new("a writer thread ended", error))?
                .map_err(failed)?;
            offset += len;
        }
    }
    Ok(())
}

/// The session of the OS_* variables an openrc file sets.
fn session_from_environment() -> Result<Session, Failure> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let needed = |name: &str| {
        given(name).ok_or_else(|| {
            Failure::plain(format!(
                "{name} is not set: source an openrc file first, such as DATA_DIR/admin-openrc"
            ))
        })
    };
    let domain =
        |id: &str, name: &str| DomainRef::from_settings(given(id).as_deref(), given(name).as_deref());
    let named = |id: Option<String>, name: Option<String>, domain: DomainRef| match (id, name) {
        (Some(id), _) => Some(PrincipalRef::Id(id)),
        (None, Some(name)) => Some(PrincipalRef::named(name, domain)),
        (None, None) => None,
    };
    let auth_url = needed("OS_AUTH_URL")?;
    let method = match (given("OS_APPLICATION_CREDENTIAL_ID"), given("OS_APPLICATION_CREDENTIAL_SECRET")) {
        (Some(id), Some(secret)) => AuthMethod::ApplicationCredential { id, secret: Secret::new(secret) },
        _ => AuthMethod::Password {
            user: named(
                given("OS_USER_ID"),
                Some(needed("OS_USERNAME")?),
                domain("OS_USER_DOMAIN_ID", "OS_USER_DOMAIN_NAME"),
            )
            .ok_or_else(|| Failure::plain("OS_USERNAME is not set"))?,
            password: Secret::new(needed("OS_PASSWORD")?),
            project: named(
                given("OS_PROJECT_ID"),
                given("OS_PROJECT_NAME"),
                domain("OS_PROJECT_DOMAIN_ID", "OS_PROJECT_DOMAIN_NAME"),
            ),
        },
    };
    let credentials = Credentials { auth_url, method, system_scope: false };
    let options = SessionOptions {
        region: given("OS_REGION_NAME"),
        cafile: given("OS_CACERT").map(Into::into),
        ..SessionOptions::default()
    };
    Session::new(credentials, options).map_err(|error| Failure::new("cannot use OS_AUTH_URL", error))
}
