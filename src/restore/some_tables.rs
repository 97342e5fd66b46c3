//! Some of the tables: those that were not chosen are dropped from a database that holds all of them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::RestoredTable;
use crate::database::digest::{self, TableDigest};
use crate::database::drill::{DrillReport, Expected, inspect};
use crate::database::quoted;
use crate::database::schema::{Key, Object, Schema};
use crate::database::watchdog::Watchdog;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Warning};
use crate::sqlite::trouble::{as_io, extended, interrupted, is_of_disk};

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
    let expected = Expected { tables: expected, definitions: None };
    let mut found = inspect(path, &expected, "try again, or restore all tables", job, &Meter::silent())?;
    found.warnings.extend(warnings);
    Ok(found)
}

struct Dropped {
    warnings: Vec<Warning>,
    sequence: Option<TableDigest>,
}

/// Drops what was not chosen, with its indexes and triggers, and the views and triggers that work no longer.
fn drop_others(path: &Path, kept: &HashSet<&str>, job: &Job) -> Result<Dropped> {
    let dropped = try_drop(path, kept, job);
    dropped.map_err(|error| job.check().err().unwrap_or_else(|| undropped(path, &error))).inspect(|_| {
        // Left by a connection that did not end well; it goes with the folder otherwise.
        let _ = fs::remove_file(path.with_extension("sqlite-journal"));
    })
}

fn try_drop(path: &Path, kept: &HashSet<&str>, job: &Job) -> rusqlite::Result<Dropped> {
    let connection = Connection::open(path)?;
    let _watchdog = Watchdog::over(&connection, job, None)?;
    // What was not chosen leaves no bytes behind.
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON;
         PRAGMA secure_delete = ON;",
    )?;
    let schema = Schema::read(&connection)?;
    let working = working_views(&connection, &schema)?;
    // FTS5 leaves the table of a contentless index behind that holds what is not indexed.
    let virtual_tables = schema.virtual_tables.iter().filter(|table| !kept.contains(table.name.as_str()));
    let virtual_tables = virtual_tables
        .flat_map(|table| std::iter::once(&table.name).chain(table.shadows.iter().map(|it| &it.name)));
    let ordinary = schema.tables.iter().map(|table| &table.name);
    for name in virtual_tables.chain(ordinary.filter(|name| !kept.contains(name.as_str()))) {
        // A DROP that frees pages goes on to its end whoever interrupts it.
        if job.is_stopped() {
            return Err(interrupted());
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
}

fn undropped(path: &Path, error: &rusqlite::Error) -> Error {
    if is_of_disk(error) {
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

/// The names of views that show only what is there.
fn working_views<'s>(connection: &Connection, schema: &'s Schema) -> rusqlite::Result<Vec<&'s str>> {
    let mut working = Vec::new();
    for view in &schema.views {
        if works(connection, &view.name)? {
            working.push(view.name.as_str());
        }
    }
    Ok(working)
}

/// Whether a view shows only what is there.
fn works(connection: &Connection, view: &str) -> rusqlite::Result<bool> {
    finds_all(connection, &format!("SELECT * FROM main.{}", quoted(view)))
}

/// Whether all that a statement names is there. It is not run, so the schema may be trusted meanwhile: else SQLite
/// would let no view and no trigger read the vocabulary of a full-text index.
fn finds_all(connection: &Connection, statement: &str) -> rusqlite::Result<bool> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, true)?;
    let found = connection.prepare(statement).is_ok();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(found)
}

/// Those of `views`, which all showed something, that show tables which are gone. What showed nothing before comes back
/// like that.
fn drop_views(connection: &Connection, views: &[&str]) -> rusqlite::Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for view in views {
        if !works(connection, view)? {
            connection.execute_batch(&format!("DROP VIEW main.{}", quoted(view)))?;
            let message = "this view shows tables that were not chosen; it is not back";
            warnings.push(Warning::about("VIEW_LEFT_OUT", *view, message));
        }
    }
    Ok(warnings)
}

/// Triggers that name tables which are gone: every write to their own table would fail. Those of a view that showed
/// nothing before stay with it.
fn drop_triggers(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<Warning>> {
    let working = working_views(connection, schema)?;
    let is_silent = |view: &&Object| !working.contains(&view.name.as_str());
    let silent: Vec<&Object> = schema.views.iter().filter(is_silent).collect();
    let is_of_silent =
        |trigger: &&Object| silent.iter().any(|view| view.name.eq_ignore_ascii_case(&trigger.table));
    let triggers: Vec<&Object> = schema.triggers.iter().filter(|trigger| !is_of_silent(trigger)).collect();
    connection.execute_batch("BEGIN")?;
    let lost = lost_triggers(connection, schema, &triggers);
    connection.execute_batch("ROLLBACK")?;
    let mut warnings = Vec::new();
    for trigger in lost? {
        drop_trigger(connection, trigger)?;
        let message = format!(
            "this trigger of {} names something that is not there, tables that were not chosen for one; it is not back",
            trigger.table
        );
        warnings.push(Warning::about("TRIGGER_LEFT_OUT", &trigger.name, message));
    }
    Ok(warnings)
}

/// Those of `triggers` that name something which is not there. SQLite reads the text of a trigger when a statement that
/// sets it off is prepared: so that none answers for another, all are dropped, and each is made again by itself.
/// Changes the schema; it is for the caller to take that back.
fn lost_triggers<'t>(
    connection: &Connection,
    schema: &Schema,
    triggers: &[&'t Object],
) -> rusqlite::Result<Vec<&'t Object>> {
    schema.triggers.iter().try_for_each(|trigger| drop_trigger(connection, trigger))?;
    let mut lost = Vec::new();
    for &trigger in triggers {
        connection.execute_batch(&trigger.sql)?;
        if !works_alone(connection, trigger)? {
            lost.push(trigger);
        }
        drop_trigger(connection, trigger)?;
    }
    Ok(lost)
}

fn drop_trigger(connection: &Connection, trigger: &Object) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP TRIGGER main.{}", quoted(&trigger.name)))
}

/// Whether all that a trigger names is there, where there is no other one.
fn works_alone(connection: &Connection, trigger: &Object) -> rusqlite::Result<bool> {
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
    finds_all(connection, &statement)
}

/// Full-text indexes over rows that are gone, and vocabularies of indexes that are.
fn lost_contents(schema: &Schema) -> Vec<Warning> {
    let is_there = |name: &String| {
        let tables = schema.tables.iter().map(|table| &table.name);
        let views = schema.views.iter().map(|view| &view.name);
        let virtual_tables = schema.virtual_tables.iter().map(|table| &table.name);
        tables.chain(views).chain(virtual_tables).any(|there| there.eq_ignore_ascii_case(name))
    };
    let lost = schema.virtual_tables.iter().filter_map(|table| {
        let (shown, outcome) = match table.vocabulary_of() {
            Some(index) => (Some(index), "it can show nothing"),
            None => (table.option("content"), "it finds rows and cannot show them"),
        };
        let content = shown.filter(|name| !name.is_empty() && !is_there(name))?;
        let message = format!(
            "this virtual table shows what is in {content}, which was not chosen: {outcome}; choose {content} too"
        );
        Some(Warning::about("CONTENT_LEFT_OUT", &table.name, message))
    });
    lost.collect()
}

#[cfg(test)]
mod tests;
