//! Fence 4: searches what is about to leave, as it stands in the finished archive.

use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::ControlFlow;

use memchr::{memrchr, memrchr2};

use super::find::{Found, search, search_json, search_noise};
use super::redact::Hit;
use super::shape::Key;
use super::values::Values;

/// Bytes that are searched at a time.
const CHUNK: usize = 1024 * 1024;
/// Bytes that are searched twice where a chunk has no end of a line in it: more than any identifier has in any
/// encoding.
const OVERLAP: usize = 16 * 1024;

/// Searches names and contents.
#[derive(Debug)]
pub struct Scanner<'v> {
    values: &'v Values,
    exempt: HashSet<Key>,
}

impl<'v> Scanner<'v> {
    /// Hunts `values`; identifiers in the `exempt` texts are public.
    pub fn new<'e>(values: &'v Values, exempt: impl IntoIterator<Item = &'e str>) -> Self {
        let mut scanner = Scanner { values, exempt: HashSet::new() };
        exempt.into_iter().for_each(|text| scanner.exempt(text));
        scanner
    }

    /// Takes whatever stands in a text for public.
    pub fn exempt(&mut self, text: &str) {
        let found = self.all(text, |_| true);
        self.exempt.extend(found);
    }

    /// Takes tokens for public that a text holds which was made around a public `id`: they may be any text. What the
    /// id itself holds is none of them.
    pub fn exempt_around(&mut self, text: &str, id: &str) {
        let of_id: HashSet<Key> = self.all(id, |_| true).into_iter().collect();
        let found = self.all(text, Found::may_be_any_text);
        self.exempt.extend(found.into_iter().filter(|key| !of_id.contains(key)));
    }

    fn all(&self, text: &str, counts: impl Fn(&Found<'v>) -> bool) -> Vec<Key> {
        let mut keys = Vec::new();
        let _ = search(text.as_bytes(), self.values, &mut |found| {
            keys.extend(counts(&found).then_some(found.key));
            ControlFlow::Continue(())
        });
        keys
    }

    /// An identifier in a name or a comment, if there is one.
    pub fn name(&self, text: &str) -> Option<Hit> {
        self.chunk(&text.as_bytes().to_vec().into())
    }

    /// An identifier in all that `read` gives, if there is one. Takes a few megabytes of memory, however much it is.
    pub fn bytes(&self, read: impl Read) -> io::Result<Option<Hit>> {
        self.any(read, search)
    }

    /// The first identifier in bytes that are no text, to their end: what looks like an e-mail address by chance is
    /// none, unless it is known.
    pub fn noise(&self, read: impl Read) -> io::Result<Option<Hit>> {
        self.any(read, search_noise)
    }

    fn any(&self, read: impl Read, search: Search<'v>) -> io::Result<Option<Hit>> {
        let mut chunks = Chunks::new(read);
        while let Some(chunk) = chunks.next_chunk()? {
            let hit = self.first(&chunk, search);
            if hit.is_some() {
                return Ok(hit);
            }
        }
        Ok(None)
    }

    /// An identifier in one of the [`Chunks`] of a text, if there is one.
    pub fn chunk(&self, chunk: &Chunk) -> Option<Hit> {
        self.first(chunk, search)
    }

    /// The first identifier in a chunk of JSON, whose strings are searched without their escapes.
    pub fn json(&self, chunk: &Chunk) -> Option<Hit> {
        self.first(chunk, search_json)
    }

    /// The first that `search` finds, that the next chunk does not show as well, and that is not exempt.
    fn first(&self, chunk: &Chunk, search: Search<'v>) -> Option<Hit> {
        let mut hit = None;
        let _ = search(&chunk.bytes, self.values, &mut |found| {
            if found.range.start >= chunk.next || self.exempt.contains(&found.key) {
                return ControlFlow::Continue(());
            }
            hit = Some(found.into());
            ControlFlow::Break(())
        });
        hit
    }
}

/// How bytes are searched: as text, as JSON or as noise.
type Search<'v> = fn(&[u8], &'v Values, &mut dyn FnMut(Found<'v>) -> ControlFlow<()>) -> ControlFlow<()>;

/// A part of what a reader gives.
#[derive(Debug)]
pub struct Chunk {
    bytes: Vec<u8>,
    /// Where the next one begins, which shows what begins from there on with what follows it: where a line is cut,
    /// `logo@2x.jpeg` would be an address.
    next: usize,
}

impl From<Vec<u8>> for Chunk {
    /// One after which nothing is shown again.
    fn from(bytes: Vec<u8>) -> Self {
        Chunk { next: bytes.len(), bytes }
    }
}

/// Cuts what a reader gives into parts that can be searched apart.
pub struct Chunks<R> {
    read: R,
    /// What the next chunk begins with.
    kept: Vec<u8>,
    ended: bool,
}

impl<R: Read> Chunks<R> {
    /// Nothing is read yet.
    pub fn new(read: R) -> Self {
        Chunks { read, kept: Vec::new(), ended: false }
    }

    /// The next part; none at the end.
    pub fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        if self.ended {
            return Ok(None);
        }
        let mut chunk = Vec::with_capacity(CHUNK + OVERLAP);
        chunk.append(&mut self.kept);
        let room = (CHUNK + OVERLAP).saturating_sub(chunk.len()) as u64;
        self.ended = (&mut self.read).take(room).read_to_end(&mut chunk)? < room as usize;
        if self.ended {
            return Ok(Some(chunk.into()));
        }
        // Records are lines: nothing stands across their ends. One that is begun is searched with its rest.
        match memrchr(b'\n', &chunk) {
            Some(line) if chunk.len() - line <= CHUNK => {
                self.kept = chunk.split_off(line + 1);
                Ok(Some(chunk.into()))
            }
            _ => {
                let next = between_words(&chunk, chunk.len().saturating_sub(OVERLAP));
                self.kept.extend_from_slice(&chunk[next..]);
                Ok(Some(Chunk { bytes: chunk, next }))
            }
        }
    }
}

