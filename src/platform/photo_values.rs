//! The shapes in which a column holds photo references.
//!
//! Seen in the field: NULL, the empty text, `null`, arrays of texts, of objects (`{url, thumbnail_url, caption, …}`)
//! or of both, JSON text inside JSON text, one plain text; in `tags` the member `_photos`, at the top or below
//! `tags`. Whatever else stands there is counted as unreadable and never a failure.

use std::collections::BTreeSet;

use memchr::memmem;
use serde_json::{Map, Value};

use super::json;
use super::tag_values::{self, PHOTOS};

/// Members of an object that name a photo, the best first.
pub(super) const NAMES: [&str; 4] = ["url", "key", "src", "thumbnail_url"];
/// Members of an object that hold more photos.
pub(super) const HOLDERS: [&str; 2] = ["photos", PHOTOS];

/// The references of one row: read as [`PhotoList`](super::photo_list::PhotoList) reads them, but every name of an
/// object counts, not the best alone. A backup rather takes too much.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PhotoValues {
    /// Each once, as it stands in the row, not empty.
    pub(super) values: BTreeSet<String>,
    /// Whether something stood there that is no reference.
    pub(super) unreadable: bool,
}

impl PhotoValues {
    /// Adds what a `photos` column holds.
    pub(super) fn add_photos(&mut self, column: &[u8]) {
        match std::str::from_utf8(column) {
            Ok(text) => self.add_text(text, json::DEPTH),
            Err(_) => self.unreadable = true,
        }
    }

    /// Adds what `_photos` in a `tags` column holds, which is read as a data dump reads it.
    pub(super) fn add_tags(&mut self, column: &[u8]) {
        // Most rows have none, and broken tags without any are no matter of photos.
        if memmem::find(column, PHOTOS.as_bytes()).is_none() {
            return;
        }
        let json = std::str::from_utf8(column).ok().and_then(|text| json::parse(text).ok());
        let beside = json.as_ref().and_then(|json| json.get(PHOTOS)).cloned();
        let photos = match json.map(tag_values::of_json) {
            Some(Ok(mut tags)) => tags.remove(PHOTOS),
            _ => {
                self.unreadable = true;
                beside
            }
        };
        // A label of that name alone says nothing.
        let photos = photos.filter(|photos| !photos.is_boolean());
        photos.iter().for_each(|photos| self.add_value(photos, json::DEPTH));
    }

    fn add_text(&mut self, text: &str, depth: u32) {
        match PhotoText::read(text, depth) {
            PhotoText::Nothing => {}
            PhotoText::Reference => drop(self.values.insert(text.to_owned())),
            PhotoText::Json(value, depth) => self.add_value(&value, depth),
            PhotoText::Broken => self.unreadable = true,
        }
    }

    fn add_value(&mut self, value: &Value, depth: u32) {
        match value {
            Value::Null => {}
            Value::String(text) => self.add_text(text, depth),
            Value::Array(items) => items.iter().for_each(|item| self.add_value(item, depth)),
            Value::Object(members) => self.add_object(members, depth),
            Value::Bool(_) | Value::Number(_) => self.unreadable = true,
        }
    }

    fn add_object(&mut self, members: &Map<String, Value>, depth: u32) {
        let mut photos = NAMES.iter().chain(&HOLDERS).filter_map(|name| members.get(*name)).peekable();
        if photos.peek().is_none() && !members.is_empty() {
            self.unreadable = true;
        }
        photos.for_each(|value| self.add_value(value, depth));
    }
}

/// What a text is that stands where photos may.
pub(super) enum PhotoText {
    Nothing,
    /// All of it is one reference.
    Reference,
    /// JSON, and how deep JSON may still lie in its texts.
    Json(Value, u32),
    /// It begins as JSON does, and is none or lies too deep.
    Broken,
}

