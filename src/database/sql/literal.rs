//! Values as SQL literals that every SQLite reads back to the last bit.
//!
//! What decided the forms was tried in seven versions from 3.40 to 3.54 and in workerd: shortest decimals are not read
//! exactly everywhere, 17 significant digits are while 1e-83 < |v| < 1e117; the 3.40 shell turns CR LF within a literal
//! into LF; wrangler takes `BEGIN TRANSACTION` out of a file wherever it stands.

use std::io::Write;

use memchr::{memchr, memchr2_iter, memchr3};
use rusqlite::types::ValueRef;

/// Appends `value` as a literal or an expression of literals.
pub fn write(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Integer(integer) => push(out, format_args!("{integer}")),
        ValueRef::Real(real) => write_real(out, real),
        ValueRef::Text(bytes) if is_plain(bytes) => write_text(out, bytes),
        ValueRef::Text(bytes) => {
            out.extend_from_slice(b"CAST(");
            write_blob(out, bytes);
            out.extend_from_slice(b" AS TEXT)");
        }
        ValueRef::Blob(bytes) => write_blob(out, bytes),
    }
}

/// Appends `bytes` as `X'…'`.
pub fn write_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(b"X'");
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    for (digits, &byte) in out[start..].chunks_exact_mut(2).zip(bytes) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    out.push(b'\'');
}

/// Whether text survives as `'…'`: UTF-8 without NUL, CR (see above), the Ctrl-Z that ends a text file on Windows, and
/// the words that wrangler removes.
fn is_plain(bytes: &[u8]) -> bool {
    memchr3(0, b'\r', 0x1a, bytes).is_none()
        && std::str::from_utf8(bytes).is_ok()
        && !holds_transaction(bytes)
}

/// Whether `BEGIN TRANSACTION` stands in `bytes`, in any case.
pub fn holds_transaction(bytes: &[u8]) -> bool {
    const WORDS: &[u8] = b"BEGIN TRANSACTION";
    memchr2_iter(b'g', b'G', bytes).any(|at| {
        let start = at.wrapping_sub(2);
        bytes
            .get(start..start.wrapping_add(WORDS.len()))
            .is_some_and(|found| found.eq_ignore_ascii_case(WORDS))
    })
}

fn write_text(out: &mut Vec<u8>, mut bytes: &[u8]) {
    out.push(b'\'');
    while let Some(quote) = memchr(b'\'', bytes) {
        out.extend_from_slice(&bytes[..=quote]);
        out.push(b'\'');
        bytes = &bytes[quote + 1..];
    }
    out.extend_from_slice(bytes);
    out.push(b'\'');
}

fn write_real(out: &mut Vec<u8>, real: f64) {
    let magnitude = real.abs();
    if magnitude.is_infinite() {
        out.extend_from_slice(if real > 0.0 { b"9e999" } else { b"-9e999" });
    } else if magnitude < 1e15 && real.fract() == 0.0 {
        push(out, format_args!("{real:.1}"));
    } else if magnitude > 1e-83 && magnitude < 1e117 {
        push(out, format_args!("{real:.16e}"));
    } else {
        write_scaled(out, real);
    }
}

/// An integer below 2^53 times or divided by powers of two: every step is exact, and so is the whole.
fn write_scaled(out: &mut Vec<u8>, real: f64) {
    const STEP: i32 = 62;
    let bits = real.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i32);
    let (mantissa, mut power) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    let shift = mantissa.trailing_zeros();
    power += shift as i32;
    if real < 0.0 {
        out.push(b'-');
    }
    push(out, format_args!("{}*1.0", mantissa >> shift));
    let sign = if power < 0 { '/' } else { '*' };
    let mut left = power.abs();
    while left > 0 {
        let step = left.min(STEP);
        push(out, format_args!("{sign}(1<<{step})"));
        left -= step;
    }
}

/// Writing to a Vec cannot fail.
fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use rusqlite::Connection;
    use rusqlite::types::Value;

    use super::*;

    fn literal(value: &Value) -> String {
        let mut out = Vec::new();
        write(&mut out, value.into());
        String::from_utf8(out).unwrap()
    }

    fn read_back(value: &Value) -> Value {
        let sql = format!("SELECT {}", literal(value));
        let connection = Connection::open_in_memory().unwrap();
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn forms_are_the_plain_ones_where_they_are_exact() {
        let cases = [
            (Value::Null, "NULL"),
            (Value::Integer(i64::MIN), "-9223372036854775808"),
            (Value::Real(3.0), "3.0"),
            (Value::Real(-0.0), "-0.0"),
            (Value::Real(49.28), "4.9280000000000001e1"),
            (Value::Real(f64::NEG_INFINITY), "-9e999"),
            (
                Value::Real(f64::from_bits(1)),
                "1*1.0/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<62)/(1<<20)",
            ),
            (Value::Text("it's\n".into()), "'it''s\n'"),
            (Value::Text("a\r\nb".into()), "CAST(X'610D0A62' AS TEXT)"),
            (
                Value::Text("x begin Transaction;".into()),
                "CAST(X'7820626567696E205472616E73616374696F6E3B' AS TEXT)",
            ),
            (Value::Text("a\0".into()), "CAST(X'6100' AS TEXT)"),
            (Value::Blob(vec![0, 255]), "X'00FF'"),
        ];
        for (value, expected) in cases {
            assert_eq!(literal(&value), expected);
        }
    }

    #[test]
    fn the_words_are_found_wherever_they_stand() {
        for text in
            ["BEGIN TRANSACTION", "xbegin transaction", "gBEGIN transactioN;", "bg BEGIN TRANSACTIONs"]
        {
            assert!(holds_transaction(text.as_bytes()), "{text}");
        }
        for text in ["", "g", "BEGIN", "BEGIN  TRANSACTION", "EGIN TRANSACTION", "BEGIN TRANSACTIO"] {
            assert!(!holds_transaction(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_real_comes_back_to_the_last_bit(bits: u64) {
            let real = f64::from_bits(bits);
            prop_assume!(!real.is_nan());
            match read_back(&Value::Real(real)) {
                Value::Real(found) => prop_assert_eq!(found.to_bits(), real.to_bits()),
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn every_text_comes_back(text: String) {
            prop_assert_eq!(read_back(&Value::Text(text.clone())), Value::Text(text));
        }
    }
}
