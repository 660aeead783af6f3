// SPDX-License-Identifier: Apache-2.0
//! The operator's import plugins: what happens to an image's bytes before a store gets them.

use std::collections::BTreeMap;
use std::str::FromStr;

use scurry_formats::OutputFormat;

/// A step of `image_import_plugins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportPlugin {
    /// `no_op`: nothing.
    NoOp,
    /// `image_decompression`: what comes as gzip, ZIP or LHA is unpacked.
    Decompression,
    /// `image_conversion`: every disk becomes one of `output_format`.
    Conversion,
    /// `inject_image_metadata`: properties are put on the image.
    InjectMetadata,
}

/// The word names no import plugin there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no import plugin {0}")]
pub struct UnknownImportPlugin(pub String);

impl ImportPlugin {
    const ALL: [Self; 4] = [Self::NoOp, Self::Decompression, Self::Conversion, Self::InjectMetadata];

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoOp => "no_op",
            Self::Decompression => "image_decompression",
            Self::Conversion => "image_conversion",
            Self::InjectMetadata => "inject_image_metadata",
        }
    }
}

impl FromStr for ImportPlugin {
    type Err = UnknownImportPlugin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|plugin| plugin.as_str() == text)
            .ok_or_else(|| UnknownImportPlugin(text.to_owned()))
    }
}

/// The import plugins and their options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPlugins {
    /// `[image_import_opts] image_import_plugins`: the steps in their order.
    pub steps: Vec<ImportPlugin>,
    /// `[image_conversion] output_format`.
    pub output_format: OutputFormat,
    /// `[inject_metadata_properties] inject`.
    pub inject: BTreeMap<String, String>,
    /// `[inject_metadata_properties] ignore_user_roles`: who has one of these imports without them.
    pub ignore_user_roles: Vec<String>,
}

impl Default for ImportPlugins {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            output_format: OutputFormat::Raw,
            inject: BTreeMap::new(),
            ignore_user_roles: vec!["admin".to_owned()],
        }
    }
}

impl ImportPlugins {
    pub(crate) fn has(&self, plugin: ImportPlugin) -> bool {
        self.steps.contains(&plugin)
    }

    /// The properties for an image that somebody with these roles imports.
    pub(crate) fn properties(&self, roles: &[String]) -> BTreeMap<String, String> {
        let ignored = roles.iter().any(|role| self.ignore_user_roles.contains(role));
        if ignored || !self.has(ImportPlugin::InjectMetadata) { BTreeMap::new() } else { self.inject.clone() }
    }
}
