//! Rows that D1 would refuse, though it takes their table.

use std::collections::HashSet;

use super::{Decision, Home};
use crate::database::lexer::tokens;
use crate::database::schema::{Schema, Table};
use crate::database::sql::d1::{self, Rehearsal};
use crate::database::sql::full_text::Content;
use crate::database::{quoted, rows};

/// Rows of more bytes are tried: an index over an expression, or a generated column, may make ten times as much of one.
const SUSPECT_ROW: usize = d1::MAX_ROW / 10;
/// Bytes of the names in an INSERT that leave room for the row.
const MAX_INSERT_HEAD: usize = 80_000;

const TOO_LARGE: &str = "some of them are larger than the 2,000,000 bytes that D1 takes";
pub(super) const NO_ROOM: &str = "its names leave no room for a row in the 100,000 bytes that D1 takes";

impl Decision<'_> {
    /// Picks the rows that are too large for D1. Of a table with rowids to which nothing refers, and without generated
    /// columns, they are found when they are written.
    pub(super) fn find_oversized(&mut self) -> rusqlite::Result<()> {
        let parents: HashSet<usize> = self.keys.iter().flatten().filter_map(|key| key.parent).collect();
        for (index, table) in self.schema.tables.iter().enumerate() {
            let is_found_later =
                table.rowid().is_some() && !parents.contains(&index) && table.generated.is_empty();
            if self.placement.homes[index] != Home::Main || is_found_later {
                continue;
            }
            let rowid = table.rowid().unwrap_or_else(|| "0".into());
            let mut statement = self.connection.prepare(&format!(
                "SELECT {rowid} FROM main.{} NOT INDEXED WHERE {} > {}",
                quoted(&table.name),
                size_of(table, self.schema.utf16),
                d1::MAX_ROW
            ))?;
            let rows: Vec<i64> =
                statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            match table.rowid() {
                Some(_) => rows.into_iter().for_each(|rowid| self.pick(index, rowid)),
                None if rows.is_empty() => {}
                None => self.move_rows(index, TOO_LARGE),
            }
        }
        Ok(())
    }

    /// Tries rows in the stand-in for D1 where neither the row nor the CREATE text shows whether D1 takes them: an index
    /// or a generated column may make too much of a row, and a row may hold too long a pattern.
    pub(super) fn try_rows(&mut self, rehearsal: &Rehearsal) -> rusqlite::Result<()> {
        for (index, table) in self.schema.tables.iter().enumerate() {
            if self.placement.homes[index] != Home::Main {
                continue;
            }
            let condition = if self.has_open_pattern(table) {
                String::new()
            } else if table.has_generated || self.has_index_of_expressions(table)? {
                format!("{} > {SUSPECT_ROW}", size_of(table, self.schema.utf16))
            } else {
                continue;
            };
            let Ok(mut trial) = rehearsal.rows_of(table) else { continue };
            let (mut refused, mut is_any) = (Vec::new(), false);
            rows::scan(self.connection, table, self.schema.utf16, &condition, |rowid, values| {
                if trial.refuses(values)? {
                    is_any = true;
                    refused.extend(rowid);
                }
                Ok::<(), rusqlite::Error>(())
            })?;
            match table.rowid() {
                Some(_) => refused.into_iter().for_each(|rowid| self.pick(index, rowid)),
                None if is_any => self.move_rows(index, "D1 would refuse some of them"),
                None => {}
            }
        }
        Ok(())
    }

    /// Whether rows are held against a pattern that is not in the CREATE text.
    fn has_open_pattern(&self, table: &Table) -> bool {
        let of_indexes = self.schema.indexes_of(table).map(|index| &index.sql);
        let mut texts = std::iter::once(&table.sql).chain(of_indexes);
        texts.any(|sql| d1::has_open_pattern(sql))
    }

    /// Finds the full-text tables whose content is a view or another virtual table that D1 refuses or cannot read.
    pub(super) fn find_unreadable_content(&mut self, rehearsal: &Rehearsal) {
        let schema = self.schema;
        // Which other views a view is made of does not show in its text: any view with such a pattern counts.
        let has_pattern =
            schema.views.iter().any(|it| d1::has_long_pattern(&it.sql) || d1::has_open_pattern(&it.sql));
        for table in &schema.virtual_tables {
            let Some(content) = Content::of(table, schema) else { continue };
            let is_table = schema.position(&content.table).is_some();
            if !is_table && (has_pattern || !rehearsal.reads(&content)) {
                let reason = "D1 may not be able to read what it covers";
                self.placement.unfilled.insert(table.name.clone(), reason);
            }
        }
    }

    /// Whether an index may hold more of a row than there is in it.
    fn has_index_of_expressions(&self, table: &Table) -> rusqlite::Result<bool> {
        let sql =
            "SELECT 1 FROM pragma_index_list(?1, 'main') AS it, pragma_index_xinfo(it.name, 'main') AS term
             GROUP BY it.name HAVING max(term.cid = -2) OR count(*) > count(DISTINCT term.cid)";
        self.connection.prepare_cached(sql)?.exists([&table.name])
    }

    /// Finds the full-text tables of which D1 would refuse some rows. These are not picked one by one: all rows of such a
    /// table go to the extra file.
    pub(super) fn find_large_full_text(&mut self) -> rusqlite::Result<()> {
        for table in self.schema.virtual_tables.iter().filter(|table| table.module == "fts5") {
            let names = table.makes.as_ref().map_or(0, |made| length_of_head(&table.name, &made.columns));
            let Some(content) = table.shadow("_content") else {
                // Those of the content table stand there as well.
                if names * 2 > MAX_INSERT_HEAD {
                    self.placement.unfilled.insert(table.name.clone(), NO_ROOM);
                }
                continue;
            };
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM main.{} NOT INDEXED WHERE {} > {})",
                quoted(&content.name),
                size_of(content, self.schema.utf16),
                d1::MAX_ROW
            );
            if names > MAX_INSERT_HEAD {
                self.placement.unfilled.insert(table.name.clone(), NO_ROOM);
            } else if self.connection.query_row(&sql, [], |row| row.get(0))? {
                self.placement.unfilled.insert(table.name.clone(), TOO_LARGE);
            }
        }
        Ok(())
    }
}

