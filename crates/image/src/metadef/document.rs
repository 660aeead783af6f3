// SPDX-License-Identifier: Apache-2.0
//! A namespace as a JSON file, as Glance's operators keep them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::item::{Association, Contents, Object, Property, Tag};
use super::{LONGEST_NAME, Namespace};

/// A namespace with all it holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Document {
    pub namespace: Namespace,
    pub contents: Contents,
}

/// A file does not hold a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DocumentError {
    /// Where: `objects[3].name`.
    pub place: String,
    /// What is wrong.
    pub problem: &'static str,
}

/// Project of namespaces whose file names none, as with Glance.
const DEFAULT_OWNER: &str = "admin";

impl Document {
    /// Understands a file's content; times become `now`.
    pub fn from_json(file: &Value, now: DateTime<Utc>) -> Result<Self, DocumentError> {
        let top = Reader { fields: object(file, "the file")?, place: String::new() };
        let namespace = Namespace {
            name: top.name("namespace")?,
            display_name: top.short("display_name")?,
            description: top.text("description")?,
            public: match top.text("visibility")?.as_deref() {
                None | Some("private") => false,
                Some("public") => true,
                Some(_) => return Err(top.wrong("visibility", "public or private is expected")),
            },
            protected: top.flag("protected")?,
            owner: top.text("owner")?.unwrap_or_else(|| DEFAULT_OWNER.to_owned()),
            created_at: now,
            updated_at: now,
        };
        let contents = Contents {
            objects: top.each("objects", |one| one.object(now))?,
            properties: definitions(&top)?
                .into_iter()
                .map(|(name, schema)| match schema {
                    Value::Object(schema) => Ok(Property { name, schema }),
                    _ => Err(top.wrong("properties", "an object is expected for each property")),
                })
                .collect::<Result<_, _>>()?,
            tags: top
                .each("tags", |one| Ok(Tag { name: one.name("name")?, created_at: now, updated_at: now }))?,
            associations: top.each("resource_type_associations", |one| {
                Ok(Association {
                    name: one.name("name")?,
                    prefix: one.short("prefix")?,
                    properties_target: one.short("properties_target")?,
                    created_at: now,
                    updated_at: now,
                })
            })?,
        };
        Ok(Self { namespace, contents })
    }

    /// The file's content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { namespace, contents } = self;
        let objects = contents.objects.iter().map(|object| {
            let mut value = json!({
                "name": object.name,
                "description": object.description,
                "properties": object.properties,
            });
            if !object.required.is_empty() {
                value["required"] = json!(object.required);
            }
            value
        });
        let associations = contents.associations.iter().map(
            |one| json!({"name": one.name, "prefix": one.prefix, "properties_target": one.properties_target}),
        );
        let properties: Map<String, Value> = contents
            .properties
            .iter()
            .map(|property| (property.name.clone(), Value::Object(property.schema.clone())))
            .collect();
        json!({
            "namespace": namespace.name,
            "display_name": namespace.display_name,
            "description": namespace.description,
            "visibility": namespace.visibility(),
            "protected": namespace.protected,
            "owner": namespace.owner,
            "resource_type_associations": associations.collect::<Vec<_>>(),
            "properties": properties,
            "objects": objects.collect::<Vec<_>>(),
            "tags": contents.tags.iter().map(|tag| json!({"name": tag.name})).collect::<Vec<_>>(),
        })
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, DocumentError> {
    value
        .as_object()
        .ok_or_else(|| DocumentError { place: place.to_owned(), problem: "an object is expected" })
}

/// Definitions by name, each name one that the column can hold.
fn definitions(reader: &Reader<'_>) -> Result<Map<String, Value>, DocumentError> {
    let properties = match reader.fields.get("properties") {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) => return Err(reader.wrong("properties", "an object is expected")),
    };
    match properties.keys().find(|name| name.is_empty() || name.chars().count() > LONGEST_NAME) {
        Some(_) => Err(reader.wrong("properties", "names of 1 to 80 characters are expected")),
        None => Ok(properties),
    }
}

