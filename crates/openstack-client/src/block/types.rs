// SPDX-License-Identifier: Apache-2.0
//! Volume types.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;

use super::BlockClient;
use super::model::VolumeType;
use crate::error::{ClientError, ErrorKind};
use crate::service::segment;

#[derive(Deserialize)]
struct TypeBody {
    volume_type: VolumeType,
}

impl BlockClient {
    /// The types the token may use.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn volume_types(&self) -> Result<Vec<VolumeType>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            volume_types: Vec<VolumeType>,
        }
        let body: Body = self.call(Method::GET, "/types").fetch().await?;
        Ok(body.volume_types)
    }

    /// One type by id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub async fn volume_type(&self, id: &str) -> Result<VolumeType, ClientError> {
        let body: TypeBody = self.call(Method::GET, format!("/types/{}", segment(id))).fetch().await?;
        Ok(body.volume_type)
    }

    /// The type volumes get when none is named.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub async fn default_volume_type(&self) -> Result<VolumeType, ClientError> {
        self.volume_type("default").await
    }

    /// One type by name or id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub async fn find_volume_type(&self, name_or_id: &str) -> Result<VolumeType, ClientError> {
        let types = self.volume_types().await?;
        let by_name = types.iter().find(|each| each.name == name_or_id);
        by_name.or_else(|| types.iter().find(|each| each.id == name_or_id)).cloned().ok_or_else(|| {
            ClientError::new(
                ErrorKind::NotFound,
                "GET /types",
                format!("there is no volume type {name_or_id}"),
            )
        })
    }

    /// A type's properties (those the token may see).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such type.
    pub async fn extra_specs(&self, type_id: &str) -> Result<BTreeMap<String, String>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            extra_specs: BTreeMap<String, String>,
        }
        let body: Body =
            self.call(Method::GET, format!("/types/{}/extra_specs", segment(type_id))).fetch().await?;
        Ok(body.extra_specs)
    }
}
