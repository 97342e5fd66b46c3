//! datapackage.json, version 2 of the Data Package standard (<https://datapackage.org>).

use serde_json::{Value, json};

use super::readme::Source;
use super::schemas::table_schema;
use crate::platform::fields::files::DataFile;

/// An entry of the archive that the package describes.
#[derive(Debug)]
pub struct Resource<'a> {
    /// Its name in the archive.
    pub path: &'a str,
    /// The data file it is, with the fields that the operator added; none for schemas and changes.
    pub data: Option<(&'static DataFile, &'a [String])>,
    /// Bytes.
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// The whole descriptor. `photos` are the thumbnails, by name.
pub fn descriptor(source: &Source, created: &str, resources: &[Resource<'_>], photos: &[String]) -> Value {
    let cc0 = json!([{ "name": "CC0-1.0", "path": "https://creativecommons.org/publicdomain/zero/1.0/", "title": "CC0 1.0 Universal" }]);
    let mut listed: Vec<Value> = resources.iter().map(resource).collect();
    if !photos.is_empty() {
        listed.push(json!({
            "name": "photos", "path": photos, "format": "jpg", "mediatype": "image/jpeg",
            "description": "thumbnails, named in the photos of artwork.json",
        }));
    }
    let mut package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "public-art",
        "title": format!("{}: public data dump", source.name),
        "created": created,
        "licenses": cc0,
    });
    if let Some(url) = &source.url {
        package["homepage"] = url.as_str().into();
    }
    package["contributors"] = json!([{ "title": format!("{} contributors", source.name) }]);
    package["resources"] = listed.into();
    package
}

fn resource(resource: &Resource<'_>) -> Value {
    let name: String = resource.path.trim_end_matches(".json").to_lowercase().replace('/', "-");
    let mut described = json!({
        "name": name, "path": resource.path, "format": "json", "mediatype": "application/json", "encoding": "utf-8",
        "bytes": resource.bytes, "hash": format!("sha256:{}", resource.sha256),
    });
    if let Some((file, extra)) = resource.data {
        described["type"] = "table".into();
        described["description"] = format!("Each record is {}.", file.record).into();
        described["schema"] = table_schema(file, extra);
        if file.name == crate::platform::fields::files::OTHER_LICENSES.name {
            described["licenses"] =
                json!([{ "name": "other-open", "title": "the licence that each record names" }]);
        }
    }
    described
}
