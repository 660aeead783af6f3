// SPDX-License-Identifier: Apache-2.0
//! The image crate's way out: addresses that clients name, behind `[import_filtering_opts]`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderValue;
use futures::StreamExt;
use scurry_config::GlanceConf;
use scurry_fetch::{FetchError, FetchSettings, Fetched, Fetcher, Filter, FilterRules, Request};
use scurry_image::ports::{Outbound, OutboundBody, OutboundError, OutboundRequest, OutboundResume};
use scurry_image::{BodyError, Chunk};

use crate::failure::Failure;

/// The filter of the configuration.
pub(super) fn filter(conf: &GlanceConf) -> Filter {
    Filter::new(FilterRules {
        allowed_schemes: conf.import_allowed_schemes.clone(),
        disallowed_schemes: conf.import_disallowed_schemes.clone(),
        allowed_hosts: conf.import_allowed_hosts.clone(),
        disallowed_hosts: conf.import_disallowed_hosts.clone(),
        allowed_ports: conf.import_allowed_ports.clone(),
        disallowed_ports: conf.import_disallowed_ports.clone(),
    })
}

pub(super) fn outbound(conf: &GlanceConf) -> Result<Arc<dyn Outbound>, Failure> {
    let fetcher = Fetcher::new(filter(conf), FetchSettings::default())
        .map_err(|error| Failure::new("images cannot be read from addresses", error))?;
    Ok(Arc::new(FetchOutbound(fetcher)))
}

#[derive(Debug)]
struct FetchOutbound(Fetcher);

fn refusal(error: &FetchError) -> OutboundError {
    let text = error.chain();
    match error {
        FetchError::Refused { .. } => OutboundError::Refused(text),
        error if error.is_passing() => OutboundError::Unavailable(text),
        _ => OutboundError::Failed(text),
    }
}

#[async_trait]
impl Outbound for FetchOutbound {
    async fn check(&self, url: &str) -> Result<(), OutboundError> {
        self.0.check(url).await.map_err(|error| refusal(&error))
    }

    async fn get(&self, request: &OutboundRequest) -> Result<OutboundBody, OutboundError> {
        let resume = request.resume.as_ref();
        let request = Request {
            token: request.token.clone(),
            trusted: request.trusted,
            ..Request::of(request.url.as_str())
        };
        let fetched = match self.read_on(&request, resume).await {
            Some(fetched) => fetched,
            None => self.0.get(&request).await.map_err(|error| refusal(&error))?,
        };
        let (len, offset) = (fetched.total(), fetched.position());
        let validator = fetched.validator().and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = fetched.into_stream().map(|piece| {
            piece
                .map(Chunk::Data)
                .map_err(|error| BodyError::Outbound { text: error.chain(), later: error.is_passing() })
        });
        Ok(OutboundBody { len, offset, validator, body: Box::pin(body) })
    }
}

impl FetchOutbound {
    /// The rest of what was read before, or all of it where it is not the same any more; `None` when it has to
    /// be asked for anew.
    async fn read_on(&self, request: &Request, resume: Option<&OutboundResume>) -> Option<Fetched> {
        let OutboundResume { offset, validator, len } = resume?;
        let rest = Request {
            range: Some(*offset..len.unwrap_or(u64::MAX)),
            if_range: Some(HeaderValue::from_str(validator).ok()?),
            ..request.clone()
        };
        let fetched = self.0.get(&rest).await.ok()?;
        let rest = fetched.is_part() && fetched.position() == *offset && fetched.total() == *len;
        (rest || !fetched.is_part()).then_some(fetched)
    }
}
