//! Fence 4: searches what is about to leave, as it stands in the finished archive.

use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::ControlFlow;

use memchr::memrchr;

use super::find::{Found, search};
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
        let mut keys = HashSet::new();
        for text in exempt {
            let _ = search(text.as_bytes(), values, &mut |found| {
                keys.insert(found.key);
                ControlFlow::Continue(())
            });
        }
        Scanner { values, exempt: keys }
    }

    /// An identifier in a name or a comment, if there is one.
    pub fn name(&self, text: &str) -> Option<Hit> {
        self.chunk(text.as_bytes())
    }

    /// An identifier in all that `read` gives, if there is one. Takes a few megabytes of memory, however much it is.
    pub fn bytes(&self, mut read: impl Read) -> io::Result<Option<Hit>> {
        let mut buffer = Vec::with_capacity(CHUNK + OVERLAP);
        loop {
            let filled = buffer.len();
            let more = (&mut read).take((CHUNK + OVERLAP - filled) as u64).read_to_end(&mut buffer)?;
            if let Some(hit) = self.chunk(&buffer) {
                return Ok(Some(hit));
            }
            if more == 0 {
                return Ok(None);
            }
            // Records are lines: nothing stands across their ends.
            let keep = match memrchr(b'\n', &buffer) {
                Some(line) if buffer.len() - line <= CHUNK => line + 1,
                _ => buffer.len().saturating_sub(OVERLAP),
            };
            buffer.drain(..keep);
        }
    }

    fn chunk(&self, bytes: &[u8]) -> Option<Hit> {
        let mut hit = None;
        let _ = search(bytes, self.values, &mut |found: Found<'_>| {
            if self.exempt.contains(&found.key) {
                return ControlFlow::Continue(());
            }
            hit = Some(found.into());
            ControlFlow::Break(())
        });
        hit
    }
}
