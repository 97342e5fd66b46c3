//! SQL text as tokens, by SQLite's rules: enough to compare two statements but for space and comments, and to read
//! the arguments of a virtual table.

/// One token. Quoted forms keep their quotes, so that equal tokens mean equal SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A keyword, an identifier or a number.
    Word(&'a str),
    /// `'…'`, `"…"`, `` `…` `` or `[…]`, quotes included.
    Quoted(&'a str),
    /// Any other single character.
    Sign(char),
}

impl Token<'_> {
    /// The name or text that the token stands for.
    pub(crate) fn value(&self) -> String {
        match *self {
            Token::Word(word) => word.to_owned(),
            Token::Sign(sign) => sign.to_string(),
            Token::Quoted(text) => {
                let close = if text.starts_with('[') { ']' } else { text.chars().next().unwrap_or('\'') };
                let inner = text.get(1..).unwrap_or_default();
                let inner = inner.strip_suffix(close).unwrap_or(inner);
                if close == ']' {
                    inner.to_owned()
                } else {
                    inner.replace(&format!("{close}{close}"), &close.to_string())
                }
            }
        }
    }

    /// As it stands in the text.
    pub(crate) fn written(&self) -> String {
        match *self {
            Token::Word(text) | Token::Quoted(text) => text.to_owned(),
            Token::Sign(sign) => sign.to_string(),
        }
    }

    /// Whether this is the keyword or unquoted name `word`.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

/// The tokens of `sql`; comments and space are passed over.
pub(crate) fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { rest: sql }
}

/// Whether `sql` creates a `kind`, such as an INDEX; TEMP or UNIQUE may stand before that, and a name may be the same.
pub(crate) fn creates(sql: &str, kind: &str) -> bool {
    const BEFORE: [&str; 4] = ["TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL"];
    let mut words = tokens(sql);
    let mut next = words.nth(1);
    if next.is_some_and(|token| BEFORE.iter().any(|word| token.is_word(word))) {
        next = words.next();
    }
    next.is_some_and(|token| token.is_word(kind))
}

/// What closes the comment that `sql` leaves open at its end: a line feed, `*/`, or nothing where there is none.
pub(crate) fn comment_end(sql: &str) -> &'static str {
    let mut tokens = tokens(sql);
    while tokens.next().is_some() {}
    match tokens.rest {
        "" => "",
        line if line.starts_with("--") => "\n",
        _ => "*/",
    }
}

/// Iterator of [`tokens`]. What is left in `rest` after the last token is an open comment or nothing.
#[derive(Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space_and_comments()?;
        let first = self.rest.chars().next()?;
        let length = match first {
            '\'' | '"' | '`' => quoted_length(self.rest, first),
            '[' => self.rest.find(']').map_or(self.rest.len(), |end| end + 1),
            c if is_word(c) => self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()),
            c => c.len_utf8(),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(match first {
            '\'' | '"' | '`' | '[' => Token::Quoted(token),
            c if is_word(c) => Token::Word(token),
            c => Token::Sign(c),
        })
    }
}

impl<'a> Tokens<'a> {
    /// The text from the next token on.
    pub(crate) fn upcoming(&self) -> &'a str {
        let mut ahead = self.clone();
        let _ = ahead.skip_space_and_comments();
        ahead.rest
    }

    /// None when the text ends within a comment.
    fn skip_space_and_comments(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
            if self.rest.starts_with("--") {
                self.rest = &self.rest[self.rest.find('\n')? + 1..];
            } else if self.rest.starts_with("/*") {
                self.rest = &self.rest[self.rest[2..].find("*/")? + 4..];
            } else {
                return Some(());
            }
        }
    }
}

/// SQLite's identifier characters: letters, digits, `_`, `$` and everything beyond ASCII. A dot keeps numbers whole.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.') || !c.is_ascii()
}

/// A doubled quote stands for itself.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(end) = text[from..].find(quote) {
        from += end + 1;
        if !text[from..].starts_with(quote) {
            return from;
        }
        from += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_space_are_not_tokens() {
        let sql = "CREATE TABLE \"a\"\"b\"( -- it's; a comment\n x/* ' */INT DEFAULT 'it''s', [c d] 1.5)";
        let found: Vec<String> = tokens(sql).map(|t| t.value()).collect();
        assert_eq!(
            found,
            ["CREATE", "TABLE", "a\"b", "(", "x", "INT", "DEFAULT", "it's", ",", "c d", "1.5", ")"]
                .map(String::from)
        );
    }

    #[test]
    fn a_name_makes_no_other_kind() {
        assert!(
            creates("CREATE INDEX i ON t(a)", "INDEX") && creates("create unique index i ON t(a)", "INDEX")
        );
        assert!(creates("CREATE TEMP TRIGGER g AFTER INSERT", "TRIGGER"));
        assert!(!creates("CREATE TABLE trigger(a)", "TRIGGER") && !creates("CREATE TABLE t(a)", "INDEX"));
        assert!(!creates("CREATE", "INDEX"));
    }

    #[test]
    fn an_open_comment_is_closed() {
        assert_eq!(comment_end("SELECT 1"), "");
        assert_eq!(comment_end("SELECT 1 -- one\n"), "");
        assert_eq!(comment_end("SELECT '--'"), "");
        assert_eq!(comment_end("SELECT 1 -- one"), "\n");
        assert_eq!(comment_end("SELECT 1 /* one"), "*/");
    }

    #[test]
    fn an_open_quote_ends_with_the_text() {
        assert_eq!(tokens("'abc").collect::<Vec<_>>(), [Token::Quoted("'abc")]);
        assert_eq!(tokens("[abc").map(|t| t.value()).collect::<Vec<_>>(), ["abc"]);
    }
}
