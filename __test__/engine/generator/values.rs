//! Values of every storage class, the awkward ones often.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;
use rusqlite::types::{ToSqlOutput, Value};

/// A value to be bound; text that is not UTF-8 is bound as bytes and cast.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Bound as it is.
    Plain(Value),
    /// Bound as a blob within `CAST(? AS TEXT)`.
    BytesAsText(Vec<u8>),
}

impl Cell {
    /// What stands in the statement for this cell.
    pub fn placeholder(&self) -> &'static str {
        match self {
            Cell::Plain(_) => "?",
            Cell::BytesAsText(_) => "CAST(? AS TEXT)",
        }
    }
}

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Cell::Plain(value) => value.to_sql(),
            Cell::BytesAsText(bytes) => Ok(ToSqlOutput::Borrowed(rusqlite::types::ValueRef::Blob(bytes))),
        }
    }
}

const PIECES: &[&str] = &[
    "O'Brien",
    "''",
    "\"x\"",
    "back\\n",
    "\\r\\n",
    "a\r\nb",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "BEGIN TRANSACTION",
    "BEGIN TRANSACTION;",
    "begin transaction;",
    "Begin\tTransaction",
    "Begin Transaction",
    "COMMIT;",
    "commit;",
    "=CASE ",
    " CASE ",
    " END;",
    "; END",
    "-- note",
    "/* open",
    "*/",
    "$x$",
    "$1",
    "[a;b]",
    "é",
    "😀",
    "ı",
    "ſ",
    "\u{feff}",
    "\u{2028}",
    "\u{a0}",
    "123",
    "1e5",
    "0x10",
    "-9e999",
    "a\0b",
    "\0",
    ".dump\n",
    "\n.exit\n",
    "\n/\n",
    "\ngo\n",
    "NULL",
    "X'00'",
    "#!",
    "{\"k\":[1,\"v\"]}",
    "https://example.org/a?b=c&d=%20",
    "ordinary text",
    "%",
    "_",
    ";",
    ";\n",
    "\u{1}",
    "\u{1a}",
    "\u{7f}",
    "\u{fffe}",
    "1",
];

/// Any value.
pub fn any(rng: &mut Pcg64) -> Cell {
    match rng.random_range(0..12) {
        0 => Cell::Plain(Value::Null),
        1..=2 => Cell::Plain(Value::Integer(integer(rng))),
        3..=5 => Cell::Plain(Value::Real(real(rng))),
        6 => Cell::Plain(Value::Blob(bytes(rng, 40))),
        7 => Cell::BytesAsText(broken_text(rng)),
        _ => Cell::Plain(Value::Text(text(rng))),
    }
}

/// A value that a STRICT column of type `declared` takes.
pub fn strict(rng: &mut Pcg64, declared: &str) -> Cell {
    if declared == "ANY" {
        return any(rng);
    }
    Cell::Plain(match declared {
        _ if rng.random_ratio(1, 8) => Value::Null,
        "INT" | "INTEGER" => Value::Integer(integer(rng)),
        "REAL" => Value::Real(real(rng)),
        "BLOB" => Value::Blob(bytes(rng, 40)),
        _ => Value::Text(text(rng)),
    })
}

/// A whole number, often at an edge.
pub fn integer(rng: &mut Pcg64) -> i64 {
    const EDGES: &[i64] = &[
        i64::MIN,
        i64::MAX,
        i64::MIN + 1,
        i64::MAX - 1,
        0,
        1,
        -1,
        (1 << 53) + 1,
        -(1 << 53) - 1,
        1 << 62,
        127,
        128,
        -129,
        i32::MAX as i64 + 1,
    ];
    match rng.random_range(0..3) {
        0 => *EDGES.choose(rng).unwrap(),
        1 => rng.random_range(-1000..1000),
        _ => rng.random::<i64>(),
    }
}

/// A double over the whole range of bits; never NaN, which SQLite does not store.
pub fn real(rng: &mut Pcg64) -> f64 {
    const EDGES: &[f64] = &[
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        1e15,
        1e16,
        3.0,
        -1.5,
        1e-83,
        1e117,
        9007199254740993.0,
        1e18,
        9223372036854775807.0,
        0.1,
        1e100,
        1e-5,
        2.225_073_858_507_201e-308,
    ];
    match rng.random_range(0..6) {
        0 => *EDGES.choose(rng).unwrap(),
        1 => f64::from_bits(rng.random_range(1..1u64 << 52)),
        2 => (rng.random_range(-180.0..180.0f64) * 1e6).round() / 1e6,
        3 => rng.random_range(-180.0..180.0f64),
        4 => f64::from(rng.random_range(-1000..1000)),
        _ => {
            let found = f64::from_bits(rng.random::<u64>());
            if found.is_nan() { 1.0 } else { found }
        }
    }
}

/// Some bytes.
pub fn bytes(rng: &mut Pcg64, most: usize) -> Vec<u8> {
    let length = if rng.random_ratio(1, 5) { 0 } else { rng.random_range(0..most) };
    (0..length).map(|_| rng.random()).collect()
}

/// Well-formed text, possibly empty, with what loaders trip over.
pub fn text(rng: &mut Pcg64) -> String {
    (0..rng.random_range(0..5)).map(|_| *PIECES.choose(rng).unwrap()).collect()
}

/// Text that holds bytes which are not UTF-8.
pub fn broken_text(rng: &mut Pcg64) -> Vec<u8> {
    const BROKEN: &[&[u8]] =
        &[b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x80", b"a\0\xff"];
    let mut found = text(rng).into_bytes();
    found.extend_from_slice(BROKEN.choose(rng).unwrap());
    found.extend(text(rng).into_bytes());
    found
}

/// Text of at least `least` bytes.
pub fn long_text(rng: &mut Pcg64, least: usize) -> String {
    // The SQLite that compares would misread a beginning like a byte order mark; a unit test has that.
    let mut found = String::from("long: ");
    while found.len() < least {
        match rng.random_range(0..3) {
            0 => found.push_str(PIECES.choose(rng).unwrap()),
            1 => found.push_str(&"plain words, many of them. ".repeat(rng.random_range(1..40))),
            _ => found.push_str(&rng.random::<u64>().to_string()),
        }
    }
    found
}

/// A blob of exactly `length` bytes.
pub fn long_blob(rng: &mut Pcg64, length: usize) -> Vec<u8> {
    let mut found = vec![0; length];
    rng.fill(&mut found[..]);
    found
}
