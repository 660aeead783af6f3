// SPDX-License-Identifier: Apache-2.0
//! Calls of the Block Storage API v3, at microversion 3.54 (attachments with a mode).

mod attachments;
mod model;
mod types;
mod volumes;

use reqwest::Method;
use scurry_types::Secret;

pub use model::{
    Attachment, ConnectionInfo, Extension, Pool, ServiceState, Volume, VolumeCreate, VolumeType,
};

use crate::catalog::Interface;
use crate::error::ClientError;
use crate::service::{Address, Call, ServiceClient};
use crate::session::Session;

/// Older names of the service in catalogs; deployments have one of them.
const SERVICE_TYPES: [&str; 3] = ["block-storage", "volumev3", "block-store"];

/// A Block Storage service, real Cinder or the embedded one.
#[derive(Debug, Clone)]
pub struct BlockClient {
    service: ServiceClient,
}

impl BlockClient {
    /// The service that `catalog_info` (`<type>:<name>:<interface>`, as in `cinder_catalog_info`) finds in the
    /// catalog, or the one at `endpoint_template`, which may hold `%(project_id)s`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when `catalog_info` has another shape.
    pub fn new(
        session: Session,
        catalog_info: &str,
        endpoint_template: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, ClientError> {
        let address = match endpoint_template {
            Some(template) => Address::Template(template.to_owned()),
            None => catalog_address(catalog_info, region)?,
        };
        let service =
            ServiceClient::new(session, address).with_header("openstack-api-version", "volume 3.54");
        Ok(Self { service })
    }

    /// The same service with a user's token; the session's own goes along as service token.
    #[must_use]
    pub fn with_user_token(mut self, token: Secret) -> Self {
        self.service = self.service.with_user_token(token);
        self
    }

    /// The session behind it.
    #[must_use]
    pub fn session(&self) -> &Session {
        self.service.session()
    }

    fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        self.service.call(method, path)
    }
}

fn catalog_address(text: &str, region: Option<&str>) -> Result<Address, ClientError> {
    let wrong = || {
        ClientError::protocol(
            "catalog info",
            format!(
                "{text:?} is not <service type>:<service name>:<endpoint type>, such as volumev3::publicURL"
            ),
        )
    };
    let mut parts = text.split(':');
    let (Some(service_type), Some(name), Some(interface), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let interface = Interface::parse(interface).ok_or_else(wrong)?;
    let mut types = vec![service_type.to_owned()];
    if SERVICE_TYPES.contains(&service_type) {
        types.extend(
            SERVICE_TYPES.iter().filter(|other| **other != service_type).map(|other| (*other).to_owned()),
        );
    }
    let name = (!name.is_empty()).then(|| name.to_owned());
    Ok(Address::Catalog { types, name, region: region.map(str::to_owned), interface: Some(interface) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_info_is_read_and_its_other_names_follow() {
        let Address::Catalog { types, name, interface, .. } =
            catalog_address("volumev3:cinder:internalURL", None).unwrap()
        else {
            panic!("a catalog address is expected")
        };
        assert_eq!(types, ["volumev3", "block-storage", "block-store"]);
        assert_eq!(name.as_deref(), Some("cinder"));
        assert_eq!(interface, Some(Interface::Internal));
    }

    #[test]
    fn wrong_catalog_info_is_refused() {
        for bad in ["volumev3", "a:b", "a::nobodyURL", "a:b:publicURL:d"] {
            assert!(catalog_address(bad, None).is_err(), "{bad}");
        }
    }
}
