//! database.sql.

use std::io::Write;

use rusqlite::types::ValueRef;

use super::full_text::{Fill, ROWIDS};
use super::insert::{Insert, Script};
use super::{Dumper, Failure, Home, d1, reindex};
use crate::database::digest::Digester;
use crate::database::schema::{Table, VirtualTable};
use crate::database::{quoted, quoted_list, rows};

impl Dumper<'_> {
    /// Returns the bytes written.
    pub(super) fn write_main(&mut self, out: &mut dyn Write) -> Result<u64, Failure> {
        let mut script = Script::new(out, self.scratch_name(), self.meter);
        script.statement("PRAGMA defer_foreign_keys=TRUE")?;
        self.switch_checks(&mut script, false)?;
        self.create_tables(&mut script)?;
        for index in 0..self.schema.tables.len() {
            self.main_rows(&mut script, index)?;
        }
        for index in self.virtual_tables(|dumper, index| dumper.is_in_main(index)) {
            let name = &self.schema.virtual_tables[index].name;
            if self.fills[index] == Fill::Rows && !self.placement.unfilled.contains_key(name) {
                self.full_text_rows(&mut script, index)?;
            }
        }
        script.drop_pieces()?;
        self.main_sequence(&mut script)?;
        self.create_indexes(&mut script, false)?;
        for view in self.schema.views.iter().filter(|it| self.placement.refuses(&it.name).is_none()) {
            script.create(&view.sql)?;
        }
        for trigger in self.schema.triggers.iter().filter(|it| self.placement.refuses_trigger(it).is_none()) {
            script.create(&trigger.sql)?;
        }
        for index in self.virtual_tables(|dumper, index| dumper.is_filled_in_main(index)) {
            fill_from_content(&mut script, &self.schema.virtual_tables[index], &self.fills[index])?;
        }
        self.switch_checks(&mut script, true)?;
        Ok(script.bytes())
    }

    /// Switches CHECK constraints, but only for rows that would not come back otherwise: D1 leaves them off when the file
    /// fails.
    pub(super) fn switch_checks(&self, script: &mut Script<'_>, on: bool) -> Result<(), Failure> {
        if !self.repairs.checks.is_empty() {
            script.statement(&format!("PRAGMA ignore_check_constraints={}", u8::from(!on)))?;
        }
        Ok(())
    }

    fn create_tables(&self, script: &mut Script<'_>) -> Result<(), Failure> {
        for (table, home) in self.schema.tables.iter().zip(&self.placement.homes) {
            if home.refuses().is_none() {
                script.create(&table.sql)?;
            }
        }
        for index in self.virtual_tables(|dumper, index| dumper.is_in_main(index)) {
            self.create_virtual_table(script, index)?;
        }
        self.create_indexes(script, true)
    }

    /// Makes the virtual table at `index` and gives it its settings, unless these come with the tables behind it.
    pub(super) fn create_virtual_table(&self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        let table = &self.schema.virtual_tables[index];
        script.create(&table.sql)?;
        if !matches!(self.fills[index], Fill::Verbatim(_)) {
            for setting in reindex::settings(self.connection, table)? {
                script.statement(&setting)?;
            }
        }
        Ok(())
    }

    /// The indexes that must be there before the rows, if `early`, or else the others.
    fn create_indexes(&self, script: &mut Script<'_>, early: bool) -> Result<(), Failure> {
        for index in &self.schema.indexes {
            let is_here = self.placement.refuses(&index.name).is_none();
            if is_here && self.placement.early_indexes.contains(&index.name) == early {
                script.create(&index.sql)?;
            }
        }
        Ok(())
    }

    /// Writes the rows of a table that is at home here, and digests them all. Rows found to be too large for D1 are
    /// noted for the other file.
    fn main_rows(&mut self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        if self.placement.homes[index] != Home::Main {
            return Ok(());
        }
        let table = &self.schema.tables[index];
        let picked = &mut self.placement.picked[index];
        let (job, meter) = (self.job, self.meter);
        meter.item(&table.name);
        let mut digester = Digester::default();
        let mut insert = insert_into(script, table, true);
        rows::scan::<Failure>(self.connection, table, self.schema.utf16, "", |rowid, values| {
            job.check()?;
            digester.row(rowid, values);
            if rowid.is_some_and(|rowid| picked.contains(&rowid)) {
                return Ok(());
            }
            if let Some(rowid) = rowid.filter(|_| bytes_of(values) > d1::MAX_ROW) {
                picked.insert(rowid);
                return Ok(());
            }
            Ok(insert.row(rowid, values)?)
        })?;
        insert.flush()?;
        meter.add(1, 0);
        self.digests[index] = Some(digester.finish(&self.schema.tables[index].name));
        Ok(())
    }

    /// The rows that an ordinary FTS5 table keeps itself, under their rowids.
    pub(super) fn full_text_rows(&self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        let table = &self.schema.virtual_tables[index];
        let (Some(content), Some(made)) = (table.shadow("_content"), &table.makes) else { return Ok(()) };
        let names = &made.columns;
        let mut insert = Insert::new(script, &table.name, Some("rowid"), names, false);
        rows::scan::<Failure>(self.connection, content, self.schema.utf16, "", |rowid, values| {
            self.job.check()?;
            // The first one is the rowid.
            Ok(insert.row(rowid, values.get(1..=names.len()).unwrap_or_default())?)
        })?;
        Ok(insert.flush()?)
    }

    /// The virtual tables that `take` takes.
    pub(super) fn virtual_tables(&self, take: impl Fn(&Self, usize) -> bool) -> Vec<usize> {
        (0..self.schema.virtual_tables.len()).filter(|&index| take(self, index)).collect()
    }

    /// Whether D1 takes this virtual table.
    pub(super) fn is_in_main(&self, index: usize) -> bool {
        let table = &self.schema.virtual_tables[index];
        d1::has_module_of(table) && self.placement.refuses(&table.name).is_none()
    }

    /// Whether an index over other rows can be filled here: all its rows must be.
    pub(super) fn is_filled_in_main(&self, index: usize) -> bool {
        let (Fill::Rebuild(content) | Fill::Partial(content, _)) = &self.fills[index] else { return false };
        self.is_in_main(index)
            && !self.placement.unfilled.contains_key(&self.schema.virtual_tables[index].name)
            && match self.schema.position(&content.table) {
                Some(table) => self.placement.holds_all_rows(table),
                // A view may show any row, and whatever the full-text tables hold that it names: all of it must be here.
                None => {
                    (0..self.schema.tables.len()).all(|index| self.placement.holds_all_rows(index))
                        && !(0..self.fills.len()).any(|index| self.lacks_what_is_read(index))
                }
            }
    }

    /// Whether a full-text table that a view or another index may read is still empty at the end of this file.
    fn lacks_what_is_read(&self, index: usize) -> bool {
        let table = &self.schema.virtual_tables[index];
        let is_empty = self.placement.unfilled.contains_key(&table.name)
            || matches!(self.fills[index], Fill::Verbatim(_)) && self.is_in_main(index);
        let mut names = std::iter::once(&table.name).chain(table.shadows.iter().map(|shadow| &shadow.name));
        is_empty && names.any(|name| self.placement.read.contains(&name.to_ascii_lowercase()))
    }
}

