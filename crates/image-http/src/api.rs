// SPDX-License-Identifier: Apache-2.0
//! What every handler has at hand, and who is asking it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use scurry_auth::Context;
use scurry_auth::policy::{Policy, PropertyAction, Target};
use scurry_image::{Caller, Image, ImageService, ImageSettings};
use scurry_types::{ImageId, ImageStatus};

use crate::error::ApiError;
use crate::schema::Schemas;
use crate::settings::HttpSettings;
use crate::wire;

/// The handlers' state.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) service: ImageService,
    pub(crate) policy: Arc<Policy>,
    pub(crate) http: Arc<HttpSettings>,
    pub(crate) schemas: Arc<Schemas>,
}

impl Api {
    pub(crate) fn new(service: ImageService, policy: Arc<Policy>, http: Arc<HttpSettings>) -> Self {
        let schemas = Arc::new(Schemas::new(service.settings(), &http));
        Self { service, policy, http, schemas }
    }

    /// The options of the use cases.
    pub(crate) fn settings(&self) -> &ImageSettings {
        self.service.settings()
    }

    /// An image's JSON, without the properties that are kept from the caller. Where a deactivated image lies is
    /// shown to administrators only.
    pub(crate) fn view<'a>(&self, asker: &Asker, image: &'a Image) -> wire::image::View<'a> {
        let located = image.status != ImageStatus::Deactivated || asker.caller.is_admin;
        let readable = image.properties.iter().filter(|(name, _)| {
            wire::image::is_shown(name) && self.may_touch(asker, PropertyAction::Read, name)
        });
        let custom = &self.http.custom_schema;
        let shown = readable.map(|(name, text)| (name.as_str(), custom.shown(name, text)));
        wire::image::View::new(image, shown, located, self.settings(), self.service.stores())
    }
}

/// The caller of a request: its token's context for policy, its identity for the use cases.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) context: Context,
    pub(crate) caller: Caller,
}

impl FromRequestParts<Api> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let mut context = parts.extensions.get::<Context>().cloned().ok_or_else(ApiError::unauthorized)?;
        if context.read_only && !parts.method.is_safe() {
            return Err(ApiError::forbidden("Read-only access"));
        }
        context.is_admin =
            context.unauthenticated || api.policy.check("context_is_admin", &context, &Target::new());
        let caller = Caller {
            project: context.project_id.clone(),
            user: Some(context.user_id.clone()).filter(|user| !user.as_str().is_empty()),
            is_admin: context.is_admin,
            roles: context.roles.clone(),
            request_id: context.request_id.clone(),
        };
        Ok(Self { context, caller })
    }
}

/// The `{id}` of a path. What is no image id names no image.
#[derive(Debug, Clone)]
pub(crate) struct ImagePath(pub(crate) ImageId);

impl<S: Send + Sync> FromRequestParts<S> for ImagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Named(names) = Named::from_request_parts(parts, state).await?;
        let text = names.into_iter().next().unwrap_or_default();
        text.parse().map(Self).map_err(|_| ApiError::no_image(&text))
    }
}

/// All names in a path, in order. Names that are no UTF-8 name nothing.
#[derive(Debug, Clone)]
pub(crate) struct Named(pub(crate) Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(names) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::no_resource())?;
        Ok(Self(names.into_iter().map(|(_, value)| value).collect()))
    }
}

impl Named {
    /// The image id and the name after it.
    pub(crate) fn image_and(self) -> Result<(ImageId, String), ApiError> {
        let mut names = self.0.into_iter();
        let image = names.next().unwrap_or_default();
        let id = image.parse().map_err(|_| ApiError::no_image(&image))?;
        Ok((id, names.next().unwrap_or_default()))
    }
}
