#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use proptest::prelude::*;

use super::super::redact::{Counts, Redactor};
use super::super::scan::Scanner;
use super::words::may_hold;
use super::*;

mod addresses;
mod scanned;

const UUID: &str = "3f1c9a52-7b64-4c0e-9d2a-5e8f00112233";
const CLERK: &str = "user_2abcDEF0123456789abcdefXYZ";
const EMAIL: &str = "Ann.Lee+art@mail.example.org";
const IPV4: &str = "203.0.113.97";
const IPV6: &str = "2001:db8:0:17::5";
const TOKEN: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BASE64URL: &str = "Zk3x-Qw9_LmN8vB2cX7zAs5DfG1hJk4P";

fn values() -> Values {
    let mut values = Values::default();
    for value in [UUID, CLERK, EMAIL, IPV4, IPV6, TOKEN, BASE64URL] {
        values.add("users.some", value);
    }
    assert_eq!(values.len(), 7);
    values
}

fn clean(text: &str) -> String {
    let values = values();
    Redactor::new(&values).text(text, &mut Counts::default()).into_owned()
}

fn percent(text: &str, all: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if all || !byte.is_ascii_alphanumeric() {
            write!(encoded, "%{byte:02x}").unwrap();
        } else {
            encoded.push(char::from(byte));
        }
    }
    encoded
}

fn base64(bytes: &[u8], url: bool) -> String {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for at in 0..=group.len() {
            let letter = char::from(STANDARD[(bits >> (18 - 6 * at)) as usize & 63]);
            encoded.push(match letter {
                '+' if url => '-',
                '/' if url => '_',
                letter => letter,
            });
        }
    }
    encoded
}

/// Cut into lines as long as those of certificates.
fn wrapped(text: &str, end: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    lines.join(end)
}

fn full_width(c: char) -> char {
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '@' | '.' | '-' | '_' | '+' | ':' => {
            char::from_u32(u32::from(c) + 0xfee0).unwrap()
        }
        c => c,
    }
}

/// Cut in two, with `end` between the halves.
fn halved(value: &str, end: &str) -> String {
    let (one, other) = value.split_at(value.floor_char_boundary(value.len() / 2));
    format!("{one}{end}{other}")
}

/// Every spelling of a value that the fence promises to see through.
fn spellings(value: &str) -> Vec<String> {
    let hex = hex::encode(value);
    let references: String = value.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    let mut all = vec![
        value.to_owned(),
        value.to_uppercase(),
        percent(value, false),
        percent(value, true),
        percent(&percent(value, false), false),
        hex.to_uppercase(),
        format!("0{hex}"),
        hex,
        value.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
        value.replace('@', "\\u0040"),
        value.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect(),
        value.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
        value.chars().map(|c| format!("%u{:04X}", u32::from(c))).collect(),
        value.chars().flat_map(|c| [c, '\u{3164}']).collect(),
        wrapped(&base64(format!("{}{value}", "x".repeat(44)).as_bytes(), false), "\n"),
        wrapped(&hex::encode(format!("{}{value}", "x".repeat(28))), "\r\n"),
        halved(value, "=\n"),
        halved(value, "=\r\n"),
        value.replace('@', "&commat;").replace('.', "&#x2e;"),
        base64(references.as_bytes(), true),
        hex::encode(&references),
        references,
        value.chars().map(|c| format!("&#{}", u32::from(c))).collect(),
        value.chars().map(|c| format!("&#x{:X}", u32::from(c))).collect(),
        value.replace('@', "＠").replace('.', "．").replace('-', "\u{2011}"),
        value.chars().map(full_width).collect(),
        value.chars().flat_map(|c| [c, '\u{200b}']).collect(),
        value.chars().flat_map(|c| [c, '\u{2}']).collect(),
        halved(value, "\0\u{7f}\u{91}"),
        halved(value, "\\u0002"),
        halved(value, "<wbr>"),
        value.replace('@', "@<WBR/>").replace('.', "<wbr>.").replace('-', "-</wbr>"),
        value.replace('@', "\u{feff}@\u{ad}").replace('.', "\u{2060}.").replace('-', "-\u{200d}"),
        value.replace('@', "&shy;@&#8203;").replace('.', "\\u00ad."),
        value.replace('@', "\\@").replace('_', "\\_"),
        value.chars().flat_map(|c| c.is_ascii_punctuation().then_some('\\').into_iter().chain([c])).collect(),
        value.replace('.', "\\\\\\.").replace(':', "&#92;:").replace('-', "%5C-").replace('_', "\\\\_"),
    ];
    for pad in ["", "x", "xy"] {
        for url in [false, true] {
            all.push(base64(format!("{pad}{value}").as_bytes(), url));
            all.push(format!("A{}", base64(format!("{pad}{value}{pad}").as_bytes(), url)));
        }
    }
    all
}

