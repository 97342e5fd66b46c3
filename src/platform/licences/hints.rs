//! A quick look at tags: nearly all of them say nothing of licences, and are not read for it.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// What makes a second look at a text worth while, and one of what must follow for it, whatever stands between.
const HINTS: [(&str, &[&str]); 12] = [
    ("licen", &[""]),
    ("lizenz", &[""]),
    ("osm", &[""]),
    ("odbl", &[""]),
    ("gfdl", &[""]),
    // Escapes are looked through by whoever reads the tags.
    (r"\u", &[""]),
    ("@id", &[""]),
    ("street", &["map"]),
    ("cc", &["by", "attribution", "public", "org"]),
    ("creative", &["commons"]),
    ("rights", &["reserved"]),
    ("odc", &["by"]),
];

/// A quick look at the text of `tags`: false when nothing in it can make the licence another.
pub fn may_be_foreign(tags: &str) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder().ascii_case_insensitive(true).build(HINTS.map(|(hint, _)| hint)).ok()
    });
    let is_followed = |hint: aho_corasick::Match| {
        let (_, words) = HINTS[hint.pattern().as_usize()];
        words.iter().any(|word| follows(tags.get(hint.end()..).unwrap_or_default(), word))
    };
    SEARCH.as_ref().is_none_or(|search| search.find_iter(tags).any(is_followed))
}

/// Whether the next word of JSON begins with `by`. What parts words may be an escape, which ends in a letter of its own
/// (`rights\nreserved`), also one of JSON within JSON.
fn follows(json: &str, by: &str) -> bool {
    let mut rest = json;
    loop {
        let word = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        if word.get(..by.len()).is_some_and(|start| start.eq_ignore_ascii_case(by)) {
            return true;
        }
        let is_escaped = rest.get(..rest.len() - word.len()).is_some_and(|between| between.ends_with('\\'));
        match word.strip_prefix(['n', 'r', 't', 'b', 'f']) {
            Some(behind) if is_escaped => rest = behind,
            _ => return false,
        }
    }
}