/// The names, in lower case, of what may be read when rows are shown: all that the text of a view names, what full-text
/// indexes are over, and what the vocabularies among these are of.
pub(super) fn names_read(schema: &Schema) -> HashSet<String> {
    let named_in = |sql| tokens(sql).map(|token| token.value().to_ascii_lowercase());
    let covered = schema.virtual_tables.iter().filter_map(|table| table.option("content"));
    let mut names: HashSet<String> = covered.map(|name| name.to_ascii_lowercase()).collect();
    names.extend(schema.views.iter().flat_map(|view| named_in(&view.sql)));
    let vocabularies = schema
        .virtual_tables
        .iter()
        .filter(|table| table.module == "fts5vocab" && names.contains(&table.name.to_ascii_lowercase()));
    let of_these: Vec<String> = vocabularies.flat_map(|table| named_in(&table.sql)).collect();
    names.extend(of_these);
    names
}

/// Whether the names of a table leave no room for a row in a statement that D1 takes.
pub(super) fn leaves_no_room(table: &Table) -> bool {
    length_of_head(&table.name, &table.columns) > MAX_INSERT_HEAD
}

fn length_of_head(name: &str, columns: &[String]) -> usize {
    let names = std::iter::once(name).chain(columns.iter().map(String::as_str));
    names.map(|name| quoted(name).len() + 2).sum()
}

/// What a row takes, without the head of its record. What is two bytes of UTF-16 may be three of UTF-8.
fn size_of(table: &Table, utf16: bool) -> String {
    let columns = table.columns.iter().chain(&table.generated);
    let sizes: Vec<String> =
        columns.map(|name| format!("coalesce(octet_length({}), 0)", quoted(name))).collect();
    // SQLite takes a sum of a thousand; a full-text table may have twice as many columns.
    let sums: Vec<String> = sizes.chunks(100).map(|some| format!("({})", some.join(" + "))).collect();
    let times = if utf16 { "1.5" } else { "1" };
    format!("({}) * {times}", sums.join(" + "))
}
