//! A digest of a table's content: two tables have the same one when every rowid, type and bit of every value agree.
//!
//! For each row in key order: the rowid as `r` and eight bytes, where the table has one that can be named; then each
//! stored column as `n`; `i` and the integer; `f` and the bits of the real; `t` or `b`, the length and the bytes.
//! Integers and lengths are eight bytes, little-endian. Text is taken as UTF-8. The digest is BLAKE3.
//!
//! A full-text index is digested by its fts5vocab instances instead: term, row, column, position.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};

use super::rows;
use super::schema::{Schema, Table, VirtualTable};
use super::{quoted, quoted_text};

/// Rows and digest of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// `blake3:` and 64 hex digits.
    pub digest: String,
}

/// Makes the digest of a table, row by row.
pub struct Digester {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    rows: u64,
}

/// BLAKE3 is fastest on long pieces; rows are short.
const PIECE: usize = 64 * 1024;

impl Default for Digester {
    fn default() -> Self {
        Digester { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(PIECE * 2), rows: 0 }
    }
}

impl Digester {
    /// The next row.
    pub fn row(&mut self, rowid: Option<i64>, values: &[ValueRef<'_>]) {
        if let Some(rowid) = rowid {
            self.number(b'r', rowid.to_le_bytes());
        }
        values.iter().for_each(|value| self.value(*value));
        self.rows += 1;
    }

    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.buffer.push(b'n'),
            ValueRef::Integer(integer) => self.number(b'i', integer.to_le_bytes()),
            ValueRef::Real(real) => self.number(b'f', real.to_bits().to_le_bytes()),
            ValueRef::Text(bytes) => self.bytes(b't', bytes),
            ValueRef::Blob(bytes) => self.bytes(b'b', bytes),
        }
        if self.buffer.len() >= PIECE {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.number(tag, (bytes.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(bytes);
    }

    fn number(&mut self, tag: u8, bytes: [u8; 8]) {
        self.buffer.push(tag);
        self.buffer.extend_from_slice(&bytes);
    }

    /// The digest of all rows so far, as that of the table `name`.
    pub fn finish(mut self, name: &str) -> TableDigest {
        self.hasher.update(&self.buffer);
        TableDigest {
            name: name.to_owned(),
            rows: self.rows,
            digest: format!("blake3:{}", self.hasher.finalize().to_hex()),
        }
    }
}

/// Digests one table.
pub fn table(connection: &Connection, table: &Table, utf16: bool) -> rusqlite::Result<TableDigest> {
    let mut digester = Digester::default();
    rows::scan::<rusqlite::Error>(connection, table, utf16, "", |rowid, values| {
        digester.row(rowid, values);
        Ok(())
    })?;
    Ok(digester.finish(&table.name))
}

/// Digests everything in a database: tables in the order of the schema, `sqlite_sequence`, then virtual tables.
pub fn database(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<TableDigest>> {
    rows::prepare(connection, schema)?;
    let ordinary = schema.tables.iter().chain(&schema.sequence);
    let ordinary = ordinary.map(|found| table(connection, found, schema.utf16));
    let virtuals = schema.virtual_tables.iter().map(|found| virtual_table(connection, found, schema.utf16));
    ordinary.chain(virtuals).collect()
}

/// Digests a virtual table: an FTS5 index by what it finds; one that is too damaged for that, and any other, by the
/// tables behind it.
pub fn virtual_table(
    connection: &Connection,
    table: &VirtualTable,
    utf16: bool,
) -> rusqlite::Result<TableDigest> {
    let is_full_text = table.module == "fts5";
    if is_full_text && let Some(found) = readable(instances(connection, &table.name))? {
        return full_text(connection, table, found);
    }
    let mut digester = Digester::default();
    for shadow in &table.shadows {
        rows::scan::<rusqlite::Error>(connection, shadow, utf16, "", |rowid, values| {
            digester.row(rowid, values);
            Ok(())
        })?;
    }
    Ok(digester.finish(&table.name))
}

/// The digest of an FTS5 table in which this was found.
pub(crate) fn full_text(
    connection: &Connection,
    table: &VirtualTable,
    found: Instances,
) -> rusqlite::Result<TableDigest> {
    let rows = match table.shadow("_docsize").or_else(|| table.shadow("_content")) {
        Some(counted) => {
            let sql = format!("SELECT count(*) FROM main.{}", quoted(&counted.name));
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0))? as u64
        }
        None => found.documents,
    };
    Ok(TableDigest { name: table.name.clone(), rows, digest: found.digest })
}

/// What an FTS5 index finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instances {
    /// Rows with at least one term.
    pub(crate) documents: u64,
    /// As [`TableDigest::digest`].
    pub(crate) digest: String,
}