impl PhotoText {
    pub(super) fn read(text: &str, depth: u32) -> PhotoText {
        let text = json::bare(text).trim_end();
        if text.is_empty() || text == "null" {
            return PhotoText::Nothing;
        }
        if !json::may_be(text) {
            return PhotoText::Reference;
        }
        match (json::parse(text), depth.checked_sub(1)) {
            (Ok(value), Some(depth)) => PhotoText::Json(value, depth),
            _ => PhotoText::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn photos(column: &str) -> (Vec<String>, bool) {
        let mut found = PhotoValues::default();
        found.add_photos(column.as_bytes());
        (found.values.into_iter().collect(), found.unreadable)
    }

    fn tags(column: &str) -> (Vec<String>, bool) {
        let mut found = PhotoValues::default();
        found.add_tags(column.as_bytes());
        (found.values.into_iter().collect(), found.unreadable)
    }

    fn readable(values: &[&str]) -> (Vec<String>, bool) {
        (values.iter().map(|&value| value.into()).collect(), false)
    }

    #[test]
    fn every_shape_of_photos_is_read() {
        for nothing in ["", "  ", "null", "[]", "{}", "[null, \"\"]", "\"\"", "\"[]\"", "\"null\""] {
            assert_eq!(photos(nothing), readable(&[]), "{nothing}");
        }
        assert_eq!(photos("originals/a.jpg"), readable(&["originals/a.jpg"]));
        assert_eq!(photos("\"a.jpg\""), readable(&["a.jpg"]));
        assert_eq!(photos(r#"["b.jpg","a.jpg","b.jpg"]"#), readable(&["a.jpg", "b.jpg"]));
        let mixed =
            r#"[{"url":"a.jpg","thumbnail_url":"t.jpg","caption":"A, B","credit":"x","width":3}, "b.jpg"]"#;
        assert_eq!(photos(mixed), readable(&["a.jpg", "b.jpg", "t.jpg"]));
        assert_eq!(photos(r#"{"photos":["a.jpg"]}"#), readable(&["a.jpg"]));
        assert_eq!(photos(r#""[\"a.jpg\",\"{\\\"url\\\":\\\"b.jpg\\\"}\"]""#), readable(&["a.jpg", "b.jpg"]));
        assert_eq!(photos(r#"[{"url":null}]"#), readable(&[]));
        assert_eq!(photos("\u{feff}[\"a.jpg\"]"), readable(&["a.jpg"]), "behind a byte order mark");
        assert_eq!(photos("\u{feff} null"), readable(&[]));
    }

    #[test]
    fn what_is_no_reference_is_told() {
        for broken in ["[", "[\"a.jpg\"", "{\"url\":", "[1]", "[true]", "[{\"caption\":\"x\"}]"] {
            assert_eq!(photos(broken), (vec![], true), "{broken}");
        }
        assert_eq!(photos(r#"["a.jpg", 7]"#), (vec!["a.jpg".into()], true));
        let mut invalid = PhotoValues::default();
        invalid.add_photos(b"[\"\xff\"]");
        assert!(invalid.unreadable && invalid.values.is_empty());
        assert_eq!(photos(&"[".repeat(100_000)), (vec![], true));
    }

    #[test]
    fn photos_in_tags_are_read_at_the_top_and_below_tags() {
        assert_eq!(tags(r#"{"_photos":["a.jpg"],"material":"bronze"}"#), readable(&["a.jpg"]));
        assert_eq!(tags(r#"{"tags":{"_photos":["a.jpg"]},"version":"1.0.0"}"#), readable(&["a.jpg"]));
        assert_eq!(
            tags(r#"{"tags":{"_photos":"[\"a.jpg\"]"},"_photos":"b.jpg"}"#),
            readable(&["a.jpg", "b.jpg"])
        );
        assert_eq!(tags(r#"{"tags":"{\"_photos\":[\"a.jpg\"]}"}"#), readable(&["a.jpg"]));
        for listed in [r#"["mural",{"_photos":["a.jpg"]}]"#, r#"[{"label":"_photos","value":["a.jpg"]}]"#] {
            assert_eq!(tags(listed), readable(&["a.jpg"]), "a data dump has it: {listed}");
        }
        assert_eq!(tags(r#"{"tags":"{broken","_photos":["a.jpg"]}"#), (readable(&["a.jpg"]).0, true));
        assert_eq!(tags(r#""{\"_photos\":[{\"url\":\"a.jpg\"}]}""#), readable(&["a.jpg"]));
    }

    #[test]
    fn tags_without_photos_are_no_matter_of_ours() {
        for column in ["", "{}", "{broken", r#"["mural"]"#, r#"{"photos":["x"]}"#, r#"["_photos"]"#, "null"] {
            assert_eq!(tags(column), readable(&[]), "{column}");
        }
        assert_eq!(tags(r#"{"_photos":["a.jpg""#), (vec![], true));
    }

    proptest! {
        #[test]
        fn any_column_is_taken(column in "[\\[\\]{}\":,a-c_photsgurl\\\\0-9 ]{0,40}") {
            photos(&column);
            tags(&column);
        }
    }
}
