//! Under which licence a row is: whether it is the platform's to give away.
//!
//! What people submit is CC0 by the platform's terms. Imported rows may be under another licence: they say so in a
//! tag, or come from OpenStreetMap, whose data is under the ODbL whatever a tag says.

use serde_json::Value;

use super::content::Cell;
use super::{json, tag_values};

mod creative_commons;
mod hints;
mod look;
mod words;

pub use hints::may_be_foreign;
use look::licence_said;
pub use words::OSM;
use words::{Named, is_osm_word, named_in, words};

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

/// Whether what stands under a name may be repeated.
pub type MayBeSaid<'l> = &'l dyn Fn(&str) -> bool;

/// Columns that say the licence of a row: name and text.
pub type Columns<'l> = &'l [(&'l str, String)];

/// Reads the licence of a row from its tags, as JSON stands in the row, and from columns that say it.
pub fn licence(tags: &Value, columns: Columns<'_>, may_be_said: MayBeSaid<'_>) -> Licence {
    licence_said(tags, columns, may_be_said).map_or(Licence::Own, Licence::Foreign)
}

/// The licence of a row, as [`licence`] finds it, from its column of tags, whatever is in that.
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
    let lower = tags.to_lowercase();
    let named = if words(&lower).any(is_osm_word) { Some(Named::Osm) } else { named_in(tags) };
    let says_licence = || ["licen", "lizen"].iter().any(|word| lower.contains(word));
    match (named, of_columns) {
        (Some(Named::Osm), _) => Licence::Foreign(OSM.into()),
        (named, Licence::Own) if named.is_some() || says_licence() => Licence::Foreign(OTHER.into()),
        (_, of_columns) => of_columns,
    }
}

#[cfg(test)]
mod tests;
