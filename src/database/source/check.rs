//! Whether the source is sound. What is read of a damaged database may be less than it held, and nothing that is made
//! of it can show that.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, ffi};

use super::{Held, Snapshot, reader};
use crate::database::parts_of_finding;
use crate::database::watchdog::Watchdog;
use crate::error::Result;
use crate::job::{Job, Warning, counted};
use crate::sqlite::BUSY_TIMEOUT;
use crate::sqlite::trouble;

mod by_table;

/// Findings that are asked for. SQLite lists what is wrong with pages first, and rows and their indexes last.
const MAX_FINDINGS: usize = 100_000;
/// Findings that whoever writes or tries the rows finds too, and tells of by table.
const TOLD: [&str; 4] = [
    "CHECK constraint failed in ",
    "non-unique entry in index ",
    "NULL value in ",
    "unable to validate the inverted index for ",
];
/// What stands before the name of an index in which a row of its table is not found.
const LACKING: &str = " missing from index ";
/// What stands before the name of an index that has more or fewer entries than its table has rows.
const MISCOUNTED: &str = " entries in index ";
/// Findings of full-text indexes, which say nothing of the tables that hold their texts.
const OF_FULL_TEXT: [&str; 2] = ["malformed inverted index for ", "fts5: "];

/// A look at the source through a connection of its own, on a thread that reads no rows meanwhile.
#[derive(Debug)]
pub struct Check {
    connection: rusqlite::Result<Connection>,
    /// What is read does not go away before.
    _held: Arc<Held>,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// Whether nothing at all was found.
    pub is_sound: bool,
}

impl Default for Checked {
    fn default() -> Self {
        Checked { warnings: Vec::new(), is_sound: true }
    }
}

impl Snapshot {
    /// A check of what this is a snapshot of: the same state or, where somebody writes, one that is a moment newer.
    /// None of a copy that was made here, whose rows at most break a CHECK, where a drill finds that; but of one whose
    /// virtual tables a script has filled piece by piece, as that of `sqlite3 .dump`.
    pub fn to_check(&self, drill: bool) -> Option<Check> {
        let open = || {
            let connection = match (&*self.held, drill) {
                (Held::Copy(copy), false) => with_checks(copy)?,
                (held, _) => reader(held.path())?,
            };
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.execute_batch("PRAGMA mmap_size = 0; PRAGMA cache_size = -8192")?;
            Ok(connection)
        };
        let is_made_here = match self.kind {
            "file" | "wrangler" => false,
            "sql" => !self.has_virtual_table(),
            _ => true,
        };
        (!(is_made_here && drill)).then(|| Check { connection: open(), _held: Arc::clone(&self.held) })
    }

    /// Whether there is one, for all that can be read.
    fn has_virtual_table(&self) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage = 0)";
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap_or(true)
    }
}

/// A reader of a private copy for which SQLite does not drop every CHECK, as it does where it may only read.
fn with_checks(copy: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON")?;
    Ok(connection)
}

impl Check {
    /// What SQLite's `integrity_check` finds. Fails with `ABORT_ERR` only: a check that cannot be done is a finding.
    pub fn run(self, job: &Job) -> Result<Checked> {
        let found = self.connection.and_then(|connection| {
            let _watchdog = Watchdog::over(&connection, job, None)?;
            findings(&connection)
        });
        job.check()?;
        Ok(match found {
            Ok(findings) => {
                Checked { warnings: warnings(&findings), is_sound: findings.iter().all(|line| line == "ok") }
            }
            Err(error) => ended(&error),
        })
    }
}

/// What to make of a check that did not come to its end.
fn ended(error: &rusqlite::Error) -> Checked {
    let is_damage = match (trouble::primary(error), trouble::extended(error)) {
        (ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_ERROR, _) => true,
        (_, code) => matches!(
            code,
            ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS
        ),
    };
    if is_damage {
        let warnings = vec![damaged("SQLite cannot check the database to its end")];
        return Checked { warnings, is_sound: false };
    }
    let message = format!(
        "SQLite could not check the database ({}), so nobody knows whether it is sound; what was read of it is in the \
         backup: make another one, or run `sqlite3 FILE 'PRAGMA integrity_check'`",
        ffi::Error::new(trouble::extended(error))
    );
    Checked { warnings: vec![Warning::new("SOURCE_UNCHECKED", message)], is_sound: true }
}

fn findings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    match ask(connection, &format!("integrity_check({MAX_FINDINGS})")) {
        Err(error) if trouble::primary(&error) == ffi::SQLITE_ERROR => by_table::findings(connection, error),
        found => found,
    }
}

fn ask(connection: &Connection, pragma: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(&format!("PRAGMA main.{pragma}"))?.query_map([], |row| row.get(0))?.collect()
}

fn warnings(findings: &[String]) -> Vec<Warning> {
    let is_told = |finding: &&String| {
        TOLD.iter().any(|told| finding.starts_with(told)) || finding.contains(" value in ")
    };
    let lines =
        findings.iter().flat_map(|finding| parts_of_finding(finding)).filter(|line| !line.starts_with("***"));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    let found: Vec<&String> = lines.iter().filter(|line| *line != "ok" && !is_told(line)).collect();
    let Some(first) = found.first() else { return Vec::new() };
    let count = counted(found.len() as u64, "problem", "problems");
    let more = if lines.len() >= MAX_FINDINGS { " or more" } else { "" };
    if found.iter().all(|line| is_of_index(line)) {
        let mending = match lacks_entries_only(&found) {
            true => "no row is missing, a restore makes them anew, REINDEX mends them",
            false => {
                "before REINDEX or, of a full-text index, 'rebuild', compare the rows with an earlier backup: an index \
                 may have kept what its table lost"
            }
        };
        let message = format!(
            "integrity_check finds {count}{more} with indexes of the database, the first: {first}; {mending}"
        );
        return vec![Warning::new("INDEX_DAMAGED", message)];
    }
    vec![damaged(&format!("integrity_check finds {count}{more} with the database, the first: {first}"))]
}