#[test]
fn every_class_is_found_in_every_spelling() {
    let values = values();
    for value in [UUID, CLERK, EMAIL, IPV4, IPV6, TOKEN, BASE64URL] {
        for spelling in spellings(value) {
            for (before, after) in
                [("", ""), ("Made by ", ", in 1970."), ("(", ")"), ("\"", "\""), ("é", "é")]
            {
                let text = format!("{before}{spelling}{after}");
                let clean = clean(&text);
                assert!(clean.contains("[redacted]"), "{value} in {text}");
                assert_eq!(Scanner::new(&values, []).name(&clean), None, "{text} became {clean}");
                let class = Redactor::new(&values).holds(&text).map(|hit| hit.class);
                assert!(class.is_some());
            }
        }
    }
}

#[test]
fn a_known_address_of_other_letters_is_found_in_every_spelling() {
    for value in ["иван@пример.рф", "é@à.fr", "太郎@例え.jp"] {
        let mut values = Values::default();
        values.add("users.email", value);
        for spelling in spellings(value) {
            let text = format!("Made by {spelling}, in 1970.");
            let clean = Redactor::new(&values).text(&text, &mut Counts::default()).into_owned();
            assert!(clean.contains("[redacted]"), "{value} in {text}");
            assert_eq!(Scanner::new(&values, []).name(&clean), None, "{text} became {clean}");
        }
    }
}

#[test]
fn glued_neighbours_hide_nothing() {
    for text in [
        format!("x{UUID}x"),
        format!("profile_{}.jpg", UUID.replace('-', "_")),
        UUID.replace("4c0e-", "4c0e-\n"),
        format!("id{}", UUID.replace('-', "")),
        format!("{CLERK}and"),
        format!("mail:{EMAIL}"),
        format!("x={EMAIL}&y"),
        format!("a{TOKEN}b"),
        format!("ip:{IPV6}"),
        format!("id{IPV6}x"),
        format!("added{IPV6}"),
        format!("[{IPV6}abcd]"),
        format!("[{IPV6}]:443"),
        format!("{IPV4}:8080"),
        format!("v1.{IPV4}.5"),
        "203.000.113.097".to_owned(),
        format!("\\u00{IPV4}"),
    ] {
        assert!(clean(&text).contains("[redacted]"), "{text} became {}", clean(&text));
    }
}

#[test]
fn what_is_around_an_identifier_stays() {
    assert_eq!(clean(&format!("Ask {EMAIL}, or not.")), "Ask [redacted], or not.");
    assert_eq!(clean(&format!("“{UUID}”")), "“[redacted]”");
    assert_eq!(
        clean("https://example.org/?mail=nobody%40example.net&x=1"),
        "https://example.org/?mail=[redacted]&x=1"
    );
    assert_eq!(clean("Write to new.person@museum.example."), "Write to [redacted].");
}

#[test]
fn public_text_is_left_alone() {
    for text in [
        "bronze",
        "unknown",
        "system",
        "deleted-user",
        "inscription",
        "participants",
        "4f1c9a52-7b64-4c0e-9d2a-5e8f00112233",
        "49.2827, -123.1207",
        "2026-01-02T03:04:05Z",
        "12:34:56",
        "https://maps.example.org/@49.28,-123.12,17z",
        "@artist on three networks",
        "50% off, 100%25 sure",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "C:\\photos\\n.jpg",
        "C:\\photos\\_2024\\logo\\@2x.png, 3 \\* 4 m, \\[sic\\]",
        "\\@artist.bsky.social, \\#mural",
        "1.2.3.4",
        "５０％ｏｆｆ：「銅像」．１９９９\u{2013}2003",
        "e\u{ad}mail at the mu\u{ad}seum, 👩\u{200d}🎨️ l’été “sic”",
        "https://commons.wikimedia.org/wiki/File:The_long_name_of_a_mural_in_Vancouver_(2019).jpg",
    ] {
        assert_eq!(clean(text), text);
    }
}

