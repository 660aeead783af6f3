// SPDX-License-Identifier: Apache-2.0
//! The operator's own rules on images: who may touch which property, and which properties are declared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scurry_auth::policy::{Policy, PropertyProtections, RuleFormat};
use scurry_config::PropertyRules;
use scurry_image_http::CustomSchema;

use crate::config_files::Loaded;
use crate::failure::Failure;

/// The file Glance reads declared properties from.
const SCHEMA_FILE: &str = "schema-image.json";

/// `property_protection_file`, read.
pub(super) fn protections(
    loaded: &Loaded,
    policy: &Policy,
) -> Result<Option<Arc<PropertyProtections>>, Failure> {
    let Some(protection) = &loaded.conf.property_protection else { return Ok(None) };
    let path = named(loaded, "[DEFAULT] property_protection_file", &protection.file)?;
    let format = match protection.rules {
        PropertyRules::Roles => RuleFormat::Roles,
        PropertyRules::Policies => RuleFormat::Policies,
    };
    PropertyProtections::load(&path, format, policy)
        .map(|rules| Some(Arc::new(rules)))
        .map_err(|error| Failure::new("the property protections cannot be used", error))
}

/// `schema-image.json`, wherever it is; nothing is declared without it.
pub(super) fn custom_schema(loaded: &Loaded) -> Result<CustomSchema, Failure> {
    let path = match &loaded.conf.image_schema_file {
        Some(file) => named(loaded, "[scurry] image_schema_file", file)?,
        None => match find(&loaded.search, Path::new(SCHEMA_FILE)) {
            Some(path) => path,
            None => return Ok(CustomSchema::default()),
        },
    };
    CustomSchema::load(&path).map_err(|error| Failure::new("the image schema cannot be used", error))
}

/// A file that an option names must be there.
fn named(loaded: &Loaded, option: &str, file: &Path) -> Result<PathBuf, Failure> {
    find(&loaded.search, file)
        .ok_or_else(|| Failure::plain(format!("{option} = {}: there is no such file", file.display())))
}

/// A file by its path; a relative one is looked for in these directories.
fn find(search: &[PathBuf], file: &Path) -> Option<PathBuf> {
    search.iter().map(|dir| dir.join(file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_file_is_found_where_the_configuration_is() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        for one in [&first, &second] {
            std::fs::create_dir(one).unwrap();
        }
        std::fs::write(second.join("x.conf"), "").unwrap();
        let search = [first, second.clone()];
        assert_eq!(find(&search, Path::new("x.conf")), Some(second.join("x.conf")));
        assert_eq!(find(&search, &second.join("x.conf")), Some(second.join("x.conf")));
        assert_eq!(find(&search, Path::new("y.conf")), None);
    }
}
