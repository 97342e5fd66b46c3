//! Runs of letters and digits: ids, tokens, and what hexadecimal or base64 hides.

use std::ops::{ControlFlow, Range};

use memchr::{memchr, memchr_iter};

use super::super::{decode, shape};
use super::{Origin, Search, runs};

/// Digits of the shortest run that may be hexadecimal of an identifier: `a@b.co`.
const HEX: usize = 12;

impl Search<'_, '_> {
    /// A run of letters, digits and what base64 has beside them: ids, tokens, and what hexadecimal or base64 hides.
    pub(super) fn run(
        &mut self,
        text: &[u8],
        run: Range<usize>,
        origin: Origin,
        depth: u8,
    ) -> ControlFlow<()> {
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
        for offset in decode::offsets_of_base64(bytes, !self.values.has_other_letters()) {
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
        let may_be_other = || self.values.has_other_letters() && memchr(b'@', &buffer).is_some();
        let outcome = match may_hold(&buffer) || may_be_other() {
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
}

/// Whether there are as many characters in a row as the shortest identifier of ASCII has, `a@b.co`.
pub(super) fn may_hold(bytes: &[u8]) -> bool {
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
