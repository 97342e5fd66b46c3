//! Finds identifiers in text: cuts it into runs that have the shape of a class and looks those up.
//!
//! Encoded text is decoded, not values encoded: runs of hexadecimal at both parities, of base64 at all alignments,
//! percent signs, the backslashes of JSON and of Markdown, HTML's character references and `<wbr>`, full-width letters,
//! dashes, signs that nobody sees and the ends of lines in base64, quoted-printable and ids are undone and what comes
//! out is searched again.

use std::ops::{ControlFlow, Range};

use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

use super::decode::Decoded;
use super::shape::{self, Key};
use super::values::Values;
use super::{address, decode};
use crate::platform::identifiers::{Class, lets_in};

mod addresses;
mod signs;
mod words;

use signs::Signs;

/// How many encodings may lie one in the other.
const MAX_DEPTH: u8 = 3;
/// Characters of the shortest run that may be base64 of an identifier: nine bytes, `a@b.co.uk`.
const MIN_BASE64: usize = 8;
/// Lengths that are tried where a Clerk id runs on.
const MAX_CLERK_RUN: usize = 64;

/// An identifier in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'v> {
    /// What spells it, in bytes of the text that was searched.
    pub range: Range<usize>,
    /// The class of identifiers that it belongs to.
    pub class: Class,
    /// Which one of its class it is, however it is spelt.
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
    Search { values, found, buffer: Vec::new() }.text(text, Layer::outermost(true))
}

/// Hands each identifier in JSON to `found`, as [`search`] does. Each text is searched as it was before it was written:
/// the signs of an escape are no part of it, and what the escapes hide lies no deeper than in the text itself.
pub fn search_json<'v>(
    json: &[u8],
    values: &'v Values,
    found: &mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if memchr(b'\\', json).is_none() {
        return search(json, values, found);
    }
    let mut search = Search { values, found, buffer: Vec::new() };
    let mut rest = json.to_vec();
    for part in decode::escaped_strings(json) {
        let Some(decoded) = decode::escapes(&json[part.clone()]) else { continue };
        let origin = |range| {
            let source = decoded.source(range);
            part.start + source.start..part.start + source.end
        };
        search.text(&decoded.bytes, Layer { origin: &origin, ..Layer::outermost(true) })?;
        rest[part.clone()].fill(b' ');
    }
    search.text(&rest, Layer::outermost(true))
}

/// Hands each identifier in bytes that nobody reads to `found`, as [`search`] does, but an e-mail address only when it
/// is known.
pub fn search_noise<'v>(
    bytes: &[u8],
    values: &'v Values,
    found: &mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Search { values, found, buffer: Vec::new() }.text(bytes, Layer::outermost(false))
}

struct Search<'v, 'f> {
    values: &'v Values,
    found: &'f mut dyn FnMut(Found<'v>) -> ControlFlow<()>,
    /// What a decoder writes into.
    buffer: Vec<u8>,
}

/// What is known of a text that is searched: the whole, or what came out of a decoder.
#[derive(Clone, Copy)]
struct Layer<'o> {
    /// Where a range of it stands in the whole.
    origin: &'o dyn Fn(Range<usize>) -> Range<usize>,
    /// Whether it is meant to be read. Other bytes may be noise, in which an address counts only when it is known.
    readable: bool,
    /// Encodings that may still lie one in the other in it.
    depth: u8,
}

impl Layer<'_> {
    /// The whole.
    fn outermost(readable: bool) -> Layer<'static> {
        Layer { origin: &|range| range, readable, depth: MAX_DEPTH }
    }

    /// What a decoder makes of a part of this; None where it lies too deep.
    fn decoded<'o>(
        self,
        origin: &'o dyn Fn(Range<usize>) -> Range<usize>,
        readable: bool,
    ) -> Option<Layer<'o>> {
        Some(Layer { origin, readable, depth: self.depth.checked_sub(1)? })
    }
}

