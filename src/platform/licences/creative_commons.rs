//! The licences of Creative Commons, in the spellings of pages, catalogues and imports.

/// Words that may stand between the name and what the licence asks for. No name begins with one of them: however many
/// there are, they are read once.
const BETWEEN: [&str; 6] = ["org", "license", "licence", "licenses", "licences", "public"];
/// What a licence asks for, as it is written in one word or short, and as SPDX writes it.
const PARTS: [(&str, &str); 10] = [
    ("attribution", "-BY"),
    ("by", "-BY"),
    ("noncommercial", "-NC"),
    ("nc", "-NC"),
    ("noderivatives", "-ND"),
    ("noderivativeworks", "-ND"),
    ("noderivs", "-ND"),
    ("nd", "-ND"),
    ("sharealike", "-SA"),
    ("sa", "-SA"),
];
/// Letters of those that are never spelled in several words: `CC BY S. A. Smith`.
const SHORT: usize = 2;
/// The versions there are.
const VERSIONS: [&str; 6] = ["10", "20", "21", "25", "30", "40"];
/// The last version that was adapted to the law of countries.
const LAST_PORTED: &str = "30";

/// `CC BY-SA 4.0`, `https://creativecommons.org/licenses/by-sa/4.0/`, `Creative Commons Attribution-ShareAlike 4.0`,
/// from its first word on, as SPDX writes it. Words are of small letters. What does not belong to the name ends it:
/// `CC BY San Francisco Arts Commission` is no share-alike licence, and `CC BY 2019` has no version.
pub(super) fn named_first(words: &[&str]) -> Option<String> {
    let mut rest = match words {
        ["cc" | "creativecommons", rest @ ..] | ["creative", "commons", rest @ ..] => rest,
        [first, ..] if first.starts_with("ccby") => words,
        _ => return None,
    };
    while let [first, behind @ ..] = rest
        && BETWEEN.contains(first)
    {
        rest = behind;
    }
    let mut name = String::from("CC");
    let mut version = None;
    while version.is_none()
        && let Some((taken, spelled, digits)) = parts(rest)
        && spelled.iter().all(|part| !name.contains(part))
    {
        spelled.iter().for_each(|part| name.push_str(part));
        rest = rest.get(taken..)?;
        version = VERSIONS.into_iter().find(|known| *known == digits);
    }
    if !name.starts_with("CC-BY") {
        return None;
    }
    if version.is_none()
        && let [major, minor, behind @ ..] = rest
        && let Some(known) = VERSIONS.into_iter().find(|known| known.split_at(1) == (*major, *minor))
    {
        (version, rest) = (Some(known), behind);
    }
    if let Some((major, minor)) = version.map(|version| version.split_at(1)) {
        name = format!("{name}-{major}.{minor}");
    }
    if version.is_some_and(|version| version <= LAST_PORTED)
        && let [country] | [country, "deed" | "legalcode", ..] = rest
        && (*country == "igo" || (country.len() == 2 && country.is_ascii()))
    {
        name = format!("{name}-{}", country.to_ascii_uppercase());
    }
    Some(name)
}

/// The parts that `words` begin with: all that one word is made up of, or one in several words. How many words those are,
/// and the digits behind them (`ccbysa40`).
fn parts<'w>(words: &[&'w str]) -> Option<(usize, Vec<&'static str>, &'w str)> {
    let first = *words.first()?;
    let letters = first.trim_end_matches(|c: char| c.is_ascii_digit());
    if let Some(spelled) = all_parts(letters.strip_prefix("cc").unwrap_or(letters)) {
        return Some((1, spelled, first.get(letters.len()..)?));
    }
    (2..=3).find_map(|count| {
        let joined = words.get(..count)?.concat();
        let (_, part) = PARTS.iter().find(|(is, _)| is.len() > SHORT && *is == joined)?;
        Some((count, vec![*part], ""))
    })
}

/// The parts of a word that has nothing else in it, each once. None of them begins as another does.
fn all_parts(word: &str) -> Option<Vec<&'static str>> {
    let (mut rest, mut spelled) = (word, Vec::new());
    while !rest.is_empty() {
        let (after, part) = PARTS.iter().find_map(|(is, part)| Some((rest.strip_prefix(is)?, *part)))?;
        if spelled.contains(&part) {
            return None;
        }
        rest = after;
        spelled.push(part);
    }
    (!spelled.is_empty()).then_some(spelled)
}
