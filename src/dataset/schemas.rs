//! A JSON Schema for each data file, made from the table of its fields.

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
