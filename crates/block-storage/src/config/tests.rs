// SPDX-License-Identifier: Apache-2.0
//! Tests of cinder.conf's reading.

use std::path::Path;

use super::*;

fn load(text: &str) -> Result<CinderConf, String> {
    let files = ConfigFiles::parse(Path::new("cinder.conf"), text).map_err(|e| e.to_string())?;
    CinderConf::load(&files).map_err(|e| e.to_string())
}

#[test]
fn the_walkthroughs_file_is_read() {
    let conf = load(
        "[DEFAULT]\nenabled_backends = puredriver-1,puredriver-3\nallowed_direct_url_schemes = cinder\n\
         image_upload_use_cinder_backend = True\nquota_volumes = -1\n\
         [puredriver-1]\nvolume_backend_name = puredriver-1\nscurry_pool_dir = /srv/one\n\
         image_upload_use_cinder_backend = False\n\
         [puredriver-3]\nvolume_backend_name = p3\nscurry_pool_capacity_gb = 7\n\
         replication_device = backend_id:puredriver-1,type:sync\n",
    )
    .unwrap();
    assert_eq!(conf.allowed_direct_url_schemes, ["cinder"]);
    assert_eq!((conf.quota_volumes, conf.quota_gigabytes), (-1, 1000));
    assert_eq!(conf.default_volume_type, "__DEFAULT__");
    let [one, three] = conf.backends.as_slice() else { panic!("{conf:?}") };
    assert_eq!(one.pool_dir.as_deref(), Some(Path::new("/srv/one")));
    assert!(!one.image_upload_use_cinder_backend && three.image_upload_use_cinder_backend);
    assert_eq!((three.volume_backend_name.as_str(), three.pool_capacity_gb), ("p3", Some(7)));
    assert_eq!(
        (one.replica_backend.as_deref(), three.replica_backend.as_deref()),
        (None, Some("puredriver-1"))
    );
}

#[test]
fn wrong_values_are_told_with_their_line() {
    let error = load("[DEFAULT]\nenabled_backends = a\nquota_volumes = many\n[a]\n").unwrap_err();
    assert!(error.contains("cinder.conf:3") && error.contains("many"), "{error}");
    assert!(load("[DEFAULT]\n").unwrap_err().contains("enabled_backends"));
    let error = load("[DEFAULT]\nenabled_backends = a\n[a]\nreplication_device = type:sync\n").unwrap_err();
    assert!(error.contains("backend_id"), "{error}");
}
