// SPDX-License-Identifier: Apache-2.0
//! Reading a volume from here: one attachment, read-only, given back whatever happens.

use std::sync::Arc;
use std::time::Duration;

use scurry_connect::{Access, BlockVolume, Connector};
use scurry_openstack_client::block::{Attachment, BlockClient};
use scurry_openstack_client::{ClientError, ErrorKind};
use serde_json::Value;

use crate::failure::Failure;

/// Attempts while somebody else has the volume: the image service lets go of one it read a moment ago.
const ATTEMPTS: u32 = 5;

/// Attaches `volume` as `host`, hands it to `read`, and detaches it.
pub(crate) async fn read_only<T, F>(
    client: &BlockClient,
    volume: &str,
    host: String,
    read: F,
) -> Result<T, Failure>
where
    F: AsyncFnOnce(&Arc<dyn BlockVolume>) -> Result<T, Failure>,
{
    let connector = Connector::new(host);
    let attachment = attach(client, volume, &connector.properties())
        .await
        .map_err(|error| Failure::new(format!("cannot attach volume {volume}"), error))?;
    let connection = Value::Object(attachment.connection_info.0);
    let done = async {
        let opened = scurry_connect::open(&connector, &connection, Access::ReadOnly)
            .await
            .map_err(|error| Failure::new("cannot open the volume", error))?;
        let done = read(&opened).await;
        let closed = opened.close().await.map_err(|error| Failure::new("cannot close the volume", error));
        done.and_then(|done| closed.map(|()| done))
    }
    .await;
    let detached = client.delete_attachment(&attachment.id).await;
    let done = done?;
    detached.map_err(|error| Failure::new(format!("cannot delete attachment {}", attachment.id), error))?;
    Ok(done)
}

async fn attach(client: &BlockClient, volume: &str, connector: &Value) -> Result<Attachment, ClientError> {
    let mut attempt = 1;
    loop {
        match client.create_attachment(volume, "ro", Some(connector)).await {
            Err(error) if error.kind() == ErrorKind::BadRequest && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
                attempt += 1;
            }
            ended => return ended,
        }
    }
}
