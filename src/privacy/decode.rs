//! The encodings that an identifier may hide in, undone: percent signs, HTML references and breaks in words, the
//! backslashes of JSON and of Markdown, hexadecimal, base64, lines that were cut, and Unicode's other forms of ASCII.

use std::ops::Range;

use bstr::decode_utf8;
use memchr::{memchr, memchr2, memrchr};
use unicode_normalization::char::decompose_compatible;

mod lines;
mod radix;

pub use lines::unwrapped;
use radix::hex_byte;
pub use radix::{base64, hexadecimal, hexadecimal_into, offsets_of_base64};

use crate::platform::fields::names::is_unseen;

/// Decoded text, and where each of its bytes comes from.
#[derive(Debug)]
pub struct Decoded {
    /// The text.
    pub bytes: Vec<u8>,
    /// For each byte the place in the source where its spelling begins, and one more for the end.
    starts: Vec<usize>,
}

impl Decoded {
    /// Undoes what stands at each mark: `undo` adds what is spelled there, and gives the length of the spelling. None when
    /// there is nothing to undo.
    fn of(
        text: &[u8],
        is_mark: impl Fn(u8) -> bool,
        undo: impl Fn(&[u8], usize, &mut Vec<u8>) -> Option<usize>,
    ) -> Option<Decoded> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len() + 1);
        let (mut at, mut any) = (0, false);
        while let Some(&byte) = text.get(at) {
            let undone = if is_mark(byte) { undo(text, at, &mut bytes) } else { None };
            if undone.is_none() {
                bytes.push(byte);
            }
            any |= undone.is_some();
            starts.resize(bytes.len(), at);
            at += undone.unwrap_or(1);
        }
        starts.push(text.len());
        any.then_some(Decoded { bytes, starts })
    }

    /// What spells `range` in the source.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.starts.get(index).or(self.starts.last()).copied().unwrap_or_default();
        at(range.start)..at(range.end)
    }
}

/// Undoes `%41`, and `%u0041` as JavaScript's `escape` writes it; None when there is nothing to undo.
pub fn percent(text: &[u8]) -> Option<Decoded> {
    Decoded::of(
        text,
        |byte| byte == b'%',
        |text, at, bytes| {
            if text.get(at + 1) == Some(&b'u') {
                return Some(add(bytes, escaped_unit(text, at)?));
            }
            bytes.push(text.get(at + 1..at + 3).and_then(hex_byte)?);
            Some(3)
        },
    )
}

/// Undoes `&#64;`, `&#x40;` and the names that pages have for the signs of an address and for what nobody sees; None
/// when there is nothing to undo.
pub fn references(text: &[u8]) -> Option<Decoded> {
    Decoded::of(text, |byte| byte == b'&', |text, at, bytes| Some(add(bytes, reference(text, at)?)))
}

/// Leaves out `<wbr>`, where pages let a long word go on in the next line; None when there is none.
pub fn word_breaks(text: &[u8]) -> Option<Decoded> {
    const TAGS: [&[u8]; 3] = [b"<wbr>", b"<wbr/>", b"</wbr>"];
    Decoded::of(
        text,
        |byte| byte == b'<',
        |text, at, _| {
            let begins = |tag: &&[u8]| {
                text[at..].get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag))
            };
            TAGS.into_iter().find(begins).map(<[u8]>::len)
        },
    )
}

/// Undoes the escapes of JSON strings (RFC 8259, 7), and `\x41` and `\u{41}` as programs write them; None when there is
/// nothing to undo.
pub fn escapes(text: &[u8]) -> Option<Decoded> {
    Decoded::of(
        text,
        |byte| byte == b'\\',
        |text, at, bytes| {
            if text.get(at + 1) == Some(&b'x') {
                bytes.push(text.get(at + 2..at + 4).and_then(hex_byte)?);
                return Some(4);
            }
            Some(add(bytes, escape(text, at)?))
        },
    )
}

/// Leaves out the backslash before a sign (CommonMark 2.4), which editors write so that an address is no link and `_` no
/// emphasis; None when there is none.
pub fn markdown(text: &[u8]) -> Option<Decoded> {
    Decoded::of(
        text,
        |byte| byte == b'\\',
        |text, at, bytes| {
            bytes.push(*text.get(at + 1).filter(|byte| byte.is_ascii_punctuation())?);
            Some(2)
        },
    )
}

/// Writes full-width and other forms of ASCII as ASCII and dashes as hyphens, and leaves out what nobody sees: soft
/// hyphens, spaces without a width, marks of direction, byte order marks, control characters. None when there is nothing
/// of the kind.
pub fn folded(text: &[u8]) -> Option<Decoded> {
    Decoded::of(text, begins_foldable, fold)
}

/// Where the first character stands that [`folded`] folds.
pub fn foldable(text: &[u8]) -> Option<usize> {
    /// Bytes that are looked at together, which is many times as fast: nearly all are plain.
    const CHUNK: usize = 64;
    let mut spelled = Vec::new();
    let is_plain = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' '..=b'~');
    text.chunks(CHUNK).enumerate().find_map(|(chunk, bytes)| {
        if bytes.iter().fold(true, |are_plain, byte| are_plain & is_plain(*byte)) {
            return None;
        }
        let mut places = (chunk * CHUNK..).zip(bytes);
        let found =
            places.find(|(at, byte)| begins_foldable(**byte) && fold(text, *at, &mut spelled).is_some());
        found.map(|(at, _)| at)
    })
}

