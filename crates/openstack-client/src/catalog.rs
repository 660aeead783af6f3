// SPDX-License-Identifier: Apache-2.0
//! The service catalog of a token, and the search in it.

use serde::{Deserialize, Serialize};
use url::Url;

/// Which of a service's addresses to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// The address users have.
    #[default]
    Public,
    /// The address services have.
    Internal,
    /// The address operators have.
    Admin,
}

impl Interface {
    /// Reads `public`, `publicURL` and their like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().trim_end_matches("URL") {
            "public" => Some(Self::Public),
            "internal" => Some(Self::Internal),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The word in catalogs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogEndpoint {
    /// The endpoint's id.
    #[serde(default)]
    pub id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// The region's id.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The region's name; the same as the id in all current releases.
    #[serde(default)]
    pub region: Option<String>,
    /// The address.
    pub url: String,
}

/// One service of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogService {
    /// The service's id.
    #[serde(default)]
    pub id: String,
    /// Its type, such as `volumev3`.
    #[serde(rename = "type")]
    pub service_type: String,
    /// Its name, such as `cinder`.
    #[serde(default)]
    pub name: Option<String>,
    /// Its addresses.
    #[serde(default)]
    pub endpoints: Vec<CatalogEndpoint>,
}

/// The services a token may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalog(pub Vec<CatalogService>);

impl Catalog {
    /// The first address that fits, the service types tried in the order given.
    #[must_use]
    pub fn find(
        &self,
        service_types: &[&str],
        service_name: Option<&str>,
        region: Option<&str>,
        interface: Interface,
    ) -> Option<Url> {
        service_types.iter().find_map(|wanted| {
            self.0
                .iter()
                .filter(|service| service.service_type == *wanted)
                .filter(|service| service_name.is_none_or(|name| service.name.as_deref() == Some(name)))
                .flat_map(|service| &service.endpoints)
                .filter(|endpoint| endpoint.interface == interface.as_str())
                .find(|endpoint| {
                    region.is_none_or(|region| {
                        endpoint.region_id.as_deref() == Some(region)
                            || endpoint.region.as_deref() == Some(region)
                    })
                })
                .and_then(|endpoint| Url::parse(&endpoint.url).ok())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        serde_json::from_value(serde_json::json!([
            {"type": "volumev3", "name": "cinder", "id": "s1", "endpoints": [
                {"id": "e1", "interface": "public", "region_id": "one", "url": "http://pub-one/v3/p"},
                {"id": "e2", "interface": "public", "region_id": "two", "url": "http://pub-two/v3/p"},
                {"id": "e3", "interface": "internal", "region": "one", "url": "http://int-one/v3/p"}]},
            {"type": "image", "name": "glance", "endpoints": []},
        ]))
        .unwrap()
    }

    #[test]
    fn type_name_region_and_interface_choose() {
        let catalog = catalog();
        let host = |types: &[&str], name, region, interface| {
            catalog.find(types, name, region, interface).map(|url| url.host_str().unwrap().to_owned())
        };
        assert_eq!(host(&["volumev3"], None, None, Interface::Public).unwrap(), "pub-one");
        assert_eq!(host(&["volumev3"], None, Some("two"), Interface::Public).unwrap(), "pub-two");
        assert_eq!(
            host(&["block-storage", "volumev3"], Some("cinder"), Some("one"), Interface::Internal).unwrap(),
            "int-one"
        );
        assert_eq!(host(&["volumev3"], Some("other"), None, Interface::Public), None);
        assert_eq!(host(&["volumev3"], None, None, Interface::Admin), None);
        assert_eq!(host(&["image"], None, None, Interface::Public), None);
    }

    #[test]
    fn interface_accepts_both_spellings() {
        assert_eq!(Interface::parse("publicURL"), Some(Interface::Public));
        assert_eq!(Interface::parse("internal"), Some(Interface::Internal));
        assert_eq!(Interface::parse("x"), None);
    }
}