/// A table of `temp` that shows every term of the FTS5 table `name`, made if it is not there yet.
///
/// It stays: once a statement has met damage within a transaction, SQLite makes and drops nothing more until that ends.
pub(crate) fn vocabulary(connection: &Connection, name: &str) -> rusqlite::Result<String> {
    let vocabulary = quoted(&format!("backup_vocabulary {name}"));
    with_temp(connection, || {
        connection.execute_batch(&format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.{vocabulary} USING fts5vocab('main', {}, 'instance')",
            quoted_text(name)
        ))
    })?;
    Ok(vocabulary)
}

/// Makes the vocabularies of all FTS5 tables, at the beginning of a transaction in which damage may be met.
pub(crate) fn vocabularies(connection: &Connection) -> rusqlite::Result<()> {
    // Of a table that is none after all the vocabulary is never read.
    let sql =
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0 AND sql LIKE '%fts5%'";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    names.iter().try_for_each(|name| vocabulary(connection, name).map(drop))
}

/// Reads every term of the FTS5 table `name`.
pub(crate) fn instances(connection: &Connection, name: &str) -> rusqlite::Result<Instances> {
    let vocabulary = vocabulary(connection, name)?;
    let sql = format!("SELECT count(DISTINCT doc) FROM temp.{vocabulary}");
    let documents: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    let mut statement =
        connection.prepare(&format!("SELECT term, doc, col, \"offset\" FROM temp.{vocabulary}"))?;
    let mut rows = statement.query([])?;
    let mut digester = Digester::default();
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            digester.value(row.get_ref(column)?);
        }
    }
    Ok(Instances { documents: documents as u64, digest: digester.finish("").digest })
}

/// What was found; None when the index is damaged.
pub(crate) fn readable(found: rusqlite::Result<Instances>) -> rusqlite::Result<Option<Instances>> {
    match found {
        Err(error) if is_damage(&error) => Ok(None),
        found => found.map(Some),
    }
}

/// Whether a virtual table says that it is damaged: some say "error" of tables that are missing.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown))
}

/// Runs `work` with the connection allowed to write its `temp` schema. What `main` is protected by stays: it is opened
/// read-only or is a private copy.
fn with_temp<T>(connection: &Connection, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let query_only: bool = connection.query_row("PRAGMA query_only", [], |row| row.get(0))?;
    connection.pragma_update(None, "query_only", false)?;
    let result = work();
    connection.pragma_update(None, "query_only", query_only)?;
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn digest(sql: &str) -> Vec<TableDigest> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        database(&connection, &Schema::read(&connection).unwrap()).unwrap()
    }

    #[test]
    fn any_difference_in_type_or_place_is_seen() {
        let tables = ["1", "1.0", "'1'", "x'31'", "NULL", "''", "x''", "0.0", "-0.0", "'a','b'", "'ab',''"];
        let mut seen: Vec<String> = tables
            .iter()
            .map(|values| {
                let columns = if values.contains(',') { "a, b" } else { "a" };
                digest(&format!("CREATE TABLE t({columns}); INSERT INTO t VALUES ({values})"))[0]
                    .digest
                    .clone()
            })
            .collect();
        seen.push(digest("CREATE TABLE t(a); INSERT INTO t(rowid, a) VALUES (2, 1)")[0].digest.clone());
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn no_more_is_kept_of_many_rows_than_of_some() {
        for value in [ValueRef::Null, ValueRef::Integer(1), ValueRef::Text(b"")] {
            let mut digester = Digester::default();
            (0..PIECE as i64).for_each(|rowid| digester.row(Some(rowid), &[value]));
            assert!(digester.buffer.capacity() <= PIECE * 2, "{value:?}");
        }
    }

    #[test]
    fn a_full_text_index_is_told_by_what_it_finds() {
        let make = |text: &str, extra: &str| {
            digest(&format!("CREATE VIRTUAL TABLE t USING fts5(a); INSERT INTO t VALUES ('{text}'); {extra}"))
        };
        assert_eq!(make("a b", ""), make("a b", "INSERT INTO t(t) VALUES ('optimize')"));
        assert_ne!(make("a b", ""), make("b a", ""));
        assert_eq!(make("a b", "")[0].rows, 1);
    }
}
