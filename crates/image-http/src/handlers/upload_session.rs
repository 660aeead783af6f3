// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests: `PUT` with `Upload-Complete`, `HEAD`, `PATCH` and `DELETE /v2/images/{id}/file`

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use scurry_image::{Append, Appended, Body, BodyError, Chunk, Upload};
use scurry_types::ImageId;
use scurry_types::extent_frames::{Decoder, Stretch};

use super::upload::{image_bytes, known_store, named_length};
use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::edge::base_url;
use crate::error::ApiError;
use crate::resumption::{self, Announced, Framing};

/// The verbs Glance has here, which is what it says of any other.
pub(crate) const GLANCES_VERBS: &str = "GET, PUT";

/// Begins an upload that may come in several requests.
pub(super) async fn begin(
    api: &Api,
    asker: &Asker,
    id: &ImageId,
    announced: Announced,
    complete: bool,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers();
    let framing = resumption::framing(headers, "application/octet-stream")?;
    let announced = Announced { offset: None, ..announced };
    let declared_len = announced.len(headers, named_length(headers)?, framing == Framing::Sparse)?;
    let store = known_store(api, headers)?;
    api.image_for(asker, "upload_image", id).await?;
    let location = format!("{}/v2/images/{id}/file", base_url(&api.http, headers));
    let upload = Upload { store, declared_len };
    let body = bytes_of(request, framing);
    let begun = api.service.begin_upload(&asker.caller, id, upload, complete, body).await?;
    let (status, mut headers) = answer(api, begun)?;
    if status == StatusCode::CREATED
        && let Ok(location) = HeaderValue::from_str(&location)
    {
        headers.insert(header::LOCATION, location);
        return Ok((StatusCode::CREATED, headers).into_response());
    }
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Goes on with an upload.
pub(crate) async fn append(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<Response, ApiError> {
    api.image_for(&asker, "upload_image", &id).await?;
    let headers = request.headers();
    let announced = Announced::read(headers);
    let (Some(complete), Some(offset)) = (announced.complete, announced.offset) else {
        if announced.complete.is_none() && announced.offset.is_none() {
            return Err(ApiError::method_not_allowed(&Method::PATCH, GLANCES_VERBS));
        }
        return Err(ApiError::bad_request("Upload-Offset and Upload-Complete are expected."));
    };
    let framing = resumption::part_framing(headers)?;
    let len = announced.len(headers, None, framing == Framing::Sparse)?;
    let append = Append { offset, len, complete };
    let body = bytes_of(request, framing);
    let appended = api.service.append_upload(&asker.caller, &id, append, body).await?;
    let (_, headers) = answer(&api, appended)?;
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Says how far an upload is.
pub(crate) async fn offset(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<Response, ApiError> {
    api.image_for(&asker, "upload_image", &id).await?;
    match api.service.upload_state(&asker.caller, &id).await? {
        Some(state) => {
            let headers = resumption::state(&state, api.settings().image_size_cap);
            Ok((StatusCode::NO_CONTENT, headers).into_response())
        }
        None => Err(ApiError::method_not_allowed(&Method::HEAD, GLANCES_VERBS)),
    }
}

/// Ends an upload; nothing of it is left.
pub(crate) async fn cancel(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    api.image_for(&asker, "upload_image", &id).await?;
    if api.service.cancel_upload(&asker.caller, &id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::method_not_allowed(&Method::DELETE, GLANCES_VERBS))
}

/// What is said of a request that was read to its end; 201 stands for more to come.
fn answer(api: &Api, appended: Appended) -> Result<(StatusCode, HeaderMap), ApiError> {
    match appended {
        Appended::More { offset } => {
            let mut headers = resumption::progress(offset, false);
            let settings = api.settings();
            let age = settings.upload_expiry.as_secs();
            resumption::limits(&mut headers, settings.image_size_cap, Some(age));
            Ok((StatusCode::CREATED, headers))
        }
        Appended::Complete { len, block_digest } => {
            Ok((StatusCode::NO_CONTENT, resumption::completed(len, &block_digest)))
        }
        Appended::Refused(error) => Err(resumption::refused(error.into())),
    }
}

fn bytes_of(request: Request, framing: Framing) -> Body {
    match framing {
        Framing::Plain => image_bytes(request),
        Framing::Sparse => unframed(request),
    }
}

/// What the frames of a body stand for.
fn unframed(request: Request) -> Body {
    let state = Some((request.into_body().into_data_stream(), Decoder::new(), Bytes::new()));
    Box::pin(stream::unfold(state, |going| async move {
        let (mut source, mut decoder, mut input) = going?;
        loop {
            let bad = |error: scurry_types::extent_frames::BadFrame| {
                Some((Err(BodyError::Malformed(error.to_string())), None))
            };
            match decoder.next(&mut input) {
                Ok(Some(stretch)) => {
                    let chunk = match stretch {
                        Stretch::Data(data) => Chunk::Data(data),
                        Stretch::Zeroes(len) => Chunk::Zeroes(len),
                    };
                    return Some((Ok(chunk), Some((source, decoder, input))));
                }
                Ok(None) => {}
                Err(error) => return bad(error),
            }
            match source.next().await {
                Some(Ok(bytes)) => input = bytes,
                Some(Err(_)) => return Some((Err(BodyError::ClientGone), None)),
                None => return decoder.finish().err().and_then(bad),
            }
        }
    }))
}
