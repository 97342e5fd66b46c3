//! JSON as other writers write it.

use bstr::ByteSlice;
use serde_json::Value;

/// JSON text within JSON text, and wrappers and lists within such, are followed this deep. No name that lies deeper leaves.
pub const DEPTH: u32 = 8;
/// Objects and arrays that may lie one in the other. Readers give up somewhere (serde_json at 127), and what leaves lies
/// in a record: it must be read again.
const MAX_NESTING: usize = 64;

/// Parses JSON. Half a surrogate pair, which JavaScript writes for a text that was cut inside an emoji, becomes
/// U+FFFD: it is no Unicode text, and everything else in the row is. What is nested deeper than anybody's is refused.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    let text = bare(text);
    let parsed = serde_json::from_str(text).or_else(|error| match without_halves(text) {
        Some(mended) => serde_json::from_str(&mended),
        None => Err(error),
    })?;
    let may_be_deep = memchr::memchr2_iter(b'{', b'[', text.as_bytes()).nth(MAX_NESTING).is_some();
    if may_be_deep && depth(&parsed) > MAX_NESTING {
        return Err(serde::de::Error::custom("nested too deep"));
    }
    Ok(parsed)
}

fn depth(value: &Value) -> usize {
    let inside = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inside.unwrap_or_default()
}

/// The text without the space and the byte order mark before it, which files and forms leave.
pub fn bare(text: &str) -> &str {
    text.trim_start_matches(is_before)
}

/// Whether a character may stand before JSON and is none of it.
pub fn is_before(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Whether a text begins as JSON that may hold names: an object, an array, or a text that may be one.
pub fn may_be(text: impl AsRef<[u8]>) -> bool {
    matches!(text.as_ref().chars().find(|c| !is_before(*c)), Some('{' | '[' | '"'))
}

/// The JSON that a text is in whole, if it is an object or an array, or a text that is one.
pub fn within(text: &str) -> Option<Value> {
    let is_text = match bare(text).chars().next()? {
        '"' => true,
        '{' | '[' => false,
        _ => return None,
    };
    match parse(text).ok()? {
        // Each round leaves quotes behind.
        Value::String(inner) if is_text => within(&inner),
        value => Some(value),
    }
}

/// The text with `\ufffd` for each escape that is half a pair (RFC 8259, 8.2); none when there is none.
pub fn without_halves(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(at) = text.get(from..)?.find('\\').map(|at| from + at) {
        let length = match unit(at) {
            Some(0xd800..0xdc00) if matches!(unit(at + 6), Some(0xdc00..0xe000)) => 12,
            Some(0xd800..0xe000) => {
                mended.push_str(text.get(copied..at)?);
                mended.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            // An escaped backslash escapes nothing itself.
            _ => 2,
        };
        from = (at + length).min(text.len());
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
    mended.push_str(text.get(copied..)?);
    (copied > 0).then_some(mended)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn half_a_pair_costs_no_more_than_itself() {
        for (json, text) in [
            (r#"["cut \ud83d"]"#, "cut \u{fffd}"),
            (r#"["\ude00 and \ud83d\ude00"]"#, "\u{fffd} and 😀"),
            (r#"["\\ud83d é\ud83d\n"]"#, "\\ud83d é\u{fffd}\n"),
            (r#"["\ud83d\ud83d\ude00"]"#, "\u{fffd}😀"),
        ] {
            assert_eq!(parse(json).unwrap(), serde_json::json!([text]), "{json}");
        }
        for wrong in [r#"["\ud83"]"#, "[", r#"["\ud83d"#, "\\é", "\\"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_none() {
        let nested = |depth: usize| "{\"a\":[".repeat(depth / 2) + &"]}".repeat(depth / 2);
        assert!(parse(&nested(MAX_NESTING)).is_ok() && within(&nested(MAX_NESTING)).is_some());
        assert!(parse(&nested(MAX_NESTING + 2)).is_err() && within(&nested(MAX_NESTING + 2)).is_none());
        assert!(parse(&format!("[{}1]", "[],".repeat(2 * MAX_NESTING))).is_ok());
    }

    #[test]
    fn only_objects_and_arrays_are_json_within_text() {
        assert!(within(" {\"a\":1}").is_some() && within("[1]").is_some());
        let nested = serde_json::json!(serde_json::json!({"a": 1}).to_string()).to_string();
        assert_eq!(within(&nested), Some(serde_json::json!({"a": 1})));
        assert!(within("\u{feff} {\"a\":1}").is_some());
        assert!(within("\"a\"").is_none() && within("\"{a\"").is_none() && within("\"").is_none());
        assert!(within("1").is_none() && within("{a").is_none() && within("").is_none());
    }
}
