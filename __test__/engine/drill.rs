//! The drill notices whatever comes back otherwise than it was.

use std::sync::Arc;

use cultural_archiver_backup::database::digest;
use cultural_archiver_backup::database::drill::{Drill, DrillReport, Expected, Fate};
use cultural_archiver_backup::database::schema::Schema;
use cultural_archiver_backup::error::Result;
use cultural_archiver_backup::job::{Job, Meter};
use rusqlite::Connection;

use crate::dump;

const SOURCE: &str = "
    CREATE TABLE work(id INTEGER PRIMARY KEY, title TEXT, lat REAL, raw);
    INSERT INTO work VALUES (1, 'Heron', 49.28, 7), (2, NULL, -123.5, X'00FF'), (5, 'It''s', 0.0, '');
    CREATE TABLE note(text); INSERT INTO note(rowid, text) VALUES (3, 'same'), (8, 'same');
    CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted VALUES (9); DELETE FROM counted;
    CREATE TABLE pair(a, b, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO pair VALUES ('x', 1), ('y', 2);
    CREATE VIRTUAL TABLE search USING fts5(title, content='work', content_rowid='id');
    INSERT INTO search(search) VALUES ('rebuild');
    CREATE INDEX i ON work(title); CREATE VIEW v AS SELECT 1 AS one;
    CREATE TRIGGER g AFTER INSERT ON note BEGIN DELETE FROM work; END;";

/// What a backup of [`SOURCE`] writes, and what the source holds.
fn written() -> (String, Expected) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    let source = Connection::open(&path).unwrap();
    source.execute_batch(SOURCE).unwrap();
    let dumped = dump::dump(&path).unwrap();
    assert_eq!(dumped.extra.len(), 0);
    let schema = Schema::read(&source).unwrap();
    let held = Expected {
        tables: digest::database(&source, &schema).unwrap(),
        definitions: Some(schema.definitions()),
    };
    (String::from_utf8(dumped.main).unwrap(), held)
}

fn drill(script: &str, expected: &Expected) -> Result<DrillReport> {
    let folder = tempfile::tempdir().unwrap();
    let job = Job::unattended();
    let mut drill = Drill::start(
        &folder.path().join("drill.sqlite"),
        1 << 20,
        Fate::Scratch,
        "",
        &job,
        Arc::new(Meter::silent()),
    )?;
    drill.load("database.sql", script.as_bytes())?;
    drill.compare(expected)
}

#[test]
fn what_comes_back_as_it_was_passes() {
    let (script, expected) = written();
    let report = drill(&script, &expected).unwrap();
    assert_eq!((report.tables, report.integrity_check.as_str()), (expected.tables.len() as u64, "ok"));
    assert_eq!((report.foreign_key_problems, report.warnings), (0, Vec::new()));
}

#[test]
fn whatever_comes_back_otherwise_fails() {
    let (script, expected) = written();
    for (was, is) in [
        ("'Heron'", "'heron'"),
        ("'Heron'", "'Heron '"),
        ("'Heron'", "CAST(X'4865726F6E00' AS TEXT)"),
        (",7)", ",7.0)"),
        (",7)", ",'7')"),
        (",7)", ",8)"),
        ("NULL", "''"),
        ("4.9280000000000001e1", "4.9280000000000008e1"),
        ("X'00FF'", "X'00FE'"),
        ("X'00FF'", "X'00FF00'"),
        ("(1,'Heron'", "(3,'Heron'"),
        ("('x',1)", "('x',3)"),
        ("('x',1),\n", ""),
        ("('x',1)", "('w',0),('x',1)"),
        ("(3,'same'),\n", ""),
        ("(8,'same')", "(8,'same'),(9,'same')"),
        ("(8,'same')", "(9,'same')"),
        ("'counted',9", "'counted',8"),
    ] {
        let altered = script.replacen(was, is, 1);
        assert_ne!(altered, script, "{was} is not in\n{script}");
        let code = drill(&altered, &expected).map_err(|error| error.code());
        assert_eq!(code, Err("DRILL_FAILED"), "{was} came back as {is}");
    }
}

#[test]
fn a_script_that_is_cut_off_or_broken_fails() {
    let (script, expected) = written();
    let ends: Vec<usize> = script.match_indices(";\n").map(|(at, _)| at + 2).collect();
    assert!(ends.len() > 10, "{script}");
    let last_row = script.rfind("INSERT INTO \"pair\"").unwrap();
    for end in ends.into_iter().filter(|end| *end <= last_row) {
        let code = drill(&script[..end], &expected).map_err(|error| error.code());
        assert_eq!(code, Err("DRILL_FAILED"), "cut off after {}", &script[..end]);
    }
    for broken in [&script[..script.len() - 5], "", "CREATE TABLE work(", "ATTACH 'x' AS y;"] {
        assert_eq!(drill(broken, &expected).map_err(|error| error.code()), Err("DRILL_FAILED"), "{broken}");
    }
}

#[test]
fn an_object_that_is_lost_added_or_made_otherwise_fails() {
    let (script, expected) = written();
    for more in [
        "DROP INDEX i;",
        "DROP VIEW v;",
        "DROP TRIGGER g;",
        "CREATE TABLE more(x);",
        "DROP INDEX i; CREATE INDEX i ON work(lat);",
        "DROP VIEW v; CREATE VIEW v AS SELECT 2 AS one;",
    ] {
        let code = drill(&format!("{script}{more}"), &expected).map_err(|error| error.code());
        assert_eq!(code, Err("DRILL_FAILED"), "after {more}");
    }
}
