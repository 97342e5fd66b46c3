//! Finds identifiers in text: cuts it into runs that have the shape of a class and looks those up.
//!
//! Encoded text is decoded, not values encoded: runs of hexadecimal at both parities, of base64 at all alignments,
//! percent signs, JSON escapes and HTML's character references are undone and what comes out is searched again.

use std::ops::{ControlFlow, Range};

use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

use super::shape::{self, Key};
use super::values::Values;
use super::{address, decode};
use crate::platform::identifiers::{Class, lets_in};

/// How many encodings may lie one in the other.
const DEPTH: u8 = 3;
/// Characters of the shortest run that may be base64 of an identifier: nine bytes, `a@b.co.uk`.
const BASE64: usize = 8;
/// Digits of the shortest run that may be hexadecimal of one: `a@b.co`.
const HEX: usize = 12;
/// Lengths that are tried where a Clerk id runs on.
const RUN: usize = 64;
/// Characters of the longest IPv6 address.
const IPV6: usize = 45;

/// An identifier in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'v> {
    /// What spells it, in bytes of the text that was searched.
    pub range: Range<usize>,
    /// What it is.
    pub class: Class,
    /// Which it is.
    pub key: Key,
    /// The `table.column` that it stands in; None for an e-mail address that nobody knows.
    pub place: Option<&'v str>,
}

impl Found<'_> {
    /// Whether any text may be one, once somebody has written it where tokens stand: nobody gets in with it.
    pub fn may_be_any_text(&self) -> bool {
        self.class == Class::Token && !self.place.is_some_and(lets_in)
    }
}

/// Hands each identifier in `text` to `found`, which may end the search. One may be found more than once. Anything
/// that looks like an e-mail address is one.
pub fn search<'v>(
    text: &[u8],
    values: &'v Values,
    found: &mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Search { values, found, buffer: Vec::new() }.text(text, &|range| range, true, DEPTH)
}

/// The same in JSON, where the letters of an escape are no part of a text.
pub fn search_json<'v>(
    json: &[u8],
    values: &'v Values,
    found: &mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(plain) = decode::without_escapes(json) else { return search(json, values, found) };
    let mut search = Search { values, found, buffer: Vec::new() };
    search.text(&plain, &|range| range, true, DEPTH)?;
    search.escapes(json, &|range| range, true, DEPTH)
}

/// The same in bytes that nobody reads: an e-mail address is one only when it is known.
pub fn search_noise<'v>(
    bytes: &[u8],
    values: &'v Values,
    found: &mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Search { values, found, buffer: Vec::new() }.text(bytes, &|range| range, false, DEPTH)
}

struct Search<'v, 'f> {
    values: &'v Values,
    found: &'f mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
    /// What a decoder writes into.
    buffer: Vec<u8>,
}

/// Where a range of a decoded text stands in the whole.
type Origin<'o> = &'o dyn Fn(Range<usize>) -> Range<usize>;

