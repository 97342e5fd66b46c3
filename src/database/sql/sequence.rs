//! `sqlite_sequence`, which holds the counters of AUTOINCREMENT tables.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::insert::Script;
use super::main_file::insert_into;
use super::{Dumper, Failure, Home};
use crate::database::digest::{Digester, TableDigest};
use crate::database::quoted;
use crate::database::schema::Table;

impl Dumper<'_> {
    pub(super) fn main_sequence(&self, script: &mut Script<'_>) -> Result<(), Failure> {
        if self.schema.sequence.is_none() {
            return Ok(());
        }
        let made_here = |(table, home): (&Table, &Home)| table.is_autoincrement() && home.refuses().is_none();
        if !self.schema.tables.iter().any(Table::is_autoincrement) {
            // The table that called for it is gone; another one calls it into being.
            let name = quoted(&self.scratch_name());
            script.statement(&format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT)"))?;
            script.statement(&format!("DROP TABLE {name}"))?;
        } else if !self.schema.tables.iter().zip(&self.placement.homes).any(made_here) {
            return Ok(());
        }
        self.sequence(script)
    }

    /// Sets `sqlite_sequence` to what it was, whatever the rows that were inserted made of it.
    pub(super) fn sequence(&self, script: &mut Script<'_>) -> Result<(), Failure> {
        let Some(table) = &self.schema.sequence else { return Ok(()) };
        script.statement("DELETE FROM sqlite_sequence")?;
        let mut insert = insert_into(script, table, false);
        each_row::<Failure>(self.connection, table, |rowid, values| Ok(insert.row(rowid, values)?))?;
        Ok(insert.flush()?)
    }
}

/// The digest of `sqlite_sequence` as it comes back.
pub fn digest(connection: &Connection, table: &Table) -> rusqlite::Result<TableDigest> {
    let mut digester = Digester::default();
    each_row::<rusqlite::Error>(connection, table, |rowid, values| {
        digester.row(rowid, values);
        Ok(())
    })?;
    Ok(digester.finish(&table.name))
}

/// Calls `each` with every row, in the order of rowids, even where damage has left the table out of it. No other table
/// could hold these rows for it: of two with the same rowid only the first comes back.
fn each_row<E: From<rusqlite::Error>>(
    connection: &Connection,
    table: &Table,
    mut each: impl FnMut(Option<i64>, &[ValueRef<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    // SQLite takes the rows of a table for sorted; the plus keeps it from that.
    let sql =
        format!("SELECT {} FROM main.{} ORDER BY +rowid", table.names().join(", "), quoted(&table.name));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let rowid = Some(row.get(0)?);
        if std::mem::replace(&mut last, rowid) != rowid {
            let values = (1..=table.columns.len()).map(|at| row.get_ref(at));
            each(rowid, &values.collect::<rusqlite::Result<Vec<_>>>()?)?;
        }
    }
    Ok(())
}
