//! How the `sqlite3` shell reads a file, so that no CREATE text ends too soon there, and it is told which comes back
//! otherwise.
//!
//! The shell reads lines: it drops a CR before the LF, and takes a line of `/` (as Oracle's) or `go` (as SQL Server's)
//! for a semicolon wherever a statement could end. (shell.c of 3.40.1: `local_getline`, `line_is_command_terminator`.)
//! Since 3.41 it takes `"…"` for a name alone, where SQLite itself, and D1, take what is no name for a text.

use std::borrow::Cow;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::database::lexer::{Token, creates, tokens};
use crate::database::schema::Schema;
use crate::job::Warning;

/// What stands before a line that the shell would take for a semicolon. wrangler drops it again.
const GUARD: &str = "/**/";

/// `sql` with an empty comment before each line that would end it in the shell. Its tokens stay the same.
pub fn guarded(sql: &str) -> Cow<'_, str> {
    // A trigger is not complete before its END.
    if creates(sql, "TRIGGER") {
        return Cow::Borrowed(sql);
    }
    let ends: Vec<usize> =
        code_lines(sql).into_iter().filter(|&start| ends_statement(&sql[start..])).collect();
    if ends.is_empty() {
        return Cow::Borrowed(sql);
    }
    let mut guarded = String::with_capacity(sql.len() + ends.len() * GUARD.len());
    let mut copied = 0;
    for end in ends {
        guarded.push_str(&sql[copied..end]);
        guarded.push_str(GUARD);
        copied = end;
    }
    guarded.push_str(&sql[copied..]);
    Cow::Owned(guarded)
}

/// What does not come back through the shell as it is, or at all.
pub fn warnings(schema: &Schema) -> rusqlite::Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for (_, name, sql) in schema.texts() {
        if has_line_end_in_quotes(sql) {
            warnings.push(Warning::about(
                "SCHEMA_CRLF",
                name,
                "its CREATE text has a line end of CR and LF within quotes: the sqlite3 shell makes LF of it, a restore by \
                 this package does not",
            ));
        }
        if matches!(guarded(sql), Cow::Owned(_)) {
            warnings.push(Warning::about(
                "SCHEMA_LINE",
                name,
                "a line of its CREATE text would end the statement in the sqlite3 shell: an empty comment stands before it now",
            ));
        }
    }
    let message = "its CREATE text has a text in double quotes, where SQL has names: the sqlite3 shell takes it since 3.41 \
                   only after `.dbconfig dqs_ddl on`, as in README.md of the backup; D1 and a restore by this package do";
    warnings.extend(
        with_texts_in_double_quotes(schema)?
            .into_iter()
            .map(|name| Warning::about("SCHEMA_QUOTES", name, message)),
    );
    Ok(warnings)
}

/// The tables and indexes that are made only where `"…"` may be a text. The texts of views and triggers are not looked
/// into as they are made.
fn with_texts_in_double_quotes(schema: &Schema) -> rusqlite::Result<Vec<&str>> {
    let scratch = Connection::open_in_memory()?;
    let tables = schema.tables.iter().map(|table| (&table.name, &table.sql));
    let indexes = schema.indexes.iter().map(|index| (&index.name, &index.sql));
    let mut found = Vec::new();
    for (name, sql) in tables.chain(indexes) {
        let is_made = |with_texts: bool| -> rusqlite::Result<bool> {
            scratch.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, with_texts)?;
            Ok(scratch.execute(sql, []).is_ok())
        };
        if !is_made(false)? && is_made(true)? {
            found.push(name.as_str());
        }
    }
    Ok(found)
}

fn has_line_end_in_quotes(sql: &str) -> bool {
    sql.contains("\r\n")
        && tokens(sql).any(|token| matches!(token, Token::Quoted(text) if text.contains("\r\n")))
}

/// Whether the first line of `rest` is, but for space and comments, what the shell takes for a semicolon.
fn ends_statement(rest: &str) -> bool {
    let line = rest
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let after = match line.strip_prefix('/') {
        Some(after) => Some(after),
        None => line.get(..2).filter(|word| word.eq_ignore_ascii_case("go")).and(line.get(2..)),
    };
    after.is_some_and(|after| tokens(after).next().is_none())
}

