use super::*;
use crate::privacy::scan::Chunks;

/// What stands in an archive for a text.
fn in_json(text: &str) -> String {
    serde_json::json!([{ "title": text }]).to_string()
}

#[test]
fn the_operators_own_strings_are_exempt_from_the_last_fence() {
    let values = values();
    let text = format!("contact: {EMAIL}");
    assert!(Scanner::new(&values, []).name(&text).is_some());
    assert_eq!(Scanner::new(&values, [EMAIL]).name(&text), None);
    assert!(Scanner::new(&values, [EMAIL]).name(UUID).is_some());
}

#[test]
fn a_hit_is_found_wherever_a_chunk_ends() {
    let values = values();
    let scanner = Scanner::new(&values, []);
    let long = 1024 * 1024 + 16 * 1024;
    for (at, filler) in
        [(0, b' '), (long - 36, b'\n'), (long - 18, b' '), (long - 1, b' '), (long - 18, b'x')]
    {
        let mut bytes = vec![filler; long + 40];
        bytes[at..at + UUID.len()].copy_from_slice(UUID.as_bytes());
        assert!(scanner.bytes(bytes.as_slice()).unwrap().is_some(), "{at} {filler}");
    }
    assert_eq!(scanner.bytes(vec![b' '; 3 * long].as_slice()).unwrap(), None);
}

#[test]
fn a_line_that_a_chunk_ends_in_holds_no_more_than_the_whole_line() {
    let values = values();
    for (filler, cut, rest) in [
        (b'\n', "logo@2x.jp", "eg"),
        (b' ', "logo@2x.jp", "eg"),
        (b'.', "logo%402x%2Ejp%6", "5g"),
        (b' ', IPV4, "0"),
    ] {
        let mut bytes = vec![filler; 1024 * 1024 + 16 * 1024 - cut.len()];
        bytes.extend([cut, rest].concat().into_bytes());
        let hit = Scanner::new(&values, []).bytes(bytes.as_slice()).unwrap();
        assert_eq!(hit, None, "{cut} behind {}", char::from(filler));
    }
}

#[test]
fn where_a_long_line_is_cut_no_address_begins() {
    const CUT: usize = 1024 * 1024;
    let values = values();
    let scanner = Scanner::new(&values, []);
    for (filling, line) in [("x ", r"\n@studio.art"), ("x", r"\n@studio.art"), ("x", "%0A@studio.art")] {
        for before in 0..line.len() {
            let mut text = filling.repeat(CUT / filling.len());
            text.truncate(CUT - before);
            let text = format!("[\"{text}{line}{}\"]", filling.repeat(20_000));
            let mut chunks = Chunks::new(text.as_bytes());
            assert!(chunks.next_chunk().unwrap().is_some());
            let second = chunks.next_chunk().unwrap().unwrap();
            assert_eq!(scanner.chunk(&second), None, "{line} {before}");
        }
    }
}

#[test]
fn the_quotes_of_a_json_text_make_no_address() {
    let values = values();
    let scanner = Scanner::new(&values, []);
    for text in [
        r#"Hope"@artist.bsky.social"#, r#"bob"@example.org"#, r#"24"@approx.size"#, r#"a\"@b.co"#,
        r#"say "a\"@b.co"#, "\n\"@b.co\\",
    ] {
        let left = clean(text);
        assert_eq!(scanner.name(&in_json(&left)), None, "{text} leaves as {left}");
        assert_eq!(left, text);
    }
    for text in [r#"the "bob"@example.org"#, "\\u0062ob@example.org"] {
        assert!(clean(text).contains("[redacted]"), "{text}");
        assert!(scanner.name(&in_json(text)).is_some(), "{text}");
    }
}

#[test]
fn noise_that_looks_like_an_address_is_none() {
    let values = values();
    let scanner = Scanner::new(&values, []);
    let noise = b"PK\x03\x04\0\0X@Y.co\0\0".as_slice();
    assert!(scanner.bytes(noise).unwrap().is_some() && scanner.noise(noise).unwrap().is_none());
    let known = format!("PK\x03\x04{EMAIL}\0");
    assert!(scanner.noise(known.as_bytes()).unwrap().is_some());
}
