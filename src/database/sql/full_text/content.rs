//! Where the rows of an FTS5 index are read.

use rusqlite::{Connection, PrepFlags};

use crate::database::schema::{Schema, VirtualTable};
use crate::database::{quoted, quoted_list};

/// The content table of an FTS5 table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub table: String,
    /// The column whose value is the rowid of the index.
    pub rowid: String,
    /// The columns that are indexed, in the order of the index.
    pub columns: Vec<String>,
    /// Whether it is a view, of which no row can be had without the others.
    pub is_view: bool,
}

impl Content {
    /// That of an FTS5 table whose rows stand elsewhere.
    pub fn of(table: &VirtualTable, schema: &Schema) -> Option<Content> {
        let columns = table.makes.as_ref().filter(|_| table.module == "fts5")?.columns.clone();
        let content = table.option("content").filter(|content| !content.is_empty())?;
        let rowid = table.option("content_rowid").unwrap_or_else(|| "rowid".into());
        let is_view = schema.views.iter().any(|view| view.name.eq_ignore_ascii_case(&content));
        Some(Content { table: content, rowid, columns, is_view })
    }

    /// That of an FTS5 table that keeps its rows itself.
    pub fn own(table: &VirtualTable) -> Option<Content> {
        let (kept, made) = (table.shadow("_content")?, table.makes.as_ref()?);
        // The first column is the rowid.
        let columns = kept.columns.get(1..=made.columns.len())?.to_vec();
        Some(Content { table: kept.name.clone(), rowid: "id".into(), columns, is_view: false })
    }

    /// A query for all rows: the rowid, then the columns.
    pub fn select(&self) -> String {
        let columns: String = self.columns.iter().map(|name| format!(", t.{}", quoted(name))).collect();
        format!("SELECT {}{columns} FROM main.{} AS t", self.rowid_term(), quoted(&self.table))
    }

    /// The rowid in a query of the table as `t`: without that, a name that is no column would be taken for a text.
    pub fn rowid_term(&self) -> String {
        format!("t.{}", quoted(&self.rowid))
    }

    /// The rows with these rowids, as they are indexed.
    pub fn select_among(&self, rowids: &[i64]) -> String {
        let (table, rowid, columns) = (quoted(&self.table), quoted(&self.rowid), quoted_list(&self.columns));
        let rowids = rowids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        format!("SELECT {rowid}, {columns} FROM {table} WHERE {rowid} IN ({rowids})")
    }

    /// The rowids of all rows, in order.
    pub fn rowids(&self, connection: &Connection) -> rusqlite::Result<Vec<i64>> {
        let rowid = self.rowid_term();
        let sql = format!("SELECT {rowid} FROM main.{} AS t ORDER BY {rowid}", quoted(&self.table));
        connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
    }

    /// Whether 'rebuild' could read it: that looks into no virtual table, though everything else does.
    pub fn can_rebuild(&self, connection: &Connection) -> bool {
        connection.prepare_with_flags(&self.select(), PrepFlags::SQLITE_PREPARE_NO_VTAB).is_ok()
    }
}
