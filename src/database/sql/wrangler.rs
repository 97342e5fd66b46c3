//! How wrangler cuts a file into statements, so that nothing is written that it would cut in two or change.
//!
//! `wrangler d1 execute --file` reads characters, not SQL: it knows `'`, `"` and `` ` `` but not `[…]`, takes `$name$`
//! for a quote of its own, drops comments, and counts `BEGIN` and `CASE` against `END`, the latter only in upper case
//! and before a space or semicolon. (workers-sdk, packages/wrangler/src/d1/splitter.ts and trimmer.ts, 4.116.0.)

use super::literal::holds_transaction;
use crate::database::lexer::tokens;

/// Whether wrangler passes the statement `sql` on as one, with the same tokens.
pub fn keeps(sql: &str) -> bool {
    const NEXT: &str = "SELECT 1";
    if holds_transaction(sql.as_bytes()) {
        return false;
    }
    let pieces = split(&format!("{sql}\n;\n{NEXT};\n"));
    matches!(&pieces[..], [statement, next] if next == NEXT && tokens(statement).eq(tokens(sql)))
}

/// The statements that wrangler makes of a text, trimmed; comments are gone.
fn split(text: &str) -> Vec<String> {
    let mut cutter = Cutter { rest: text, statement: String::new(), open: 0 };
    let mut statements = Vec::new();
    while let Some(c) = cutter.take() {
        if cutter.open > 0 && cutter.ends_compound(c) {
            cutter.open -= 1;
        }
        match c {
            '\'' | '"' | '`' => cutter.keep_through(c, &c.to_string()),
            '$' => cutter.keep_dollar_quote(),
            '-' if cutter.rest.starts_with('-') => {
                cutter.drop_through("-", "\n");
                cutter.statement.push('\n');
            }
            '/' if cutter.rest.starts_with('*') => cutter.drop_through("*", "*/"),
            '-' | '/' => {
                // wrangler has read on by now: it counts only after the next character.
                cutter.statement.push(c);
                continue;
            }
            ';' if cutter.open == 0 => statements.push(std::mem::take(&mut cutter.statement)),
            c => cutter.statement.push(c),
        }
        if cutter.starts_compound() {
            cutter.open += 1;
        }
    }
    statements.push(cutter.statement);
    statements.iter().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

struct Cutter<'a> {
    rest: &'a str,
    statement: String,
    /// How many BEGIN or CASE wait for their END.
    open: usize,
}

impl<'a> Cutter<'a> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take_through(&mut self, marker: &str) -> &'a str {
        let end = self.rest.find(marker).map_or(self.rest.len(), |at| at + marker.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn keep_through(&mut self, first: char, marker: &str) {
        self.statement.push(first);
        let taken = self.take_through(marker);
        self.statement.push_str(taken);
    }

    fn drop_through(&mut self, second: &str, marker: &str) {
        self.rest = &self.rest[second.len()..];
        self.take_through(marker);
    }

    fn keep_dollar_quote(&mut self) {
        let is_name = |c: char| c.is_ascii_digit() || c == '_' || c.to_lowercase().ne(c.to_uppercase());
        let end = match self.rest.char_indices().find(|&(_, c)| !is_name(c)) {
            Some((at, c)) => at + c.len_utf8(),
            None => self.rest.len(),
        };
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let quote = format!("${name}");
        self.statement.push_str(&quote);
        if quote.ends_with('$') {
            let taken = self.take_through(&quote);
            self.statement.push_str(taken);
        }
    }

    fn starts_compound(&self) -> bool {
        let Some(head) = self.statement.strip_suffix(char::is_whitespace) else { return false };
        ["BEGIN", "CASE"].iter().any(|word| {
            let start = head.len().wrapping_sub(word.len());
            head.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
                && head[..start].ends_with(char::is_whitespace)
        })
    }

    fn ends_compound(&self, c: char) -> bool {
        (c == ';' || c.is_whitespace())
            && self.statement.strip_suffix("END").is_some_and(|head| head.ends_with(char::is_whitespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_statements_are_kept() {
        for sql in [
            "CREATE TABLE t(a, -- one; 'two'\n b /* three; */, c DEFAULT 'x;y')",
            "CREATE TABLE t(a - 1, b--c\n)",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END ; END",
            "CREATE TABLE t(\"a;b\", `c;d`, e$f)",
            "CREATE VIEW v AS SELECT a / b FROM t -- last",
        ] {
            assert!(keeps(sql), "{sql}");
        }
    }

    #[test]
    fn what_would_be_cut_or_changed_is_told() {
        for sql in [
            "CREATE TABLE [a;b](c)",
            "CREATE TABLE t(a/**/b)",
            "CREATE TABLE t(a $x$, b)",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT x=CASE WHEN 1 THEN 2 END ; END",
            "CREATE VIEW v AS SELECT CASE WHEN a THEN b END, c FROM t",
            "CREATE VIEW v AS SELECT ( CASE WHEN a THEN b END) FROM t",
            "CREATE VIEW v AS SELECT CASE when a then b end FROM t",
            "CREATE VIEW v AS SELECT 'BEGIN TRANSACTION'",
            "CREATE VIEW v AS SELECT 1 /* open",
            "CREATE VIEW v AS SELECT CASE /* twice */ WHEN a THEN b END AS c FROM t",
        ] {
            assert!(!keeps(sql), "{sql}");
        }
    }
}
