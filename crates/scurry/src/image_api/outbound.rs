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
    let text = scurry_types::with_causes(&error);
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
            piece.map(Chunk::Data).map_err(|error| BodyError::Outbound {
                text: scurry_types::with_causes(&error),
                later: error.is_passing(),
            })
        });
        Ok(OutboundBody { len, offset, validator, body: Box::pin(body) })
    }
}

impl FetchOutbound {
    /// The rest of what was read before, or all of it where it is not the same any more; `None` when it has to
    /// be asked for anew.
    async fn read_on(&self, request: &Request, resume: Option<&OutboundResume>) -> Option<Fetched> {
        let OutboundResume { offset, validator, len } = resume?;
        let version = HeaderValue::from_str(validator).ok()?;
        let rest = Request {
            range: Some(*offset..len.unwrap_or(u64::MAX)),
            if_range: Some(version.clone()),
            ..request.clone()
        };
        let fetched = self.0.get(&rest).await.ok()?;
        let place = fetched.position() == *offset && fetched.total() == *len;
        let rest = fetched.is_part() && place && fetched.is_of(&version);
        (rest || !fetched.is_part()).then_some(fetched)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use futures::TryStreamExt as _;

    use super::*;

    /// A server that gives these answers, a connection each; its address.
    fn answering(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/image", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    async fn read_on(answers: Vec<String>) -> (u64, String) {
        let rules = FilterRules {
            allowed_hosts: vec!["127.0.0.1".to_owned()],
            allowed_ports: Vec::new(),
            ..FilterRules::default()
        };
        let fetcher = Fetcher::new(Filter::new(rules), FetchSettings::default()).unwrap();
        let mut request = OutboundRequest::of(answering(answers));
        request.resume = Some(OutboundResume { offset: 4, validator: "\"e\"".to_owned(), len: Some(10) });
        let OutboundBody { offset, body, .. } = FetchOutbound(fetcher).get(&request).await.unwrap();
        let pieces: Vec<Chunk> = body.try_collect().await.unwrap();
        let bytes = pieces.into_iter().flat_map(|piece| match piece {
            Chunk::Data(data) => data.to_vec(),
            Chunk::Zeroes(len) => vec![0; len as usize],
        });
        (offset, String::from_utf8(bytes.collect()).unwrap())
    }

    #[tokio::test]
    async fn a_part_of_another_version_is_not_read_on_with() {
        let part = |tag: &str, len: u64| {
            format!(
                "HTTP/1.1 206 Part\r\nETag: \"{tag}\"\r\nContent-Range: bytes 4-9/{len}\r\nContent-Length: 6\r\n\
                 Connection: close\r\n\r\n456789"
            )
        };
        let whole =
            "HTTP/1.1 200 OK\r\nETag: \"f\"\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabcdefghij";
        assert_eq!(read_on(vec![part("e", 10)]).await, (4, "456789".to_owned()));
        for other in [part("f", 10), part("e", 12)] {
            assert_eq!(read_on(vec![other, whole.to_owned()]).await, (0, "abcdefghij".to_owned()));
        }
    }
}
