//! A JSON Schema for each data file, made from the table of its fields, and whether a record is as it says.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::platform::fields::files::{DataFile, Field, Kind};

/// The dialect: <https://json-schema.org/draft/2020-12>.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// `schemas/artwork.schema.json` for `artwork.json`.
pub fn name(file: &DataFile) -> String {
    format!("schemas/{}.schema.json", file.name.trim_end_matches(".json"))
}

/// The schema of a file whose records may also have `extra` fields.
pub fn schema(file: &DataFile, extra: &[String]) -> Value {
    let mut items = object(file.fields);
    if let Some(Value::Object(properties)) = items.get_mut("properties") {
        for name in extra {
            properties.insert(name.clone(), json!({ "description": "a column that the publisher added" }));
        }
    }
    let mut schema = json!({ "$schema": DIALECT, "title": file.name, "description": format!("Each item is {}.", file.record), "type": "array" });
    schema["items"] = Value::Object(items);
    schema
}

fn object(fields: &[Field]) -> Map<String, Value> {
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let mut object = Map::new();
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    object.insert("required".into(), required.into());
    object.insert("additionalProperties".into(), false.into());
    object
}

fn property(field: &Field) -> Value {
    let mut property = match field.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Instant => json!({ "type": "string", "format": "date-time" }),
        Kind::Tags => json!({ "type": "object" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Objects(fields) => json!({ "type": "array", "items": object(fields) }),
    };
    property["description"] = field.about.into();
    property
}

/// What a record has to be for [`schema`] to hold for it.
pub struct Shape {
    fields: &'static [Field],
    extra: HashSet<String>,
}

impl Shape {
    /// That of the records of a file that may also have `extra` fields.
    pub fn new(file: &DataFile, extra: Vec<String>) -> Shape {
        Shape { fields: file.fields, extra: extra.into_iter().collect() }
    }

    /// The first place where a record is not of this shape, as a JSON Pointer: that of an object when one of its fields
    /// is missing or is none of the format, so the empty pointer when that is the record itself.
    pub fn mismatch(&self, record: &Value) -> Option<String> {
        object_mismatch(self.fields, &self.extra, record)
    }
}

fn object_mismatch(fields: &[Field], extra: &HashSet<String>, value: &Value) -> Option<String> {
    let here = Some(String::new());
    let Value::Object(members) = value else { return here };
    let is_known = |name: &String| fields.iter().any(|field| field.name == name) || extra.contains(name);
    let is_there = |field: &Field| !field.required || members.contains_key(field.name);
    if !members.keys().all(is_known) || !fields.iter().all(is_there) {
        return here;
    }
    fields.iter().find_map(|field| {
        let place = mismatch(field.kind, members.get(field.name)?)?;
        Some(format!("/{}{place}", field.name))
    })
}

fn mismatch(kind: Kind, value: &Value) -> Option<String> {
    let fits = match kind {
        // A format is for the reader to know: in this dialect it refuses no text.
        Kind::Text | Kind::Instant => value.is_string(),
        Kind::Number => value.is_number(),
        // To JSON Schema 2.0 is a whole number.
        Kind::Count => value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0),
        Kind::Tags => value.is_object(),
        Kind::Texts => return item_mismatch(value, |item| mismatch(Kind::Text, item)),
        Kind::Objects(fields) => {
            let none = HashSet::new();
            return item_mismatch(value, |item| object_mismatch(fields, &none, item));
        }
    };
    (!fits).then(String::new)
}

fn item_mismatch(value: &Value, of_item: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let Value::Array(items) = value else { return Some(String::new()) };
    items.iter().enumerate().find_map(|(index, item)| Some(format!("/{index}{}", of_item(item)?)))
}

/// The types of a Table Schema (<https://datapackage.org/standard/table-schema/>).
pub fn table_schema(file: &DataFile, extra: &[String]) -> Value {
    let field = |field: &Field| {
        let kind = match field.kind {
            Kind::Text => "string",
            Kind::Number => "number",
            Kind::Count => "integer",
            Kind::Instant => "datetime",
            Kind::Tags => "object",
            Kind::Texts | Kind::Objects(_) => "array",
        };
        let mut described = json!({ "name": field.name, "type": kind, "description": field.about });
        if field.required {
            described["constraints"] = json!({ "required": true });
        }
        described
    };
    let mut fields: Vec<Value> = file.fields.iter().map(field).collect();
    fields.extend(extra.iter().map(|name| json!({ "name": name, "type": "any" })));
    // Records leave out what has nothing to say.
    let mut schema = json!({ "fields": fields, "fieldsMatch": "partial", "missingValues": [] });
    // A role may be absent, and parts of a primary key may not.
    let required = |name: &&str| file.fields.iter().any(|field| field.name == *name && field.required);
    if file.key.iter().all(required) {
        schema["primaryKey"] = file.key.into();
    }
    schema
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::platform::fields::files::ARTWORK;

    #[test]
    fn a_record_that_is_not_as_its_schema_says_is_told_by_the_place() {
        let photo = json!({ "file": "a.jpg", "width": 1, "height": 2.0, "bytes": 3, "sha256": "0" });
        let work = json!({ "id": "a", "tags": {}, "creators": [], "photos": [photo], "license": "CC0-1.0" });
        let shape = Shape::new(&ARTWORK, vec!["more".to_owned()]);
        for (pointer, value, place) in [
            ("/id", json!("b"), None),
            ("/more", json!([null]), None),
            ("/lat", json!(-1), None),
            ("/lat", json!("1"), Some("/lat")),
            ("/title", Value::Null, Some("/title")),
            ("/less", json!(1), Some("")),
            ("/tags", json!([]), Some("/tags")),
            ("/creators", json!({}), Some("/creators")),
            ("/creators", json!([{ "name": "A" }, { "id": "a" }]), Some("/creators/1")),
            ("/photos/0/more", json!(1), Some("/photos/0")),
            ("/photos/0/bytes", json!(-1), Some("/photos/0/bytes")),
            ("/photos/0/bytes", json!(1.5), Some("/photos/0/bytes")),
            ("", json!([]), Some("")),
        ] {
            let mut record = work.clone();
            match pointer.rsplit_once('/') {
                Some((object, name)) => record.pointer_mut(object).unwrap()[name] = value,
                None => record = value,
            }
            assert_eq!(shape.mismatch(&record).as_deref(), place, "{record}");
        }
    }
}
