//! Cuts an SQL script into statements while it is read.
//!
//! Where a statement ends is decided as `sqlite3_complete()` decides it: at the first semicolon outside literals,
//! quoted names and comments, or in a `CREATE TRIGGER` at the one after `; END`. Every byte is looked at once, and
//! no more is held than the statement at hand and one chunk.

use std::io::Read;

use memchr::{memchr, memchr_iter};

use super::error::{LoadError, Problem};
use crate::sqlite::trouble::is_packed;

mod scan;

use scan::Scan;

/// Bytes read at once.
const CHUNK: u64 = 256 * 1024;

/// One statement of a script.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The line of its first token, counted from 1.
    pub line: u64,
    /// Comments and white space before it.
    pub lead: &'a str,
    /// From its first token to its semicolon; empty when only `lead` was left at the end of the script.
    pub text: &'a str,
    /// Whether it has its semicolon; only the last statement of a script may lack one.
    pub closed: bool,
    /// Bytes of the script up to its end.
    pub end: u64,
}

/// A script being cut.
pub struct Splitter<R> {
    script: R,
    chunk: u64,
    buffer: Vec<u8>,
    /// Where in `buffer` the statement at hand starts, and the next byte to look at.
    start: usize,
    at: usize,
    /// The line of `buffer[start]`, and how many bytes of the script lie before it.
    line: u64,
    passed: u64,
    begun: bool,
}

impl<R: Read> Splitter<R> {
    /// Cuts `script`; nothing is read yet.
    pub fn new(script: R) -> Self {
        Splitter {
            script,
            chunk: CHUNK,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            line: 1,
            passed: 0,
            begun: false,
        }
    }

    /// The next statement; `None` at the end of the script. Fails if the script cannot be read, is no UTF-8 or holds
    /// NUL, or if a statement is longer than SQLite could take.
    pub fn next_statement(&mut self) -> Result<Option<Statement<'_>>, LoadError> {
        self.pass();
        let mut scan = Scan::begin();
        let closed = loop {
            if self.advance(&mut scan) {
                break true;
            }
            if !self.fill(&scan)? {
                break false;
            }
        };
        if self.at == self.start {
            return Ok(None);
        }
        scan.measure(self.at - self.start).map_err(|problem| self.problem(problem, self.start))?;
        if !closed {
            scan.finish(self.at - self.start);
        }
        self.statement(&scan, closed).map(Some)
    }

    /// Leaves the statement at hand behind.
    fn pass(&mut self) {
        let done = &self.buffer[self.start..self.at];
        self.line += memchr_iter(b'\n', done).count() as u64;
        self.passed += done.len() as u64;
        self.start = self.at;
    }

    /// Reads another chunk; false at the end of the script.
    fn fill(&mut self, scan: &Scan) -> Result<bool, LoadError> {
        scan.measure(self.at - self.start).map_err(|problem| self.problem(problem, self.start))?;
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        let read =
            self.script.by_ref().take(self.chunk).read_to_end(&mut self.buffer).map_err(LoadError::Read)?;
        if !std::mem::replace(&mut self.begun, true) {
            self.begin()?;
        }
        Ok(read > 0)
    }

    /// Looks at how the script begins: a byte order mark is passed over, and what is no script is told apart.
    fn begin(&mut self) -> Result<(), LoadError> {
        match self.buffer.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => {
                self.buffer.drain(..3);
                self.passed = 3;
                Ok(())
            }
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 1..=127, ..] | [1..=127, 0, ..] => {
                Err(self.problem(Problem::Utf16, 0))
            }
            head if head.starts_with(b"SQLite format 3\0") => Err(self.problem(Problem::Database, 0)),
            head if is_packed(head) => Err(self.problem(Problem::Packed, 0)),
            _ => Ok(()),
        }
    }

    /// Looks at what was read; true once the statement has its end.
    fn advance(&mut self, scan: &mut Scan) -> bool {
        let (place, closed) = scan.advance(&self.buffer[self.start..], self.at - self.start);
        self.at = self.start + place;
        closed
    }

    fn statement(&self, scan: &Scan, closed: bool) -> Result<Statement<'_>, LoadError> {
        let bytes = &self.buffer[self.start..self.at];
        if let Some(nul) = memchr(0, bytes) {
            return Err(self.problem(Problem::Nul, self.start + nul));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| self.problem(Problem::Encoding, self.start + error.valid_up_to()))?;
        // Both sides of a token's first byte are whole characters, for no byte below 0x80 is part of another.
        let (lead, text) = text.split_at_checked(scan.first().unwrap_or(bytes.len())).unwrap_or(("", text));
        let line = self.line + memchr_iter(b'\n', lead.as_bytes()).count() as u64;
        Ok(Statement { line, lead, text, closed, end: self.passed + bytes.len() as u64 })
    }

    /// A problem at a place in `buffer`.
    fn problem(&self, problem: Problem, place: usize) -> LoadError {
        let before = &self.buffer[self.start..place.max(self.start)];
        LoadError::script(self.line + memchr_iter(b'\n', before).count() as u64, problem)
    }
}

#[cfg(test)]
mod tests;
