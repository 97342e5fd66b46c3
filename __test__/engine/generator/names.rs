//! Names for tables, columns and the rest: ordinary ones, and all that SQLite takes between quotes.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;

use super::coverage::Coverage;

/// What [`spell`] and [`invent`] must have made over a whole run.
pub const CASES: &[&str] = &[
    "name: bare", "name: \"..\"", "name: [..]", "name: `..`", "name: '..'", "name: keyword", "name: quote",
    "name: semicolon", "name: comment marker", "name: dollar", "name: dollar, bare", "name: space",
    "name: line break", "name: not ASCII", "name: empty", "name: [a;b]", "name: like a scratch table",
];

const KEYWORDS: &[&str] = &[
    "select", "FROM", "order", "table", "index", "group", "end", "BEGIN", "Case", "commit", "transaction",
    "default",
];
const ODD: &[&str] = &[
    "it's", "say \"x\"", "back`tick", "half\"", "a]b", "''", "a;b", ";", "x; DROP TABLE y; --", "-- note",
    "a--b", "/*", "a /* b", "*/", "$x$", "a$", "$", "two words", " lead", "trail ", "line\nbreak",
    "carriage\rreturn", "tab\t", "köln", "ıſ", "😀", "日本", "BEGIN TRANSACTION;", "x BEGIN y", "a CASE b",
    "x END;", "COMMIT;", "1st", "a.b", "%", "?", "@v", ":p", "#", "\\", "\u{feff}bom", "\u{a0}", "NULL",
    "rank", "()",
];
const SCRATCH: &[&str] = &[
    "scratch", "_scratch", "cab_scratch", "_cab_scratch", "__scratch", "backup_scratch", "_backup_scratch",
    "pieces", "_pieces", "_backup_pieces", "long_value", "long_values", "_long_values",
    "cultural_archiver_scratch", "_cultural_archiver_scratch", "_backup_sequence", "_sequence",
];
const BARE: &[&str] = &["artwork", "tags", "Photos", "user_id", "a1", "_x", "x$y", "a$b$c", "größe", "t"];

/// A name that `taken` (compared like SQLite does) does not hold yet; it is added.
pub fn invent(rng: &mut Pcg64, coverage: &mut Coverage, taken: &mut Vec<String>) -> String {
    let pool = match rng.random_range(0..10) {
        0..=3 => BARE,
        4 => KEYWORDS,
        5 => SCRATCH,
        _ => ODD,
    };
    let mut name =
        if rng.random_ratio(1, 40) { String::new() } else { (*pool.choose(rng).unwrap()).to_owned() };
    while taken.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
        name.push_str(&rng.random_range(0..1000).to_string());
    }
    taken.push(name.clone());
    for (found, case) in [
        (KEYWORDS.contains(&name.as_str()), "name: keyword"),
        (name.contains(['\'', '"', '`']), "name: quote"),
        (name.contains(';'), "name: semicolon"),
        (name.contains("--") || name.contains("/*"), "name: comment marker"),
        (name.contains('$'), "name: dollar"),
        (name.contains(' '), "name: space"),
        (name.contains('\n'), "name: line break"),
        (!name.is_ascii(), "name: not ASCII"),
        (name.is_empty(), "name: empty"),
        (SCRATCH.contains(&name.as_str()), "name: like a scratch table"),
    ] {
        if found {
            coverage.hit(case);
        }
    }
    name
}

/// The name in any of the spellings that SQLite takes for it anywhere.
pub fn spell(rng: &mut Pcg64, coverage: &mut Coverage, name: &str) -> String {
    let mut styles =
        vec![("name: \"..\"", double(name)), ("name: `..`", format!("`{}`", name.replace('`', "``")))];
    if !name.contains(']') && !name.is_empty() {
        styles.push(("name: [..]", format!("[{name}]")));
    }
    if is_bare(name) {
        styles.push(("name: bare", name.to_owned()));
    }
    let (case, spelled) = styles.choose(rng).unwrap().clone();
    coverage.hit(case);
    if case == "name: [..]" && name.contains(';') {
        coverage.hit("name: [a;b]");
    }
    if case == "name: bare" && name.contains('$') {
        coverage.hit("name: dollar, bare");
    }
    spelled
}

/// The same, where a name is being given: there SQLite takes string literals too.
pub fn spell_new(rng: &mut Pcg64, coverage: &mut Coverage, name: &str) -> String {
    if rng.random_ratio(1, 8) {
        coverage.hit("name: '..'");
        return format!("'{}'", name.replace('\'', "''"));
    }
    spell(rng, coverage, name)
}

/// The name in double quotes.
pub fn double(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn is_bare(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    !KEYWORDS.contains(&name)
        && !["NULL", "", "\u{feff}bom"].contains(&name)
        && name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '$')
}
