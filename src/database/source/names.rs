//! Names that are no UTF-8, as a script in Latin-1 leaves them. SQLite takes them as they are, but no statement of ours
//! can spell them: the rows are read of a copy in which they are.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::Snapshot;
use crate::database::quoted;
use crate::error::Result;
use crate::job::{Job, Meter, Warning};
use crate::sqlite::{Copier, trouble};

/// Added to a byte that is no UTF-8 to make a character of it: nothing, as in Latin-1, else what leads into the private
/// use area, whose characters no name has.
const OFFSETS: [u32; 2] = [0, 0xf700];

/// An object whose texts are not all UTF-8.
struct Entry {
    rowid: i64,
    name: String,
    table: String,
    sql: Option<String>,
}

impl Snapshot {
    /// The same snapshot, or one of a copy in which every name is UTF-8; the copy goes to the private folder `work`.
    ///
    /// Fails with `DATABASE_UNREADABLE` if SQLite cannot read it; with `DISK_FULL` and `OUTPUT_UNWRITABLE` for `work`.
    pub(super) fn with_spelt_names(self, work: &Path, job: &Job, meter: &Meter) -> Result<Self> {
        if are_utf8(&self.connection).map_err(|error| self.failure(&error))? {
            return Ok(self);
        }
        let copier = Copier { origin: &self.origin, work, job, meter };
        let mut failure = None;
        for offset in OFFSETS {
            let copy = copier.through_sqlite(&self.connection)?;
            match spell(&copy, offset) {
                Err(error) => failure = Some(trouble::unreadable(&self.origin, &error)),
                Ok(names) => {
                    let mut snapshot = Snapshot::from_copy(copy, self.kind, &self.origin)?;
                    snapshot.warnings = self.warnings;
                    snapshot.warnings.extend(names.iter().map(|name| told(name, offset)));
                    return Ok(snapshot);
                }
            }
        }
        failure.map_or(Ok(self), Err)
    }
}

fn told(name: &str, offset: u32) -> Warning {
    let character = if offset == 0 { "the character of Latin-1" } else { "a character of its own" };
    let message =
        format!("its CREATE text and its names hold bytes that are no UTF-8: each comes back as {character}");
    Warning::about("SCHEMA_NOT_UTF8", name, message)
}

/// Whether all names of objects and of columns of tables are.
fn are_utf8(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare("SELECT name, tbl_name, sql, type FROM main.sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (Some(name), Some(_)) = (utf8(row, 0)?, utf8(row, 1)?) else { return Ok(false) };
        if utf8(row, 2)?.is_some() || utf8(row, 3)? != Some("table") {
            continue;
        }
        // Most texts are UTF-8 throughout; elsewhere than in names such bytes are no matter.
        // A virtual table whose module is not here has no columns.
        let columns = connection.prepare(&format!("PRAGMA main.table_xinfo({})", quoted(name)));
        let Ok(mut columns) = columns else { continue };
        let mut columns = columns.query([])?;
        while let Some(column) = columns.next()? {
            if utf8(column, 1)?.is_none() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A text, unless it is no UTF-8; NULL is none.
fn utf8<'r>(row: &'r Row<'_>, index: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes).ok(),
        _ => Some(""),
    })
}

/// Spells all names of a private copy anew, and returns those of the objects that it changed.
fn spell(copy: &Path, offset: u32) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open(copy)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE",
    )?;
    let entries = entries(&connection, offset)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    let sql = "UPDATE sqlite_schema SET name = ?2, tbl_name = ?3, sql = ?4 WHERE rowid = ?1";
    for Entry { rowid, name, table, sql: text } in &entries {
        connection.prepare_cached(sql)?.execute((rowid, name, table, text))?;
    }
    spell_sequence(&connection, offset)?;
    connection.flush_prepared_statement_cache();
    connection.close().map_err(|(_, error)| error)?;

    // Names may have become the same.
    let connection = Connection::open(copy)?;
    let mut names = HashSet::new();
    let mut statement = connection.prepare("SELECT lower(name), type = 'trigger' FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !names.insert((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)) {
            return Err(rusqlite::Error::QueryReturnedMoreThanOneRow);
        }
    }
    let texts = entries.into_iter().filter(|entry| entry.sql.is_some());
    Ok(texts.map(|entry| entry.name).collect())
}

/// What is not UTF-8 throughout, as it is to be.
fn entries(connection: &Connection, offset: u32) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection.prepare("SELECT name, tbl_name, sql, rowid FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        if utf8(row, 0)?.is_some() && utf8(row, 1)?.is_some() && utf8(row, 2)?.is_some() {
            continue;
        }
        let text = |index| spelt(row, index, offset);
        entries.push(Entry {
            rowid: row.get(3)?,
            name: text(0)?.unwrap_or_default(),
            table: text(1)?.unwrap_or_default(),
            sql: text(2)?,
        });
    }
    Ok(entries)
}

