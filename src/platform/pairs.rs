//! Tags that two members spell: `{"key": "material", "value": "bronze"}` is one called `material`.

use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::fields::names::normal;

/// What members are called that hold the name, the likeliest first.
const NAMES: [&str; 15] = [
    "label", "key", "k", "name", "tag", "trait", "trait_type", "field", "field_name", "property", "prop",
    "attribute", "attr", "param", "question",
];
/// What those are called that hold the value, the likeliest first.
const VALUES: [&str; 5] = ["value", "v", "val", "values", "answer"];
/// Names of members that say what kind of value stands beside them; just as often they are tags themselves.
const KINDS: [&str; 2] = ["type", "kind"];
/// Such a name that is as often a work's: only the likeliest values are taken for its own.
const TITLE: &str = "title";
/// What else a value is called whose kind stands beside it.
const OF_KINDS: [&str; 3] = ["number", "no", "handle"];
/// What may stand beside the two and is no tag itself.
const BESIDE: [&str; 6] = ["id", "type", "display_type", "unit", "units", "lang"];

/// A tag that members spell.
#[derive(Debug)]
pub struct Pair<'p> {
    /// What may be its name, at least one, the likeliest first.
    pub names: SmallVec<[&'p str; 1]>,
    /// What may be its value, at least one, the likeliest first.
    pub values: SmallVec<[&'p Value; 1]>,
    /// Whether the members say nothing else.
    pub is_whole: bool,
}

/// The tag that members spell, if they do. Their names are compared in their normal form.
pub fn pair(members: &Map<String, Value>) -> Option<Pair<'_>> {
    let mut names = SmallVec::<[_; 1]>::new();
    let mut values = SmallVec::<[_; 1]>::new();
    let mut is_whole = true;
    for (name, value) in members {
        let form = normal(name);
        let rank = |known: &[&str]| known.iter().position(|known| *known == form);
        match (rank(&VALUES), rank(&NAMES), value) {
            (Some(rank), ..) => values.push((rank, value)),
            (None, Some(rank), Value::String(name)) => names.push((rank, name.as_str())),
            _ => is_whole &= BESIDE.contains(&&*form),
        }
    }
    names.sort_by_key(|(rank, _)| *rank);
    values.sort_by_key(|(rank, _)| *rank);
    (!names.is_empty() && !values.is_empty()).then(|| Pair {
        names: names.into_iter().map(|(_, name)| name).collect(),
        values: values.into_iter().map(|(_, value)| value).collect(),
        is_whole,
    })
}

/// What members say of the kind of a value beside them: `{"type": "phone", "number": "604 555 0199"}`. None without one.
pub fn kinds(members: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let has_value = members.keys().any(|name| is_value(name));
    let has_any = has_value || members.keys().any(|name| is_of_kind(name));
    let is_kind = move |name: &str| {
        let name = normal(name);
        has_any && KINDS.contains(&&*name) || has_value && name == TITLE
    };
    members.iter().filter(move |(name, _)| is_kind(name)).filter_map(|(_, value)| value.as_str())
}

/// Whether a member of that name holds the value that a kind beside it tells of.
pub fn is_of_kind(name: &str) -> bool {
    is_value(name) || OF_KINDS.contains(&&*normal(name))
}

/// Whether a member of that name holds the value of a pair.
pub fn is_value(name: &str) -> bool {
    VALUES.contains(&&*normal(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Names, values, and whether that is all.
    fn spelt(members: &str) -> Option<(String, String, bool)> {
        let members = serde_json::from_str(members).unwrap();
        let pair = pair(&members)?;
        let values: Vec<_> = pair.values.iter().map(|value| value.to_string()).collect();
        Some((pair.names.join(" "), values.join(" "), pair.is_whole))
    }

    #[test]
    fn a_tag_may_be_spelt_by_two_members() {
        for (members, names, values, is_whole) in [
            (r#"{"key":"a","value":1}"#, "a", "1", true),
            (r#"{"V":1,"K":"a"}"#, "a", "1", true),
            (r#"{"traitType":"a","Value":1,"display_type":"number"}"#, "a", "1", true),
            (r#"{"field":"b","value":1,"label":"a","values":[2]}"#, "a b", "1 [2]", true),
            (r#"{"name":"Heron","value":1,"material":"bronze"}"#, "Heron", "1", false),
        ] {
            assert_eq!(spelt(members), Some((names.into(), values.into(), is_whole)), "{members}");
        }
        for members in [r#"{"name":"a"}"#, r#"{"value":1}"#, r#"{"name":1,"value":1}"#, "{}"] {
            assert_eq!(spelt(members), None, "{members}");
        }
    }
}