/// Fields of one JSON object, and where it stands in the file.
struct Reader<'a> {
    fields: &'a Map<String, Value>,
    place: String,
}

impl Reader<'_> {
    fn wrong(&self, field: &str, problem: &'static str) -> DocumentError {
        DocumentError { place: format!("{}{field}", self.place), problem }
    }

    fn text(&self, field: &str) -> Result<Option<String>, DocumentError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(field, "a text is expected")),
        }
    }

    fn short(&self, field: &str) -> Result<Option<String>, DocumentError> {
        let text = self.text(field)?;
        if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NAME) {
            return Err(self.wrong(field, "at most 80 characters are expected"));
        }
        Ok(text)
    }

    fn name(&self, field: &str) -> Result<String, DocumentError> {
        self.short(field)?
            .filter(|name| !name.is_empty())
            .ok_or_else(|| self.wrong(field, "a name is expected"))
    }

    fn flag(&self, field: &str) -> Result<bool, DocumentError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(field, "true or false is expected")),
        }
    }

    fn each<T>(
        &self,
        field: &str,
        read: impl Fn(&Reader<'_>) -> Result<T, DocumentError>,
    ) -> Result<Vec<T>, DocumentError> {
        let items = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(field, "a list is expected")),
        };
        let one = |(index, item): (usize, &Value)| {
            let place = format!("{}{field}[{index}]", self.place);
            let fields = object(item, &place)?;
            read(&Reader { fields, place: format!("{place}.") })
        };
        items.iter().enumerate().map(one).collect()
    }

    fn object(&self, now: DateTime<Utc>) -> Result<Object, DocumentError> {
        let required = match self.fields.get("required") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(names)) => names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| self.wrong("required", "names are expected"))?,
            Some(_) => return Err(self.wrong("required", "a list is expected")),
        };
        Ok(Object {
            name: self.name("name")?,
            description: self.text("description")?,
            required,
            properties: definitions(self)?,
            created_at: now,
            updated_at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Value) -> Result<Document, String> {
        Document::from_json(file, DateTime::<Utc>::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_written_is_the_file_read() {
        let file = json!({
            "namespace": "Demo::Disk",
            "display_name": "Disks",
            "description": "How disks are attached",
            "visibility": "public",
            "protected": true,
            "owner": "p",
            "resource_type_associations": [
                {"name": "OS::Glance::Image", "prefix": "hw_", "properties_target": null},
            ],
            "properties": {"bus": {"title": "Bus", "type": "string", "enum": ["scsi"]}},
            "objects": [{
                "name": "Cache", "description": null, "required": ["mode"],
                "properties": {"mode": {"title": "Mode", "type": "string", "default": 5}},
            }],
            "tags": [{"name": "fast"}],
        });
        assert_eq!(read(&file).unwrap().to_json(), file);
        let least = read(&json!({"namespace": "n"})).unwrap();
        assert_eq!((least.namespace.owner.as_str(), least.namespace.public), ("admin", false));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(read(&json!([])).unwrap_err(), "the file: an object is expected");
        assert_eq!(read(&json!({})).unwrap_err(), "namespace: a name is expected");
        let wrong = |name: &str, value: Value| {
            let mut file = json!({"namespace": "n"});
            file[name] = value;
            read(&file).unwrap_err()
        };
        assert_eq!(wrong("visibility", json!("shared")), "visibility: public or private is expected");
        assert_eq!(wrong("objects", json!([{"name": "a"}, {}])), "objects[1].name: a name is expected");
        assert_eq!(wrong("tags", json!(["x"])), "tags[0]: an object is expected");
        assert_eq!(
            wrong("properties", json!({"p": 1})),
            "properties: an object is expected for each property"
        );
        let long = "x".repeat(81);
        assert_eq!(
            wrong("resource_type_associations", json!([{"name": "a", "prefix": long}])),
            "resource_type_associations[0].prefix: at most 80 characters are expected"
        );
    }
}
