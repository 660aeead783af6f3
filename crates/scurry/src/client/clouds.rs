// SPDX-License-Identifier: Apache-2.0
//! `clouds.yaml` and the `secure.yaml` beside it, found where openstacksdk finds them.

use std::path::{Path, PathBuf};

use saphyr::{Yaml, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Map, Value};

use super::settings::Settings;
use crate::failure::Failure;

/// The entry `name`.
pub(super) fn entry(name: &str) -> Result<Settings, Failure> {
    let path = find("OS_CLIENT_CONFIG_FILE", "clouds").ok_or_else(|| {
        Failure::plain(format!(
            "there is no clouds.yaml with an entry {name:?}: looked in ., ~/.config/openstack and /etc/openstack; \
             OS_CLIENT_CONFIG_FILE names another file, such as DATA_DIR/clouds.yaml of `scurry up`"
        ))
    })?;
    let mut clouds = clouds_of(&path)?;
    if let Some(secure) = find("OS_CLIENT_SECURE_FILE", "secure") {
        merge(&mut clouds, clouds_of(&secure)?);
    }
    match clouds.get(name).and_then(Value::as_object) {
        Some(cloud) => Ok(settings(cloud)),
        None => {
            let names: Vec<&str> = clouds.keys().map(String::as_str).collect();
            let names = names.join(", ");
            Err(Failure::plain(format!("{} has no cloud {name:?}; it has: {names}", path.display())))
        }
    }
}

fn find(variable: &str, stem: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    let folders = [
        Some(PathBuf::from(".")),
        config.map(|config| config.join("openstack")),
        Some("/etc/openstack".into()),
    ];
    let names = [format!("{stem}.yaml"), format!("{stem}.yml")];
    folders
        .into_iter()
        .flatten()
        .flat_map(|folder| names.clone().map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

fn clouds_of(path: &Path) -> Result<Map<String, Value>, Failure> {
    let failed = || format!("cannot read {}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(failed(), error))?;
    match parse(&text).map_err(|error| Failure::new(failed(), error))?.get_mut("clouds").map(Value::take) {
        Some(Value::Object(clouds)) => Ok(clouds),
        _ => Err(Failure::plain(format!("{} has no clouds", path.display()))),
    }
}

/// YAML whose scalars stay the text they were written as: a password of digits is not a number.
fn parse(text: &str) -> Result<Value, saphyr::ScanError> {
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    loader.early_parse(false);
    Parser::new_from_str(text).load(&mut loader, true)?;
    if let Some(error) = loader.error() {
        return Err(error.clone());
    }
    Ok(loader.into_documents().first().map_or(Value::Null, value))
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, entry) in entries {
                match (scalar(key), value(entry)) {
                    // What `<<: *anchor` takes over gives way to what is there itself.
                    (Some("<<"), Value::Object(defaults)) => {
                        for (key, entry) in defaults {
                            map.entry(key).or_insert(entry);
                        }
                    }
                    (Some(key), entry) => {
                        map.insert(key.to_owned(), entry);
                    }
                    (None, _) => {}
                }
            }
            Value::Object(map)
        }
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        Yaml::Tagged(_, inner) => value(inner),
        other => scalar(other).map_or(Value::Null, |text| Value::String(text.to_owned())),
    }
}

fn scalar<'a>(node: &'a Yaml<'_>) -> Option<&'a str> {
    match node {
        Yaml::Representation(text, saphyr::ScalarStyle::Plain, _) if matches!(&**text, "" | "~" | "null") => {
            None
        }
        Yaml::Representation(text, ..) => Some(text),
        other => other.as_str(),
    }
}

/// Puts `over` into `under`, mapping by mapping.
fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// An entry without its levels: what is in `auth` counts as if it stood beside it.
fn settings(cloud: &Map<String, Value>) -> Settings {
    let mut settings = Settings::default();
    let auth = cloud.get("auth").and_then(Value::as_object);
    for (name, value) in cloud.iter().chain(auth.into_iter().flatten()) {
        if let Some(text) = value.as_str() {
            settings.set(name, text);
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
defaults: &defaults
  region_name: One
  auth: {auth_url: 'http://k/v3', user_domain_name: Default}
clouds:
  # a comment
  lab:
    <<: *defaults
    verify: false
    auth:
      auth_url: http://other/v3
      username: demo
      password: 0123
      project_name: ~
  empty:
";

    #[test]
    fn an_entry_is_found_with_its_text_as_written() {
        let clouds = parse(TEXT).unwrap();
        let lab = settings(clouds["clouds"]["lab"].as_object().unwrap());
        let get = |name| lab.get(name);
        assert_eq!(get("password"), Some("0123"));
        assert_eq!(get("auth_url"), Some("http://other/v3"));
        assert_eq!(get("user_domain_name"), None, "`<<` is not deep, as in YAML");
        assert_eq!(
            (get("region_name"), get("verify"), get("project_name")),
            (Some("One"), Some("false"), None)
        );
    }

    #[test]
    fn secrets_of_a_second_file_are_merged_in() {
        let mut clouds = parse(TEXT).unwrap()["clouds"].as_object().unwrap().clone();
        let secure = parse("lab: {auth: {password: better}}").unwrap();
        merge(&mut clouds, secure.as_object().unwrap().clone());
        let lab = settings(clouds["lab"].as_object().unwrap());
        assert_eq!((lab.get("password"), lab.get("username")), (Some("better"), Some("demo")));
    }

    #[test]
    fn what_is_no_yaml_is_an_error() {
        assert!(parse("clouds: [").is_err());
        assert_eq!(parse("").unwrap(), Value::Null);
    }
}
