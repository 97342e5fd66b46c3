#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use super::*;

fn made(dir: &Path, sql: &str) -> PathBuf {
    let path = dir.join("loaded.sqlite");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn inspect(path: &Path) -> Result<Found> {
    let job = Job::unattended();
    let meter = Meter::silent();
    let inspection = Inspection { path, advice: "try again", job: &job, meter: &meter };
    let schema = inspection.schema()?;
    inspection.run(&schema, &Expected { tables: Vec::new(), definitions: None })
}

#[test]
fn what_a_disk_gives_back_damaged_fails_and_a_broken_check_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let make = "PRAGMA ignore_check_constraints = ON; CREATE TABLE t(a CHECK (a > 0));
        INSERT INTO t VALUES (-1); CREATE TABLE filler(b); INSERT INTO filler VALUES (zeroblob(50000))";
    let path = made(dir.path(), make);
    assert_eq!(inspect(&path).unwrap().integrity_check(), "CHECK constraint failed in t");
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 4].fill(0xff);
    fs::write(&path, bytes).unwrap();
    // Not only because the digest cannot be taken.
    let connection = Connection::open(&path).unwrap();
    assert!(check(&connection, Some("filler")).is_err() && check(&connection, None).is_err());
    assert_eq!(inspect(&path).unwrap_err().code(), "OUTPUT_UNWRITABLE");
}

#[test]
fn a_disk_that_fails_says_nothing_of_what_was_loaded() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(inspect(&dir.path().join("gone.sqlite")).unwrap_err().code(), "OUTPUT_UNWRITABLE");
}

#[test]
fn every_table_is_looked_at_whatever_it_is_called() {
    let odd = ["plain", "5", "-1", "+7", "it''s", "sqlite"];
    for name in odd {
        let dir = tempfile::tempdir().unwrap();
        let make = format!(
            "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
             CREATE TABLE \"a 0\"(x); CREATE TABLE parent(id PRIMARY KEY);
             CREATE TABLE '{name}'(a CHECK (a > 0), b REFERENCES parent);
             CREATE VIRTUAL TABLE words USING fts5(w); INSERT INTO words VALUES ('one two');
             INSERT INTO '{name}' VALUES (-1, 2), (1, NULL), (2, 4)"
        );
        let found = inspect(&made(dir.path(), &make)).unwrap();
        let said = format!("CHECK constraint failed in {}", name.replace("''", "'"));
        assert_eq!((found.integrity_check(), found.foreign_key_problems), (said, 2), "{name}");
        assert_eq!(found.digests.len(), 4, "{name}");
    }
}

#[test]
fn a_damaged_virtual_table_is_no_obstacle_whatever_others_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let make = "CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 2, 3);
         UPDATE r_node SET data = x'00'; PRAGMA ignore_check_constraints = ON;
         CREATE TABLE '2026'(a CHECK (a > 0)); INSERT INTO '2026' VALUES (-1); CREATE TABLE t(a)";
    let found = inspect(&made(dir.path(), make)).unwrap();
    assert_eq!((found.integrity_check().as_str(), found.digests.len()), ("virtual table r is damaged", 3));
}

#[test]
fn an_index_that_lacks_a_row_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), "CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE INDEX i ON t(a)");
    let shell = Connection::open(&path).unwrap();
    shell.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
    shell
        .execute_batch(
            "PRAGMA writable_schema = ON;
             CREATE TABLE empty(a); CREATE INDEX e ON empty(a);
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'e') WHERE name = 'i';
             DELETE FROM sqlite_schema WHERE name = 'e'",
        )
        .unwrap();
    drop(shell);
    let found = inspect(&path).unwrap();
    assert_eq!(found.integrity_check(), "wrong # of entries in index i");
}

#[test]
fn a_name_that_is_as_long_as_an_archive_likes_is_told_by_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), "CREATE TABLE t(a)");
    let lacking = TableDigest { name: "x".repeat(70_000), rows: 0, digest: String::new() };
    let expected = Expected { tables: vec![lacking], definitions: None };
    let (job, meter) = (Job::unattended(), Meter::silent());
    let error = crate::database::drill::inspect(&path, &expected, "try again", &job, &meter).unwrap_err();
    let told = error.to_string();
    assert!(told.ends_with(" did not come back; try again") && told.len() < 1_000, "{} bytes", told.len());
}
