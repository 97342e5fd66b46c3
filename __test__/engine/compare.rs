//! Compares two database files by what SQLite holds in them, to the last bit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Result};
use sha2::{Digest, Sha256};

use crate::contents::{self, is_left_out};

/// How the two are compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tolerance {
    /// CR LF and LF count as equal within CREATE texts: the 3.40 shell cannot keep the difference.
    pub line_ends_in_schema: bool,
}

/// What differs, in words; empty: nothing. Left out on both sides are `_cf_*` and `sqlite_stat*`.
pub fn differences(source: &Path, restored: &Path, tolerance: Tolerance) -> Vec<String> {
    let [source, restored] = [source, restored].map(|path| State::read(path, tolerance).unwrap());
    let mut found = Vec::new();
    for (what, in_source) in &source.0 {
        match restored.0.get(what) {
            None => found.push(format!("{what}: missing")),
            Some(in_restored) => list(what, in_source, in_restored, &mut found),
        }
    }
    found.extend(
        restored
            .0
            .keys()
            .filter(|what| !source.0.contains_key(*what))
            .map(|what| format!("{what}: too many")),
    );
    found
}

fn list(what: &str, source: &[String], restored: &[String], found: &mut Vec<String>) {
    const SHOWN: usize = 3;
    let [a, b] = [source, restored].map(counted);
    let lacks = a
        .iter()
        .filter(|(row, count)| b.get(*row) != Some(count))
        .map(|(row, _)| format!("{what}: lost {row}"));
    let gains = b
        .iter()
        .filter(|(row, count)| a.get(*row) != Some(count))
        .map(|(row, _)| format!("{what}: new {row}"));
    found.extend(lacks.take(SHOWN));
    found.extend(gains.take(SHOWN));
}

fn counted(rows: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.as_str()).or_default() += 1);
    counts
}

/// Everything that counts in a database, each row as one canonical line.
struct State(BTreeMap<String, Vec<String>>);

impl State {
    fn read(path: &Path, tolerance: Tolerance) -> Result<State> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut state = State(schema(&db, tolerance)?);
        for pragma in ["user_version", "application_id"] {
            let value: i64 = db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))?;
            state.0.insert(pragma.to_owned(), vec![value.to_string()]);
        }
        for content in contents::of(&db)? {
            let rows = content.rows(&db)?;
            state.0.insert(content.what, rows);
        }
        Ok(state)
    }
}

fn schema(db: &Connection, tolerance: Tolerance) -> Result<BTreeMap<String, Vec<String>>> {
    let tables = contents::tables(db)?;
    let shadow: BTreeSet<&str> =
        tables.iter().filter(|t| t.kind == "shadow").map(|t| t.name.as_str()).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut objects = db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let mut objects = objects.query([])?;
    while let Some(row) = objects.next()? {
        let (kind, name, table): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if is_left_out(&name) || is_left_out(&table) {
            continue;
        }
        let mut sql: Option<String> = row.get(3)?;
        if shadow.contains(table.as_str()) {
            // Written by the module, in words that change from version to version.
            sql = None;
        }
        if tolerance.line_ends_in_schema {
            sql = sql.map(|sql| sql.replace("\r\n", "\n"));
        }
        let line = format!("on {table:?}: {}", shorten(&format!("{sql:?}")));
        found.entry(format!("{kind} {name:?}, definition")).or_default().push(line);
    }
    Ok(found)
}

fn shorten(text: &str) -> String {
    if text.len() <= 600 {
        return text.to_owned();
    }
    let head: String = text.chars().take(200).collect();
    format!("{head}… ({} bytes, SHA-256 {})", text.len(), hex::encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn altered(change: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.db", "b.db"].map(|name| folder.path().join(name));
        Connection::open(&a)
            .unwrap()
            .execute_batch(
                "CREATE TABLE t(a, b TEXT COLLATE NOCASE, g AS (a + 1)); CREATE INDEX i ON t(a);
                 INSERT INTO t(rowid, a, b) VALUES (1, 1, 'x'), (5, 0.1, 'y'), (6, 0.0, NULL), (7, 7, 'same'), (8, 7, 'same');
                 CREATE TABLE k(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO k VALUES (3);
                 CREATE TABLE c(id INTEGER PRIMARY KEY, w); INSERT INTO c VALUES (1, 'mural'), (2, 'secret');
                 CREATE VIRTUAL TABLE f USING fts5(w, content='c', content_rowid='id');
                 INSERT INTO f(rowid, w) VALUES (1, 'mural');
                 CREATE VIRTUAL TABLE n USING fts5(w, content=''); INSERT INTO n(rowid, w) VALUES (1, 'one');",
            )
            .unwrap();
        std::fs::copy(&a, &b).unwrap();
        Connection::open(&b).unwrap().execute_batch(change).unwrap();
        differences(&a, &b, Tolerance::default())
    }

    #[test]
    fn a_copy_does_not_differ() {
        assert_eq!(
            altered(
                "VACUUM; ANALYZE; CREATE TABLE _cf_KV(key TEXT PRIMARY KEY); DROP INDEX i; CREATE INDEX i ON t(a)"
            ),
            [""; 0]
        );
    }

    #[test]
    fn every_kind_of_alteration_is_found() {
        for change in [
            "UPDATE t SET rowid = 9 WHERE a = 1",
            "UPDATE t SET a = 1.0 WHERE a = 1",
            "UPDATE t SET a = 0.10000000000000002 WHERE b = 'y'",
            "UPDATE t SET a = -0.0 WHERE rowid = 6",
            "UPDATE t SET b = 'X' WHERE b = 'x'",
            "UPDATE t SET b = CAST('x' AS BLOB) WHERE b = 'x'",
            "UPDATE t SET b = 'x' || char(0) WHERE b = 'x'",
            "UPDATE t SET b = '' WHERE b IS NULL",
            "DELETE FROM t WHERE rowid = 8",
            "INSERT INTO t(a) VALUES (1)",
            "UPDATE sqlite_sequence SET seq = 4",
            "UPDATE sqlite_sequence SET rowid = 4",
            "DROP INDEX i",
            "DROP INDEX i; CREATE INDEX i ON t(a DESC)",
            "CREATE TABLE left_behind(a)",
            "CREATE VIEW v AS SELECT 1",
            "PRAGMA user_version = 1",
            "PRAGMA application_id = 1",
            "INSERT INTO f(f) VALUES ('rebuild')",
            "INSERT INTO f(f, rank) VALUES ('rank', 'bm25(2.0)')",
            "INSERT INTO n(n, rowid, w) VALUES ('delete', 1, 'one'); INSERT INTO n(rowid, w) VALUES (1, 'two')",
            "INSERT INTO n(rowid, w) VALUES (2, '')",
            "ALTER TABLE t RENAME COLUMN b TO c",
        ] {
            assert!(!altered(change).is_empty(), "not found: {change}");
        }
    }
}