/// Whether a character that is folded may begin with that byte: control characters do, and few letters, as some of
/// Arabic, Georgian, Vietnamese, kana.
fn begins_foldable(byte: u8) -> bool {
    matches!(
        byte,
        0..=8 | 0x0e..=0x1f | 0x7f | 0xc2 | 0xcd | 0xd8 | 0xe1 | 0xe2 | 0xe3 | 0xef | 0xf0 | 0xf3
    )
}

/// Adds what the character at `at` stands for, by its compatibility decomposition (Unicode Standard Annex 15), if that
/// is ASCII or nothing.
fn fold(text: &[u8], at: usize, bytes: &mut Vec<u8>) -> Option<usize> {
    let (Some(c), length) = decode_utf8(text.get(at..)?) else { return None };
    let (start, mut is_ascii) = (bytes.len(), true);
    if !is_unseen(c) {
        decompose_compatible(c, |part| match part {
            // What typography makes of a hyphen between digits, too.
            '\u{2010}' | '\u{2012}' | '\u{2013}' | '\u{2212}' => bytes.push(b'-'),
            part if part.is_ascii_graphic() => bytes.push(part as u8),
            _ => is_ascii = false,
        });
    }
    if !is_ascii {
        bytes.truncate(start);
    }
    is_ascii.then_some(length)
}

/// Adds the character; gives the length of its spelling.
fn add(bytes: &mut Vec<u8>, (c, length): (char, usize)) -> usize {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    length
}

/// The character that a reference at `at` stands for, and how long that is.
fn reference(text: &[u8], at: usize) -> Option<(char, usize)> {
    const MAX_REFERENCE: usize = 16;
    const NAMED: [(&str, char); 16] = [
        ("amp", '&'),
        ("commat", '@'),
        ("period", '.'),
        ("lowbar", '_'),
        ("hyphen", '-'),
        ("colon", ':'),
        ("dash", '-'),
        ("ndash", '\u{2013}'),
        ("minus", '\u{2212}'),
        ("shy", '\u{ad}'),
        ("zwnj", '\u{200c}'),
        ("zwj", '\u{200d}'),
        ("lrm", '\u{200e}'),
        ("rlm", '\u{200f}'),
        ("NoBreak", '\u{2060}'),
        ("ZeroWidthSpace", '\u{200b}'),
    ];
    let rest = text.get(at + 1..)?;
    if let Some(number) = rest.strip_prefix(b"#") {
        return numbered(number).map(|(c, length)| (c, length + 2));
    }
    let length = memchr(b';', rest.get(..MAX_REFERENCE).unwrap_or(rest))?;
    let name = str::from_utf8(rest.get(..length)?).ok()?;
    let c = NAMED.iter().find(|(known, _)| *known == name)?.1;
    Some((c, length + 2))
}

/// The character with the number that `text` begins with, and how long that is. Browsers need no semicolon behind it.
fn numbered(text: &[u8]) -> Option<(char, usize)> {
    let (radix, start) = if text.starts_with(b"x") || text.starts_with(b"X") { (16, 1) } else { (10, 0) };
    let rest = text.get(start..)?;
    let digits = rest.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let number = u32::from_str_radix(str::from_utf8(rest.get(..digits)?).ok()?, radix).ok()?;
    let semicolon = usize::from(rest.get(digits) == Some(&b';'));
    Some((char::from_u32(number)?, start + digits + semicolon))
}

/// What stands between the quotes of a text that are not escaped themselves, and has a backslash in it, as few have.
pub fn escaped_strings(text: &[u8]) -> impl Iterator<Item = Range<usize>> + use<'_> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let mut end = from + memchr(b'\\', text.get(from..)?)?;
        // Before the first backslash no quote is escaped.
        let start = memrchr(b'"', &text[from..end]).map_or(from, |quote| from + quote + 1);
        while let Some(at) = text.get(end..).and_then(|rest| memchr2(b'"', b'\\', rest)).map(|at| end + at) {
            if text[at] == b'"' {
                from = at + 1;
                return Some(start..at);
            }
            end = at + 2;
        }
        from = text.len();
        Some(start..text.len())
    })
}

/// The character that an escape at `at` stands for, and how long that is.
fn escape(text: &[u8], at: usize) -> Option<(char, usize)> {
    let c = match text.get(at + 1)? {
        b'u' => return escaped_unit(text, at).or_else(|| in_braces(text, at)),
        escaped @ (b'"' | b'\\' | b'/') => char::from(*escaped),
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        _ => return None,
    };
    Some((c, 2))
}

/// The character that `\u{XXXX}` spells at `at`, and how long that is.
fn in_braces(text: &[u8], at: usize) -> Option<(char, usize)> {
    let digits = text.get(at + 2..)?.strip_prefix(b"{")?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let number = u32::from_str_radix(str::from_utf8(digits.get(..length)?).ok()?, 16).ok()?;
    (digits.get(length) == Some(&b'}')).then_some((char::from_u32(number)?, length + 4))
}

/// The character that `\uXXXX`, or a pair of them, spells at `at`, and how long that is; whatever sign stands before
/// `u`.
fn escaped_unit(text: &[u8], at: usize) -> Option<(char, usize)> {
    let sign = *text.get(at)?;
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(&[sign, b'u'])?;
        let (high, low) = (hex_byte(&digits[..2])?, hex_byte(&digits[2..])?);
        Some(u16::from_be_bytes([high, low]))
    };
    let first = unit(at)?;
    let units = [first, unit(at + 6).unwrap_or_default()];
    let pair = char::decode_utf16(units).next()?.ok();
    match pair {
        Some(c) if c.len_utf16() == 2 => Some((c, 12)),
        Some(c) => Some((c, 6)),
        None => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

#[cfg(test)]
mod tests;
