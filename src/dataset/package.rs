//! datapackage.json, version 2 of the Data Package standard (<https://datapackage.org>).

use serde_json::{Value, json};

use super::changes;
use super::readme::Source;
use super::schemas::table_schema;
use crate::platform::fields::files::{DataFile, OTHER_LICENSES};

/// What it is called in the archive.
pub const NAME: &str = "datapackage.json";

/// A data file of the archive.
#[derive(Debug)]
pub struct Table<'a> {
    /// Which of the data files it is.
    pub file: &'static DataFile,
    /// Fields that the operator added.
    pub extra: &'a [String],
    /// Lower-case hex.
    pub sha256: String,
    /// Whether it holds any record.
    pub has_records: bool,
}

/// The rest of the archive, by name.
#[derive(Debug, Default)]
pub struct Others {
    /// JSON Schemas.
    pub schemas: Vec<String>,
    /// Whether CHANGES.json is there.
    pub changes: bool,
    /// Thumbnails.
    pub photos: Vec<String>,
}

/// The whole descriptor.
pub fn descriptor(source: &Source, created: &str, tables: &[Table<'_>], others: &Others) -> Value {
    let mut resources: Vec<Value> = tables.iter().map(table).collect();
    // As JSON, validators would take schemas for Table Schemas.
    resources.push(json!({
        "name": "schemas", "path": others.schemas, "format": "schema", "mediatype": "application/schema+json",
        "description": "a JSON Schema for each data file",
    }));
    if others.changes {
        resources.push(json!({
            "name": "changes", "path": changes::NAME, "format": "json", "mediatype": "application/json",
            "encoding": "utf-8", "description": "ids that were added, changed and removed since the dump before",
        }));
    }
    if !others.photos.is_empty() {
        resources.push(json!({
            "name": "photos", "path": others.photos, "format": "jpg", "mediatype": "image/jpeg",
            "description": "thumbnails, named in the photos of artwork.json",
        }));
    }
    let mut package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "public-art",
        "title": format!("{}: public data dump", source.name),
        "created": created,
        "licenses": [{
            "name": "CC0-1.0", "path": "https://creativecommons.org/publicdomain/zero/1.0/", "title": "CC0 1.0 Universal",
        }],
    });
    if let Some(url) = &source.url {
        package["homepage"] = url.as_str().into();
    }
    package["contributors"] = json!([{ "title": format!("{} contributors", source.name) }]);
    package["resources"] = resources.into();
    package
}

fn table(table: &Table<'_>) -> Value {
    let Table { file, extra, sha256, has_records } = table;
    let mut described = json!({
        "name": file.name.trim_end_matches(".json"), "path": file.name, "type": "table", "format": "json",
        "mediatype": "application/json", "encoding": "utf-8", "hash": format!("sha256:{sha256}"),
        "description": format!("Each record is {}.", file.record), "schema": table_schema(file, extra),
    });
    // Validators find no table in `[]`.
    if !has_records && let Some(members) = described.as_object_mut() {
        members.retain(|name, _| !["type", "schema"].contains(&name.as_str()));
    }
    if file.name == OTHER_LICENSES.name {
        // What Open Definition calls a licence that may be any: some of these are not open.
        described["licenses"] =
            json!([{ "name": "notspecified", "title": "the licence that each record names" }]);
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::fields::files::{ARTWORK, LINKS};

    #[test]
    fn it_says_of_each_file_what_a_reader_needs() {
        let url = Some("https://art.example".to_owned());
        let source = Source { name: "A city".into(), url, contact: None };
        let table = |file, has_records| Table { file, extra: &[], sha256: "00ff".into(), has_records };
        let tables = [table(&ARTWORK, true), table(&LINKS, false), table(&OTHER_LICENSES, true)];
        let photos = vec!["photos/thumbnails/a-1.jpg".to_owned()];
        let others = Others { schemas: vec!["schemas/a.json".into()], changes: true, photos };
        let package = descriptor(&source, "2026-01-02T03:04:05Z", &tables, &others);
        for (pointer, value) in [
            ("/title", json!("A city: public data dump")),
            ("/created", json!("2026-01-02T03:04:05Z")),
            ("/homepage", json!("https://art.example")),
            ("/licenses/0/name", json!("CC0-1.0")),
            ("/contributors/0/title", json!("A city contributors")),
            ("/resources/0/hash", json!("sha256:00ff")),
            ("/resources/0/schema/primaryKey", json!(["id"])),
            ("/resources/1/path", json!("artwork_creators.json")),
            ("/resources/2/licenses/0/name", json!("notspecified")),
            ("/resources/3/path", json!(["schemas/a.json"])),
            ("/resources/4/path", json!("CHANGES.json")),
            ("/resources/5/path", json!(["photos/thumbnails/a-1.jpg"])),
        ] {
            assert_eq!(package.pointer(pointer), Some(&value), "{pointer}");
        }
        for absent in ["/resources/0/licenses", "/resources/1/type", "/resources/1/schema", "/resources/6"] {
            assert_eq!(package.pointer(absent), None, "{absent}");
        }
        let nobody = Source { url: None, ..source };
        let package = descriptor(&nobody, "2026-01-02T03:04:05Z", &[], &Others::default());
        assert_eq!(package.get("homepage"), None);
        assert_eq!(package.pointer("/resources/1"), None, "no CHANGES.json and no photo is there");
    }
}
