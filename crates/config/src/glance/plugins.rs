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
    let words: Vec<String> = reader.opt("image_import_opts", "image_import_plugins").unwrap_or_default();
    let steps: Vec<String> = words.iter().map(|word| unquoted(word).to_owned()).collect();
    for step in steps.iter().filter(|step| !PLUGINS.contains(&step.as_str())) {
        let text = format!("there is no import plugin {step}; there are {}", PLUGINS.join(", "));
        reader.reject("image_import_opts", "image_import_plugins", &text);
    }
    steps
}

/// Glance's own example has every word in quotes.
fn unquoted(word: &str) -> &str {
    let inner = |quote| word.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(word)
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{ConfigFiles, GlanceConf, ImportPlugins};

    fn load(text: &str) -> Result<ImportPlugins, String> {
        let files = ConfigFiles::parse(Path::new("image.conf"), text).map_err(|error| error.to_string())?;
        GlanceConf::load(&files).map(|conf| conf.import_plugins).map_err(|error| error.to_string())
    }

    #[test]
    fn steps_keep_their_order_and_unknown_ones_are_named() {
        let none = load("").unwrap();
        assert_eq!((none.steps.len(), none.output_format.as_str()), (0, "raw"));
        assert_eq!(none.ignore_user_roles, ["admin"]);
        let some = load(
            "[image_import_opts]\nimage_import_plugins = ['image_decompression', 'image_conversion']\n\
             [image_conversion]\noutput_format = qcow2\n\
             [inject_metadata_properties]\nignore_user_roles = admin,service\ninject = os_a:1,hw_b:two\n",
        )
        .unwrap();
        assert_eq!(some.steps, ["image_decompression", "image_conversion"]);
        assert_eq!(some.output_format, "qcow2");
        assert_eq!(some.ignore_user_roles, ["admin", "service"]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(some.inject, [pair("os_a", "1"), pair("hw_b", "two")]);
        let wrong = load(
            "[image_import_opts]\nimage_import_plugins = no_op, encrypt\n[image_conversion]\noutput_format = vdi\n\
             [inject_metadata_properties]\ninject = os_glance_import_task:x\n",
        )
        .unwrap_err();
        for text in
            ["image.conf:2: [image_import_opts]", "no import plugin encrypt", "image.conf:4", "image.conf:6"]
        {
            assert!(wrong.contains(text), "{text} not in {wrong}");
        }
    }
}
