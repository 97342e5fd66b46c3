//! Whose a row is to give away.
//!
//! What people submit is CC0 by the platform's terms. Imported rows may be under another licence: they say so in a
//! tag, or come from OpenStreetMap, whose data is under the ODbL whatever a tag says.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde_json::{Map, Value};

use super::content::Cell;
use super::fields::blacklist::{normal, rule_for};
use super::{json, tag_values};

/// The licence of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Licence {
    /// CC0, PDDL or public domain: the platform may publish it as CC0.
    Own,
    /// Another one: an SPDX identifier where it is known, else as the row says it.
    Foreign(String),
}

/// The licence of OpenStreetMap's data.
const OSM: &str = "ODbL-1.0";
/// What stands for one that is not to be repeated, or that nobody can read.
pub const OTHER: &str = "other";
/// JSON text within JSON text is followed this deep.
const DEPTH: u32 = 8;
/// Words in the names of members that say where a row came from.
const SOURCES: [&str; 10] = [
    "source",
    "sources",
    "attribution",
    "plugin",
    "importer",
    "copyright",
    "rights",
    "credit",
    "credits",
    "provider",
];
/// What may follow the word in the name of a member that says the licence.
const OF_LICENCE: [&str; 10] = ["url", "uri", "link", "name", "title", "id", "code", "type", "text", "spdx"];

/// Reads the licence of a row from its tags, as JSON stands in the row, and from a column of that name.
pub fn licence(tags: &Value, column: Option<&str>) -> Licence {
    let mut found = column.and_then(foreign);
    let top = Member { under: Under::Nothing, is_public: true, depth: DEPTH };
    look(tags, top, &mut found);
    found.map_or(Licence::Own, Licence::Foreign)
}

