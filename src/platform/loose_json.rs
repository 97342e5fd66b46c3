//! What stands in JSON that does not parse: cut off, with a number that no machine has, with text behind it.

use std::borrow::Cow;

use super::json;

/// A piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'t> {
    /// An object or an array begins.
    Open,
    /// One ends.
    Close,
    /// What a colon follows, and whether it stands in quotes.
    Name(Cow<'t, str>, bool),
    /// Any other text or word.
    Value(Cow<'t, str>),
}

/// The pieces of a text, in quotes or without, in one pass.
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens { rest: text, is_value: false }
}

/// See [`tokens`].
#[derive(Debug)]
pub struct Tokens<'t> {
    rest: &'t str,
    /// Whether the piece before was a name.
    is_value: bool,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || ",:='".contains(c));
        let (token, rest) = match rest.chars().next()? {
            '{' | '[' => (Token::Open, rest.get(1..)?),
            '}' | ']' => (Token::Close, rest.get(1..)?),
            '"' => {
                let (text, rest) = quoted(rest.get(1..)?);
                let is_name = rest.trim_start().starts_with(':');
                (if is_name { Token::Name(text, true) } else { Token::Value(text) }, rest)
            }
            _ => self.word(rest),
        };
        self.is_value = matches!(token, Token::Name(..));
        self.rest = rest;
        Some(token)
    }
}

impl<'t> Tokens<'t> {
    /// What stands without quotes. Behind a name colons are part of it: addresses have them.
    fn word(&self, text: &'t str) -> (Token<'t>, &'t str) {
        let ends = |c: char| c.is_whitespace() || ",{}[]\"'".contains(c);
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        match word.find([':', '=']) {
            Some(at) if !self.is_value => {
                let (name, rest) = text.split_at(at);
                (Token::Name(name.into(), false), rest)
            }
            _ if !self.is_value && rest.trim_start_matches('\'').trim_start().starts_with(':') => {
                (Token::Name(word.into(), false), rest)
            }
            _ => (Token::Value(word.into()), rest),
        }
    }
}

/// What stands before the next quote, or all there is, and what follows it.
fn quoted(text: &str) -> (Cow<'_, str>, &str) {
    let mut end = None;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => {
                end = Some(at);
                break;
            }
            _ => {}
        }
    }
    let (inner, rest) = end.map_or((text, ""), |end| (&text[..end], &text[end + 1..]));
    if !inner.contains('\\') {
        return (inner.into(), rest);
    }
    match json::parse(&format!("\"{inner}\"")) {
        Ok(serde_json::Value::String(read)) => (read.into(), rest),
        _ => (inner.into(), rest),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(text: &str) -> String {
        let spell = |token| match token {
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
            Token::Name(name, _) => format!("<{name}>"),
            Token::Value(value) => format!("'{value}'"),
        };
        tokens(text).map(spell).collect()
    }

    #[test]
    fn what_is_broken_is_read_as_far_as_it_goes() {
        for (text, pieces) in [
            (r#"{"a": 1e400, "b":["c"]} d"#, "(<a>'1e400'<b>('c'))'d'"),
            (r#"{"a":"cut \"off\" \ud83d"#, "(<a>'cut \"off\" \u{fffd}'"),
            (r#"{"a":"cut \"#, "(<a>'cut \\'"),
            ("{ip: 2001:db8::7, 'user' : 'x', n=1}", "(<ip>'2001:db8::7'<user>'x'<n>'1')"),
            ("[Untitled] (1998)", "('Untitled')'(1998)'"),
            ("", ""),
        ] {
            assert_eq!(spelled(text), pieces, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\[\\]{}\":,=' \\\\aé]{0,40}") {
            prop_assert!(tokens(&text).count() <= text.len());
        }
    }
}
