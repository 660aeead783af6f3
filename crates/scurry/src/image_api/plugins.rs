// SPDX-License-Identifier: Apache-2.0
//! The import plugins as the configuration has them.

use scurry_config::GlanceConf;
use scurry_image::{ImportPlugin, ImportPlugins};

use crate::failure::Failure;

pub(super) fn read(conf: &GlanceConf) -> Result<ImportPlugins, Failure> {
    let plugins = &conf.import_plugins;
    let unknown = |error: &dyn std::fmt::Display| Failure::plain(format!("import plugins: {error}"));
    let steps: Result<Vec<ImportPlugin>, _> = plugins.steps.iter().map(|step| step.parse()).collect();
    Ok(ImportPlugins {
        steps: steps.map_err(|error| unknown(&error))?,
        output_format: plugins.output_format.parse().map_err(|error| unknown(&error))?,
        inject: plugins.inject.iter().cloned().collect(),
        ignore_user_roles: plugins.ignore_user_roles.clone(),
    })
}
