// SPDX-License-Identifier: Apache-2.0
//! Which of the configured stores a location lies in, as far as its address and the configuration tell.

use std::path::Path;

use scurry_config::{GlanceConf, Store, StoreKind, StoreSection};
use scurry_image_db::SurveyedLocation;

/// Where a location lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// In that store, which its metadata names.
    Store(String),
    /// In that store by its address; the metadata names none, or one that is no more.
    Legacy(String),
    /// A volume whose store only its type tells: `cinder://<volume>`.
    AskVolume,
    /// In none of the stores.
    Dangling(String),
    /// In that store, but there is no such file.
    Missing(String),
    /// Its address was encrypted with `metadata_encryption_key`.
    Encrypted,
}

/// What the configuration says of a location.
pub(super) fn of(location: &SurveyedLocation, conf: &GlanceConf) -> Whereabouts {
    let Some((scheme, rest)) = location.value.split_once("://") else {
        return Whereabouts::Encrypted;
    };
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "file" | "filesystem" => StoreKind::File,
        "cinder" => StoreKind::Cinder,
        "http" | "https" => StoreKind::Http,
        other => return Whereabouts::Dangling(format!("there is no store for {other}://")),
    };
    let stores = || conf.stores.iter().filter(|store| store.kind() == kind);
    if let Some(named) = &location.store
        && stores().any(|store| store.id == *named)
    {
        return if lacks_its_file(kind, rest) {
            Whereabouts::Missing(named.clone())
        } else {
            Whereabouts::Store(named.clone())
        };
    }
    let by_address = match kind {
        StoreKind::File => stores().find(|store| is_inside(store, Path::new(rest))),
        StoreKind::Http => stores().next(),
        StoreKind::Cinder => match rest.split_once('/') {
            Some((named, _)) => stores().find(|store| store.id == named),
            None if stores().next().is_some() => return Whereabouts::AskVolume,
            None => None,
        },
    };
    match (by_address, &location.store) {
        (Some(store), _) if lacks_its_file(kind, rest) => Whereabouts::Missing(store.id.clone()),
        (Some(store), _) => Whereabouts::Legacy(store.id.clone()),
        (None, Some(named)) => Whereabouts::Dangling(format!("there is no store {named}")),
        (None, None) => Whereabouts::Dangling("its address lies in none of the stores".to_owned()),
    }
}

fn is_inside(store: &StoreSection, path: &Path) -> bool {
    matches!(&store.store, Store::File(file) if path.starts_with(&file.datadir))
}

fn lacks_its_file(kind: StoreKind, rest: &str) -> bool {
    kind == StoreKind::File && !Path::new(rest).exists()
}

/// An address without what could be a password.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "(encrypted)".to_owned();
    };
    let authority = rest.find('/').unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use scurry_config::ConfigFiles;

    use super::*;

    fn conf(dir: &Path) -> GlanceConf {
        let file = dir.join("glance-api.conf");
        let text = format!(
            "[DEFAULT]\nenabled_backends = fast:file, web:http, pure:cinder\n[glance_store]\n\
             default_backend = fast\n[fast]\nfilesystem_store_datadir = {}\n[pure]\n\
             cinder_store_auth_address = http://k\ncinder_store_user_name = u\ncinder_store_password = p\n\
             cinder_store_project_name = s\n",
            dir.display()
        );
        std::fs::write(&file, text).unwrap();
        GlanceConf::load(&ConfigFiles::load(&[file], &[]).unwrap()).unwrap()
    }

    #[test]
    fn a_location_is_found_by_metadata_then_by_address() {
        let dir = tempfile::tempdir().unwrap();
        let conf = conf(dir.path());
        std::fs::write(dir.path().join("there"), "x").unwrap();
        let at = |value: &str, store: Option<&str>| {
            let (image, image_status) = ("i".to_owned(), "active".to_owned());
            let value = value.replace("DIR", &dir.path().display().to_string());
            of(&SurveyedLocation { image, image_status, value, store: store.map(str::to_owned) }, &conf)
        };
        let text = str::to_owned;
        assert_eq!(at("file://DIR/there", Some("fast")), Whereabouts::Store(text("fast")));
        assert_eq!(at("file://DIR/there", None), Whereabouts::Legacy(text("fast")));
        assert_eq!(at("file://DIR/there", Some("gone")), Whereabouts::Legacy(text("fast")));
        assert_eq!(at("file://DIR/lost", Some("fast")), Whereabouts::Missing(text("fast")));
        assert_eq!(
            at("file:///elsewhere/x", Some("gone")),
            Whereabouts::Dangling(text("there is no store gone"))
        );
        assert!(matches!(at("file:///elsewhere/x", None), Whereabouts::Dangling(_)));
        assert_eq!(at("https://host/x", None), Whereabouts::Legacy(text("web")));
        assert_eq!(at("cinder://pure/v", None), Whereabouts::Legacy(text("pure")));
        assert_eq!(at("cinder://pure/v", Some("pure")), Whereabouts::Store(text("pure")));
        assert_eq!(at("cinder://v", None), Whereabouts::AskVolume);
        assert!(matches!(at("cinder://other/v", None), Whereabouts::Dangling(_)));
        assert!(matches!(at("rbd://a/b", Some("fast")), Whereabouts::Dangling(_)));
        assert_eq!(at("Zm9vYmFy", None), Whereabouts::Encrypted);
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("swift+https://u:geheim@k/v3/c/o"), "swift+https://***@k/v3/c/o");
        assert_eq!(shown("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown("Zm9vYmFy"), "(encrypted)");
    }
}
