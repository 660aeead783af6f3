// SPDX-License-Identifier: Apache-2.0
//! Attachments: a host's hold on a volume and the way to its data.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::BlockClient;
use super::model::Attachment;
use crate::error::{ClientError, ErrorKind};
use crate::service::segment;

#[derive(Deserialize)]
struct AttachmentBody {
    attachment: Attachment,
}

fn path(id: &str) -> String {
    format!("/attachments/{}", segment(id))
}

impl BlockClient {
    /// Attaches in one call: with a connector the answer has the connection; without, the volume is only reserved.
    ///
    /// `mode` is `rw` or `ro`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] when the volume's state does not allow it.
    pub async fn create_attachment(
        &self,
        volume_id: &str,
        mode: &str,
        connector: Option<&Value>,
    ) -> Result<Attachment, ClientError> {
        let mut attachment = json!({ "volume_uuid": volume_id, "mode": mode });
        if let Some(connector) = connector {
            attachment["connector"] = connector.clone();
        }
        let body: AttachmentBody = self
            .call(Method::POST, "/attachments")
            .json(&json!({ "attachment": attachment }))
            .fetch()
            .await?;
        Ok(body.attachment)
    }

    /// Gives a reserved attachment its connector and gets the connection.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn update_attachment(&self, id: &str, connector: &Value) -> Result<Attachment, ClientError> {
        let body: AttachmentBody = self
            .call(Method::PUT, path(id))
            .json(&json!({ "attachment": { "connector": connector } }))
            .fetch()
            .await?;
        Ok(body.attachment)
    }

    /// One attachment with its connection.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none.
    pub async fn attachment(&self, id: &str) -> Result<Attachment, ClientError> {
        let body: AttachmentBody = self.call(Method::GET, path(id)).fetch().await?;
        Ok(body.attachment)
    }

    /// Says that the host has connected: the volume becomes `in-use`.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn complete_attachment(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::POST, format!("{}/action", path(id)))
            .json(&json!({ "os-complete": {} }))
            .done()
            .await
    }

    /// Gives the volume free.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when it is gone already.
    pub async fn delete_attachment(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path(id)).done().await
    }

    /// The attachments made under a connector's host name, those that were never completed among them; of one volume, or
    /// all of the token's project. Empty where the service filters by host for nobody of the token's roles.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn attachments_of_host(
        &self,
        host: &str,
        volume_id: Option<&str>,
    ) -> Result<Vec<Attachment>, ClientError> {
        let mut found = match self.listed_attachments(volume_id, Some(host)).await {
            Err(error) if error.kind() == ErrorKind::BadRequest => return Ok(Vec::new()),
            listed => listed?,
        };
        if !found.is_empty() {
            // Who may not filter is shown everything: then a host that does not exist has attachments too.
            let nobody = format!("{host}/nobody");
            let others = self.listed_attachments(volume_id, Some(&nobody)).await?;
            found.retain(|each| others.iter().all(|other| other.id != each.id));
        }
        Ok(found)
    }

    /// The attachments of a volume, or all of the token's project.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn attachments(&self, volume_id: Option<&str>) -> Result<Vec<Attachment>, ClientError> {
        self.listed_attachments(volume_id, None).await
    }

    async fn listed_attachments(
        &self,
        volume_id: Option<&str>,
        host: Option<&str>,
    ) -> Result<Vec<Attachment>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            attachments: Vec<Attachment>,
        }
        let call = self.call(Method::GET, "/attachments/detail").query_opt("volume_id", volume_id);
        let body: Body = call.query_opt("attached_host", host).fetch().await?;
        Ok(body.attachments)
    }
}
