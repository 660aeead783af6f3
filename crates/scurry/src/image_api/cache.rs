// SPDX-License-Identifier: Apache-2.0
//! The image cache the configuration asks for.

use std::time::Duration;

use scurry_config::GlanceConf;
use scurry_image::CacheSettings;

use crate::failure::Failure;

/// The cache's settings; `None` without `image_cache_dir`.
pub(super) fn settings(conf: &GlanceConf) -> Result<Option<CacheSettings>, Failure> {
    let Some(cache) = &conf.image_cache else {
        return if conf.pipeline.cache {
            Err(Failure::plain(
                "[DEFAULT] image_cache_dir is not set: the pipeline of [paste_deploy] flavor has the image cache, \
                 which needs a directory",
            ))
        } else {
            Ok(None)
        };
    };
    let central = cache.driver.eq_ignore_ascii_case("centralized_db");
    if !central {
        tracing::warn!(
            driver = cache.driver,
            "the image cache keeps its books in the database of the images, as image_cache_driver = \
             centralized_db does; what is in the cache's directory already is checked and taken over"
        );
    }
    Ok(Some(CacheSettings {
        serve: conf.pipeline.cache,
        central,
        max_size: cache.max_size,
        stall_time: Duration::from_secs(cache.stall_time),
        ..CacheSettings::new(cache.dir.clone(), node_url(conf))
    }))
}

/// The name of this node in the books: Glance has no books without the option, any name does here.
fn node_url(conf: &GlanceConf) -> String {
    conf.worker_self_reference_url.clone().unwrap_or_else(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("http://{}:{}", host.trim(), conf.bind_port)
    })
}