/// The last place up to `at` where nothing is cut in two: behind a space or a quote, else behind no escape, at least
/// between two pairs of backslashes. What an escape ends with would stand before an `@` as if it were a name.
fn between_words(chunk: &[u8], at: usize) -> usize {
    const ESCAPE: usize = 6;
    let from = at.saturating_sub(OVERLAP);
    let before = chunk.get(from..at).unwrap_or_default();
    if let Some(space) = memrchr2(b' ', b'"', before) {
        return from + space + 1;
    }
    let is_escape = |byte: &u8| matches!(byte, b'\\' | b'%');
    let none = before.windows(ESCAPE).rposition(|six| !six.iter().any(is_escape));
    let backslashes = || chunk.iter().take(at).rev().take_while(|byte| **byte == b'\\').count();
    none.map_or_else(|| at - backslashes() % 2, |start| from + start + ESCAPE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::super::redact::{Counts, Redactor};
    use super::*;

    /// Values that a visitor may write, of as few letters as there may be.
    fn values() -> Values {
        let mut values = Values::default();
        for value in ["n@b.co", "u@b.co", "041a@b.co", "b::1", "1.2.3.4", "nf1c9a527b644c0e9d2a5e8f00112233b"]
        {
            values.add("submissions.email", value);
        }
        values
    }

    fn all(json: &str) -> Chunk {
        json.as_bytes().to_vec().into()
    }

    #[test]
    fn what_is_escaped_deeper_than_the_third_fence_looks_stops_no_dump() {
        let values = values();
        for deep in 0..12 {
            let text = format!("{}u00e9@b.co", "\\".repeat(deep));
            let clean = Redactor::new(&values).text(&text, &mut Counts::default()).into_owned();
            let json = serde_json::json!([{ "title": clean }]).to_string();
            assert_eq!(Scanner::new(&values, []).json(&all(&json)), None, "{text} as {json}");
        }
        let json = serde_json::json!([{ "title": "a\n\"u@b.co\"" }]).to_string();
        assert!(Scanner::new(&values, []).json(&all(&json)).is_some(), "{json}");
    }

    #[test]
    fn backslashes_without_end_are_cut_between_pairs() {
        let chunk = vec![b'\\'; 3 * OVERLAP];
        assert_eq!([2 * OVERLAP, 2 * OVERLAP + 1].map(|at| between_words(&chunk, at)), [2 * OVERLAP; 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn what_the_third_fence_lets_out_stops_no_dump(
            pieces in proptest::collection::vec(
                prop_oneof![
                    "[a-cnu0-4@&#;.\"\\\\%_:{}\n\u{8}\u{c}\u{7}é ]{1,6}",
                    Just("@b.co".to_owned()), Just("::1".to_owned()), Just("1.2.3.4".to_owned()),
                    Just("\\u00".to_owned()), Just("%40".to_owned()), Just("\\x40".to_owned()), Just("\\u{40}".to_owned()), Just("%u0040".to_owned()), Just("\\\"".to_owned()), Just("%0A".to_owned()), Just("\\\\\\\\\\\\\\\\".to_owned()), Just("u00e9@b.co".to_owned()), Just("&#64;".to_owned()), Just("&#x".to_owned()), Just("&#10;".to_owned()), Just("&#64".to_owned()), Just("&#10".to_owned()), Just("\\@".to_owned()), Just("\\\\".to_owned()), Just("\\_".to_owned()),
                    Just("f1c9a527b644c0e9d2a5e8f00112233b".to_owned()),
                ],
                0..8,
            ),
        ) {
            let (values, nobodys) = (values(), Values::default());
            let text = pieces.concat();
            let clean = Redactor::new(&values).text(&text, &mut Counts::default()).into_owned();
            let json = serde_json::json!([{ "title": clean }, clean]).to_string();
            prop_assert_eq!(Scanner::new(&values, []).json(&all(&json)), None, "{:?} as {}", text, json);
            prop_assert_eq!(Scanner::new(&nobodys, []).chunk(&all(&json)), None, "{:?} as {}", text, json);
        }
    }
}
