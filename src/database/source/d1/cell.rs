//! Values on their way through JSON, which knows neither integers beyond 2^53 nor bytes nor infinities.
//!
//! Each column is one expression: a second one for its type would break D1's limit of 100 columns. What comes is
//! `null`; `i` and an integer; a number, which is a real, to the last bit; `f-0`, `f+` and `f-` for the reals that JSON
//! has no number for; `t` or `b` and the bytes in hexadecimal; `T` or `B` and the length of what is too long to come
//! along.

use rusqlite::types::ValueRef;
use serde_json::Value as Json;

/// Text and bytes beyond this are fetched in parts: D1 takes no value of more than 2,000,000 bytes, and hexadecimal
/// doubles them.
pub const PART_BYTES: u64 = 400_000;
/// The longest value that any SQLite has. Nothing is asked for that claims to be longer.
const MAX_VALUE: u64 = 1_000_000_000;

/// What came for a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// Text, which SQLite does not hold to be UTF-8.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
    /// Text, or bytes, of so many bytes that did not come along.
    Long {
        /// Whether it is text.
        text: bool,
        /// Its bytes.
        bytes: u64,
    },
}

impl Cell {
    /// The value; None if it did not come along.
    pub fn value(&self) -> Option<ValueRef<'_>> {
        Some(match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(integer) => ValueRef::Integer(*integer),
            Cell::Real(real) => ValueRef::Real(*real),
            Cell::Text(bytes) => ValueRef::Text(bytes),
            Cell::Blob(bytes) => ValueRef::Blob(bytes),
            Cell::Long { .. } => return None,
        })
    }
}

/// Negative for -0.0 alone among zeros. Everything that SQLite itself prints of it has no sign.
pub fn sign(column: &str) -> String {
    format!("atan2({column}, -1.0)")
}

/// The expression for a column, quoted as SQL takes it. A column of the primary key always comes along.
pub fn expression(column: &str, signed_zero: bool, in_key: bool) -> String {
    let zero = match signed_zero {
        true => format!("CASE WHEN {} < 0 THEN 'f-0' ELSE 0.0 END", sign(column)),
        false => "0.0".to_owned(),
    };
    let bytes = |short: char| match in_key {
        true => format!("'{short}'||hex({column})"),
        false => format!(
            "CASE WHEN octet_length({column}) > {PART_BYTES} THEN '{}'||octet_length({column}) ELSE '{short}'||hex({column}) END",
            short.to_ascii_uppercase()
        ),
    };
    format!(
        "CASE typeof({column}) WHEN 'integer' THEN 'i'||{column} WHEN 'text' THEN {} WHEN 'blob' THEN {} \
         WHEN 'real' THEN CASE {column} WHEN 0.0 THEN {zero} WHEN 9e999 THEN 'f+' WHEN -9e999 THEN 'f-' \
         ELSE {column} END END",
        bytes('t'),
        bytes('b')
    )
}

/// Reads what came; None if it is nothing that the expression gives.
pub fn decode(json: &Json) -> Option<Cell> {
    let text = match json {
        Json::Null => return Some(Cell::Null),
        Json::Number(number) => return number.as_f64().map(Cell::Real),
        Json::String(text) => text,
        _ => return None,
    };
    let rest = text.get(1..)?;
    Some(match text.as_bytes()[0] {
        b'i' => Cell::Integer(rest.parse().ok()?),
        b'f' => Cell::Real(match rest {
            "-0" => -0.0,
            "+" => f64::INFINITY,
            "-" => f64::NEG_INFINITY,
            _ => return None,
        }),
        b't' => Cell::Text(hex::decode(rest).ok()?),
        b'b' => Cell::Blob(hex::decode(rest).ok()?),
        long @ (b'T' | b'B') => {
            let bytes = rest.parse().ok().filter(|bytes| *bytes <= MAX_VALUE)?;
            Cell::Long { text: long == b'T', bytes }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use rusqlite::Connection;

    use super::*;

    /// As D1 hands a value over: through JavaScript's numbers.
    fn through_json(sql: &str) -> Cell {
        let connection = Connection::open_in_memory().unwrap();
        let sql = format!("SELECT {} FROM (SELECT {sql} AS c)", expression("c", true, false));
        let json = connection
            .query_row(&sql, [], |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Null => Json::Null,
                    ValueRef::Integer(integer) => Json::from(integer as f64),
                    ValueRef::Real(real) => Json::from(real),
                    ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
                    ValueRef::Blob(bytes) => Json::from(bytes),
                })
            })
            .unwrap();
        decode(&serde_json::from_str(&json.to_string()).unwrap()).unwrap()
    }

    #[test]
    fn no_value_is_longer_than_sqlite_takes() {
        assert!(decode(&Json::from("T1000000000")).is_some());
        for long in ["T1000000001", "B18446744073709551615", "T-1"] {
            assert_eq!(decode(&Json::from(long)), None, "{long}");
        }
    }

    #[test]
    fn every_value_comes_out_as_it_is() {
        for (sql, cell) in [
            ("NULL", Cell::Null),
            ("9223372036854775807", Cell::Integer(i64::MAX)),
            ("9007199254740993", Cell::Integer((1 << 53) + 1)),
            ("1.0", Cell::Real(1.0)),
            ("5e-324", Cell::Real(5e-324)),
            ("49.282729099999997", Cell::Real(49.282_729_1)),
            ("9e999", Cell::Real(f64::INFINITY)),
            ("-9e999", Cell::Real(f64::NEG_INFINITY)),
            ("'a'||char(0)||'b'", Cell::Text(b"a\0b".to_vec())),
            ("CAST(X'FF' AS TEXT)", Cell::Text(vec![0xff])),
            ("''", Cell::Text(Vec::new())),
            ("X''", Cell::Blob(Vec::new())),
            ("zeroblob(400001)", Cell::Long { text: false, bytes: 400_001 }),
        ] {
            assert_eq!(through_json(sql), cell, "{sql}");
        }
        // Equal, but for the sign.
        let is = |cell, wanted: f64| matches!(cell, Cell::Real(real) if real.to_bits() == wanted.to_bits());
        assert!(is(through_json("-0.0"), -0.0) && is(through_json("0.0"), 0.0));
    }
}
