//! Cuts an SQL script into statements while it is read.
//!
//! Where a statement ends is decided as `sqlite3_complete()` decides it: at the first semicolon outside literals,
//! quoted names and comments, or in a `CREATE TRIGGER` at the one after `; END`. Every byte is looked at once, and
//! no more is held than the statement at hand and one chunk.

use std::io::Read;

use memchr::{memchr, memchr_iter};

use super::error::{LoadError, Problem};
use crate::database::is_packed;

/// Bytes read at once.
const CHUNK: u64 = 256 * 1024;
/// The longest statement, in bytes: SQLite takes no longer one either (SQLITE_MAX_SQL_LENGTH).
const LONGEST: usize = 1_000_000_000;
/// The most bytes of a statement outside literals and comments. Literals cost what they are long, but SQLite's
/// parser spends a hundred times the length of everything else; no exporter comes near.
const DENSEST: usize = 4 * 1024 * 1024;

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

/// What the byte at hand is part of.
#[derive(Clone, Copy)]
enum Mode {
    Code,
    /// A keyword or name that began this many bytes into the statement.
    Word(usize),
    Quoted(u8),
    Dash,
    Slash,
    LineComment,
    BlockComment,
    /// An asterisk within a block comment.
    Asterisk,
}

/// How far the statement is; the states of `sqlite3_complete()`.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Normal,
    Explain,
    Create,
    Trigger,
    Semicolon,
    End,
}

#[derive(Clone, Copy)]
enum Token {
    Other,
    Explain,
    Create,
    Temp,
    Trigger,
    End,
}

/// One statement being looked at. Offsets count from its start.
struct Scan {
    mode: Mode,
    state: State,
    first: Option<usize>,
    /// Bytes within literals, quoted names and comments.
    opaque: usize,
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

    /// The next statement; `None` at the end of the script.
    ///
    /// # Errors
    /// The script cannot be read, is no UTF-8, holds NUL, or a statement is beyond all measure.
    pub fn next_statement(&mut self) -> Result<Option<Statement<'_>>, LoadError> {
        self.pass();
        let mut scan = Scan { mode: Mode::Code, state: State::Start, first: None, opaque: 0 };
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
        let bytes = &self.buffer[self.start..];
        let mut at = self.at - self.start;
        let mut closed = false;
        while !closed && at < bytes.len() {
            match scan.mode {
                Mode::Code => {
                    if scan.state == State::Normal {
                        at += bytes[at..].iter().position(|&b| is_structure(b)).unwrap_or(bytes.len() - at);
                    }
                    if let Some(&byte) = bytes.get(at) {
                        closed = scan.code(byte, at);
                        at += 1;
                    }
                }
                Mode::Word(from) => {
                    at += bytes[at..].iter().position(|&b| !is_name(b)).unwrap_or(bytes.len() - at);
                    if at < bytes.len() {
                        scan.token(keyword(&bytes[from..at]), from);
                        scan.mode = Mode::Code;
                    }
                }
                Mode::Quoted(mark) => at += scan.until(mark, &bytes[at..], Mode::Code),
                Mode::LineComment => at += scan.until(b'\n', &bytes[at..], Mode::Code),
                Mode::BlockComment => at += scan.until(b'*', &bytes[at..], Mode::Asterisk),
                Mode::Asterisk => {
                    scan.mode = match bytes[at] {
                        b'/' => Mode::Code,
                        b'*' => Mode::Asterisk,
                        _ => Mode::BlockComment,
                    };
                    scan.opaque += 1;
                    at += 1;
                }
                Mode::Dash | Mode::Slash => {
                    let comment = match (scan.mode, bytes[at]) {
                        (Mode::Dash, b'-') => Some(Mode::LineComment),
                        (Mode::Slash, b'*') => Some(Mode::BlockComment),
                        _ => None,
                    };
                    at += usize::from(comment.is_some());
                    if comment.is_none() {
                        scan.token(Token::Other, at - 1);
                    }
                    scan.mode = comment.unwrap_or(Mode::Code);
                }
            }
        }
        self.at = self.start + at;
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
        let (lead, text) = text.split_at_checked(scan.first.unwrap_or(bytes.len())).unwrap_or(("", text));
        let line = self.line + memchr_iter(b'\n', lead.as_bytes()).count() as u64;
        Ok(Statement { line, lead, text, closed, end: self.passed + bytes.len() as u64 })
    }

    /// A problem at a place in `buffer`.
    fn problem(&self, problem: Problem, place: usize) -> LoadError {
        let before = &self.buffer[self.start..place.max(self.start)];
        LoadError::script(self.line + memchr_iter(b'\n', before).count() as u64, problem)
    }
}

