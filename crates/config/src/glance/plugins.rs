// SPDX-License-Identifier: Apache-2.0
//! The import plugins and their options.

use crate::reader::Reader;

/// Import plugins there are; others in `image_import_plugins` are errors.
const PLUGINS: [&str; 4] = ["no_op", "image_decompression", "image_conversion", "inject_image_metadata"];
/// Characters a property's name may have.
const NAME_MAX: usize = 255;

/// `[image_import_opts] image_import_plugins`, `[image_conversion]` and `[inject_metadata_properties]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPlugins {
    /// The steps in their order.
    pub steps: Vec<String>,
    /// Format the conversion makes: `raw`, `qcow2` or `vmdk`.
    pub output_format: String,
    /// Properties put on imported images.
    pub inject: Vec<(String, String)>,
    /// Roles whose imports get none.
    pub ignore_user_roles: Vec<String>,
}

pub(super) fn read(reader: &Reader<'_>) -> ImportPlugins {
    let metadata = "inject_metadata_properties";
    ImportPlugins {
        steps: steps(reader),
        output_format: reader.opt("image_conversion", "output_format").unwrap_or_else(|| "raw".to_owned()),
        inject: properties(reader, metadata),
        ignore_user_roles: reader.opt(metadata, "ignore_user_roles").unwrap_or_default(),
    }
}

fn steps(reader: &Reader<'_>) -> Vec<String> {
    let steps: Vec<String> = reader.opt("image_import_opts", "image_import_plugins").unwrap_or_default();
    for step in steps.iter().filter(|step| !PLUGINS.contains(&step.as_str())) {
        let text = format!("there is no import plugin {step}; there are {}", PLUGINS.join(", "));
        reader.reject("image_import_opts", "image_import_plugins", &text);
    }
    steps
}

fn properties(reader: &Reader<'_>, section: &str) -> Vec<(String, String)> {
    let pairs: Vec<(String, String)> = reader.opt(section, "inject").unwrap_or_default();
    for (name, _) in &pairs {
        if name.is_empty() || name.chars().count() > NAME_MAX || name.starts_with("os_glance") {
            reader.reject(section, "inject", &format!("an image cannot have a property named {name:?}"));
        }
    }
    pairs
}
