//! The shapes in which a `tags` column holds what is known of a work.
//!
//! Seen in the field: NULL, the empty text, an object, an object in a wrapper (`{"tags": {…}, "version": …}`) that may
//! have stray members beside it, an array of labels, JSON text inside JSON text, and text that is no JSON at all.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::content::Cell;
use super::json;
use super::pairs::pair;

/// Where the first schema kept photos.
pub const PHOTOS: &str = "_photos";
/// Members of a wrapper that say something of the wrapper.
const WRAPPER: [&str; 2] = ["version", "lastModified"];

/// Reads a column as labels and values; `Err` when something stands there that is none of the shapes.
pub fn tags(cell: &Cell) -> Result<Map<String, Value>, Unreadable> {
    of_json(in_cell(cell)?)
}

/// The JSON in such a column, as it stands there.
pub fn in_cell(cell: &Cell) -> Result<Value, Unreadable> {
    match cell {
        Cell::Null => Ok(Value::Null),
        Cell::Text(text) => in_text(text),
        Cell::Integer(_) | Cell::Real(_) | Cell::Unreadable(_) => Err(Unreadable),
    }
}

/// The tags, as [`tags`] reads them, in JSON that was parsed already.
pub fn of_json(json: Value) -> Result<Map<String, Value>, Unreadable> {
    from_value(json, json::DEPTH)
}

/// Whether [`of_json`] gives the members of one object as they stand there: of the whole, or of that in a wrapper without
/// stray members.
pub fn is_plain(json: &Value) -> bool {
    json.as_object().is_some_and(|members| match members.get("tags") {
        Some(Value::Object(tags)) => {
            !tags.contains_key("tags")
                && members.keys().all(|name| name == "tags" || WRAPPER.contains(&name.as_str()))
        }
        Some(_) => false,
        None => true,
    })
}

/// A column that is none of the shapes that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Reads a column of names, a JSON array of texts or one plain text, and whether that is all of it: what is no name is
/// left out.
pub fn names(cell: &Cell) -> (Vec<String>, bool) {
    let Cell::Text(text) = cell else { return (Vec::new(), *cell == Cell::Null) };
    let text = json::bare(text).trim_end();
    if !json::may_be(text) {
        let name = (!text.is_empty() && text != "null").then(|| text.to_owned());
        return (name.into_iter().collect(), true);
    }
    match json::parse(text) {
        Ok(Value::String(inner)) => names(&Cell::Text(inner)),
        Ok(Value::Array(items)) => {
            let is_all = items.iter().all(|item| item.is_string() || item.is_null());
            let names = items.into_iter().filter_map(|item| match item {
                Value::String(name) if !name.trim().is_empty() => Some(name),
                _ => None,
            });
            (names.collect(), is_all)
        }
        _ => (Vec::new(), false),
    }
}

/// Adds tags that stand each for itself. A label that is there with another value has both.
pub struct Adding<'t> {
    tags: &'t mut Map<String, Value>,
    /// The values of labels that have several: there may be as many as rows, and each is looked up among them.
    several: HashMap<String, HashSet<String>>,
}

