// SPDX-License-Identifier: Apache-2.0
//! Where an import's bytes come from: a staged file, a web server, another image service.

use std::fmt;
use std::path::PathBuf;

use scurry_types::{ImageId, JobId};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::error::ImageError;
use crate::ports::{OutboundBody, OutboundError, OutboundRequest};
use crate::service::core::Core;
use crate::service::intake::Refused;

/// What an import reads, as its job's row keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::service) enum Source {
    /// The file `PUT …/stage` left.
    #[default]
    Staged,
    /// An address a client named.
    Url {
        /// The address.
        url: String,
    },
}

/// An import's bytes, ready to be read once.
pub(super) struct Origin {
    /// Their number, where it is known; the body has exactly as many then.
    pub(super) len: Option<u64>,
    /// The bytes.
    pub(super) body: Body,
    /// The file they are in, for whoever cannot do with a stream.
    pub(super) file: Option<PathBuf>,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("len", &self.len).field("file", &self.file).finish_non_exhaustive()
    }
}

impl Core {
    /// Opens what an import reads.
    pub(super) async fn open_origin(
        &self,
        image: &ImageId,
        _job: &JobId,
        source: &Source,
    ) -> Result<Origin, Refused> {
        match source {
            Source::Staged => {
                let (len, body) = self.read_staged(image).await?;
                Ok(Origin { len: Some(len), body: Box::pin(body), file: Some(self.staged_file(image)) })
            }
            Source::Url { url } => {
                let opened = self.get_outbound(&OutboundRequest { url: url.clone(), token: None }).await?;
                Ok(Origin { len: opened.len, body: opened.body, file: None })
            }
        }
    }

    pub(super) async fn get_outbound(&self, request: &OutboundRequest) -> Result<OutboundBody, Refused> {
        let Some(outbound) = &self.outbound else {
            let text = "this service does not read from other addresses".to_owned();
            return Err(ImageError::Invalid(text).into());
        };
        outbound.get(request).await.map_err(|error| {
            let later = matches!(error, OutboundError::Unavailable(_));
            let error = ImageError::Unavailable { text: error.to_string(), retry_after: None };
            Refused { error, stores: Vec::new(), later }
        })
    }
}
