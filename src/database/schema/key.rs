//! What tells the rows of a table apart.

use rusqlite::Connection;

use super::table::Column;
use crate::database::lexer::tokens;
use crate::database::{quoted, quoted_text};

/// What tells the rows of a table apart, and gives their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A rowid of no column, under the alias that no column hides.
    Rowid(&'static str),
    /// The rowid is the column of this index in [`Table::columns`](super::Table::columns).
    Column(usize),
    /// A rowid that cannot be named, because columns are called `rowid`, `_rowid_` and `oid`.
    Hidden,
    /// WITHOUT ROWID: the terms of its primary key.
    Primary(Vec<Term>),
}

impl Key {
    /// The alias of a rowid that is no column; None where there is none, or it cannot be named.
    pub fn alias(&self) -> Option<&'static str> {
        match self {
            Key::Rowid(alias) => Some(alias),
            Key::Column(_) | Key::Hidden | Key::Primary(_) => None,
        }
    }
}

/// A term of a primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The column.
    pub column: String,
    /// The collating sequence.
    pub collation: String,
    /// Whether that is the collating sequence of the column itself.
    pub is_own: bool,
    /// Whether it is DESC.
    pub descending: bool,
}

impl Term {
    /// As it stands in a key or in ORDER BY, of the column that is written so.
    pub fn written(&self, column: &str, collation: &str) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        format!("{column} COLLATE {}{direction}", quoted(collation))
    }
}

/// A single INTEGER PRIMARY KEY is the rowid, unless it was declared DESC in the way that keeps an index beside it
/// (<https://www.sqlite.org/lang_createtable.html#rowid>): then that index exists.
pub(super) fn rowid_key(
    connection: &Connection,
    table: &str,
    all: &[Column],
    stored: &[&Column],
) -> rusqlite::Result<Key> {
    let primary: Vec<usize> = (0..stored.len()).filter(|&index| stored[index].pk > 0).collect();
    if let [index] = primary[..]
        && stored[index].kind.eq_ignore_ascii_case("INTEGER")
        && !has_primary_index(connection, table)?
    {
        return Ok(Key::Column(index));
    }
    let free = free_alias(all.iter().map(|column| column.name.as_str()));
    Ok(free.map_or(Key::Hidden, Key::Rowid))
}

/// A name for the rowid that none of these columns has; None where each has one.
pub fn free_alias<'c>(columns: impl Iterator<Item = &'c str> + Clone) -> Option<&'static str> {
    let is_hidden = |alias: &str| columns.clone().any(|column| column.eq_ignore_ascii_case(alias));
    ["rowid", "_rowid_", "oid"].into_iter().find(|alias| !is_hidden(alias))
}

fn has_primary_index(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare(&format!("PRAGMA main.index_list({})", quoted(table)))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if row.get::<_, String>("origin")? == "pk" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The terms of the primary key of a table WITHOUT ROWID that `sql` makes, as a new database has them: in a file that
/// was made before 2006, or like one, none runs downwards whatever its table says.
pub(super) fn primary_terms(connection: &Connection, table: &str, sql: &str) -> rusqlite::Result<Vec<Term>> {
    let terms = terms(connection, table)?;
    if terms.iter().any(|term| term.descending) || !tokens(sql).any(|token| token.is_word("DESC")) {
        return Ok(terms);
    }
    let workshop = Connection::open_in_memory()?;
    // What cannot be made comes back with the key that was found.
    let made = workshop.execute(sql, []).and_then(|_| self::terms(&workshop, table));
    Ok(made.unwrap_or(terms))
}

fn terms(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Term>> {
    let index: String = connection.query_row(
        &format!("SELECT name FROM pragma_index_list({}, 'main') WHERE origin = 'pk'", quoted_text(table)),
        [],
        |row| row.get(0),
    )?;
    let mut statement = connection.prepare(&format!(
        "SELECT name, coll, \"desc\" FROM pragma_index_xinfo({}, 'main') WHERE key ORDER BY seqno",
        quoted_text(&index)
    ))?;
    let terms = statement.query_map([], |row| {
        let (column, collation) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        let (_, own, ..) = connection.column_metadata(Some("main"), table, &*column)?;
        let is_own = own.is_some_and(|own| own.to_bytes().eq_ignore_ascii_case(collation.as_bytes()));
        Ok(Term { column, collation, is_own, descending: row.get(2)? })
    })?;
    terms.collect()
}