/// The counters of AUTOINCREMENT go by the names of the tables.
fn spell_sequence(connection: &Connection, offset: u32) -> rusqlite::Result<()> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if !connection.prepare(sql)?.exists([])? {
        return Ok(());
    }
    let mut statement = connection.prepare("SELECT name, rowid FROM sqlite_sequence")?;
    let mut rows = statement.query([])?;
    let mut changed: Vec<(i64, Option<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        if utf8(row, 0)?.is_none() {
            changed.push((row.get(1)?, spelt(row, 0, offset)?));
        }
    }
    for (rowid, name) in changed {
        connection.execute("UPDATE sqlite_sequence SET name = ?2 WHERE rowid = ?1", (rowid, name))?;
    }
    Ok(())
}

/// A text in which each byte that is no UTF-8 is a character: always the same, so that names stay equal wherever they
/// stand.
fn spelt(row: &Row<'_>, index: usize, offset: u32) -> rusqlite::Result<Option<String>> {
    let Some(bytes) = row.get_ref(index)?.as_bytes_or_null().ok().flatten() else { return Ok(None) };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(offset + u32::from(byte))));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::database::schema::Schema;
    use crate::database::source::file;

    /// A snapshot of what the shell makes of a script in Latin-1.
    fn snapshot(script: &str) -> (tempfile::TempDir, Snapshot) {
        let folder = tempfile::tempdir().unwrap();
        let (path, input) = (folder.path().join("a.sqlite"), folder.path().join("a.sql"));
        fs::write(&input, script.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<_>>()).unwrap();
        let stdin = Stdio::from(fs::File::open(&input).unwrap());
        let made = Command::new("sqlite3").arg(&path).stdin(stdin).status().unwrap();
        assert!(made.success());
        let before = fs::read(&path).unwrap();
        let snapshot = file::open(&path, folder.path(), &Job::unattended()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        (folder, snapshot)
    }

    fn subjects(snapshot: &Snapshot) -> Vec<&str> {
        assert!(snapshot.warnings().iter().all(|warning| warning.code == "SCHEMA_NOT_UTF8"));
        snapshot.warnings().iter().filter_map(|warning| warning.subject.as_deref()).collect()
    }

    #[test]
    fn names_in_latin_1_are_spelt_in_utf_8() {
        let (_folder, snapshot) = snapshot(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE plain(a UNIQUE);
             CREATE TABLE caf\u{e9}(\"r\u{e9}f\" INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE DEFAULT '\u{df}');
             CREATE INDEX i\u{e9} ON caf\u{e9}(b, r\u{e9}f); CREATE INDEX j ON plain(a);
             CREATE VIEW v AS SELECT r\u{e9}f FROM caf\u{e9};
             CREATE TRIGGER g AFTER INSERT ON caf\u{e9} BEGIN SELECT new.r\u{e9}f; END;
             INSERT INTO caf\u{e9} VALUES (7, '\u{e9}');",
        );
        assert_eq!(subjects(&snapshot), ["caf\u{e9}", "i\u{e9}", "v", "g"]);
        let schema = Schema::read(snapshot.connection()).unwrap();
        assert_eq!((schema.tables.len(), schema.indexes.len(), schema.not_utf8.len()), (2, 2, 0));
        let query = "SELECT r\u{e9}f, hex(b), (SELECT seq FROM sqlite_sequence WHERE name = 'caf\u{e9}') FROM caf\u{e9}";
        let row = snapshot.connection().query_row(query, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        });
        assert_eq!(row.unwrap(), (7, "E9".to_owned(), 7));
        let check =
            snapshot.connection().query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.unwrap(), "ok");
    }

    #[test]
    fn names_never_become_the_same() {
        // The second one of each pair is the first one in UTF-8.
        for script in
            ["CREATE TABLE \u{e9}(a); CREATE TABLE \u{c3}\u{a9}(a);", "CREATE TABLE t(\u{e9}, \u{c3}\u{a9});"]
        {
            let (_folder, snapshot) = snapshot(script);
            let schema = Schema::read(snapshot.connection()).unwrap();
            let names = |offset: &str| {
                let both = [offset.to_owned(), "\u{e9}".to_owned()];
                schema.tables.iter().map(|it| it.name.clone()).eq(both.clone())
                    || schema.tables[0].columns == both
            };
            assert!(names("\u{f7e9}"), "{schema:?}");
        }
    }

    #[test]
    fn bytes_elsewhere_are_no_matter() {
        let (_folder, snapshot) =
            snapshot("CREATE TABLE t(a DEFAULT '\u{e9}'); CREATE VIEW v AS SELECT '\u{e9}' AS a;");
        assert_eq!(subjects(&snapshot), [""; 0]);
    }
}
