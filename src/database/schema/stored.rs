//! CREATE texts as SQLite stores them. One that a program wrote into the schema itself may look otherwise: SQLite loads
//! it all the same, and what a reload stores of it looks like the others.

use crate::database::lexer::{Token, tokens};

/// What a CREATE makes.
const KINDS: [&str; 6] = ["TABLE", "VIRTUAL TABLE", "INDEX", "UNIQUE INDEX", "VIEW", "TRIGGER"];

/// What SQLite stores of the statement `sql`: CREATE and the kind in capitals, then everything from the name on. Comments
/// before the name, IF NOT EXISTS and the semicolon are gone; SQLite loads no text with the name of a schema. What
/// creates nothing stays as it is.
pub fn stored(sql: &str) -> String {
    let mut rest = tokens(sql);
    let mut word = || rest.next().map(|token| token.written().to_ascii_uppercase()).unwrap_or_default();
    let is_creation = word() == "CREATE";
    let mut kind = word();
    if matches!(kind.as_str(), "UNIQUE" | "VIRTUAL") {
        kind = format!("{kind} {}", word());
    }
    if !is_creation || !KINDS.contains(&kind.as_str()) {
        return sql.to_owned();
    }
    let mut behind = rest.clone();
    if ["IF", "NOT", "EXISTS"].iter().all(|word| behind.next().is_some_and(|token| token.is_word(word))) {
        rest = behind;
    }
    format!("CREATE {kind} {}", without_semicolon(rest.upcoming()))
}

/// The text without a semicolon behind it.
fn without_semicolon(text: &str) -> &str {
    let (mut rest, mut end) = (tokens(text), text.len());
    loop {
        let at = text.len() - rest.upcoming().len();
        match rest.next() {
            Some(token) => end = if token == Token::Sign(';') { at } else { text.len() },
            None => return &text[..end],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use rusqlite::Connection;

    use super::*;

    #[test]
    fn texts_are_what_sqlite_stores_of_them() {
        for sql in [
            "CREATE TABLE t(a)",
            "create table t(a);",
            "CREATE TABLE IF NOT EXISTS t(a, b DEFAULT ';')",
            "CREATE /* IF */ table t(a) -- end",
            "CREATE TABLE \"t\"(a);",
            "CREATE TABLE [t](a) ; -- done",
            "CREATE TABLE 't'(a DEFAULT 1.5)",
            "create virtual table if not exists t using fts5(a, b)",
            "create unique index if not exists i on base(a);",
            "CREATE INDEX i ON base(a) WHERE a > 0.5",
            "create view if not exists v as select 1.5;",
            "create trigger if not exists g after insert on base begin select 1; select case when 1 then 2 end; end;",
            "CREATE TRIGGER g AFTER INSERT ON base BEGIN SELECT 1; END",
        ] {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch("CREATE TABLE base(a)").unwrap();
            connection.execute(sql, []).or_else(|_| connection.execute_batch(sql).map(|()| 0)).unwrap();
            let query = "SELECT sql FROM sqlite_schema WHERE name IN ('t', 'i', 'v', 'g')";
            let told: String = connection.query_row(query, [], |row| row.get(0)).unwrap();
            let all = |sql: &str| tokens(sql).map(|token| token.written()).collect::<Vec<_>>();
            assert_eq!(stored(&told), told, "{sql}");
            assert_eq!(all(&stored(sql)), all(&told), "{sql}");
        }
        for other in ["", "CREATE", "SELECT 1", "CREATE TEMP TABLE t(a)", "CREATE TABLE", "/* CREATE"] {
            assert_eq!(stored(other).trim_end(), other);
        }
    }
}
