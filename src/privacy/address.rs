//! Where a reader sees an e-mail address, in whatever language the text around it is.
//!
//! A narrower choice than the standard's, so that what stands around an address is left alone: no spaces in quotes, no
//! `=` or `/` (an address in a query string or behind a path is one without them), and a top-level domain of letters
//! of one kind, so that it ends where the sentence goes on without a space.

use std::ops::Range;

use bstr::{ByteSlice, decode_last_utf8, decode_utf8};
use unicode_normalization::char::is_combining_mark;

/// Bytes before an `@` among which the start of an address is looked for (RFC 5321, 4.5.3.1).
pub const MAX_LOCAL_PART: usize = 64;
/// The longest address that is looked for, in bytes (RFC 5321, 4.5.3.1).
pub const MAX_ADDRESS: usize = 254;

/// The address around the `@` at `at`.
pub fn around(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = start(text, at)?;
    let end = end(text, at + 1)?;
    Some(start..end)
}

/// Where what stands before the `@` begins.
fn start(text: &[u8], at: usize) -> Option<usize> {
    let before = text.get(at.saturating_sub(MAX_LOCAL_PART)..at)?;
    let forms = [
        run_before(before, |c| is_usual(c) || is_alphabetic(c)),
        // Where words are not parted by spaces the whole run is taken: there is no telling.
        run_before(before, |c| is_usual(c) || is_in_word(c)),
        quoted_before(before),
        run_before(before, |c| is_usual(c) || "!#$&*?^`{|}~".contains(c)),
    ];
    let length = forms.into_iter().find(|length| *length > 0)?;
    let start = behind_escape(text, at - length);
    text.get(start..at)?.chars().any(char::is_alphanumeric).then_some(start)
}

/// What stands in nearly every address.
fn is_usual(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._+'-".contains(c)
}

/// Letters, digits, and the accents and vowels that stand behind their letter as a sign of its own.
fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Letters of the scripts that part words by spaces: Latin, Greek, Cyrillic and their neighbours.
fn is_alphabetic(c: char) -> bool {
    (c.is_alphabetic() || is_combining_mark(c)) && matches!(c, '\u{80}'..'\u{e00}' | '\u{1e00}'..'\u{2000}')
}

/// Bytes of the longest run at the end of `text`.
fn run_before(text: &[u8], is_part: impl Fn(char) -> bool) -> usize {
    let mut rest = text;
    while let (Some(c), length) = decode_last_utf8(rest)
        && is_part(c)
    {
        rest = &rest[..rest.len() - length];
    }
    text.len() - rest.len()
}

/// Bytes of `"local"` at the end of `text`; 0 without one.
fn quoted_before(text: &[u8]) -> usize {
    let Some(inner) = text.strip_suffix(b"\"") else { return 0 };
    let length = run_before(inner, is_usual);
    let is_quoted = length > 0 && inner.get(..inner.len() - length).is_some_and(|rest| rest.ends_with(b"\""));
    if is_quoted { length + 2 } else { 0 }
}

/// `start`, or behind the letters with which an escape ends there: in JSON a line that begins with `@name` is written
/// `\n@name`, which is no address of `n`.
fn behind_escape(text: &[u8], start: usize) -> usize {
    let hex = |from: usize, length: usize| {
        text.get(from..from + length).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match start.checked_sub(1).and_then(|before| text.get(before)) {
        Some(b'\\') if text.get(start) == Some(&b'u') && hex(start + 1, 4) => start + 5,
        Some(b'\\') => start + 1,
        Some(b'%') if hex(start, 2) => start + 2,
        _ => start,
    }
}

/// Where the domain that begins at `start` ends: two labels or more.
fn end(text: &[u8], start: usize) -> Option<usize> {
    let limit = text.len().min(start + MAX_ADDRESS);
    let mut end = None;
    let mut label = start;
    loop {
        let length = run_after(text.get(label..limit)?, |c| c == '-' || is_in_word(c));
        if length == 0 {
            return end;
        }
        let is_first = label == start;
        let top = top_level(text.get(label..label + length)?);
        end = top.filter(|_| !is_first).map(|top| label + top).or(end);
        label += length;
        if text.get(label) != Some(&b'.') {
            return end;
        }
        label += 1;
    }
}

/// What files are called behind the dot (`logo@2x.png`, `Art@Metrotown.pdf`): none of them is a top-level domain.
const FILES: [&str; 26] = [
    "png", "jpg", "jpeg", "svg", "webp", "gif", "avif", "heic", "tif", "tiff", "bmp", "pdf", "docx", "html",
    "htm", "php", "aspx", "xml", "mp3", "mp4", "webm", "txt", "csv", "json", "geojson", "xlsx",
];

/// Bytes of the top-level domain with which a label begins.
fn top_level(label: &[u8]) -> Option<usize> {
    let (first, _) = decode_utf8(label);
    let length = match first? {
        _ if label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--")) => {
            run_after(label, |c| c == '-' || c.is_ascii_alphanumeric())
        }
        first if first.is_ascii() => run_after(label, |c| c.is_ascii_alphabetic()),
        _ => run_after(label, |c| (c.is_alphabetic() || is_combining_mark(c)) && !c.is_ascii()),
    };
    // What files are called may end in a digit.
    let word = label.get(..run_after(label, |c| c.is_ascii_alphanumeric()))?;
    let is_file = FILES.iter().any(|end| word.eq_ignore_ascii_case(end.as_bytes()));
    (length >= 2 && !is_file).then_some(length)
}

