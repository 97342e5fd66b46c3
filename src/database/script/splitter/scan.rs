//! Looks at one statement, byte by byte, until it ends.

use memchr::memchr;

use crate::database::script::error::Problem;

/// The longest statement, in bytes: SQLite takes no longer one either (SQLITE_MAX_SQL_LENGTH).
const MAX_STATEMENT: usize = 1_000_000_000;
/// The most bytes of a statement outside literals and comments. Literals cost what they are long, but SQLite's
/// parser spends a hundred times the length of everything else; no exporter comes near.
pub(super) const MAX_OUTSIDE_LITERALS: usize = 4 * 1024 * 1024;

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

/// What a token means for the end of the statement.
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
pub(super) struct Scan {
    mode: Mode,
    state: State,
    /// Where its first token begins.
    first: Option<usize>,
    /// Bytes within literals, quoted names and comments.
    opaque: usize,
}

impl Scan {
    /// A statement of which nothing was looked at yet.
    pub(super) fn begin() -> Self {
        Scan { mode: Mode::Code, state: State::Start, first: None, opaque: 0 }
    }

    /// Where the first token of the statement begins; None while there is none.
    pub(super) fn first(&self) -> Option<usize> {
        self.first
    }

    /// Looks at `bytes`, which begin with the statement, from the one at `at` on. Gives how many of them were looked at
    /// by now, and whether the last of these ends the statement.
    pub(super) fn advance(&mut self, bytes: &[u8], mut at: usize) -> (usize, bool) {
        let mut closed = false;
        while !closed && at < bytes.len() {
            match self.mode {
                Mode::Code => {
                    if self.state == State::Normal {
                        at += bytes[at..].iter().position(|&b| is_structure(b)).unwrap_or(bytes.len() - at);
                    }
                    if let Some(&byte) = bytes.get(at) {
                        closed = self.code(byte, at);
                        at += 1;
                    }
                }
                Mode::Word(from) => {
                    at += bytes[at..].iter().position(|&b| !is_name(b)).unwrap_or(bytes.len() - at);
                    if at < bytes.len() {
                        self.token(keyword(&bytes[from..at]), from);
                        self.mode = Mode::Code;
                    }
                }
                Mode::Quoted(mark) => at += self.until(mark, &bytes[at..], Mode::Code),
                Mode::LineComment => at += self.until(b'\n', &bytes[at..], Mode::Code),
                Mode::BlockComment => at += self.until(b'*', &bytes[at..], Mode::Asterisk),
                Mode::Asterisk => {
                    self.mode = match bytes[at] {
                        b'/' => Mode::Code,
                        b'*' => Mode::Asterisk,
                        _ => Mode::BlockComment,
                    };
                    self.opaque += 1;
                    at += 1;
                }
                Mode::Dash | Mode::Slash => {
                    let comment = match (self.mode, bytes[at]) {
                        (Mode::Dash, b'-') => Some(Mode::LineComment),
                        (Mode::Slash, b'*') => Some(Mode::BlockComment),
                        _ => None,
                    };
                    at += usize::from(comment.is_some());
                    if comment.is_none() {
                        self.token(Token::Other, at - 1);
                    }
                    self.mode = comment.unwrap_or(Mode::Code);
                }
            }
        }
        (at, closed)
    }

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

    /// Takes a semicolon; true if it ends the statement.
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

    /// Takes a token that begins at `at`.
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
    pub(super) fn finish(&mut self, length: usize) {
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

    /// Fails when the statement, of which so many bytes were looked at, is more than SQLite should be given.
    pub(super) fn measure(&self, length: usize) -> Result<(), Problem> {
        if length > MAX_STATEMENT {
            Err(Problem::Long)
        } else if length - self.opaque > MAX_OUTSIDE_LITERALS {
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
