//! Reads the rows of a content table by its known columns, in a schema of any generation.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use super::tables::Table;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing, or no such column.
    #[default]
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes, or text that is not Unicode, as far as it can be read.
    Unreadable(String),
}

impl Cell {
    /// Reads a value into it; a text takes the place of the one before.
    fn fill(&mut self, value: ValueRef<'_>) {
        let mut held = match std::mem::take(self) {
            Cell::Text(text) | Cell::Unreadable(text) => text,
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => String::new(),
        };
        held.clear();
        let in_held = |text: &str| {
            held.push_str(text);
            held
        };
        *self = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Real(number) => Cell::Real(number),
            ValueRef::Text(text) => match str::from_utf8(text) {
                Ok(text) => Cell::Text(in_held(text)),
                Err(_) => Cell::Unreadable(in_held(&String::from_utf8_lossy(text))),
            },
            ValueRef::Blob(bytes) => Cell::Unreadable(in_held(&String::from_utf8_lossy(bytes))),
        };
    }

    /// Bytes of the text in it.
    pub fn text_bytes(&self) -> usize {
        match self {
            Cell::Text(text) | Cell::Unreadable(text) => text.len(),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => 0,
        }
    }

    /// Bytes of text that there is room for in it.
    fn room(&self) -> usize {
        match self {
            Cell::Text(text) | Cell::Unreadable(text) => text.capacity(),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => 0,
        }
    }

    /// The text of an id: not empty.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Text(text) if !text.is_empty() => Some(text.into()),
            Cell::Integer(number) => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// What it says in whatever form, if it says anything: of use where more is to be heard than can be published.
    pub fn said(&self) -> Option<String> {
        let text = match self {
            Cell::Null => return None,
            Cell::Integer(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Text(text) | Cell::Unreadable(text) => text.clone(),
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// The cells of rows that nobody reads any more. A row is filled by one thread and read by another: if the one asked for
/// the memory of its texts and the other gave it back, each would wait for the other.
#[derive(Debug, Default)]
pub struct Spare(Mutex<Vec<Vec<Cell>>>);

impl Spare {
    /// Bytes of text that there is room for in a row that is kept, at most.
    const MAX_ROOM: usize = 8 << 10;

    /// Cells to be filled.
    pub fn take(&self) -> Vec<Cell> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes the cells of rows back.
    pub fn give(&self, rows: impl IntoIterator<Item = Vec<Cell>>) {
        let is_kept = |cells: &Vec<Cell>| cells.iter().map(Cell::room).sum::<usize>() <= Self::MAX_ROOM;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(rows.into_iter().filter(is_kept));
    }
}

/// How a row is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKey {
    /// By its rowid, or in a table without rowids by its id that is a whole number.
    Number(i64),
    /// By any other id, in a table without rowids.
    Id(String),
}

/// A content table that is there.
#[derive(Debug)]
pub struct Content {
    /// Its name among the decisions.
    pub name: &'static str,
    table: Table,
    /// The expression of each column that is read: quoted, or NULL where it is absent.
    columns: Vec<String>,
    /// The query that finds a row again by its key.
    again: String,
}

impl Content {
    /// The table, to be read by `columns`, of which any may be absent.
    pub fn find<'n>(
        conn: &Connection,
        name: &'static str,
        columns: impl IntoIterator<Item = &'n str>,
    ) -> Result<Option<Content>> {
        let Some(table) = Table::find(conn, name)? else { return Ok(None) };
        let columns: Vec<String> = columns.into_iter().map(|column| table.column_or_null(column)).collect();
        let mut found = Content { name, table, columns, again: String::new() };
        found.again = format!(
            "SELECT {} FROM main.{} WHERE {} = ?1 COLLATE BINARY",
            found.columns.join(", "),
            found.table.quoted(),
            found.key()
        );
        Ok(Some(found))
    }

    /// Lets [`fetch`](Content::fetch) find only rows that `condition`, where there is one, takes: without rowids, another
    /// row may have the id of one that was visited.
    pub fn only(mut self, condition: Option<String>) -> Content {
        self.again.extend(condition.map(|condition| format!(" AND {condition}")));
        self
    }

    /// Whether it has a column of that name, in any case.
    pub fn has(&self, column: &str) -> bool {
        self.table.column(column).is_some()
    }

    /// Visits each row that `condition` takes, in no order that counts. Its cells are filled again for the next one,
    /// unless they are taken.
    pub fn each<E: From<rusqlite::Error>>(
        &self,
        conn: &Connection,
        condition: &str,
        mut visit: impl FnMut(RowKey, &mut Vec<Cell>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let key = self.key();
        let condition = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
        let columns = self.columns.iter().map(|column| format!(", {column}")).collect::<String>();
        // NOT INDEXED: a broken index hides no row.
        let sql = format!("SELECT {key}{columns} FROM main.{} NOT INDEXED{condition}", self.table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let (mut key, mut cells) = (Cell::Null, Vec::new());
        while let Some(row) = rows.next()? {
            key.fill(row.get_ref(0)?);
            let key = match &key {
                Cell::Integer(number) => RowKey::Number(*number),
                cell => RowKey::Id(cell.id().unwrap_or_default().into_owned()),
            };
            // The key stands before the columns.
            self.fill(&mut cells, row, 1)?;
            visit(key, &mut cells)?;
        }
        Ok(())
    }

    /// Reads one row again, into `cells`; false when it cannot be found.
    pub fn fetch(&self, conn: &Connection, key: &RowKey, cells: &mut Vec<Cell>) -> Result<bool> {
        let mut statement = conn.prepare_cached(&self.again)?;
        let mut rows = match key {
            RowKey::Number(number) => statement.query([number])?,
            RowKey::Id(id) => statement.query([id])?,
        };
        match rows.next()? {
            Some(row) => self.fill(cells, row, 0).map(|()| true),
            None => Ok(false),
        }
    }

    /// Fills `cells` with the columns, which the row has from its column `first` on.
    fn fill(&self, cells: &mut Vec<Cell>, row: &Row<'_>, first: usize) -> Result<()> {
        cells.resize(self.columns.len(), Cell::Null);
        for (at, cell) in (first..).zip(cells) {
            cell.fill(row.get_ref(at)?);
        }
        Ok(())
    }

    fn key(&self) -> String {
        self.table.rowid().map_or_else(|| self.table.column_or_null("id"), str::to_owned)
    }
}

/// Statuses with which a work is public.
pub const PUBLIC_WORKS: [&str; 1] = ["approved"];
/// Statuses with which an artist is public.
pub const PUBLIC_ARTISTS: [&str; 2] = ["approved", "active"];

/// A condition that takes the rows whose status is one of `words`, byte for byte.
pub fn has_status(table: &Content, words: &[&str]) -> Option<String> {
    let status = table.table.column("status")?;
    let words = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    Some(format!("{status} COLLATE BINARY IN ({words})"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn ids(sql: &str) -> Vec<(RowKey, Vec<Cell>)> {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        let table = Content::find(&conn, "artwork", ["id", "missing", "lat"]).unwrap().unwrap();
        let mut found = Vec::new();
        let condition = has_status(&table, &["approved"]).unwrap();
        table
            .each::<rusqlite::Error>(&conn, &condition, |key, cells| {
                // What stood in them before is gone.
                let mut again = vec![Cell::Text("before".into()); 9];
                assert!(table.fetch(&conn, &key, &mut again).unwrap());
                assert_eq!(again, *cells);
                found.push((key, cells.clone()));
                Ok(())
            })
            .unwrap();
        found
    }

    #[test]
    fn rows_are_read_and_found_again_with_and_without_rowids() {
        let rows = "INSERT INTO artwork VALUES ('a', 1.5, 'approved'), ('b', 2, 'Approved'), ('c', x'00', 'approved')";
        for (without, key) in [("", RowKey::Number(1)), ("WITHOUT ROWID", RowKey::Id("a".into()))] {
            let sql = format!(
                "CREATE TABLE artwork (ID TEXT PRIMARY KEY, lat, Status TEXT COLLATE NOCASE) {without}; {rows}"
            );
            let found = ids(&sql);
            assert_eq!(found[0], (key, vec![Cell::Text("a".into()), Cell::Null, Cell::Real(1.5)]));
            assert_eq!(found[1].1[2], Cell::Unreadable("\0".into()));
            assert_eq!(found.len(), 2);
        }
    }

    #[test]
    fn ids_of_any_type_and_collation_find_their_own_rows() {
        let found = ids(
            "CREATE TABLE artwork (id, status, lat, PRIMARY KEY (id)) WITHOUT ROWID;
             INSERT INTO artwork VALUES (5, 'approved', 1.0), ('5', 'approved', 2.0), ('a', 'approved', 3.0)",
        );
        assert_eq!(found.len(), 3);
        let found = ids(
            "CREATE TABLE artwork (id TEXT COLLATE NOCASE, status, lat, PRIMARY KEY (id, lat)) WITHOUT ROWID;
             INSERT INTO artwork VALUES ('a', 'approved', 1.0), ('A', 'approved', 2.0)",
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn spare_cells_have_no_room_for_much() {
        let text = |room: usize| vec![Cell::Null, Cell::Text(String::with_capacity(room))];
        let spare = Spare::default();
        spare.give([text(Spare::MAX_ROOM + 1), text(1), text(2 * Spare::MAX_ROOM)]);
        assert_eq!([spare.take().len(), spare.take().len()], [2, 0]);
    }

    #[test]
    fn a_column_called_rowid_hides_nothing() {
        let found = ids("CREATE TABLE artwork (id TEXT, rowid TEXT, lat REAL, status TEXT);
             INSERT INTO artwork VALUES ('a', 'x', 1.0, 'approved'), ('a', 'x', 2.0, 'approved')");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].1[2], Cell::Real(2.0));
    }
}