impl<'v> Search<'v, '_> {
    fn text(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        let signs = Signs::of(text);
        if signs.have(b'@') {
            self.emails(text, layer)?;
        }
        if signs.have(b'_') {
            self.clerk_ids(text, layer)?;
        }
        if signs.have(b'.') {
            self.ipv4(text, layer)?;
        }
        if signs.have(b':') {
            self.ipv6(text, layer)?;
        }
        for run in runs(text, shape::is_in_token, MIN_BASE64) {
            self.run(text, run, layer)?;
        }
        if layer.depth > 0 && signs.have_spelling() {
            self.spelled(text, |rest| memchr(b'%', rest), decode::percent, layer)?;
            self.spelled(text, |rest| memchr(b'&', rest), decode::references, layer)?;
            self.spelled(text, |rest| memchr(b'<', rest), decode::word_breaks, layer)?;
            self.spelled(text, decode::foldable, decode::folded, layer)?;
            self.spelled(text, |rest| memchr(b'\\', rest), decode::markdown, layer)?;
            self.escapes(text, layer)?;
            if let Some(decoded) = decode::unwrapped(text) {
                // A name that ends a line is none of an address that the next begins with.
                self.undone(&decoded, 0, Layer { readable: false, ..layer })?;
            }
        }
        ControlFlow::Continue(())
    }

    fn look_up(&mut self, key: Key, range: Range<usize>, layer: Layer<'_>) -> ControlFlow<()> {
        match self.values.get(key) {
            Some((class, place)) => {
                let range = (layer.origin)(range);
                (self.found)(Found { range, class, key, place: Some(place) })
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn emails(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        for at in memchr_iter(b'@', text) {
            if layer.readable
                && let Some(range) = address::around(text, at)
            {
                let key = shape::email(&text[range.clone()]);
                let place = self.values.get(key).map(|(_, place)| place);
                let range = (layer.origin)(range);
                (self.found)(Found { range, class: Class::Email, key, place })?;
            }
            // What stands around a known address may be glued to it.
            let before = text[..at].iter().rev().take(address::MAX_LOCAL_PART);
            let before = before.take_while(|byte| shape::is_local(**byte)).count();
            let after = text[at + 1..].iter().take(address::MAX_ADDRESS);
            let after = after.take_while(|byte| shape::is_in_domain(**byte)).count();
            let is_known = |end: &usize| {
                let domain = &text[at + 1..=*end];
                is_end(domain) && self.values.has_domain(shape::domain(domain))
            };
            for end in (at + 1..at + 1 + after).filter(is_known).collect::<SmallVec<[usize; 4]>>() {
                for start in at - before..at {
                    self.look_up(shape::email(&text[start..=end]), start..end + 1, layer)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn clerk_ids(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        for at in memchr_iter(b'_', text) {
            let Some(start) = at.checked_sub(4) else { continue };
            let Some(lengths) = shape::clerk_run(&text[start..]) else { continue };
            for length in lengths.take(MAX_CLERK_RUN) {
                if let Some(key) = shape::clerk(&text[start..start + length]) {
                    self.look_up(key, start..start + length, layer)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What `decode` makes of the words that have a sign in them which `next` finds.
    fn spelled(
        &mut self,
        text: &[u8],
        next: impl Fn(&[u8]) -> Option<usize>,
        decode: fn(&[u8]) -> Option<Decoded>,
        layer: Layer<'_>,
    ) -> ControlFlow<()> {
        let mut from = 0;
        while let Some(at) = next(&text[from..]).map(|at| from + at) {
            let ends = |byte: &&u8| !byte.is_ascii_whitespace() && **byte != b'"';
            let start = at - text[from..at].iter().rev().take_while(ends).count();
            let end = at + text[at..].iter().take_while(ends).count();
            if let Some(decoded) = decode(&text[start..end]) {
                self.undone(&decoded, start, layer)?;
            }
            from = end;
        }
        ControlFlow::Continue(())
    }

    /// A line at a time, and in it what stands between quotes: those that are not escaped end a text.
    fn escapes(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        let mut from = 0;
        while let Some(at) = memchr(b'\\', &text[from..]).map(|at| from + at) {
            let start = memchr::memrchr(b'\n', &text[from..at]).map_or(from, |line| from + line + 1);
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |line| at + line);
            for part in decode::escaped_strings(&text[start..end]) {
                let start = start + part.start;
                if let Some(decoded) = decode::escapes(&text[start..start + part.len()]) {
                    self.undone(&decoded, start, layer)?;
                }
            }
            from = end;
        }
        ControlFlow::Continue(())
    }

    /// Searches what a spelling that begins at `start` stands for, which is as readable as what it stands in.
    fn undone(&mut self, decoded: &Decoded, start: usize, layer: Layer<'_>) -> ControlFlow<()> {
        let origin = |range| {
            let source = decoded.source(range);
            (layer.origin)(start + source.start..start + source.end)
        };
        match layer.decoded(&origin, layer.readable) {
            Some(inner) => self.text(&decoded.bytes, inner),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Whether a domain may end where `domain` does.
fn is_end(domain: &[u8]) -> bool {
    domain.len() >= 3 && !domain.ends_with(b".") && domain.contains(&b'.')
}

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

#[cfg(test)]
mod tests;
