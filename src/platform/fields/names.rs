//! How names are compared.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The one form in which names are compared: lower case, without accents, words joined by one `_`, without what stands
/// around it and what nobody sees. A `_` that a name begins with stays; an `@` there marks an attribute in exports, and
/// goes. Words are parted by whatever is neither letter nor number, save for an apostrophe, and a colon, which
/// [`forms`] looks at.
pub fn normal(name: &str) -> Cow<'_, str> {
    if is_normal(name) { name.into() } else { spelled(name, Capitals::BeginWords, |c| c == ':').into() }
}

/// Whether a name is in that form, as most are: words of small letters and digits, joined by one `_`.
fn is_normal(name: &str) -> bool {
    let mut before = 0;
    let is_part = |byte: u8| {
        let is_second = byte == b'_' && before == b'_';
        before = byte;
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || (byte == b'_' && !is_second)
    };
    name.bytes().all(is_part) && before != b'_'
}

/// The forms in which an operator's pattern is compared with the [`forms`] of names: `*` in it stands for any text.
pub fn patterns(name: &str) -> impl Iterator<Item = String> {
    readings(name, |c| c == '*').map(|parts| joined(&parts))
}

/// What a capital behind a small letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Capitals {
    /// The first letter of a word, as in `userToken`.
    BeginWords,
    /// A letter as any other, as in `WhatsApp`.
    SayNothing,
}

fn spelled(name: &str, capitals: Capitals, is_kept: impl Fn(char) -> bool) -> String {
    let name = seen(name);
    let name = name.trim().trim_start_matches(['@', '$']);
    let mut normal = String::with_capacity(name.len() + 4);
    if name.starts_with('_') {
        normal.push('_');
    }
    let mut before_small = false;
    let add = |c: char| {
        let is_between = !(c.is_alphanumeric() || matches!(c, '\'' | '’') || is_kept(c));
        let begins_word = c.is_uppercase() && before_small && capitals == Capitals::BeginWords;
        if (is_between || begins_word) && !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
        before_small = c.is_lowercase() || c.is_numeric();
        if !is_between {
            // Whoever writes in capitals has other letters for these two (Unicode's CaseFolding.txt).
            match c {
                'ß' | 'ẞ' => normal.push_str("ss"),
                'ς' => normal.push('σ'),
                _ => normal.extend(c.to_lowercase()),
            }
        }
    };
    // Nearly all are, and have one form only.
    if name.is_ascii() {
        name.chars().for_each(add);
    } else {
        // An accent stands behind its letter there, as a sign of its own; so do the parts of a Korean syllable, which
        // are put together again.
        name.nfkd().filter(|c| !is_combining_mark(*c)).nfc().for_each(add);
    }
    normal.truncate(normal.trim_end_matches('_').len());
    normal
}

/// A text without what nobody sees in it.
fn seen(text: &str) -> Cow<'_, str> {
    if text.contains(is_unseen) { text.chars().filter(|c| !is_unseen(*c)).collect() } else { text.into() }
}

/// Whether a character is to be ignored in display (Default_Ignorable_Code_Point): marks of direction, soft hyphens,
/// spaces without a width, fillers; or is a control character that is no space. They come with text copied from pages
/// and documents, and hide in text: U+0002 stands for the soft hyphens of a PDF.
pub fn is_unseen(c: char) -> bool {
    let is_control = c.is_control() && !c.is_whitespace();
    is_control
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether a pattern in its normal form takes a name in its normal form. Any number of `*`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.len() >= end.len() && left.ends_with(end)
}

/// The forms under which a name is looked up: whole, and each part behind a colon; where it has capitals, with these
/// read both ways.
pub fn forms(name: &str) -> impl Iterator<Item = String> {
    readings(name, |_| false).flat_map(forms_of)
}

/// What stands between the colons of a name, its capitals read as the first letters of words and, where that makes a
/// difference, as letters like any other: lists name things in any case.
fn readings(name: &str, is_kept: impl Fn(char) -> bool) -> impl Iterator<Item = Vec<String>> {
    let words = parts(name, Capitals::BeginWords, &is_kept);
    let letters = name.contains(char::is_uppercase).then(|| parts(name, Capitals::SayNothing, &is_kept));
    let letters = letters.filter(|letters| *letters != words);
    [Some(words), letters].into_iter().flatten()
}

fn forms_of(parts: Vec<String>) -> impl Iterator<Item = String> {
    let is_place = parts.first().is_some_and(|first| first == "addr");
    let whole = joined(&parts);
    // The parts of a work's place are no address book.
    let rest = parts.into_iter().skip(1).filter(move |part| !(is_place && PLACE.contains(&part.as_str())));
    std::iter::once(whole).chain(rest)
}

/// The parts of a work's place, as OpenStreetMap names them behind `addr:`.
const PLACE: [&str; 25] = [
    "full", "street", "housenumber", "housename", "conscriptionnumber", "streetnumber", "place", "unit",
    "door", "floor", "flats", "block", "neighbourhood", "suburb", "quarter", "hamlet", "city",
    "municipality", "district", "county", "region", "province", "state", "postcode", "country",
];

/// A colon, as it is and as East Asian keyboards write it.
const COLONS: [char; 2] = [':', '：'];

/// What stands between the colons of a name.
fn parts(name: &str, capitals: Capitals, is_kept: impl Fn(char) -> bool) -> Vec<String> {
    let parts = name.split(COLONS).map(|part| spelled(part, capitals, &is_kept));
    parts.filter(|part| !part.is_empty()).collect()
}

