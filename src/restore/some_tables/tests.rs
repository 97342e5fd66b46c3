#![allow(clippy::unwrap_used, reason = "tests")]

use rusqlite::ffi;

use super::*;
use crate::database::digest::Digester;

/// What is left of what `make` makes when only the empty tables `kept` are, and the names that are told of.
fn left(make: &str, kept: &[&str]) -> (String, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("restored.sqlite");
    Connection::open(&path).unwrap().execute_batch(make).unwrap();
    let kept = kept.iter().map(|name| Digester::default().finish(name)).collect();
    let told = keep(&path, kept, &mut [], &Job::unattended()).unwrap().warnings;
    let sql = "SELECT group_concat(name) FROM sqlite_schema WHERE name NOT GLOB 'words_*'";
    let left = Connection::open(&path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    (left, told.into_iter().filter_map(|warning| warning.subject).collect())
}

#[test]
fn no_further_table_is_dropped_once_the_job_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("restored.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a); CREATE TABLE u(a)").unwrap();
    let job = Job::unattended();
    job.stop();
    assert_eq!(keep(&path, Vec::new(), &mut [], &job).map_err(|error| error.code()), Err("ABORT_ERR"));
    let count = "SELECT count(*) FROM sqlite_schema";
    let left: u32 = Connection::open(&path).unwrap().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2);
}

#[test]
fn a_view_that_showed_nothing_before_keeps_its_triggers() {
    let make = "CREATE TABLE t(a); CREATE TABLE u(a); CREATE VIEW stale AS SELECT a FROM gone;
         CREATE TRIGGER of_stale INSTEAD OF INSERT ON stale BEGIN SELECT 1; END";
    assert_eq!(left(make, &["t"]), ("t,stale,of_stale".to_owned(), Vec::new()));
}

#[test]
fn what_reads_a_vocabulary_works_as_long_as_all_of_it_is_there() {
    let make = "CREATE TABLE t(a); CREATE TABLE u(a); CREATE VIRTUAL TABLE words USING fts5(a);
         CREATE VIRTUAL TABLE terms USING fts5vocab('words', 'row');
         CREATE VIEW v AS SELECT term, a FROM terms, u;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT count(*) FROM terms; END";
    let all = ["t", "u", "words", "terms"];
    assert_eq!(left(make, &all), ("t,u,words,terms,v,g".to_owned(), Vec::new()));
    assert_eq!(left(make, &["t", "words", "terms"]), ("t,words,terms,g".to_owned(), vec!["v".to_owned()]));
    assert_eq!(left(make, &["t", "u"]), ("t,u".to_owned(), vec!["v".to_owned(), "g".to_owned()]));
}

#[test]
fn a_trigger_answers_for_no_other_one_that_it_sets_off() {
    let make = "CREATE TABLE t(a); CREATE TABLE u(a); CREATE TABLE gone(a);
         CREATE TRIGGER first AFTER INSERT ON t BEGIN INSERT INTO u VALUES (new.a); END;
         CREATE TRIGGER second AFTER INSERT ON u BEGIN INSERT INTO gone VALUES (new.a); END;
         CREATE TRIGGER \"third;\" AFTER UPDATE ON u WHEN new.a <> 'END;' BEGIN DELETE FROM t; SELECT 1; END";
    assert_eq!(left(make, &["t", "u"]), ("t,u,first,third;".to_owned(), vec!["second".to_owned()]));
}

#[test]
fn what_sqlite_says_of_a_row_stays_out_of_the_message() {
    let said = Some("malformed JSON in ann@example.org".to_owned());
    let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CONSTRAINT_CHECK), said);
    let told = undropped(Path::new("a.db"), &error).to_string();
    assert!(told.contains("SQLite's code 275") && !told.contains("ann@example.org"), "{told}");
}

#[test]
fn a_disk_that_fails_is_no_defect_of_ours() {
    let told = |code| {
        undropped(Path::new("a.db"), &rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).code()
    };
    for code in [
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_CANTOPEN,
        ffi::SQLITE_CORRUPT,
        ffi::SQLITE_READONLY,
    ] {
        assert_eq!(told(code), "OUTPUT_UNWRITABLE", "{code}");
    }
    assert_eq!(told(ffi::SQLITE_FULL), "DISK_FULL");
    assert_eq!(told(ffi::SQLITE_CORRUPT_VTAB), "INTERNAL_ERROR");
}
