//! Sources that are not quite in order come back as they are all the same: such a database needs a backup most.

use std::path::Path;

use rusqlite::Connection;

use crate::compare::{self, Tolerance};
use crate::dump;
use crate::whole::{Whole, rows};

/// Dumps the database that `sql` makes, loads the dump with the shell and compares.
fn round_trip(sql: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.db");
    Connection::open(&source).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    restored(&source, folder.path()).unwrap_or_else(|problem| vec![problem])
}

fn restored(source: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let dumped = dump::dump(source)?;
    dumped.write(folder);
    dumped.load_in_shell(folder, "restored.db")?;
    Ok(compare::differences(source, &folder.join("restored.db"), Tolerance::default()))
}

#[test]
fn rows_that_break_a_check_come_back() {
    let sql = "PRAGMA ignore_check_constraints = ON; CREATE TABLE t(id INTEGER PRIMARY KEY, a CHECK (a > 0));
               INSERT INTO t VALUES (1, 5), (2, -5), (9, NULL); CREATE TABLE u(b); INSERT INTO u VALUES (1)";
    assert_eq!(round_trip(sql), [""; 0]);
}

#[test]
fn rows_on_which_a_check_itself_fails_come_back() {
    // A table called like a number is looked at last, with all others.
    for (name, first) in
        [("t", "rows of t cannot be checked: a CHECK fails itself"), ("5", "CHECK constraint failed in u")]
    {
        let sql = format!(
            "PRAGMA ignore_check_constraints = ON;
             CREATE TABLE '{name}'(tags TEXT CHECK (json_extract(tags, '$.a') IS NULL)); INSERT INTO '{name}' VALUES ('no JSON');
             CREATE TABLE u(a CHECK (a > 0)); INSERT INTO u VALUES (-1)"
        );
        let whole = Whole::of(&sql).unwrap();
        assert_eq!(whole.warned("CHECK_BROKEN"), [name, "u"], "{:?}", whole.report.warnings);
        let (report, restored) = whole.comes_back(&sql);
        assert_eq!(report.integrity_check, first);
        assert_eq!(rows(&restored, &format!("SELECT * FROM \"{name}\", u")), ["no JSON|-1"]);
        assert_eq!(round_trip(&sql), [""; 0]);
    }
}

#[test]
fn a_check_of_a_table_called_like_a_number_fails_itself_beside_a_virtual_table() {
    let sql = "PRAGMA ignore_check_constraints = ON; CREATE VIRTUAL TABLE f USING fts5(w); INSERT INTO f VALUES ('words');
               CREATE TABLE '5'(tags CHECK (json_extract(tags, '$.a') IS NULL)); INSERT INTO '5' VALUES ('no JSON')";
    let whole = Whole::of(sql).unwrap();
    assert_eq!(whole.warned("CHECK_BROKEN"), ["5"], "{:?}", whole.report.warnings);
    let (report, restored) = whole.comes_back(sql);
    assert_eq!(report.integrity_check, "rows cannot be checked: a CHECK fails itself");
    assert_eq!(rows(&restored, "SELECT * FROM \"5\""), ["no JSON"]);
}

#[test]
fn a_full_text_index_that_is_behind_its_content_comes_back_as_it_is() {
    let sql = "CREATE TABLE c(id INTEGER PRIMARY KEY, w); CREATE VIRTUAL TABLE f USING fts5(w, content='c', content_rowid='id');
               INSERT INTO c VALUES (1, 'old words'), (2, 'same'); INSERT INTO f(f) VALUES ('rebuild');
               UPDATE c SET w = 'new text' WHERE id = 1";
    assert_eq!(round_trip(sql), [""; 0]);
}

#[test]
fn a_full_text_index_of_rows_that_are_gone_comes_back_as_it_is() {
    let sql = "CREATE TABLE c(id INTEGER PRIMARY KEY, w); CREATE VIRTUAL TABLE f USING fts5(w, content='c', content_rowid='id');
               INSERT INTO c VALUES (1, 'old words'), (2, 'same'); INSERT INTO f(f) VALUES ('rebuild'); DELETE FROM c WHERE id = 1";
    assert_eq!(round_trip(sql), [""; 0]);
}
