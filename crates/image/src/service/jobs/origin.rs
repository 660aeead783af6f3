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
use crate::ports::{Change, OutboundBody, OutboundError, OutboundRequest, OutboundResume};
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

/// What tells bytes that are read on from others that have come in their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// The number of bytes of the whole, where it is known.
    pub(super) len: Option<u64>,
    /// What the server said that they are; none of a staged file, which never changes.
    pub(super) validator: Option<String>,
}

/// An import's bytes, ready to be read once.
pub(super) struct Origin {
    /// The number of bytes of the whole, where it is known; it has exactly as many then.
    pub(super) len: Option<u64>,
    /// Where in the whole the body begins.
    pub(super) offset: u64,
    /// None where another attempt cannot know that it reads the same bytes.
    pub(super) version: Option<Version>,
    /// The bytes.
    pub(super) body: Body,
    /// The file they are in, for whoever cannot do with a stream.
    pub(super) file: Option<PathBuf>,
}

impl Origin {
    /// What a plugin made: another attempt makes it again.
    pub(super) fn made(len: Option<u64>, body: Body, file: Option<PathBuf>) -> Self {
        Self { len, offset: 0, version: None, body, file }
    }
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
        place: Option<(u64, &Version)>,
    ) -> Result<Opened, Refused> {
        match source {
            Source::Staged => {
                let offset = place.map_or(0, |(offset, _)| offset);
                let (len, body) = self.read_staged(&image.id, offset).await?;
                let version = Some(Version { len: Some(len), validator: None });
                let offset =
                    if place.is_none_or(|(_, then)| version.as_ref() == Some(then)) { offset } else { 0 };
                let (file, body) = (Some(self.staged_file(&image.id)), Box::pin(body));
                Ok(Opened::unchanged(image, Origin { len: Some(len), offset, version, body, file }))
            }
            Source::Url { .. } if place.is_some_and(|(offset, then)| then.len == Some(offset)) => {
                // All of it came before.
                let (offset, version) =
                    place.map_or((0, None), |(offset, then)| (offset, Some(then.clone())));
                let body = Box::pin(futures::stream::empty());
                Ok(Opened::unchanged(image, Origin { len: Some(offset), offset, version, body, file: None }))
            }
            Source::Url { url } => {
                let mut request = OutboundRequest::of(url.clone());
                request.resume = place.and_then(|(offset, then)| {
                    let validator = then.validator.clone()?;
                    Some(OutboundResume { offset, validator, len: then.len })
                });
                let OutboundBody { len, offset, validator, body } = self.get_outbound(&request).await?;
                let version = validator.map(|validator| Version { len, validator: Some(validator) });
                Ok(Opened::unchanged(image, Origin { len, offset, version, body, file: None }))
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
            Refused { later, ..error.into() }
        })
    }
}