/// Packs rows of `table`, which is empty so far if `fresh`.
pub(super) fn insert_into<'s, 'a>(script: &'s mut Script<'a>, table: &Table, fresh: bool) -> Insert<'s, 'a> {
    Insert::new(script, &table.name, table.key.alias(), &table.columns, fresh)
}

fn bytes_of(values: &[ValueRef<'_>]) -> usize {
    let bytes = values.iter().map(|value| match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 8,
    });
    bytes.sum()
}

/// Fills an index from its content table: all of it at once only if the index held all of it, else just the rows it
/// held, so that no row comes into search that was kept out of it.
pub(super) fn fill_from_content(
    script: &mut Script<'_>,
    table: &VirtualTable,
    fill: &Fill,
) -> Result<(), Failure> {
    let name = quoted(&table.name);
    match fill {
        Fill::Rebuild(_) => script.statement(&format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"))?,
        Fill::Partial(content, indexed) => {
            let columns = quoted_list(&content.columns);
            for some in indexed.chunks(ROWIDS) {
                let rows = content.select_among(some);
                script.statement(&format!("INSERT INTO {name} (rowid, {columns}) {rows}"))?;
            }
        }
        Fill::Rows | Fill::Verbatim(_) | Fill::Unreadable | Fill::Nothing | Fill::Unknown => {}
    }
    Ok(())
}
