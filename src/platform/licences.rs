//! Whose a row is to give away.
//!
//! What people submit is CC0 by the platform's terms. Imported rows may be under another licence: they say so in a
//! tag, or come from OpenStreetMap, whose data is under the ODbL whatever a tag says.

use serde_json::Value;
use smallvec::SmallVec;

pub use self::words::may_be_foreign;
use self::words::{Name, Named, OSM, foreign, is_osm_word, name_says, named_in};
use super::content::Cell;
use super::fields::blacklist::rule_for;
use super::{json, tag_values};

mod creative_commons;
mod words;

/// The licence of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Licence {
    /// CC0, PDDL or public domain: the platform may publish it as CC0.
    Own,
    /// Another one: an SPDX identifier where it is known, else as the row says it.
    Foreign(String),
}

/// What stands for one that is not to be repeated, or that nobody can read.
pub const OTHER: &str = "other";
/// JSON text within JSON text is followed this deep.
const DEPTH: u32 = 8;

/// Reads the licence of a row from its tags, as JSON stands in the row, and from a column of that name.
pub fn licence(tags: &Value, column: Option<&str>) -> Licence {
    let mut found = column.and_then(foreign);
    let top = Around { under: Under::Nothing, is_public: true };
    look(tags, &[top], DEPTH, &mut found);
    found.map_or(Licence::Own, Licence::Foreign)
}

/// Reads the licence of a row from its column of tags, whatever is in it, and from a column of that name.
pub fn licence_of_cell(tags: &Cell, column: Option<&str>) -> Licence {
    match tags {
        Cell::Text(text) | Cell::Unreadable(text) if may_be_foreign(text) => match json::parse(text) {
            // As it stands and as it is published: each has places that the other has not.
            Ok(json) => match (licence(&json, column), tag_values::of_json(json)) {
                (Licence::Own, Ok(tags)) => licence(&Value::Object(tags), column),
                (licence, _) => licence,
            },
            Err(_) => licence_of_unreadable(text, column),
        },
        _ => licence(&Value::Null, column),
    }
}

/// Reads the licence of a row whose tags are text that is no JSON. Nobody can say what belongs to what in it: if it
/// names a licence, or speaks of OpenStreetMap, the row is taken to be theirs, if of a licence, to be somebody's.
fn licence_of_unreadable(tags: &str, column: Option<&str>) -> Licence {
    let mut words = tags.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let named = if words.any(|word| is_osm_word(&word)) { Some(Named::Osm) } else { named_in(tags) };
    let says_licence = || ["licen", "lizen"].iter().any(|word| tags.to_lowercase().contains(word));
    match (named, licence(&Value::Null, column)) {
        (Some(Named::Osm), _) => Licence::Foreign(OSM.into()),
        (named, Licence::Own) if named.is_some() || says_licence() => Licence::Foreign(OTHER.into()),
        (_, of_column) => of_column,
    }
}

/// What a licence is called that is named in a text about something else.
fn name_of(named: Named) -> String {
    match named {
        Named::Osm => OSM.into(),
        Named::CreativeCommons(name) => name,
        Named::Other => OTHER.into(),
    }
}

/// What a value is under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    Licence,
    Source,
}

/// What the names of the members around a value say of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Around {
    under: Under,
    /// Whether none of the names around it is kept in.
    is_public: bool,
}

/// The value of a pair stands under two names, its own and the label. All that is around it is handed on together, so
/// that each value is looked at once, however deep pairs lie in pairs.
fn look(value: &Value, around: &[Around], depth: u32, found: &mut Option<String>) {
    match value {
        Value::Object(members) => {
            let pair = tag_values::pair(members);
            let is_paired = |value: &Value| pair.is_some_and(|(_, of_pair)| std::ptr::eq(of_pair, value));
            // The pair comes last: what it says counts for more than what stands beside it.
            let paired = members.iter().filter(|(_, value)| is_paired(value));
            for (name, value) in members.iter().filter(|(_, value)| !is_paired(value)).chain(paired) {
                let mut inside = SmallVec::new();
                look_at_name(name, value, around, &mut inside, found);
                if let Some((label, _)) = pair.filter(|_| is_paired(value)) {
                    look_at_name(label, value, around, &mut inside, found);
                }
                look(value, &inside, depth, found);
            }
        }
        Value::Array(items) => {
            let is_under_nothing = around.iter().any(|around| around.under == Under::Nothing);
            for item in items {
                if let (true, Value::String(label)) = (is_under_nothing, item) {
                    look_at_label(label, found);
                }
                look(item, around, depth, found);
            }
        }
        Value::String(text) => {
            if let Some(depth) = depth.checked_sub(1)
                && let Some(inner) = json::within(text)
            {
                return look(&inner, around, depth, found);
            }
            around.iter().for_each(|around| look_at_text(text, *around, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Looks at the name of a member, and adds what it puts around its value to `inside`.
fn look_at_name(
    name: &str,
    value: &Value,
    around: &[Around],
    inside: &mut SmallVec<[Around; 2]>,
    found: &mut Option<String>,
) {
    let name_says = name_says(name);
    if *value == Value::Bool(true) {
        look_at_label(name, found);
    }
    let has_value = !matches!(value, Value::Null | Value::Bool(_));
    if (matches!(name_says, Name::Osm) && has_value) || is_element(name, value) {
        *found = Some(OSM.into());
    }
    let is_public = rule_for(name).is_none();
    for around in around {
        let under = match name_says {
            Name::Licence => Under::Licence,
            Name::Source => Under::Source,
            Name::Osm | Name::Nothing => around.under,
        };
        let one = Around { under, is_public: around.is_public && is_public };
        if !inside.contains(&one) {
            inside.push(one);
        }
    }
}

fn look_at_text(text: &str, around: Around, found: &mut Option<String>) {
    match around.under {
        Under::Licence if found.as_deref() != Some(OSM) => {
            let named = foreign(text).map(|name| {
                // What only a private member says is not repeated, unless everybody knows the words.
                if around.is_public || name == OSM || name.starts_with("CC-") { name } else { OTHER.into() }
            });
            *found = named.or(found.take());
        }
        // Where the data is from, or who has which rights to it: only a licence that everybody knows tells.
        Under::Source if found.as_deref() != Some(OSM) => {
            *found = named_in(text).map(name_of).or(found.take())
        }
        Under::Licence | Under::Source | Under::Nothing => {}
    }
}

/// A label without a value may be all that there is: `license:ODbL`, or `ODbL` beside `License`.
fn look_at_label(label: &str, found: &mut Option<String>) {
    let said = label.to_lowercase();
    let (name, licence) = label.split_once([':', '=']).unwrap_or((label, ""));
    if let Some(named @ Named::CreativeCommons(_)) = named_in(label)
        && found.is_none()
    {
        *found = Some(name_of(named));
    } else if said.starts_with("odbl")
        || said.split(|c: char| !c.is_alphanumeric()).next().is_some_and(is_osm_word)
    {
        *found = Some(OSM.into());
    } else if matches!(name_says(name), Name::Licence) && found.as_deref() != Some(OSM) {
        *found = foreign(licence).or(found.take());
    }
}

/// `"@id": "node/1"`, as exports of OpenStreetMap have it.
fn is_element(name: &str, value: &Value) -> bool {
    let Some((kind, number)) = value.as_str().and_then(|text| text.split_once('/')) else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    name == "@id" && ["node", "way", "relation"].contains(&kind) && is_number
}

#[cfg(test)]
mod tests;
