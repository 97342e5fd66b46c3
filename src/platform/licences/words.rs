//! What names and texts say of licences.

use super::creative_commons;
use crate::platform::fields::names::normal;

/// The licence of OpenStreetMap's data.
pub const OSM: &str = "ODbL-1.0";
/// Words in the names of members that say where a row came from, and on what terms.
const SOURCES: [&str; 16] = [
    "source", "sources", "origin", "provenance", "dataset", "import", "imported", "attribution", "plugin",
    "importer", "copyright", "rights", "credit", "credits", "provider", "terms",
];
/// The word itself in its normal form, in the languages of imports.
const LICENCE: [&str; 10] = [
    "license", "licence", "licenses", "licences", "licensing", "lizenz", "licencia", "licenza", "licenca",
    "licentie",
];
/// What may follow the word in the name of a member that says the licence.
const OF_LICENCE: [&str; 17] = [
    "url", "uri", "link", "name", "title", "id", "code", "type", "text", "spdx", "statement", "terms",
    "conditions", "notice", "info", "version", "description",
];
/// How the names of members end that say something about a licence which another names, as catalogues have them.
const ABOUT_LICENCE: [&str; 8] =
    ["version", "status", "description", "maintainer", "family", "conformance", "date", "updated"];
/// Texts that say, and say no more, that a row is our own to give away: the public domain in the languages of imports.
const OWN_AS_SUCH: [&str; 20] = [
    "", "norightsreserved", "zero", "zero10", "pd", "pdus", "uspd", "otherpd", "pdm", "pdm10", "ccpddc",
    "null", "none", "gemeinfrei", "domainepublic", "dominiopúblico", "dominiopublico", "domíniopúblico",
    "pubblicodominio", "publiekdomein",
];
/// How texts begin that say that a row is our own to give away.
const OWN: [&str; 11] = [
    "cc0", "licencecc0", "licensecc0", "cczero", "ccpdm", "creativecommonszero", "creativecommonscczero",
    "creativecommonscc0", "pddl", "odcpddl", "publicdomain",
];
/// What stands in others that say so.
const OWN_WITHIN: [&str; 10] = [
    "publicdomainzero", "publicdomainmark", "publicdomaindedication", "opendatacommonspddl", "licensespddl",
    "licencespddl", "licensescc0", "authoritylicencecc0", "licensescczero", "licensesodcpddl",
];

/// What the name of a member says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// It is a licence.
    Licence,
    /// It may name one, or whose data the row is.
    Source,
    /// It is of OpenStreetMap.
    Osm,
    /// Nothing.
    Nothing,
}

/// What the name of a member says of its value, as it is written in tags.
pub fn name_says(name: &str) -> Name {
    let name = normal(name);
    let words: Vec<&str> = name.split(['_', ':']).filter(|word| !word.is_empty()).collect();
    let is_licence = |word: &str| LICENCE.contains(&word);
    match words.as_slice() {
        // `license:data`, but not a plate.
        [first, ..] if is_licence(first) && name.contains(':') => Name::Licence,
        [.., last] if is_licence(last) => Name::Licence,
        [.., word, last] if is_licence(word) && OF_LICENCE.contains(last) => Name::Licence,
        [.., "licensed" | "licenced", "under" | "as"] => Name::Licence,
        [first, ..] if is_osm_word(first) => Name::Osm,
        words if words.iter().any(|word| SOURCES.contains(word)) => Name::Source,
        _ => Name::Nothing,
    }
}

/// Whether a member of that name, where it is about a licence, says which one it is.
pub fn names_licence(name: &str) -> bool {
    let name = normal(name);
    !name.rsplit(['_', ':']).next().is_some_and(|last| ABOUT_LICENCE.contains(&last))
}

/// Whether a text is the number of a version.
pub fn is_version(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['v', 'V']);
    text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A licence that is none of our own, wherever in a text its name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The ODbL.
    Osm,
    /// One of Creative Commons, as SPDX writes it, its version where the text says it.
    CreativeCommons(String),
    /// Another, or none at all: all rights are reserved.
    Other,
}

/// The licence that is none of our own and that a text names, if it does.
pub fn named_in(text: &str) -> Option<Named> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    let plain = words.concat();
    if plain.contains("odbl") || plain.contains("opendatabaselicen") || is_osm(text) {
        return Some(Named::Osm);
    }
    if let Some(name) = (0..words.len()).find_map(|at| creative_commons::named_first(words.get(at..)?)) {
        return Some(Named::CreativeCommons(name));
    }
    // "No rights reserved" is what CC0 says of itself.
    let is_reserved = |three: &[&str]| matches!(three, [first, "rights", "reserved"] if *first != "no");
    let is_other = words.starts_with(&["rights", "reserved"])
        || words.windows(3).any(is_reserved)
        || words.windows(2).any(|two| matches!(two, ["odc", "by"] | ["government", "licence" | "license"]))
        || words.contains(&"gfdl");
    is_other.then_some(Named::Other)
}

/// The licence in a text that is meant to name one, unless it is one of ours.
pub fn foreign(text: &str) -> Option<String> {
    let text = text.trim();
    match named_in(text) {
        Some(Named::Osm) => Some(OSM.into()),
        Some(Named::CreativeCommons(name)) => Some(name),
        Some(Named::Other) => Some(text.to_owned()),
        None => (!is_own(text)).then(|| text.to_owned()),
    }
}

/// Whether a text says that the row is our own to give away, where [`foreign`] only says that nothing is against it.
pub fn grants(text: &str) -> bool {
    let says_something = !matches!(text.trim().to_lowercase().as_str(), "" | "null" | "none");
    says_something && foreign(text).is_none()
}

/// Whether a text keeps something back: what is said of a part, or denied.
pub fn is_limited(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains(['©', '℗'])
        || lower.contains("(c)")
        || words(&lower).any(|word| matches!(word, "incompatible" | "except" | "excluding" | "unless"))
}

/// Whether a text that names no licence of others says that the row is our own to give away.
fn is_own(text: &str) -> bool {
    let plain: String = words(&text.to_lowercase()).collect();
    OWN_AS_SUCH.contains(&plain.as_str())
        || (!is_limited(text)
            && (OWN.iter().any(|own| plain.starts_with(own))
                || OWN_WITHIN.iter().any(|own| plain.contains(own))))
}

/// Whether a word is OpenStreetMap's, as the names of its members and tools are written together. Osman and osmosis are
/// none.
pub fn is_osm_word(word: &str) -> bool {
    const OF_OSM: [&str; 22] = [
        "", "id", "ids", "uid", "type", "node", "way", "relation", "version", "changeset", "user",
        "timestamp", "key", "tag", "tags", "data", "element", "feature", "link", "url", "import", "source",
    ];
    word.strip_prefix("osm")
        .is_some_and(|rest| OF_OSM.contains(&rest) || rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text speaks of OpenStreetMap.
fn is_osm(text: &str) -> bool {
    let text = text.to_lowercase();
    words(&text).collect::<String>().contains("openstreetmap") || words(&text).any(|word| word == "osm")
}

/// The runs of letters and digits in a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