/// Where the lines of `sql` start that do so outside of quotes and comments; not the first one.
fn code_lines(sql: &str) -> Vec<usize> {
    let bytes = sql.as_bytes();
    let (mut starts, mut at, mut until) = (Vec::new(), 0, None);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let next = bytes.get(at);
        match (until, byte) {
            (None, b'\n') => starts.push(at),
            (None, b'-') if next == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |end| at + end);
            }
            (None, b'/') if next == Some(&b'*') => {
                at += 1;
                until = Some(b'*');
            }
            (None, b'[') => until = Some(b']'),
            (None, b'\'' | b'"' | b'`') => until = Some(byte),
            (Some(b'*'), b'*') if next == Some(&b'/') => {
                at += 1;
                until = None;
            }
            (Some(close), _) if close == byte && close != b'*' => until = None,
            _ => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::process::Command;

    use super::*;
    use crate::database::sql::wrangler;

    /// What the shell stores of a CREATE text.
    fn stored(sql: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("a.sql");
        std::fs::write(&script, format!("{sql}\n;\nSELECT sql FROM sqlite_schema;\n")).unwrap();
        let script = std::fs::File::open(&script).unwrap();
        let output = Command::new("sqlite3").arg(":memory:").stdin(script).output().unwrap();
        // On Windows the shell ends its lines as that system does.
        let text = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
        text.strip_suffix('\n').unwrap_or_default().to_owned()
    }

    #[test]
    fn no_line_ends_a_create_text_in_the_shell() {
        for sql in [
            "CREATE TABLE t(a, b, c AS (a\n/\nb))",
            "CREATE TABLE t(a, b CHECK (a\n \t/ \t\nb), h\n Go \n)",
            "CREATE TABLE t(a, b, c AS (a -- one\n/ -- two\nb / /* three */\n/*four*/ b))",
            "CREATE TABLE t(a, b, c AS (a\n/ /* one */ -- two\nb))",
            "CREATE TABLE t(a, b, c AS (a\n/ /* one\ntwo */\nb))",
            "CREATE TABLE t(a, b, c AS (a\r\n/\r\nb))",
            "CREATE VIEW v AS SELECT 1 AS\nGO\n-- done",
            "CREATE TABLE trigger(a, b AS (a\n/\n2))",
        ] {
            let guarded = guarded(sql);
            assert!(tokens(&guarded).eq(tokens(sql)), "{sql}");
            let sql = guarded.replace("\r\n", "\n");
            assert_eq!(stored(&guarded), sql, "{sql}");
            assert!(wrangler::keeps(&guarded), "{sql}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for sql in [
            "CREATE TABLE t(a, b, c AS (a\n/ b), gone,\ngo_2,\ngo$, \"\n/\n\", [\ngo\n], `\n/\n/`)",
            "CREATE TABLE t(a DEFAULT 'it''s\n/\n', b /* one\n/\n* go\n*/)",
            "CREATE TABLE t(a, -- '\n b)",
            "CREATE VIEW v AS SELECT 1 - 2\n- 3 AS\n\u{e9}go",
        ] {
            assert_eq!(guarded(sql), sql);
            assert_eq!(stored(sql), sql);
        }
        let trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1\n/\n2; END";
        assert_eq!(guarded(trigger), trigger);
    }

    #[test]
    fn a_text_in_double_quotes_is_told() {
        let connection = Connection::open_in_memory().unwrap();
        let make = r#"CREATE TABLE checked(a CHECK (a IN ("pending", 'approved')));
             CREATE TABLE "named"("a b" CHECK ("a b" > 0), "c" DEFAULT "pending"); CREATE INDEX some ON named(c) WHERE c = "approved";
             CREATE INDEX "all" ON "named"("c"); CREATE INDEX both ON checked(a);
             CREATE VIEW v AS SELECT "approved" FROM named"#;
        connection.execute_batch(make).unwrap();
        let schema = Schema::read(&connection).unwrap();
        let told = warnings(&schema).unwrap();
        let about: Vec<_> = told.iter().map(|warning| warning.subject.as_deref()).collect();
        assert_eq!(about, [Some("checked"), Some("some")]);
    }

    #[test]
    fn only_a_line_end_in_quotes_is_more_than_space() {
        assert!(has_line_end_in_quotes("CREATE TABLE t(a DEFAULT 'x\r\ny')"));
        assert!(has_line_end_in_quotes("CREATE TABLE \"x\r\ny\"(a)"));
        assert!(!has_line_end_in_quotes("CREATE TABLE t(\r\na -- '\r\n, b DEFAULT 'x\ry\nz')"));
    }
}