impl Scan {
    /// Takes a byte outside literals, names and comments; true if it ends the statement.
    fn code(&mut self, byte: u8, at: usize) -> bool {
        match byte {
            b';' => return self.semicolon(),
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => {}
            b'-' => self.mode = Mode::Dash,
            b'/' => self.mode = Mode::Slash,
            b'\'' | b'"' | b'`' => {
                self.token(Token::Other, at);
                self.mode = Mode::Quoted(byte);
            }
            b'[' => {
                self.token(Token::Other, at);
                self.mode = Mode::Quoted(b']');
            }
            _ if is_name(byte) && self.state != State::Normal => self.mode = Mode::Word(at),
            _ => self.token(Token::Other, at),
        }
        false
    }

    fn semicolon(&mut self) -> bool {
        match self.state {
            State::Start => false,
            State::Normal | State::Explain | State::Create | State::End => true,
            State::Trigger | State::Semicolon => {
                self.state = State::Semicolon;
                false
            }
        }
    }

    fn token(&mut self, token: Token, at: usize) {
        self.first.get_or_insert(at);
        self.state = match (self.state, token) {
            (State::Start, Token::Explain) => State::Explain,
            (State::Start | State::Explain, Token::Create) => State::Create,
            (State::Explain, Token::Other) => State::Explain,
            (State::Create, Token::Temp) => State::Create,
            (State::Create, Token::Trigger) => State::Trigger,
            (State::Semicolon, Token::End) => State::End,
            (State::Trigger | State::Semicolon | State::End, _) => State::Trigger,
            _ => State::Normal,
        };
    }

    /// The script ended within a token: it counts all the same.
    fn finish(&mut self, length: usize) {
        match self.mode {
            Mode::Word(from) => self.token(Token::Other, from),
            Mode::Dash | Mode::Slash => self.token(Token::Other, length - 1),
            _ => {}
        }
    }

    /// How many bytes lie up to and with `mark`; `then` follows if it was found.
    fn until(&mut self, mark: u8, bytes: &[u8], then: Mode) -> usize {
        let length = match memchr(mark, bytes) {
            Some(found) => {
                self.mode = then;
                found + 1
            }
            None => bytes.len(),
        };
        self.opaque += length;
        length
    }

    fn measure(&self, length: usize) -> Result<(), Problem> {
        if length > LONGEST {
            Err(Problem::Long)
        } else if length - self.opaque > DENSEST {
            Err(Problem::Dense)
        } else {
            Ok(())
        }
    }
}

/// What can end a statement or hide its end.
fn is_structure(byte: u8) -> bool {
    matches!(byte, b';' | b'\'' | b'"' | b'`' | b'[' | b'-' | b'/')
}

/// What names and keywords are made of.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

fn keyword(word: &[u8]) -> Token {
    let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
    match word.first().map(u8::to_ascii_lowercase) {
        Some(b'c') if is("create") => Token::Create,
        Some(b't') if is("temp") || is("temporary") => Token::Temp,
        Some(b't') if is("trigger") => Token::Trigger,
        Some(b'e') if is("end") => Token::End,
        Some(b'e') if is("explain") => Token::Explain,
        _ => Token::Other,
    }
}

#[cfg(test)]
mod tests;
