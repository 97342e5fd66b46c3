//! Whose a row is to give away.
//!
//! What people submit is CC0 by the platform's terms. Imported rows may be under another licence: they say so in a
//! tag, or come from OpenStreetMap, whose data is under the ODbL whatever a tag says.

use serde_json::Value;
use smallvec::SmallVec;

pub use self::words::may_be_foreign;
use self::words::{Name, Named, OSM, foreign, is_osm_word, name_says, named_in};
use super::content::Cell;
use super::pairs::pair;
use super::{json, tag_values};

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

/// Whether what stands under a name may be repeated.
pub type MayBeSaid<'l> = &'l dyn Fn(&str) -> bool;

/// Columns that say the licence of a row: name and text.
pub type Columns<'l> = &'l [(&'l str, String)];

/// Reads the licence of a row from its tags, as JSON stands in the row, and from columns that say it.
pub fn licence(tags: &Value, columns: Columns<'_>, may_be_said: MayBeSaid<'_>) -> Licence {
    let mut look = Look { may_be_said, found: None };
    for (name, text) in columns {
        look.at_text(text, Around { under: Under::Licence, is_public: may_be_said(name) });
    }
    look.at(tags, &[Around { under: Under::Nothing, is_public: true }], DEPTH);
    look.found.map_or(Licence::Own, Licence::Foreign)
}

/// The same of a column of tags, whatever is in it.
pub fn licence_of_cell(tags: &Cell, columns: Columns<'_>, may_be_said: MayBeSaid<'_>) -> Licence {
    match tags {
        Cell::Text(text) | Cell::Unreadable(text) if may_be_foreign(text) => match json::parse(text) {
            // As it stands and as it is published: each has places that the other has not.
            Ok(json) => match (licence(&json, columns, may_be_said), tag_values::of_json(json)) {
                (Licence::Own, Ok(tags)) => licence(&Value::Object(tags), columns, may_be_said),
                (licence, _) => licence,
            },
            Err(_) => licence_of_unreadable(text, licence(&Value::Null, columns, may_be_said)),
        },
        _ => licence(&Value::Null, columns, may_be_said),
    }
}

/// Whether what a row says of one of its things puts it under another licence.
pub fn is_foreign(members: &Value) -> bool {
    licence(members, &[], &|_| true) != Licence::Own
}

/// Reads the licence of a row whose tags are text that is no JSON. Nobody can say what belongs to what in it: if it
/// names a licence, or speaks of OpenStreetMap, the row is taken to be theirs, if of a licence, to be somebody's.
fn licence_of_unreadable(tags: &str, of_columns: Licence) -> Licence {
    let mut words = tags.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let named = if words.any(|word| is_osm_word(&word)) { Some(Named::Osm) } else { named_in(tags) };
    let says_licence = || ["licen", "lizen"].iter().any(|word| tags.to_lowercase().contains(word));
    match (named, of_columns) {
        (Some(Named::Osm), _) => Licence::Foreign(OSM.into()),
        (named, Licence::Own) if named.is_some() || says_licence() => Licence::Foreign(OTHER.into()),
        (_, of_columns) => of_columns,
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

/// A look for licences.
struct Look<'l> {
    may_be_said: MayBeSaid<'l>,
    /// The last that was found, save that OpenStreetMap's counts for more than any other.
    found: Option<String>,
}

impl Look<'_> {
    /// The value of a pair stands under several names, its own and the labels. All that is around it is handed on
    /// together, so that each value is looked at once, however deep pairs lie in pairs.
    fn at(&mut self, value: &Value, around: &[Around], depth: u32) {
        match value {
            Value::Object(members) => {
                let pair = pair(members);
                let is_paired = |value: &Value| {
                    pair.as_ref()
                        .is_some_and(|pair| pair.values.iter().any(|of_pair| std::ptr::eq(*of_pair, value)))
                };
                // The pair comes last: what it says counts for more than what stands beside it.
                let paired = members.iter().filter(|(_, value)| is_paired(value));
                for (name, value) in members.iter().filter(|(_, value)| !is_paired(value)).chain(paired) {
                    let mut inside = SmallVec::new();
                    self.at_name(name, value, around, &mut inside);
                    for label in pair.iter().filter(|_| is_paired(value)).flat_map(|pair| &pair.names) {
                        self.at_name(label, value, around, &mut inside);
                    }
                    self.at(value, &inside, depth);
                }
            }
            Value::Array(items) => {
                let mut free = around.iter().filter(|around| around.under == Under::Nothing).peekable();
                let are_labels = free.peek().is_some();
                let is_public = free.all(|around| around.is_public);
                for item in items {
                    if let (true, Value::String(label)) = (are_labels, item) {
                        self.at_label(label, is_public);
                    }
                    self.at(item, around, depth);
                }
            }
            Value::String(text) => {
                if let Some(depth) = depth.checked_sub(1)
                    && let Some(inner) = json::within(text)
                {
                    return self.at(&inner, around, depth);
                }
                around.iter().for_each(|around| self.at_text(text, *around));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Looks at the name of a member, and adds what it puts around its value to `inside`.
    fn at_name(&mut self, name: &str, value: &Value, around: &[Around], inside: &mut SmallVec<[Around; 2]>) {
        let name_says = name_says(name);
        if *value == Value::Bool(true) {
            self.at_label(name, around.iter().all(|around| around.is_public));
        }
        let has_value = !matches!(value, Value::Null | Value::Bool(_));
        if (matches!(name_says, Name::Osm) && has_value) || is_element(name, value) {
            self.found = Some(OSM.into());
        }
        let is_public = (self.may_be_said)(name);
        if matches!(name_says, Name::Licence) && is_number_of_licence(name, value) {
            self.at_text(&value.to_string(), Around { under: Under::Licence, is_public });
        }
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

    fn at_text(&mut self, text: &str, around: Around) {
        if self.found.as_deref() == Some(OSM) {
            return;
        }
        let named = match around.under {
            Under::Licence => foreign_said(text, around.is_public),
            // Where the data is from, or who has which rights to it: only a licence that everybody knows tells.
            Under::Source => named_in(text).map(name_of),
            Under::Nothing => None,
        };
        self.found = named.or(self.found.take());
    }

    /// A label without a value may be all that there is: `license:ODbL`, or `ODbL` beside `License`.
    fn at_label(&mut self, label: &str, is_public: bool) {
        let said = label.to_lowercase();
        let (name, licence) = label.split_once([':', '=']).unwrap_or((label, ""));
        if let Some(named @ Named::CreativeCommons(_)) = named_in(label)
            && self.found.is_none()
        {
            self.found = Some(name_of(named));
        } else if said.starts_with("odbl")
            || said.split(|c: char| !c.is_alphanumeric()).next().is_some_and(is_osm_word)
        {
            self.found = Some(OSM.into());
        } else if matches!(name_says(name), Name::Licence) && self.found.as_deref() != Some(OSM) {
            let named = foreign_said(licence, is_public && (self.may_be_said)(name));
            self.found = named.or(self.found.take());
        }
    }
}

/// The licence that a text names when it is none of our own. What only a private member says is not repeated, unless
/// everybody knows the words.
fn foreign_said(text: &str, is_public: bool) -> Option<String> {
    let name = foreign(text)?;
    Some(if is_public || name == OSM || name.starts_with("CC-") { name } else { OTHER.into() })
}

/// Catalogues give their licences numbers, and these what meaning they like. A version is none of them.
fn is_number_of_licence(name: &str, value: &Value) -> bool {
    let is_number = |value: &Value| value.is_number();
    let are_numbers = value.as_array().is_some_and(|items| items.iter().any(is_number));
    (is_number(value) || are_numbers) && !name.to_lowercase().ends_with("version")
}

/// `"@id": "node/1"`, as exports of OpenStreetMap have it.
fn is_element(name: &str, value: &Value) -> bool {
    let Some((kind, number)) = value.as_str().and_then(|text| text.split_once('/')) else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    name == "@id" && ["node", "way", "relation"].contains(&kind) && is_number
}

#[cfg(test)]
mod tests;
