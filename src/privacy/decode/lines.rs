//! Lines that were cut where nothing ends.

use memchr::memchr2_iter;

use super::Decoded;
use crate::privacy::shape::is_in_token;

/// Joins lines that were cut: to one width in base64 or hexadecimal, as mail and tools write them; behind the `=` of
/// quoted-printable (RFC 2045, 6.7); at a hyphen between digits, as programs that fill paragraphs do. None when there is
/// none.
pub fn unwrapped(text: &[u8]) -> Option<Decoded> {
    // Nearly no text has any, and all of it would be copied.
    memchr2_iter(b'\n', b'\r', text)
        .find_map(|at| cut(text, at.checked_sub(1)?).or_else(|| cut(text, at)))?;
    Decoded::of(text, |byte| matches!(byte, b'=' | b'\n' | b'\r'), |text, at, _| cut(text, at))
}

/// How long what parts two halves of a line is that begins at `at`: the end of a line, with the `=` before it.
fn cut(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'=') {
        return Some(1 + line_end(text, at + 1)?);
    }
    let length = line_end(text, at)?;
    let is_joined = is_within_encoded(text, at, at + length) || is_within_id(text, at, at + length);
    is_joined.then_some(length)
}

/// How long the end of a line at `at` is.
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..)? {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r' | b'\n', ..] => Some(1),
        _ => None,
    }
}

/// Whether as many letters before `end` as the shortest line has are all of base64, and the next line, at `next`, begins
/// so.
fn is_within_encoded(text: &[u8], end: usize, next: usize) -> bool {
    /// Letters of the shortest such line: 60 of hexadecimal, 64 in certificates, 76 in mail.
    const MIN_LINE: usize = 60;
    let line = end.checked_sub(MIN_LINE).and_then(|start| text.get(start..end));
    text.get(next).is_some_and(|byte| is_in_token(*byte))
        && line.is_some_and(|line| line.iter().rev().all(|byte| is_in_token(*byte)))
}

/// Whether a line ends with a digit and a hyphen before `end`, and the next begins with a digit, as within a UUID.
fn is_within_id(text: &[u8], end: usize, next: usize) -> bool {
    let before = end.checked_sub(2).and_then(|start| text.get(start..end));
    matches!(before, Some([digit, b'-']) if digit.is_ascii_hexdigit())
        && text.get(next).is_some_and(u8::is_ascii_hexdigit)
}