impl<'v> Search<'v, '_> {
    /// `readable` text is meant to be read; other bytes came out of a decoder and may be noise, in which an address
    /// counts only when it is known.
    fn text(&mut self, text: &[u8], origin: Origin, readable: bool, depth: u8) -> ControlFlow<()> {
        self.emails(text, origin, readable)?;
        self.clerk_ids(text, origin)?;
        self.ipv4(text, origin)?;
        self.ipv6(text, origin)?;
        for run in runs(text, shape::is_in_token, BASE64) {
            self.run(text, run, origin, depth)?;
        }
        if depth > 0 {
            self.spelled(text, b'%', decode::percent, origin, readable, depth)?;
            self.spelled(text, b'&', decode::references, origin, readable, depth)?;
            self.escapes(text, origin, readable, depth)?;
        }
        ControlFlow::Continue(())
    }

    fn look_up(&mut self, key: Key, range: Range<usize>, origin: Origin) -> ControlFlow<()> {
        match self.values.get(key) {
            Some((class, place)) => {
                (self.found)(Found { range: origin(range), class, key, place: Some(place) })
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn emails(&mut self, text: &[u8], origin: Origin, readable: bool) -> ControlFlow<()> {
        for at in memchr_iter(b'@', text) {
            if readable && let Some(range) = address::around(text, at) {
                let key = shape::email(&text[range.clone()]);
                let place = self.values.get(key).map(|(_, place)| place);
                (self.found)(Found { range: origin(range), class: Class::Email, key, place })?;
            }
            // What stands around a known address may be glued to it.
            let before = text[..at].iter().rev().take(address::LOCAL);
            let before = before.take_while(|byte| shape::is_local(**byte)).count();
            let after = text[at + 1..].iter().take(address::LONGEST);
            let after = after.take_while(|byte| shape::is_in_domain(**byte)).count();
            let is_known = |end: &usize| {
                let domain = &text[at + 1..=*end];
                is_end(domain) && self.values.has_domain(shape::domain(domain))
            };
            for end in (at + 1..at + 1 + after).filter(is_known).collect::<SmallVec<[usize; 4]>>() {
                for start in at - before..at {
                    self.look_up(shape::email(&text[start..=end]), start..end + 1, origin)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn clerk_ids(&mut self, text: &[u8], origin: Origin) -> ControlFlow<()> {
        for at in memchr_iter(b'_', text) {
            let Some(start) = at.checked_sub(4) else { continue };
            let Some(lengths) = shape::clerk_run(&text[start..]) else { continue };
            for length in lengths.take(RUN) {
                if let Some(key) = shape::clerk(&text[start..start + length]) {
                    self.look_up(key, start..start + length, origin)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Four numbers between dots, wherever in a run of them.
    fn ipv4(&mut self, text: &[u8], origin: Origin) -> ControlFlow<()> {
        let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
        let mut from = 0;
        // Most runs are words; the dot tells.
        while let Some(dot) = memchr(b'.', &text[from..]).map(|at| from + at) {
            let start = dot - text[from..dot].iter().rev().take_while(is_part).count();
            let end = dot + text[dot..].iter().take_while(is_part).count();
            from = end;
            // Nearly all of the rest are decimal numbers.
            if memchr_iter(b'.', &text[start..end]).count() < 3 {
                continue;
            }
            let groups = groups(&text[start..end], b'.');
            for four in
                groups.windows(4).filter(|four| four.iter().all(|group| (1..=3).contains(&group.len())))
            {
                let range = start + four[0].start..start + four[3].end;
                if let Some(key) = shape::ip(&text[range.clone()]) {
                    self.look_up(key, range, origin)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Groups between colons, wherever in a run of them.
    fn ipv6(&mut self, text: &[u8], origin: Origin) -> ControlFlow<()> {
        let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
        let mut from = 0;
        // Most runs are words; the colon tells.
        while let Some(colon) = memchr(b':', &text[from..]).map(|at| from + at) {
            let start = colon - text[from..colon].iter().rev().take_while(|byte| is_part(**byte)).count();
            let end = colon + text[colon..].iter().take_while(|byte| is_part(**byte)).count();
            from = end;
            let run = &text[start..end];
            let colons = memchr_iter(b':', run).count();
            if colons < 2 || (colons < 6 && memchr::memmem::find(run, b"::").is_none()) {
                continue;
            }
            for first in
                (0..run.len()).filter(|at| *at == 0 || run[*at] == b':' || is_separator(run[*at - 1]))
            {
                for length in ipv6_lengths(&run[first..]) {
                    if let Some(key) = shape::ip(&run[first..first + length]) {
                        self.look_up(key, start + first..start + first + length, origin)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// A run of letters, digits and what base64 has beside them: ids, tokens, and what hexadecimal or base64 hides.
    fn run(&mut self, text: &[u8], run: Range<usize>, origin: Origin, depth: u8) -> ControlFlow<()> {
        let bytes = &text[run.clone()];
        // Nothing that was encoded has its dashes in these places. In tags.json every other run is one.
        if let Some(key) = shape::uuid(bytes) {
            return self.look_up(key, run, origin);
        }
        self.uuids(bytes, run.start, origin)?;
        self.tokens(bytes, run.start, origin)?;
        // The whole run goes: what is left of an encoded secret can still be decoded.
        for digits in runs(bytes, |byte| byte.is_ascii_hexdigit(), HEX) {
            let range = run.start + digits.start..run.start + digits.end;
            for window in shape::BARE_UUID..=digits.len().max(shape::BARE_UUID) {
                let Some(candidate) = bytes[digits.clone()].get(window - shape::BARE_UUID..window) else {
                    break;
                };
                if let Some(key) = shape::bare_uuid(candidate) {
                    let end = range.start + window;
                    self.look_up(key, end - shape::BARE_UUID..end, origin)?;
                }
            }
            for parity in 0..2 {
                let encoded = &bytes[digits.clone()][parity..];
                self.decoded(depth, &|_| origin(range.clone()), |into| decode::hexadecimal(encoded, into))?;
            }
        }
        for offset in decode::offsets_of_base64(bytes) {
            let encoded = &bytes[offset..];
            self.decoded(depth, &|_| origin(run.clone()), |into| decode::base64(encoded, into))?;
        }
        ControlFlow::Continue(())
    }

    /// Searches what a decoder writes, if it may hold an identifier at all: nearly every word is no encoded text, and
    /// what comes out of it is noise.
    fn decoded(&mut self, depth: u8, origin: Origin, decode: impl FnOnce(&mut Vec<u8>)) -> ControlFlow<()> {
        let Some(depth) = depth.checked_sub(1) else { return ControlFlow::Continue(()) };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        decode(&mut buffer);
        let outcome = match may_hold(&buffer) {
            true => self.text(&buffer, origin, false, depth),
            false => ControlFlow::Continue(()),
        };
        self.buffer = buffer;
        outcome
    }

    fn uuids(&mut self, bytes: &[u8], start: usize, origin: Origin) -> ControlFlow<()> {
        for dash in memchr_iter(b'-', bytes) {
            let Some(at) = dash.checked_sub(8) else { continue };
            let Some(candidate) = bytes.get(at..at + shape::UUID) else { break };
            if let Some(key) = shape::uuid(candidate) {
                self.look_up(key, start + at..start + at + shape::UUID, origin)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn tokens(&mut self, bytes: &[u8], start: usize, origin: Origin) -> ControlFlow<()> {
        if bytes.len() < shape::TOKEN {
            return ControlFlow::Continue(());
        }
        self.look_up(shape::token(bytes), start..start + bytes.len(), origin)?;
        for is_part in [|byte: u8| byte != b'/' && byte != b'+', |byte: u8| byte.is_ascii_alphanumeric()] {
            for piece in runs(bytes, is_part, shape::TOKEN) {
                self.look_up(
                    shape::token(&bytes[piece.clone()]),
                    start + piece.start..start + piece.end,
                    origin,
                )?;
            }
        }
        for (length, is_hex) in self.values.token_shapes() {
            if is_hex {
                for digits in runs(bytes, |byte| byte.is_ascii_hexdigit(), length) {
                    self.windows(&bytes[digits.clone()], start + digits.start, length, origin)?;
                }
            } else {
                self.windows(bytes, start, length, origin)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Every part of that length.
    fn windows(&mut self, bytes: &[u8], start: usize, length: usize, origin: Origin) -> ControlFlow<()> {
        bytes.windows(length).enumerate().try_for_each(|(at, window)| {
            self.look_up(shape::token(window), start + at..start + at + length, origin)
        })
    }

    /// What `decode` makes of the words that have `sign` in them.
    fn spelled(
        &mut self,
        text: &[u8],
        sign: u8,
        decode: fn(&[u8]) -> Option<decode::Decoded>,
        origin: Origin,
        readable: bool,
        depth: u8,
    ) -> ControlFlow<()> {
        let mut from = 0;
        while let Some(at) = memchr(sign, &text[from..]).map(|at| from + at) {
            let ends = |byte: &&u8| !byte.is_ascii_whitespace() && **byte != b'"';
            let start = at - text[from..at].iter().rev().take_while(ends).count();
            let end = at + text[at..].iter().take_while(ends).count();
            if let Some(decoded) = decode(&text[start..end]) {
                let back = |range| {
                    let source = decoded.source(range);
                    origin(start + source.start..start + source.end)
                };
                self.text(&decoded.bytes, &back, readable, depth - 1)?;
            }
            from = end;
        }
        ControlFlow::Continue(())
    }

    /// A line at a time, and in it what stands between quotes: those that are not escaped end a text.
    fn escapes(&mut self, text: &[u8], origin: Origin, readable: bool, depth: u8) -> ControlFlow<()> {
        let mut from = 0;
        while let Some(at) = memchr(b'\\', &text[from..]).map(|at| from + at) {
            let start = memchr::memrchr(b'\n', &text[from..at]).map_or(from, |line| from + line + 1);
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |line| at + line);
            for part in decode::strings(&text[start..end]) {
                let start = start + part.start;
                let string = &text[start..start + part.len()];
                // Most have nothing to undo.
                let Some(decoded) = memchr(b'\\', string).and_then(|_| decode::escapes(string)) else {
                    continue;
                };
                let back = |range| {
                    let source = decoded.source(range);
                    origin(start + source.start..start + source.end)
                };
                self.text(&decoded.bytes, &back, readable, depth - 1)?;
            }
            from = end;
        }
        ControlFlow::Continue(())
    }
}

/// What parts the groups of an IPv6 address.
fn is_separator(byte: u8) -> bool {
    byte == b':' || byte == b'.'
}

/// How long an IPv6 address may be that begins where `run` does: seven colons, or fewer with two of them in one place,
/// the last group perhaps written as IPv4. A run may be as long as a text, and all of it colons.
fn ipv6_lengths(run: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let mut lengths = SmallVec::<[usize; 16]>::new();
    let (mut colons, mut is_short, mut in_a_row) = (0, false, 0);
    for (at, byte) in run.iter().enumerate().take(IPV6) {
        if *byte == b':' {
            colons += 1;
            in_a_row += 1;
        } else {
            in_a_row = 0;
        }
        if in_a_row > 2 || (in_a_row == 2 && is_short) || colons > 8 {
            break;
        }
        is_short |= in_a_row == 2;
        let ends_here = run.get(at + 1).is_none_or(|next| is_separator(*next)) || *byte == b':';
        if ends_here && (is_short || colons >= 6) {
            lengths.push(at + 1);
        }
    }
    lengths.into_iter()
}

/// Whether a domain may end where `domain` does.
fn is_end(domain: &[u8]) -> bool {
    domain.len() >= 3 && !domain.ends_with(b".") && domain.contains(&b'.')
}

/// Whether there are as many characters in a row as the shortest identifier has, `a@b.co`.
fn may_hold(bytes: &[u8]) -> bool {
    const SHORTEST: usize = 6;
    let mut row = 0;
    bytes.iter().any(|byte| {
        row = if IDENTIFIER[usize::from(*byte)] { row + 1 } else { 0 };
        row >= SHORTEST
    })
}

/// Characters that identifiers have, plain or encoded once more.
static IDENTIFIER: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric()
            || matches!(
                c,
                b'.' | b'@'
                    | b'_'
                    | b'-'
                    | b':'
                    | b'+'
                    | b'/'
                    | b'%'
                    | b'\\'
                    | b'\''
                    | b'~'
                    | b'='
                    | b'!'
                    | b'#'
                    | b'$'
                    | b'&'
                    | b'*'
                    | b'?'
                    | b'^'
                    | b'`'
                    | b'{'
                    | b'|'
                    | b'}'
            );
        byte += 1;
    }
    table
};

/// The longest runs of bytes that `is_part` takes, of at least `least` bytes.
fn runs(
    text: &[u8],
    is_part: impl Fn(u8) -> bool + Copy,
    least: usize,
) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            // No run that begins before this byte and is long enough leaves it out: most bytes are never looked at.
            let probe = from + least - 1;
            if !is_part(*text.get(probe)?) {
                from = probe + 1;
                continue;
            }
            let before = text[from..probe].iter().rev().take_while(|byte| is_part(**byte)).count();
            let after = text[probe..].iter().take_while(|byte| is_part(**byte)).count();
            from = probe + after;
            if before + after >= least {
                return Some(probe - before..from);
            }
        }
    })
}

/// What stands between the separators, empty groups too.
fn groups(run: &[u8], separator: u8) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = memchr_iter(separator, run).chain([run.len()]);
    ends.map(|end| std::mem::replace(&mut start, end + 1)..end).collect()
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