/// Bytes of the longest run at the start of `text`.
fn run_after(text: &[u8], is_part: impl Fn(char) -> bool) -> usize {
    let mut rest = text;
    while let (Some(c), length) = decode_utf8(rest)
        && is_part(c)
    {
        rest = &rest[length..];
    }
    text.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address in the text, or nothing.
    fn found(text: &str) -> &str {
        let at = text.find('@').unwrap_or_default();
        around(text.as_bytes(), at).map_or("", |range| &text[range])
    }

    #[test]
    fn an_address_is_seen_whatever_follows_it() {
        for (text, address) in [
            ("Contact bob@example.org\u{a0}604 555 1234", "bob@example.org"),
            ("bob@example.org–2nd floor", "bob@example.org"),
            ("bob@example.org-2024", "bob@example.org"),
            ("bob@example.jp。2025年まで", "bob@example.jp"),
            ("bob@example.orgです。彫刻は青銅製", "bob@example.org"),
            ("Mail bob@example.org—the curator’s", "bob@example.org"),
            ("(bob@mail2.example.co.uk).", "bob@mail2.example.co.uk"),
            ("bob@xn--bcher-kva.xn--p1ai", "bob@xn--bcher-kva.xn--p1ai"),
            ("bob@bücher.example", "bob@bücher.example"),
            ("bob@example.org.png", "bob@example.org"),
            ("иван@пример.рф", "иван@пример.рф"),
            ("info@cafe\u{301}.example – open", "info@cafe\u{301}.example"),
            ("संपर्क@डाटामेल.भारत पर", "संपर्क@डाटामेल.भारत"),
        ] {
            assert_eq!(found(text), address, "{text}");
        }
        let long = format!("bob@example.jp{}", "までご連絡ください。".repeat(12));
        assert_eq!(found(&long), "bob@example.jp");
    }

    #[test]
    fn an_address_is_seen_whatever_stands_before_its_sign() {
        for (text, address) in [
            ("rené@example.fr", "rené@example.fr"),
            ("par Rene\u{301}@example.fr", "Rene\u{301}@example.fr"),
            ("andre\u{301}.dupont@example.fr", "andre\u{301}.dupont@example.fr"),
            ("par andré.dupont@example.fr", "andré.dupont@example.fr"),
            ("連絡先は、太郎@example.jp", "太郎@example.jp"),
            ("連絡先bob@example.jp", "bob@example.jp"),
            ("bob!@example.org", "bob!@example.org"),
            ("the \"bob\"@example.org", "\"bob\"@example.org"),
            ("?to=bob@example.org", "bob@example.org"),
            (r"\nbob@example.org", "bob@example.org"),
            (r"\u000abob@example.org", "bob@example.org"),
            ("%0Abob@example.org", "bob@example.org"),
        ] {
            assert_eq!(found(text), address, "{text}");
        }
    }

    #[test]
    fn a_handle_is_no_address() {
        for text in [
            "@artist.bsky.social",
            "by @artist.bsky.social",
            r"Photos by\n@artist.bsky.social",
            r"\r\n@studio.art",
            r"\u0007@studio.art",
            "%0A@studio.art",
            r#"{"title":"x","@type.of":1}"#,
            r#"["@studio.art"]"#,
            "https://medium.example/@jane.doe",
            "a@b",
            "mural@main",
            "https://cdn.example.org/logo@2x.png",
            "Painted by \u{270d}\u{fe0f}@ben.lee",
            "File:Foo@3x.JPG",
            "https://city.example/docs/Art@Metrotown.pdf",
            "https://city.example/art@2024.html?page=2",
            "clip@night.mp4",
            "bob@",
            "bob@.org",
            "bob@-.1",
        ] {
            assert_eq!(found(text), "", "{text}");
        }
    }
}
