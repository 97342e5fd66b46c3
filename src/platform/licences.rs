//! Whose a row is to give away.
//!
//! What people submit is CC0 by the platform's terms. Imported rows may be under another licence: they say so in a
//! tag, or come from OpenStreetMap, whose data is under the ODbL whatever a tag says.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde_json::{Map, Value};

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
/// Names of members that say where a row came from.
const SOURCES: [&str; 8] = [
    "source",
    "source url",
    "import source",
    "plugin name",
    "import plugin",
    "attribution",
    "data source",
    "website source",
];

/// Reads the licence of a row from its tags, as they stand in the row, and from a column of that name.
pub fn licence(tags: &Map<String, Value>, column: Option<&str>) -> Licence {
    let mut found = column.and_then(foreign);
    look(tags, &mut found);
    found.map_or(Licence::Own, Licence::Foreign)
}

/// Reads the licence of a row whose tags are text that is no JSON. Nobody can say what belongs to what in it: if it
/// speaks of OpenStreetMap or its licence, the row is taken to be theirs.
pub fn licence_of_unreadable(tags: &str, column: Option<&str>) -> Licence {
    let own_or_column = licence(&Map::new(), column);
    let words = tags.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let is_osm = |word: String| word.starts_with("osm") || word == "odbl" || word == "openstreetmap";
    if words.into_iter().any(is_osm) || tags.to_lowercase().contains("openstreetmap") {
        return Licence::Foreign(OSM.into());
    }
    own_or_column
}

/// A quick look at the text of `tags`: false when nothing in it can make the licence another.
pub fn may_be_foreign(tags: &str) -> bool {
    static HINTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        // Escapes are looked through by whoever reads the tags.
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(["licen", "osm", "odbl", "openstreetmap", r"\u"])
            .ok()
    });
    HINTS.as_ref().is_none_or(|hints| hints.is_match(tags))
}

fn look(members: &Map<String, Value>, found: &mut Option<String>) {
    for (name, value) in members {
        let name = name.trim().to_lowercase().replace(['_', '-'], " ");
        let says_licence = ["license", "licence"].iter().any(|word| {
            name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                || name.ends_with(&format!(" {word}"))
        });
        if says_licence {
            each_text(value, &mut |text| {
                if found.as_deref() != Some(OSM) {
                    *found = foreign(text).or(found.take());
                }
            });
        } else if SOURCES.contains(&name.as_str()) {
            each_text(value, &mut |text| {
                if is_osm(text) {
                    *found = Some(OSM.into());
                }
            });
        } else if name.starts_with("osm") && !matches!(value, Value::Null | Value::Bool(false)) {
            *found = Some(OSM.into());
        }
        each_object(value, &mut |inner| look(inner, found));
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
    let text = text.trim().to_lowercase();
    text.contains("openstreetmap") || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "osm")
}

fn each_text(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        _ => {}
    }
}

fn each_object(value: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => visit(members),
        Value::Array(items) => items.iter().for_each(|item| each_object(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(tags: &str) -> String {
        let parsed: Value = serde_json::from_str(tags).unwrap();
        let licence = licence(parsed.as_object().unwrap(), None);
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
        assert_eq!(of(r#"{"material":"bronze","source":"City of Vancouver","cosmos":"x"}"#), "own");
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
        ] {
            assert_eq!(of(tags), name, "{tags}");
        }
        assert_eq!(licence(&Map::new(), Some("CC BY 4.0")), Licence::Foreign("CC-BY-4.0".into()));
    }
}