/// Reads the licence of a row from its column of tags, whatever is in it, and from a column of that name.
pub fn licence_of_cell(tags: &Cell, column: Option<&str>) -> Licence {
    match tags {
        Cell::Text(text) if may_be_foreign(text) => match json::parse(text) {
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
/// speaks of OpenStreetMap or its licence, the row is taken to be theirs, if of a licence, to be somebody's.
fn licence_of_unreadable(tags: &str, column: Option<&str>) -> Licence {
    let own_or_column = licence(&Value::Null, column);
    let words = tags.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let is_theirs = |word: String| word.starts_with("osm") || word == "odbl";
    if words.into_iter().any(is_theirs) || is_osm(tags) {
        return Licence::Foreign(OSM.into());
    }
    match own_or_column {
        Licence::Own if tags.to_lowercase().contains("licen") => Licence::Foreign(OTHER.into()),
        other => other,
    }
}

/// A quick look at the text of `tags`: false when nothing in it can make the licence another.
pub fn may_be_foreign(tags: &str) -> bool {
    static HINTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        // Escapes are looked through by whoever reads the tags.
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build([
                "licen",
                "osm",
                "odbl",
                "streetmap",
                "street map",
                "street-map",
                "street_map",
                r"\u",
                "@id",
            ])
            .ok()
    });
    HINTS.as_ref().is_none_or(|hints| hints.is_match(tags))
}

/// What the names of the members around a value say of it.
#[derive(Clone, Copy)]
enum Under {
    Nothing,
    Licence,
    Source,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Member {
    under: Under,
    /// Whether none of the names around it is kept in.
    is_public: bool,
    depth: u32,
}

fn look(value: &Value, member: Member, found: &mut Option<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name_says = name_says(name);
                let is_there = !matches!(value, Value::Null | Value::Bool(false));
                if *value == Value::Bool(true) {
                    look_at_label(name, found);
                }
                if (matches!(name_says, Name::Osm) && is_there) || is_element(name, value) {
                    *found = Some(OSM.into());
                }
                let under = match name_says {
                    Name::Licence => Under::Licence,
                    Name::Source => Under::Source,
                    Name::Osm | Name::Nothing => member.under,
                };
                let is_public = member.is_public && rule_for(name).is_none();
                look(value, Member { under, is_public, ..member }, found);
            }
            if let Some((name, value)) = tag_values::pair(members) {
                let pair = Map::from_iter([(name.to_owned(), value.clone())]);
                look(&Value::Object(pair), member, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                if let (Under::Nothing, Value::String(label)) = (member.under, item) {
                    look_at_label(label, found);
                }
                look(item, member, found);
            }
        }
        Value::String(text) => look_at_text(text, member, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn look_at_text(text: &str, member: Member, found: &mut Option<String>) {
    if let Some(depth) = member.depth.checked_sub(1)
        && let Some(inner) = json::within(text)
    {
        return look(&inner, Member { depth, ..member }, found);
    }
    match member.under {
        Under::Licence if found.as_deref() != Some(OSM) => {
            let named = foreign(text).map(|name| {
                // What only a private member says is not repeated, unless everybody knows the words.
                if member.is_public || name == OSM || name.starts_with("CC-") { name } else { OTHER.into() }
            });
            *found = named.or(found.take());
        }
        Under::Source if is_osm(text) => *found = Some(OSM.into()),
        Under::Licence | Under::Source | Under::Nothing => {}
    }
}

/// A label without a value may be all that there is: `license:ODbL`, or `ODbL` beside `License`.
fn look_at_label(label: &str, found: &mut Option<String>) {
    let said = label.to_lowercase();
    let (name, licence) = label.split_once([':', '=']).unwrap_or((label, ""));
    if said.starts_with("odbl") || said.split(['_', ':', '=']).next() == Some("osm") {
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

enum Name {
    Licence,
    Source,
    Osm,
    Nothing,
}

fn name_says(name: &str) -> Name {
    let name = normal(name);
    let words: Vec<&str> = name.split(['_', ':']).filter(|word| !word.is_empty()).collect();
    let is_licence =
        |word: &str| matches!(word, "license" | "licence" | "licenses" | "licences" | "licensing");
    match words.as_slice() {
        // `license:data`, but not a plate.
        [first, ..] if is_licence(first) && name.contains(':') => Name::Licence,
        [.., last] if is_licence(last) => Name::Licence,
        [.., word, last] if is_licence(word) && OF_LICENCE.contains(last) => Name::Licence,
        [first, ..] if first.starts_with("osm") => Name::Osm,
        words if words.iter().any(|word| SOURCES.contains(word)) => Name::Source,
        _ => Name::Nothing,
    }
}

/// The licence that a text names, when it is none of our own.
fn foreign(text: &str) -> Option<String> {
    let text = text.trim();
    let plain: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let own = plain.is_empty()
        || ["cc0", "creativecommonszero", "creativecommonscc0", "pddl", "publicdomain", "zero"]
            .iter()
            .any(|own| plain.starts_with(own))
        || [
            "publicdomainzero",
            "publicdomainmark",
            "opendatacommonspddl",
            "licensespddl",
            "licencespddl",
            "licensescc0",
        ]
        .iter()
        .any(|own| plain.contains(own))
        || matches!(plain.as_str(), "pd" | "null" | "none");
    if own {
        return None;
    }
    if plain.contains("odbl") || plain.contains("opendatabaselicen") || is_osm(text) {
        return Some(OSM.into());
    }
    Some(creative_commons(&plain).unwrap_or_else(|| text.to_owned()))
}

/// `CC BY-SA 4.0`, `https://creativecommons.org/licenses/by-sa/4.0/`…
fn creative_commons(plain: &str) -> Option<String> {
    let rest = ["creativecommonsorglicenses", "creativecommons", "cc"].iter().find_map(|start| {
        plain
            .find(start)
            .filter(|at| *at == 0 || start.len() > 2)
            .and_then(|at| plain.get(at + start.len()..))
    })?;
    let kinds = ["byncnd", "byncsa", "bync", "bynd", "bysa", "by"];
    let kind = kinds.iter().find(|kind| rest.starts_with(**kind))?;
    let digits: String = rest.get(kind.len()..)?.chars().take_while(char::is_ascii_digit).collect();
    let [major, minor] = digits.as_bytes() else { return None };
    let parts: Vec<String> =
        kind.as_bytes().chunks(2).map(|part| String::from_utf8_lossy(part).to_uppercase()).collect();
    Some(format!("CC-{}-{}.{}", parts.join("-"), char::from(*major), char::from(*minor)))
}

fn is_osm(text: &str) -> bool {
    let text = text.to_lowercase();
    let plain: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    plain.contains("openstreetmap") || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "osm")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(tags: &str) -> String {
        let parsed: Value = serde_json::from_str(tags).unwrap();
        let licence = licence(&parsed, None);
        if licence != Licence::Own {
            assert!(may_be_foreign(tags), "{tags} was looked over");
        }
        match licence {
            Licence::Own => "own".into(),
            Licence::Foreign(name) => name,
        }
    }

    #[test]
    fn own_licences_are_own_however_they_are_written() {
        for value in [
            "CC0",
            "cc0-1.0",
            "CC0 1.0 Universal",
            "PDDL",
            "PDDL-1.0",
            "Public Domain",
            "public_domain",
            "",
            "CC-0",
            "https://creativecommons.org/publicdomain/zero/1.0/",
            "Creative Commons Zero",
            "http://opendatacommons.org/licenses/pddl/1.0/",
        ] {
            assert_eq!(of(&format!(r#"{{"license":"{value}"}}"#)), "own", "{value}");
        }
        for tags in [
            r#"{"material":"bronze","source":"City of Vancouver","cosmos":"x"}"#,
            r#"{"license_plate":"BC 123","rights":"held by the city"}"#,
            r#"{"license":{"name":"CC0 1.0","url":"https://creativecommons.org/publicdomain/zero/1.0/"}}"#,
        ] {
            assert_eq!(of(tags), "own", "{tags}");
        }
    }

    #[test]
    fn labels_in_a_list_say_it_too() {
        for tags in [
            r#"[{"label":"license","value":"ODbL"}]"#,
            r#"[{"license":"ODbL"}]"#,
            r#"[{"label":"license","value":"ODbL"},{"label":"x"}]"#,
            r#"[{"key":"license","value":"ODbL"}]"#,
            r#"{"k":"License","v":"ODbL","more":[1]}"#,
            r#"["mural","license:ODbL"]"#,
            r#"["License","ODbL"]"#,
            r#"{"license:ODbL":true}"#,
            r#"["osm:node"]"#,
            r#""{\"@id\":\"node/5\",\"name\":\"x\"}""#,
            r#"{"tags":"{\"@id\":\"node/5\"}"}"#,
        ] {
            let cell = Cell::Text(tags.into());
            assert_eq!(licence_of_cell(&cell, None), Licence::Foreign(OSM.into()), "{tags}");
        }
        for tags in [r#"["license plates","cosmic"]"#, r#"{"license:CC0":true}"#, r#"["cosmos","key"]"#] {
            assert_eq!(licence_of_cell(&Cell::Text(tags.into()), None), Licence::Own, "{tags}");
        }
        assert_eq!(licence_of_cell(&Cell::Null, Some("CC0")), Licence::Own);
    }

    #[test]
    fn what_cannot_be_read_and_speaks_of_openstreetmap_is_theirs() {
        let osm = Licence::Foreign(OSM.into());
        for tags in
            ["{\"osm_id\": 1", "licence = ODbL", "from https://www.OpenStreetMap.org/node/1", "{osm:id=2}"]
        {
            assert!(may_be_foreign(tags), "{tags}");
            assert_eq!(licence_of_unreadable(tags, None), osm, "{tags}");
        }
        assert_eq!(licence_of_unreadable("cosmic, bronze", None), Licence::Own);
        let somebodys = licence_of_unreadable(r#"{"license":"CC BY-NC 4.0","height":1e400}"#, None);
        assert_eq!(somebodys, Licence::Foreign(OTHER.into()));
        assert_eq!(licence_of_unreadable("bronze", Some("ODbL")), osm);
    }

    #[test]
    fn foreign_licences_are_told_by_any_of_their_tags() {
        for (tags, name) in [
            (r#"{"License":"ODbL"}"#, "ODbL-1.0"),
            (r#"{"license":"Open Database License (ODbL) v1.0"}"#, "ODbL-1.0"),
            (r#"{"license:data":"CC BY-SA 4.0"}"#, "CC-BY-SA-4.0"),
            (r#"{"licence":"https://creativecommons.org/licenses/by-nc-nd/3.0/"}"#, "CC-BY-NC-ND-3.0"),
            (r#"{"LICENSE":["CC0","CC-BY-4.0"]}"#, "CC-BY-4.0"),
            (r#"{"license":"Open Government Licence - Vancouver"}"#, "Open Government Licence - Vancouver"),
            (r#"{"import_metadata":{"license":"CC BY 2.0"}}"#, "CC-BY-2.0"),
            (r#"{"source":"OpenStreetMap"}"#, "ODbL-1.0"),
            (r#"{"Import Source":"OSM"}"#, "ODbL-1.0"),
            (r#"{"plugin_name":"osm-importer","license":"CC0"}"#, "ODbL-1.0"),
            (r#"{"source_url":"https://www.openstreetmap.org/node/1"}"#, "ODbL-1.0"),
            (r#"{"osm_id":12345}"#, "ODbL-1.0"),
            (r#"{"osm:type":"node","license":"CC BY 4.0"}"#, "ODbL-1.0"),
            (r#"{"license":"All rights reserved"}"#, "All rights reserved"),
            (r#"{"license":{"name":"ODbL"}}"#, "ODbL-1.0"),
            (r#"{"license:data":{"id":"ODbL"}}"#, "ODbL-1.0"),
            (r#"{"license":["CC0",{"name":"CC BY 4.0"}]}"#, "CC-BY-4.0"),
            (r#"{"import_metadata":{"source":{"name":"Open Street Map"}}}"#, "ODbL-1.0"),
            (r#"{"tags":{"license":"CC0"},"license":"ODbL","version":"1.0.0"}"#, "ODbL-1.0"),
            (r#"{"importSource":"osm"}"#, "ODbL-1.0"),
            (r#"{"@id":"node/12","data_provider":"OpenStreetMap"}"#, "ODbL-1.0"),
            (r#"{"@id":"way/12"}"#, "ODbL-1.0"),
            (r#"{"sourceUrl":"https://openstreetmap.org/node/1"}"#, "ODbL-1.0"),
            (r#"{"pluginName":"osm-importer"}"#, "ODbL-1.0"),
            (r#"{"dataLicense":"CC BY 4.0"}"#, "CC-BY-4.0"),
            (r#"{"license_url":"https://creativecommons.org/licenses/by/4.0/"}"#, "CC-BY-4.0"),
            (r#"{"source:license":"ODbL"}"#, "ODbL-1.0"),
            (r#"{"licenses":["CC BY 4.0"]}"#, "CC-BY-4.0"),
            (r#"{"copyright":"© OpenStreetMap contributors"}"#, "ODbL-1.0"),
            (r#"{"attribution":"Open-Street-Map"}"#, "ODbL-1.0"),
            (r#"{"note":"{\"license\":\"ODbL\"}"}"#, "ODbL-1.0"),
            // Whoever is named in a member that never leaves is not named here.
            (r#"{"user_license":"Ask Jane Doe"}"#, "other"),
            (r#"{"import_metadata":{"source_data":{"license":"Ask Jane Doe"}}}"#, "other"),
            (r#"{"_internal":{"license":"CC BY 4.0"}}"#, "CC-BY-4.0"),
        ] {
            assert_eq!(of(tags), name, "{tags}");
        }
        assert_eq!(licence(&Value::Null, Some("CC BY 4.0")), Licence::Foreign("CC-BY-4.0".into()));
    }
}