fn joined(parts: &[String]) -> String {
    parts.join("_")
}

/// Whether a character may stand between a name and what it is the name of, in a name.
pub fn is_sign(c: char) -> bool {
    c == '=' || COLONS.contains(&c)
}

/// What a label without a value is looked up as: the names in `name: value`, the whole where it is spelt as fields are
/// or holds a number to call. Other words are content: a secret garden, a mobile.
pub fn names_in_label(label: &str) -> impl Iterator<Item = &str> {
    const NUMBER: usize = 7;
    let has_hump = || {
        let mut pairs = label.chars().zip(label.chars().skip(1));
        pairs.any(|(one, next)| one.is_lowercase() && next.is_uppercase())
    };
    let is_field =
        label.contains('_') || has_hump() || label.bytes().filter(u8::is_ascii_digit).count() >= NUMBER;
    let heads = label.split(is_sign).count() - 1;
    label.split(is_sign).take(heads).chain(is_field.then_some(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (name, form) in [
            ("User-Token", "user_token"),
            ("userToken", "user_token"),
            (" user  token ", "user_token"),
            ("@user", "user"),
            ("_photos", "_photos"),
            ("__photos", "_photos"),
            ("a__1", "a_1"),
            ("a_1_", "a_1"),
            ("- mural", "mural"),
            (".dot.", "dot"),
            ("CREATED_USER", "created_user"),
            ("Contact (phone)", "contact_phone"),
            ("contact[phone]", "contact_phone"),
            ("Name/Phone*", "name_phone"),
            ("#Tel. (no)?", "tel_no"),
            ("Téléphone", "telephone"),
            ("tele\u{301}fono", "telefono"),
            ("Ｅ－ｍａｉｌ", "e_mail"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Πόλης", "πολησ"),
            ("ΠΟΛΗΣ", "πολησ"),
            ("artist's name", "artist's_name"),
            ("\u{200b}_pho\u{ad}tos\u{feff}", "_photos"),
            ("pho\u{2}ne\0", "phone"),
            ("a: b", "a:_b"),
            ("_", ""),
            ("?", ""),
            ("", ""),
        ] {
            assert_eq!(normal(name), form, "{name}");
        }
        let forms_of = |name: &str| forms(name).collect::<Vec<_>>();
        assert_eq!(
            forms_of("contact:WhatsApp"),
            ["contact_whats_app", "whats_app", "contact_whatsapp", "whatsapp"]
        );
        assert_eq!(forms_of("contact:tel:office"), ["contact_tel_office", "tel", "office"]);
        assert_eq!(forms_of("Phase 2: north side"), ["phase_2_north_side", "north_side"]);
        assert_eq!(forms_of("連絡先：tel"), ["連絡先_tel", "tel"]);
        assert_eq!(forms_of("addr:street"), ["addr_street"]);
        assert_eq!(forms_of("addr: mail"), ["addr_mail", "mail"]);
        assert_eq!(forms_of("meta:_x"), ["meta__x", "_x"]);
    }

    proptest::proptest! {
        #[test]
        fn names_of_ascii_have_one_form_only(name in "[a-c0_A. -]{0,8}") {
            let is_normal = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && !name.ends_with('_')
                && !name.contains("__");
            proptest::prop_assert_eq!(super::is_normal(&name), is_normal);
            proptest::prop_assert!(name.nfkd().filter(|c| !is_combining_mark(*c)).nfc().eq(name.chars()));
        }
    }

    #[test]
    fn a_pattern_takes_at_least_the_very_name_that_it_is_spelt_as() {
        for name in
            ["Phase 2: north side", "donor : name", "meta:-x", "addr: full", "Donor (name)", "Fée", "_x"]
        {
            let taken = |pattern: String| forms(name).any(|form| matches(&pattern, &form));
            assert!(patterns(name).any(taken), "{name}");
        }
        let patterns_of = |name: &str| patterns(name).collect::<Vec<_>>();
        assert_eq!(patterns_of("addr:*"), ["addr_*"]);
        assert_eq!(patterns_of("Don* name"), ["don*_name"]);
        assert_eq!(patterns_of("donorN*"), ["donor_n*", "donorn*"]);
        assert_eq!(patterns_of("*"), ["*"]);
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_takes_its_name_in_any_case(name in "[a-cA-C1 :_é-]{1,8}", upper in proptest::collection::vec(proptest::bool::ANY, 8)) {
            let letters = name.chars().zip(upper);
            let other: String = letters.map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
            let taken = patterns(&name).any(|pattern| forms(&other).any(|form| matches(&pattern, &form)));
            proptest::prop_assert!(taken || patterns(&name).all(|pattern| pattern.is_empty()), "{} as {}", name, other);
        }
    }

    #[test]
    fn patterns_take_a_star_anywhere() {
        for (pattern, name, taken) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*b*", "abc", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, name), taken, "{pattern} {name}");
        }
    }

    #[test]
    fn labels_are_looked_up_where_they_are_spelt_as_names() {
        for (label, names) in [
            ("secret garden", &[][..]),
            ("user_token", &["user_token"]),
            ("userToken", &["userToken"]),
            ("phone: 604", &["phone"]),
            ("a:b=c", &["a", "b"]),
            ("phone 604 555 0199", &["phone 604 555 0199"]),
        ] {
            assert_eq!(names_in_label(label).collect::<Vec<_>>(), names, "{label}");
        }
    }
}