#[test]
fn hits_are_counted_once_and_by_class() {
    let values = values();
    let mut counts = Counts::default();
    let text = format!("{UUID} {EMAIL} {} {IPV4} {TOKEN} new@example.net", percent(EMAIL, true));
    Redactor::new(&values).text(&text, &mut counts);
    let found = [Class::UserId, Class::Email, Class::IpAddress, Class::Token].map(|class| counts.get(class));
    assert_eq!(found, [1, 3, 1, 1]);
}

#[test]
fn identifiers_side_by_side_are_taken_out_and_what_parts_them_stays() {
    let text = format!("%61nn%40example.org\u{fffd}{IPV6} x");
    assert_eq!(clean(&text), "[redacted]\u{fffd}[redacted] x");
}

/// Spellings of which some together are still a short text.
fn short_spellings() -> Vec<String> {
    let values = [UUID, CLERK, EMAIL, IPV4, IPV6, TOKEN, BASE64URL];
    values.into_iter().flat_map(spellings).filter(|spelling| spelling.len() < 80).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn offsets_that_are_passed_over_hide_nothing(run in "[A-Za-z0-9+/_-]{8,60}") {
        let passed: Vec<usize> = decode::offsets_of_base64(run.as_bytes(), true).collect();
        for offset in (0..4).filter(|offset| !passed.contains(offset)) {
            let mut decoded = Vec::new();
            decode::base64(&run.as_bytes()[offset..], &mut decoded);
            prop_assert!(!may_hold(&decoded), "{run} at {offset}");
        }
    }

    #[test]
    fn runs_are_the_longest_ones(text in "[a ]{0,40}", least in 1_usize..9) {
        let starts = text.split(' ').map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word.len()));
        let expected: Vec<_> =
            starts.filter(|(_, len)| *len >= least).map(|(start, len)| start..start + len).collect();
        prop_assert_eq!(runs(text.as_bytes(), |byte| byte == b'a', least).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_text_makes_the_search_fail_and_redacted_text_is_clean(
        before in "\\PC{0,40}", after in "\\PC{0,40}", which in 0..7usize,
        spelling in any::<prop::sample::Index>(),
    ) {
        let values = values();
        let value = [UUID, CLERK, EMAIL, IPV4, IPV6, TOKEN, BASE64URL][which];
        let spellings = spellings(value);
        let spelling = spelling.get(&spellings);
        let text = format!("{before} {spelling} {after}");
        let clean = Redactor::new(&values).text(&text, &mut Counts::default()).into_owned();
        prop_assert!(clean.contains("[redacted]"), "{} in {}", value, text);
        prop_assert_eq!(Scanner::new(&values, []).name(&clean), None);
    }

    #[test]
    fn what_a_short_text_has_no_sign_of_is_not_in_it(
        pieces in proptest::collection::vec(
            prop_oneof!["[@_.:%&a-c\\\\\r\n é\u{ff20}]{1,6}", proptest::sample::select(short_spellings())],
            0..4,
        ),
    ) {
        let values = values();
        let found = |text: &str| {
            let mut found = Vec::new();
            let _ = search(text.as_bytes(), &values, &mut |one| {
                found.push(one);
                ControlFlow::Continue(())
            });
            found
        };
        let text = pieces.concat();
        // With so much space behind it, it is a long one, in which each search looks for itself.
        prop_assert_eq!(found(&text), found(&format!("{text}{}", " ".repeat(300))));
    }

    #[test]
    fn no_bytes_make_the_search_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let values = values();
        prop_assert!(Scanner::new(&values, []).bytes(bytes.as_slice()).is_ok());
    }
}

#[test]
fn tokens_of_many_lengths_are_found_between_boundaries_and_in_runs() {
    let mut values = Values::default();
    let random = "Qx7Zk3Lw9_LmN8vB2cX7zAs5DfG1hJk4PyTrEwQaZx";
    let tokens: Vec<&str> = (32..random.len()).map(|length| &random[..length]).collect();
    tokens.iter().for_each(|token| values.add("consent.anonymous_token", token));
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_abcdefghij";
    values.add("magic_links.token", letters);
    let redactor = Redactor::new(&values);
    for token in tokens.into_iter().chain([letters]) {
        for text in [format!("https://x.org/t/{token}/a"), format!("k_{token}"), format!("a {token}.")] {
            let left = redactor.text(&text, &mut Counts::default()).into_owned();
            assert!(!left.contains(token), "{text} left as {left}");
        }
    }
}
