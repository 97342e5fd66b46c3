//! Looks through tags for what they say of a licence, under whatever names, at any depth.

use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::words::{
    Name, Named, OSM, foreign, grants, is_limited, is_osm_word, is_version, name_says, named_in,
    names_licence,
};
use super::{Columns, MayBeSaid, OTHER};
use crate::platform::json;
use crate::platform::pairs::{is_value, pair};

/// What a value is under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    Licence,
    /// What is said about a licence of our own that is named beside it.
    AboutOwn,
    Source,
}

/// What the names of the members around a value say of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Around {
    under: Under,
    /// Whether none of the names around it is kept in.
    is_public: bool,
}

/// What a name says of the value under it. However many names there are, they say few different things.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Said {
    says: Name,
    /// Whether it says something about a licence rather than which one it is.
    is_about: bool,
    /// Whether exports of OpenStreetMap call the id of an element so.
    is_id: bool,
    /// Whether it is not kept in.
    is_public: bool,
}

/// The licence of others that tags or columns name, if they do.
pub(super) fn licence_said(tags: &Value, columns: Columns<'_>, may_be_said: MayBeSaid<'_>) -> Option<String> {
    let mut look = Look { may_be_said, found: None };
    for (name, text) in columns {
        look.at_text(text, Around { under: Under::Licence, is_public: may_be_said(name) });
    }
    look.at(tags, &[Around { under: Under::Nothing, is_public: true }], json::DEPTH);
    look.found
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
                let is_own = self.grants(members, around);
                let pair = pair(members);
                // The pair comes last: what it says counts for more than what stands beside it.
                let (paired, beside): (Vec<_>, Vec<_>) =
                    members.iter().partition(|(name, _)| pair.is_some() && is_value(name));
                let labels = pair.map(|pair| pair.names).unwrap_or_default();
                let at_member = |look: &mut Self, name: &str, value: &Value, labels: &[Said]| {
                    if *value == Value::Bool(true) {
                        look.at_label(name, around.iter().all(|around| around.is_public));
                    }
                    let said: SmallVec<[Said; 2]> = [look.said(name)].iter().chain(labels).copied().collect();
                    said.iter().for_each(|said| look.at_name(*said, value));
                    look.at(value, &around_value(value, &said, around, is_own), depth);
                };
                beside.into_iter().for_each(|(name, value)| at_member(self, name, value, &[]));
                let of_labels = self.of_labels(&labels, &paired, around);
                paired.into_iter().for_each(|(name, value)| at_member(self, name, value, &of_labels));
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

    /// Whether one of the members names a licence, and that is our own.
    fn grants(&self, members: &Map<String, Value>, around: &[Around]) -> bool {
        let in_licence = around.iter().any(|around| around.under == Under::Licence);
        members.iter().any(|(name, value)| {
            let is_licence = in_licence || matches!(name_says(name), Name::Licence);
            is_licence && names_licence(name) && value.as_str().is_some_and(grants)
        })
    }

    /// What the labels of a pair say of each of its values.
    fn of_labels(
        &mut self,
        labels: &[&str],
        paired: &[(&String, &Value)],
        around: &[Around],
    ) -> SmallVec<[Said; 1]> {
        let is_flag = paired.iter().any(|(_, value)| **value == Value::Bool(true));
        let mut of_labels = SmallVec::new();
        for label in labels {
            if is_flag {
                self.at_label(label, around.iter().all(|around| around.is_public));
            }
            let said = self.said(label);
            if !of_labels.contains(&said) {
                of_labels.push(said);
            }
        }
        of_labels
    }

    fn said(&self, name: &str) -> Said {
        Said {
            says: name_says(name),
            is_about: !names_licence(name),
            is_id: name == "@id",
            is_public: (self.may_be_said)(name),
        }
    }

    /// Looks at what a name alone says of a value.
    fn at_name(&mut self, said: Said, value: &Value) {
        let has_value = !matches!(value, Value::Null | Value::Bool(_));
        if (said.says == Name::Osm && has_value) || (said.is_id && is_element(value)) {
            self.found = Some(OSM.into());
        }
        if said.says == Name::Licence && !said.is_about && is_number(value) {
            let around = Around { under: Under::Licence, is_public: said.is_public };
            self.at_text(&value.to_string(), around);
        }
    }

    fn at_text(&mut self, text: &str, around: Around) {
        if self.found.as_deref() == Some(OSM) {
            return;
        }
        let named = match around.under {
            Under::Licence => foreign_said(text, around.is_public),
            Under::AboutOwn => named_in(text).map(name_of).or_else(|| is_limited(text).then(|| OTHER.into())),
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

/// What is around a value that stands under several names at once, in members that `around` is around. `is_own`:
/// whether a licence of our own is named beside it.
fn around_value(value: &Value, names: &[Said], around: &[Around], is_own: bool) -> SmallVec<[Around; 2]> {
    let mut inside = SmallVec::new();
    for (said, outer) in names.iter().flat_map(|said| around.iter().map(move |outer| (said, outer))) {
        let under = match said.says {
            Name::Licence => Under::Licence,
            Name::Source => Under::Source,
            Name::Osm | Name::Nothing => outer.under,
        };
        let under = match under {
            Under::Licence if said.is_about && is_own => Under::AboutOwn,
            Under::Licence if said.is_about && value.as_str().is_some_and(is_version) => Under::Nothing,
            under => under,
        };
        let one = Around { under, is_public: outer.is_public && said.is_public };
        if !inside.contains(&one) {
            inside.push(one);
        }
    }
    inside
}

/// The licence that a text names when it is none of our own. What only a private member says is not repeated, unless
/// everybody knows the words.
fn foreign_said(text: &str, is_public: bool) -> Option<String> {
    let name = foreign(text)?;
    Some(if is_public || name == OSM || name.starts_with("CC-") { name } else { OTHER.into() })
}

/// Catalogues give their licences numbers, and these what meaning they like. What is said about one is none of them.
fn is_number(value: &Value) -> bool {
    value.is_number() || value.as_array().is_some_and(|items| items.iter().any(Value::is_number))
}

/// `"@id": "node/1"`, as exports of OpenStreetMap have it.
fn is_element(value: &Value) -> bool {
    let Some((kind, number)) = value.as_str().and_then(|text| text.split_once('/')) else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    ["node", "way", "relation"].contains(&kind) && is_number
}

/// What a licence is called that is named in a text about something else.
fn name_of(named: Named) -> String {
    match named {
        Named::Osm => OSM.into(),
        Named::CreativeCommons(name) => name,
        Named::Other => OTHER.into(),
    }
}
