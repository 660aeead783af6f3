// SPDX-License-Identifier: Apache-2.0
//! Where an import's bytes come from: a staged file, a web server, another image service.

mod remote;

use std::fmt;
use std::path::PathBuf;

use scurry_types::JobId;
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{Change, OutboundBody, OutboundError, OutboundRequest};
use crate::service::core::Core;
use crate::service::intake::Refused;

pub(in crate::service) use self::remote::Remote;

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
    /// An image of another image service.
    Remote(Remote),
}

/// What an import opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// The image as it will be when the bytes are its data.
    pub(super) image: Image,
    /// What makes it so, besides its formats; done together with the bytes' becoming its data, or not at all.
    pub(super) changes: Vec<Change>,
    /// The bytes.
    pub(super) origin: Origin,
}

impl Opened {
    fn unchanged(image: &Image, origin: Origin) -> Self {
        Self { image: image.clone(), changes: Vec::new(), origin }
    }
}

/// An import's bytes, ready to be read once.
pub(super) struct Origin {
    /// The number of bytes, where it is known; the body has exactly as many then.
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
        image: &Image,
        job: &JobId,
        source: &Source,
    ) -> Result<Opened, Refused> {
        match source {
            Source::Staged => {
                let (len, body) = self.read_staged(&image.id).await?;
                let (file, body) = (Some(self.staged_file(&image.id)), Box::pin(body));
                Ok(Opened::unchanged(image, Origin { len: Some(len), body, file }))
            }
            Source::Url { url } => {
                let request = OutboundRequest { url: url.clone(), token: None, trusted: false };
                let OutboundBody { len, body } = self.get_outbound(&request).await?;
                Ok(Opened::unchanged(image, Origin { len, body, file: None }))
            }
            Source::Remote(remote) => self.open_remote(image.clone(), job, remote).await,
        }
    }

    async fn get_outbound(&self, request: &OutboundRequest) -> Result<OutboundBody, Refused> {
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