fn is_of_index(line: &str) -> bool {
    line.contains(LACKING)
        || line.contains(MISCOUNTED)
        || OF_FULL_TEXT.iter().any(|start| line.starts_with(start))
}

/// Whether each index that differs from its table is one that lacks rows of it.
fn lacks_entries_only(found: &[&String]) -> bool {
    let lacking: HashSet<&str> = found.iter().filter_map(|line| Some(line.split_once(LACKING)?.1)).collect();
    found.iter().all(|line| match line.split_once(MISCOUNTED) {
        Some((_, index)) => lacking.contains(index),
        None => line.contains(LACKING),
    })
}

fn damaged(what: &str) -> Warning {
    let message = format!(
        "{what}; all that can be read of it is in the backup, and rows may be missing there: compare it with an earlier \
         backup, and mend the database, with `sqlite3 FILE .recover` for one"
    );
    Warning::new("SOURCE_DAMAGED", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn told(findings: &[&str]) -> Vec<String> {
        let findings: Vec<String> = findings.iter().map(|&finding| finding.to_owned()).collect();
        warnings(&findings)
            .into_iter()
            .map(|warning| format!("{}: {}", warning.code, warning.message))
            .collect()
    }

    #[test]
    fn what_is_told_elsewhere_is_not_told_again() {
        assert!(told(&["ok"]).is_empty());
        assert!(told(&["NULL value in t.a", "TEXT value in t.b", "CHECK constraint failed in t"]).is_empty());
        assert!(told(&["NULL value in two\nlines.y"]).is_empty());
        let index = told(&["row 3 missing from index i"]);
        assert!(index[0].starts_with("INDEX_DAMAGED: integrity_check finds 1 problem "), "{index:?}");
        for index in
            ["malformed inverted index for FTS4 table main.f", "fts5: checksum mismatch for table \"f\""]
        {
            let told = told(&[index]);
            assert!(told[0].starts_with("INDEX_DAMAGED: ") && told[0].contains("'rebuild'"), "{told:?}");
        }
        let pages = told(&[
            "*** in database main ***\nTree 2 page 5 cell 0: 2nd reference to page 7",
            "row 3 missing from index i",
        ]);
        assert!(pages[0].starts_with("SOURCE_DAMAGED: integrity_check finds 2 problems "), "{pages:?}");
        assert!(pages[0].contains("the first: Tree 2 page 5 cell 0: 2nd reference to page 7;"), "{pages:?}");
    }

    #[test]
    fn what_was_cut_off_is_no_number() {
        let list = |told: usize, others: usize| {
            [vec!["NULL value in t.a"; told], vec!["row 3 missing from index i"; others]].concat()
        };
        let whole = told(&list(MAX_FINDINGS - 41, 40));
        assert!(whole[0].starts_with("INDEX_DAMAGED: integrity_check finds 40 problems with"), "{whole:?}");
        let cut = told(&list(MAX_FINDINGS - 40, 40));
        assert!(cut[0].starts_with("INDEX_DAMAGED: integrity_check finds 40 problems or more"), "{cut:?}");
        assert!(told(&list(MAX_FINDINGS, 0)).is_empty());
        // All that is wrong with pages is one row.
        let pages =
            told(&[&["*** in database main ***", &"Page 3: never used\n".repeat(MAX_FINDINGS)].join("\n")]);
        assert!(
            pages[0].starts_with("SOURCE_DAMAGED: integrity_check finds 100000 problems or more "),
            "{pages:?}"
        );
    }

    #[test]
    fn hundreds_of_rows_that_an_index_lacks_or_that_break_a_rule_are_no_damage() {
        for (broken, expected) in [
            ("'CREATE TABLE t(a, b NOT NULL)' WHERE name = 't'", None),
            ("'CREATE INDEX i ON t(b)' WHERE name = 'i'", Some("finds 300 problems with indexes")),
        ] {
            let connection = Connection::open_in_memory().unwrap();
            let sql = format!(
                "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); PRAGMA writable_schema = ON;
                 WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 300) INSERT INTO t(a) SELECT i FROM c;
                 UPDATE sqlite_schema SET sql = {broken}; PRAGMA writable_schema = RESET;"
            );
            connection.execute_batch(&sql).unwrap();
            let warnings = warnings(&findings(&connection).unwrap());
            let told = warnings.first().map(|warning| (warning.code.as_str(), warning.message.as_str()));
            assert_eq!(told.map(|(code, _)| code), expected.map(|_| "INDEX_DAMAGED"), "{told:?}");
            assert!(told.is_none_or(|(_, said)| said.contains(expected.unwrap_or_default())), "{told:?}");
        }
    }

    #[test]
    fn only_what_sqlite_reads_and_finds_wrong_is_damage() {
        let of = |code| ended(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR, ffi::SQLITE_IOERR_READ] {
            let checked = of(code);
            assert_eq!((checked.warnings[0].code.as_str(), checked.is_sound), ("SOURCE_DAMAGED", false));
        }
        for code in [
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_SHMMAP,
        ] {
            let checked = of(code);
            assert_eq!((checked.warnings[0].code.as_str(), checked.is_sound), ("SOURCE_UNCHECKED", true));
        }
    }
}
