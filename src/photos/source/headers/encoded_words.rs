//! Text in a header that is not ASCII (RFC 2047), which is how R2 gives custom metadata, and takes it.

use data_encoding::BASE64;

/// Bytes of text in a word, which has at most 75 characters (RFC 2047, section 2).
const WORD: usize = 45;

/// Text as a header can hold it: itself, or words that [`decode`] makes the same text of.
pub fn encode(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_plain && text.trim() == text && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(rest.floor_char_boundary(WORD));
        words.push(format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = tail;
    }
    words.join(" ")
}

/// Decodes every encoded word in UTF-8; what is none stays as it is.
pub fn decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    // White space between two encoded words is not part of the text.
    let mut after_word = false;
    while let Some(begin) = rest.find("=?") {
        let (before, from) = rest.split_at(begin);
        match word(from) {
            Some((word, tail)) => {
                if !(after_word && before.trim().is_empty()) {
                    decoded.push_str(before);
                }
                decoded.push_str(&word);
                (rest, after_word) = (tail, true);
            }
            None => {
                decoded.push_str(before);
                decoded.push_str("=?");
                (rest, after_word) = (from.get(2..).unwrap_or_default(), false);
            }
        }
    }
    decoded + rest
}

/// `=?UTF-8?B?…?=` or `=?UTF-8?Q?…?=` at the beginning, and what follows.
fn word(text: &str) -> Option<(String, &str)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (content, tail) = rest.split_once("?=")?;
    let charset = charset.split('*').next()?;
    if !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("us-ascii") {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(content.as_bytes()).ok()?,
        "Q" | "q" => quoted(content)?,
        _ => return None,
    };
    Some((String::from_utf8(bytes).ok()?, tail))
}

fn quoted(content: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(content.len());
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(bytes.next())? << 4 | digit(bytes.next())?) as u8
            }
            _ => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_to_the_same(text in ".*|(=\\?UTF-8\\?B\\?w6k=\\?= ?|é| |a){0,99}") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            prop_assert_eq!(encoded.trim(), &encoded);
            prop_assert!(encoded == text || encoded.split(' ').all(|word| word.len() <= 75));
            prop_assert_eq!(decode(&encoded), text);
        }
    }

    #[test]
    fn words_are_decoded_and_everything_else_stays() {
        for (encoded, decoded) in [
            ("plain = text?", "plain = text?"),
            ("=?UTF-8?B?w6k=?=", "é"),
            ("=?utf-8?q?caf=C3=A9_noir?=", "café noir"),
            ("a =?UTF-8?Q?=C3=A9?= =?UTF-8?Q?=C3=A9?= b", "a éé b"),
            ("=?ISO-8859-1?Q?=E9?=", "=?ISO-8859-1?Q?=E9?="),
            ("=?UTF-8?B?***?=", "=?UTF-8?B?***?="),
            ("=?UTF-8?Q?=ZZ?=", "=?UTF-8?Q?=ZZ?="),
            ("=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="),
            ("=?", "=?"),
            ("1 =? 2", "1 =? 2"),
        ] {
            assert_eq!(decode(encoded), decoded);
        }
    }
}
