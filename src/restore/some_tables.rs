//! Some of the tables: those that were not chosen are dropped from a database that holds all of them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, ffi};

use super::RestoredTable;
use crate::database::digest::{self, TableDigest};
use crate::database::drill::{DrillReport, Expected, inspect};
use crate::database::schema::{Key, Object, Schema};
use crate::database::source::trouble::extended;
use crate::database::watchdog::Watchdog;
use crate::database::{as_io, quoted};
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Warning};

/// The counters of AUTOINCREMENT tables, from which SQLite takes those of a table that is dropped.
pub(super) const SEQUENCE: &str = "sqlite_sequence";

/// Keeps of the database at `path` the tables in `expected`, and compares them then. `tables`, the same in the words
/// of the report, learn what came of it.
pub(super) fn keep(
    path: &Path,
    mut expected: Vec<TableDigest>,
    tables: &mut [RestoredTable],
    job: &Job,
) -> Result<DrillReport> {
    let kept: HashSet<&str> = expected.iter().map(|table| table.name.as_str()).collect();
    let Dropped { mut warnings, sequence } = drop_others(path, &kept, job)?;
    tables.iter_mut().for_each(|table| table.matches = true);
    if let (Some(at), Some(found)) = (expected.iter().position(|table| table.name == SEQUENCE), sequence)
        && expected.remove(at) != found
    {
        for table in tables.iter_mut().filter(|table| table.name == SEQUENCE) {
            (table.rows, table.matches) = (found.rows, false);
        }
        let message = "it holds no counters of tables that were not chosen";
        warnings.push(Warning::about("SEQUENCE_CUT", SEQUENCE, message));
    }
    let expected = Expected { tables: expected, makings: None };
    let mut found = inspect(path, &expected, "try again, or restore all tables", job, &Meter::unheard())?;
    found.warnings.extend(warnings);
    Ok(found)
}

struct Dropped {
    warnings: Vec<Warning>,
    sequence: Option<TableDigest>,
}

/// Drops what was not chosen, with its indexes and triggers, and the views and triggers that work no longer.
fn drop_others(path: &Path, kept: &HashSet<&str>, job: &Job) -> Result<Dropped> {
    let drop = || -> rusqlite::Result<Dropped> {
        let connection = Connection::open(path)?;
        let _watchdog = Watchdog::over(&connection, job, None)?;
        // What was not chosen leaves no bytes behind.
        connection.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON;
             PRAGMA secure_delete = ON;",
        )?;
        let schema = Schema::read(&connection)?;
        let views: Vec<&str> = schema.views.iter().map(|view| view.name.as_str()).collect();
        let working: Vec<&str> = views.into_iter().filter(|view| works(&connection, view)).collect();
        let virtual_tables = schema.virtual_tables.iter().map(|table| &table.name);
        let ordinary = schema.tables.iter().map(|table| &table.name);
        for name in virtual_tables.chain(ordinary).filter(|name| !kept.contains(name.as_str())) {
            // A DROP that frees pages goes on to its end whoever interrupts it.
            if job.is_stopped() {
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
            }
            connection.execute_batch(&format!("DROP TABLE IF EXISTS main.{}", quoted(name)))?;
        }
        let mut warnings = drop_views(&connection, &working)?;
        let schema = Schema::read(&connection)?;
        warnings.extend(drop_triggers(&connection, &schema)?);
        warnings.extend(lost_contents(&schema));
        if !is_renumbered_by_vacuum(&schema) {
            connection.execute_batch("VACUUM")?;
        }
        let sequence = schema.sequence.map(|table| digest::table(&connection, &table, false)).transpose()?;
        Ok(Dropped { warnings, sequence })
    };
    drop().map_err(|error| job.check().err().unwrap_or_else(|| undropped(path, &error))).inspect(|_| {
        // Left by a connection that did not end well; it goes with the folder otherwise.
        let _ = fs::remove_file(path.with_extension("sqlite-journal"));
    })
}