impl<'t> Adding<'t> {
    /// Adds to `tags`.
    pub fn to(tags: &'t mut Map<String, Value>) -> Adding<'t> {
        Adding { tags, several: HashMap::new() }
    }

    /// Puts one in the place of whatever its label has.
    fn set(&mut self, label: String, value: Value) {
        self.several.remove(&label);
        self.tags.insert(label, value);
    }

    /// Adds a tag; a further value of a label makes a list of what it has.
    pub fn add(&mut self, label: &str, value: Value) {
        match self.tags.get_mut(label) {
            None => {
                self.tags.insert(label.to_owned(), value);
            }
            Some(held) if *held == value => {}
            Some(Value::Array(held)) => {
                let known = self.several.entry(label.to_owned());
                let known = known.or_insert_with(|| held.iter().map(Value::to_string).collect());
                if known.insert(value.to_string()) {
                    held.push(value);
                }
            }
            Some(held) => *held = Value::Array(vec![held.take(), value]),
        }
    }
}

fn in_text(text: &str) -> Result<Value, Unreadable> {
    let text = json::bare(text).trim_end();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    json::parse(text).map_err(|_| Unreadable)
}

fn from_value(value: Value, depth: u32) -> Result<Map<String, Value>, Unreadable> {
    let depth = depth.checked_sub(1).ok_or(Unreadable)?;
    match value {
        Value::Null => Ok(Map::new()),
        Value::String(text) => from_value(in_text(&text)?, depth),
        Value::Array(items) => from_labels(items),
        Value::Object(members) => unwrap(members, depth),
        Value::Bool(_) | Value::Number(_) => Err(Unreadable),
    }
}

/// Labels without values are true.
fn from_labels(items: Vec<Value>) -> Result<Map<String, Value>, Unreadable> {
    let mut tags = Map::new();
    let mut adding = Adding::to(&mut tags);
    for item in items {
        match item {
            Value::Null => {}
            Value::String(label) if label.trim().is_empty() => {}
            Value::String(label) => {
                adding.set(label, Value::Bool(true));
            }
            Value::Number(label) => {
                adding.set(label.to_string(), Value::Bool(true));
            }
            Value::Object(members) => match (tag(&members), members.get("label")) {
                (Some((label, value)), _) => adding.add(label, value.clone()),
                (None, Some(Value::String(label))) if members.len() == 1 => {
                    adding.add(label, Value::Bool(true));
                }
                (None, Some(_)) => return Err(Unreadable),
                // Members that are labels themselves.
                (None, None) => members.into_iter().for_each(|(label, value)| adding.add(&label, value)),
            },
            Value::Array(_) | Value::Bool(_) => return Err(Unreadable),
        }
    }
    Ok(tags)
}

/// The likeliest label and value that members spell.
fn tag(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let pair = pair(members)?;
    Some((*pair.names.first()?, *pair.values.first()?))
}

fn unwrap(mut members: Map<String, Value>, depth: u32) -> Result<Map<String, Value>, Unreadable> {
    let is_wrapper = match members.get("tags") {
        Some(Value::Object(_)) => true,
        Some(Value::String(text)) => text.trim_start().starts_with('{'),
        Some(Value::Array(_) | Value::Null) => WRAPPER.iter().any(|name| members.contains_key(*name)),
        _ => false,
    };
    if !is_wrapper {
        return Ok(members);
    }
    let mut tags = from_value(members.shift_remove("tags").unwrap_or(Value::Null), depth)?;
    for (label, value) in members {
        if label == PHOTOS {
            // Each place has its own: none of them is the other's older form.
            Adding::to(&mut tags).add(&label, value);
        } else if !WRAPPER.contains(&label.as_str()) && !tags.contains_key(&label) {
            tags.insert(label, value);
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        match tags(&Cell::Text(text.into())) {
            Ok(tags) => Value::Object(tags).to_string(),
            Err(Unreadable) => "unreadable".into(),
        }
    }

    #[test]
    fn every_shape_of_the_field_is_read() {
        for (column, means) in [
            ("", "{}"),
            ("{}", "{}"),
            ("null", "{}"),
            ("\u{feff}{\"material\":\"bronze\"}", r#"{"material":"bronze"}"#),
            (
                r#"{"material":"bronze","artwork_type":"mural"}"#,
                r#"{"material":"bronze","artwork_type":"mural"}"#,
            ),
            (
                r#"{"tags":{"material":"bronze"},"version":"1.0.0","lastModified":"2025-09-05"}"#,
                r#"{"material":"bronze"}"#,
            ),
            (
                r#"{"tags":{"material":"bronze"},"version":"1.0.0","artwork_type":"mural"}"#,
                r#"{"material":"bronze","artwork_type":"mural"}"#,
            ),
            (r#"{"tags":"{\"material\":\"bronze\"}","version":"1.0.0"}"#, r#"{"material":"bronze"}"#),
            (r#"{"tags":["mural"],"version":"1.0.0"}"#, r#"{"mural":true}"#),
            (r#"{"tags":{"_photos":["a"],"b":1},"_photos":["c"],"b":2}"#, r#"{"_photos":["a",["c"]],"b":1}"#),
            (r#"["street-art","mural"]"#, r#"{"street-art":true,"mural":true}"#),
            (r#""{\"material\":\"bronze\"}""#, r#"{"material":"bronze"}"#),
            (
                r#"[{"label":"material","value":"bronze"},{"style":"modern"}]"#,
                r#"{"material":"bronze","style":"modern"}"#,
            ),
            (
                r#"[{"Key":"material","Value":"bronze"},{"trait_type":"style","value":"modern"}]"#,
                r#"{"material":"bronze","style":"modern"}"#,
            ),
            (
                r#"{"tags":"mural, red","year":1999,"lit":true,"artists":["A",{"b":1}]}"#,
                r#"{"tags":"mural, red","year":1999,"lit":true,"artists":["A",{"b":1}]}"#,
            ),
            ("{broken", "unreadable"),
            ("mural, red", "unreadable"),
            ("7", "unreadable"),
        ] {
            assert_eq!(read(column), means, "{column}");
        }
        assert_eq!(tags(&Cell::Null), Ok(Map::new()));
        assert_eq!(tags(&Cell::Unreadable("{}".into())), Err(Unreadable));
        assert_eq!(read(&"[".repeat(100_000)), "unreadable");
    }

    #[test]
    fn names_are_an_array_or_a_text() {
        for (column, means, is_all) in [
            (r#"["A", "", null, "B"]"#, vec!["A", "B"], true),
            ("Núñez", vec!["Núñez"], true),
            (r#""[\"A\"]""#, vec!["A"], true),
            ("", vec![], true),
            ("null", vec![], true),
            ("[]", vec![], true),
            (r#"["A", 1, ["B"], "C"]"#, vec!["A", "C"], false),
            ("[broken", vec![], false),
        ] {
            let (names, all) = names(&Cell::Text(column.into()));
            assert_eq!((names, all), (means.into_iter().map(str::to_owned).collect(), is_all), "{column}");
        }
        assert_eq!(names(&Cell::Null), (Vec::new(), true));
        assert_eq!(names(&Cell::Integer(1)), (Vec::new(), false));
    }

    #[test]
    fn a_label_may_have_several_values() {
        let mut tags = Map::new();
        for value in ["a", "a", "b", "c", "b"] {
            Adding::to(&mut tags).add("style", value.into());
        }
        let mut adding = Adding::to(&mut tags);
        for value in ["c", "d", "d"] {
            adding.add("style", value.into());
        }
        assert_eq!(Value::Object(tags).to_string(), r#"{"style":["a","b","c","d"]}"#);
    }

    #[test]
    fn a_label_may_have_as_many_values_as_there_are_rows() {
        // Took most of a minute while each was compared with all before it.
        let items = (0..50_000).map(|n| serde_json::json!({ "label": "style", "value": n }));
        let tags = of_json(items.collect()).unwrap();
        assert_eq!(tags["style"].as_array().map(Vec::len), Some(50_000));
    }

    proptest! {
        #[test]
        fn any_column_is_taken(column in "[\\[\\]{}\":,a-ctags0-9 \\\\]{0,40}") {
            read(&column);
        }
    }
}
