//! A check of a database in which SQLite cannot check everything at once: a program of its own has added a function, a
//! collating sequence or a tokenizer, and one index that needs it would keep all the others from being looked at.

use rusqlite::{Connection, ffi};

use super::ask;
use crate::database::{quoted, quoted_text};
use crate::sqlite::trouble::{lacks_collation, lacks_tokenizer, primary};

/// What `integrity_check` finds table by table, and of tables that need what is not there, `quick_check`: it looks at
/// pages and not into indexes. Fails with `whole`, why all could not be checked, where that is no such need.
pub(super) fn findings(connection: &Connection, whole: rusqlite::Error) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut left = Vec::new();
    for (table, is_virtual) in tables(connection)? {
        match ask(connection, &format!("integrity_check({})", quoted_text(&table))) {
            Err(error) if primary(&error) == ffi::SQLITE_ERROR => match is_virtual {
                false => left.push(table),
                true if lacks_a_tokenizer(connection, &table) => (),
                true => return Err(whole),
            },
            checked => found.extend(checked?),
        }
    }
    for table in left {
        found.extend(quick_check(connection, &table)?);
    }
    if found.iter().all(|line| line == "ok") {
        found.extend(claimed_twice(connection)?);
    }
    Ok(found)
}

/// The names of tables, those of virtual ones behind them and the schema among them, and whether each is virtual.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, bool)>> {
    let sql = "SELECT name, rootpage = 0 FROM (SELECT name, type, rootpage FROM sqlite_schema
                                              UNION ALL SELECT 'sqlite_schema', 'table', 1)
               WHERE type = 'table'";
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Whether a virtual table is a full-text index whose tokenizer is not there, which FTS5 tells only who searches it.
fn lacks_a_tokenizer(connection: &Connection, table: &str) -> bool {
    let table = quoted(table);
    let searched = connection
        .prepare(&format!("SELECT 1 FROM main.{table} WHERE {table} MATCH 'a'"))
        .and_then(|mut search| search.exists([]));
    searched.is_err_and(|error| lacks_tokenizer(&error))
}

/// What is wrong with the pages of a table and of its indexes. SQLite asks for their collating sequences, though it
/// compares nothing; any will do.
fn quick_check(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut made = None;
    loop {
        let checked = ask(connection, &format!("quick_check({})", quoted_text(table)));
        let missing = checked.as_ref().err().and_then(lacks_collation).map(str::to_owned);
        match missing {
            Some(name) if made.as_ref() != Some(&name) => {
                connection.create_collation(name.as_str(), Ord::cmp)?;
                made = Some(name);
            }
            _ => return checked,
        }
    }
}

/// Pages of more than one table or index, which a check of one of them does not see.
fn claimed_twice(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT printf('2nd reference to page %d', pageno) FROM dbstat('main') GROUP BY pageno HAVING count(*) > 1";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::path::Path;

    use rusqlite::OpenFlags;
    use rusqlite::functions::FunctionFlags;

    use super::super::{ended, findings, warnings};
    use super::*;

    /// What needs the program that made it, a comment where nothing does.
    const NEEDS: [&str; 6] = [
        "-- nothing",
        "CREATE INDEX i ON t(own(a))",
        "CREATE INDEX i ON t(a COLLATE own)",
        "CREATE TABLE w(a TEXT COLLATE own, b COLLATE other, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO w VALUES ('b', 1), ('a', 2)",
        "CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'porter'); INSERT INTO f VALUES ('a');
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'porter', 'own') WHERE name = 'f'",
        "CREATE VIRTUAL TABLE f USING fts4(a, tokenize = porter); INSERT INTO f VALUES ('a');
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'porter', 'own') WHERE name = 'f'",
    ];

    fn database(path: &Path, needs: &str) {
        let connection = Connection::open(path).unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("own", 1, flags, |call| call.get::<i64>(0)).unwrap();
        for name in ["own", "other"] {
            connection.create_collation(name, |a, b| b.cmp(a)).unwrap();
        }
        let sql = format!(
            "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); CREATE TABLE u(a); CREATE INDEX ui ON u(a);
             CREATE TABLE x(a); INSERT INTO x VALUES (zeroblob(10000)); CREATE TABLE y(a); INSERT INTO y SELECT a FROM x;
             WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 300)
               INSERT INTO u SELECT printf('%200d', i) FROM c; {needs}"
        );
        connection.execute_batch(&sql).unwrap();
    }

    /// Makes a page of u say that it has one row.
    fn lose_rows(path: &Path) {
        write(path, page(path, "name = 'u' AND pagetype = 'leaf'"), 3, &[0, 1]);
    }

    /// Makes a value of x end as one of y does.
    fn share_a_page(path: &Path) {
        let first = page(path, "name = 'x' AND path LIKE '%+000000'");
        let last = page(path, "name = 'y' AND path LIKE '%+000001'");
        write(path, first, 0, &last.to_be_bytes());
    }

    fn page(path: &Path, which: &str) -> u32 {
        let sql = format!("SELECT pageno FROM dbstat WHERE {which} LIMIT 1");
        Connection::open(path).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    fn write(path: &Path, page: u32, at: usize, what: &[u8]) {
        let mut bytes = fs::read(path).unwrap();
        bytes[(page as usize - 1) * 4096 + at..][..what.len()].copy_from_slice(what);
        fs::write(path, bytes).unwrap();
    }

    fn found(path: &Path) -> rusqlite::Result<Vec<String>> {
        findings(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    #[test]
    fn an_index_that_needs_another_program_is_no_damage_and_hides_none() {
        let folder = tempfile::tempdir().unwrap();
        for (at, needs) in NEEDS.into_iter().enumerate() {
            let path = folder.path().join(at.to_string());
            database(&path, needs);
            let sound = found(&path).unwrap();
            assert!(sound.iter().all(|line| line == "ok"), "{needs}: {sound:?}");
            for damage in [share_a_page, lose_rows] {
                damage(&path);
                let warnings = warnings(&found(&path).unwrap());
                let told = warnings.first().map(|warning| warning.code.as_str());
                assert_eq!(told, Some("SOURCE_DAMAGED"), "{needs}");
            }
        }
    }

    #[test]
    fn a_damaged_full_text_index_is_found_beside_what_needs_another_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        database(
            &path,
            "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('a'); UPDATE f_content SET c0 = 'b';
             CREATE INDEX i ON t(own(a))",
        );
        let warnings = warnings(&found(&path).unwrap());
        assert_eq!(
            warnings.first().map(|warning| warning.code.as_str()),
            Some("INDEX_DAMAGED"),
            "{warnings:?}"
        );
    }

    #[test]
    fn an_index_that_lacks_a_table_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lacking");
        database(
            &path,
            "CREATE VIRTUAL TABLE f USING fts5(a); PRAGMA writable_schema = ON;
             DELETE FROM sqlite_schema WHERE name = 'f_config'",
        );
        let checked = ended(&found(&path).unwrap_err());
        assert_eq!((checked.warnings[0].code.as_str(), checked.is_sound), ("SOURCE_DAMAGED", false));
    }
}