fn undropped(path: &Path, error: &rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
        return Error::output(path, as_io(error));
    }
    // Its code alone: what SQLite says may quote a row.
    Error::Internal {
        problem: format!("tables that were not chosen cannot be dropped (SQLite's code {})", extended(error)),
    }
}

/// VACUUM gives new rowids to the rows of tables whose rowid is no column.
fn is_renumbered_by_vacuum(schema: &Schema) -> bool {
    let mut keys = schema.tables.iter().chain(&schema.sequence).map(|table| &table.key);
    keys.any(|key| matches!(key, Key::Rowid(_) | Key::Hidden))
}

/// Whether a view shows only what is there.
fn works(connection: &Connection, view: &str) -> bool {
    connection.prepare(&format!("SELECT * FROM main.{}", quoted(view))).is_ok()
}

/// Those of `views`, which all showed something, that show tables which are gone. What showed nothing before comes back
/// like that.
fn drop_views(connection: &Connection, views: &[&str]) -> rusqlite::Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for view in views {
        if !works(connection, view) {
            connection.execute_batch(&format!("DROP VIEW main.{}", quoted(view)))?;
            let message = "this view shows tables that were not chosen; it is not back";
            warnings.push(Warning::about("VIEW_LEFT_OUT", *view, message));
        }
    }
    Ok(warnings)
}

/// Triggers that name tables which are gone: every write to their own table would fail.
fn drop_triggers(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for trigger in &schema.triggers {
        connection.execute_batch("BEGIN")?;
        let works = works_alone(connection, trigger, schema);
        connection.execute_batch("ROLLBACK")?;
        if !works? {
            connection.execute_batch(&format!("DROP TRIGGER main.{}", quoted(&trigger.name)))?;
            let message = format!(
                "this trigger of {} names something that is not there, tables that were not chosen for one; it is not back",
                trigger.table
            );
            warnings.push(Warning::about("TRIGGER_LEFT_OUT", &trigger.name, message));
        }
    }
    Ok(warnings)
}

/// SQLite reads the text of a trigger when a statement that sets it off is prepared.
fn works_alone(connection: &Connection, trigger: &Object, schema: &Schema) -> rusqlite::Result<bool> {
    for other in schema.triggers.iter().filter(|other| other.name != trigger.name) {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS main.{}", quoted(&other.name)))?;
    }
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1, 'main')")?
        .query_map([&trigger.table], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<_>>()?;
    let changes: Vec<String> = columns.iter().map(|name| format!("{0} = {0}", quoted(name))).collect();
    let table = quoted(&trigger.table);
    let statement = match trigger.event() {
        "INSERT" => format!("INSERT INTO main.{table} DEFAULT VALUES"),
        "UPDATE" => format!("UPDATE main.{table} SET {}", changes.join(", ")),
        _ => format!("DELETE FROM main.{table}"),
    };
    Ok(connection.prepare(&statement).is_ok())
}

/// Full-text indexes over rows that are gone.
fn lost_contents(schema: &Schema) -> Vec<Warning> {
    let is_there = |name: &String| {
        let tables = schema.tables.iter().map(|table| &table.name);
        let views = schema.views.iter().map(|view| &view.name);
        let virtual_tables = schema.virtual_tables.iter().map(|table| &table.name);
        tables.chain(views).chain(virtual_tables).any(|there| there.eq_ignore_ascii_case(name))
    };
    let lost = schema.virtual_tables.iter().filter_map(|table| {
        let content = table.option("content").filter(|name| !name.is_empty() && !is_there(name))?;
        let message = format!(
            "this full-text index shows rows of {content}, which was not chosen: it finds them and cannot show them; \
             choose {content} too"
        );
        Some(Warning::about("CONTENT_LEFT_OUT", &table.name, message))
    });
    lost.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

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
    fn what_sqlite_says_of_a_row_stays_out_of_the_message() {
        let said = Some("malformed JSON in ann@example.org".to_owned());
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CONSTRAINT_CHECK), said);
        let told = undropped(Path::new("a.db"), &error).to_string();
        assert!(told.contains("SQLite's code 275") && !told.contains("ann@example.org"), "{told}");
    }
}
