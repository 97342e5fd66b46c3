//! Runs of letters and digits: ids, tokens, and what hexadecimal or base64 hides.

use std::ops::{ControlFlow, Range};

use memchr::{memchr, memchr2_iter};

use super::super::{decode, shape};
use super::{Layer, Search, runs};
use crate::privacy::values::TokenShape;

/// Digits of the shortest run that may be hexadecimal of an identifier: `a@b.co`.
const MIN_HEX: usize = 12;

impl Search<'_, '_> {
    /// A run of letters, digits and what base64 has beside them: ids, tokens, and what hexadecimal or base64 hides.
    pub(super) fn run(&mut self, text: &[u8], run: Range<usize>, layer: Layer<'_>) -> ControlFlow<()> {
        let bytes = &text[run.clone()];
        // A whole UUID hides nothing else: no encoding has dashes in these places. In tags.json every other run is one.
        if let Some(key) = shape::uuid(bytes) {
            return self.look_up(key, run, layer);
        }
        self.uuids(bytes, run.start, layer)?;
        self.tokens(bytes, run.start, layer)?;
        for digits in runs(bytes, |byte| byte.is_ascii_hexdigit(), MIN_HEX) {
            let (start, digits) = (run.start + digits.start, &bytes[digits]);
            for (at, window) in digits.windows(shape::BARE_UUID_LEN).enumerate() {
                if let Some(key) = shape::bare_uuid(window) {
                    self.look_up(key, start + at..start + at + shape::BARE_UUID_LEN, layer)?;
                }
            }
            for parity in 0..2 {
                let whole = start..start + digits.len();
                self.hidden(whole, layer, |into| decode::hexadecimal(&digits[parity..], into))?;
            }
        }
        for offset in decode::offsets_of_base64(bytes, !self.values.has_other_letters()) {
            self.hidden(run.clone(), layer, |into| decode::base64(&bytes[offset..], into))?;
        }
        ControlFlow::Continue(())
    }

    /// Searches what a decoder makes of `whole`, if it may hold an identifier at all: nearly every word is no encoded
    /// text, and what comes out of it is noise. Where one is found the whole goes: what is left of an encoded secret
    /// can still be decoded.
    fn hidden(
        &mut self,
        whole: Range<usize>,
        layer: Layer<'_>,
        decode: impl FnOnce(&mut Vec<u8>),
    ) -> ControlFlow<()> {
        let origin = |_| (layer.origin)(whole.clone());
        let Some(inner) = layer.decoded(&origin, false) else { return ControlFlow::Continue(()) };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        decode(&mut buffer);
        let may_be_other = || self.values.has_other_letters() && memchr(b'@', &buffer).is_some();
        let outcome = match may_hold(&buffer) || may_be_other() {
            true => self.text(&buffer, inner),
            false => ControlFlow::Continue(()),
        };
        self.buffer = buffer;
        outcome
    }

    fn uuids(&mut self, bytes: &[u8], start: usize, layer: Layer<'_>) -> ControlFlow<()> {
        for dash in memchr2_iter(b'-', b'_', bytes) {
            let Some(at) = dash.checked_sub(8) else { continue };
            let Some(candidate) = bytes.get(at..at + shape::UUID_LEN) else { break };
            if let Some(key) = shape::uuid(candidate) {
                self.look_up(key, start + at..start + at + shape::UUID_LEN, layer)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn tokens(&mut self, bytes: &[u8], start: usize, layer: Layer<'_>) -> ControlFlow<()> {
        if bytes.len() < shape::MIN_TOKEN {
            return ControlFlow::Continue(());
        }
        self.look_up(shape::token(bytes), start..start + bytes.len(), layer)?;
        for is_part in [|byte: u8| byte != b'/' && byte != b'+', |byte: u8| byte.is_ascii_alphanumeric()] {
            for piece in runs(bytes, is_part, shape::MIN_TOKEN) {
                self.look_up(
                    shape::token(&bytes[piece.clone()]),
                    start + piece.start..start + piece.end,
                    layer,
                )?;
            }
        }
        for TokenShape { length, is_hex } in self.values.token_shapes() {
            if is_hex {
                for digits in runs(bytes, |byte| byte.is_ascii_hexdigit(), length) {
                    self.windows(&bytes[digits.clone()], start + digits.start, length, layer)?;
                }
            } else {
                self.windows(bytes, start, length, layer)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Every part of that length.
    fn windows(&mut self, bytes: &[u8], start: usize, length: usize, layer: Layer<'_>) -> ControlFlow<()> {
        bytes.windows(length).enumerate().try_for_each(|(at, window)| {
            self.look_up(shape::token(window), start + at..start + at + length, layer)
        })
    }
}

/// Whether there are as many characters in a row as the shortest identifier of ASCII has, `a@b.co`.
pub(super) fn may_hold(bytes: &[u8]) -> bool {
    const MIN_IDENTIFIER: usize = 6;
    let mut row = 0;
    bytes.iter().any(|byte| {
        row = if IDENTIFIER[usize::from(*byte)] { row + 1 } else { 0 };
        row >= MIN_IDENTIFIER
    })
}

/// Characters that identifiers have, plain or encoded once more.
static IDENTIFIER: [bool; 256] = shape::letters_and(b".@_-:+/%\\'~=!#$&*?^`{|};");
