//! Virtual tables and their content, as far as these stand in database-extra.sql.

use super::super::full_text::Fill;
use super::super::insert::Script;
use super::super::main_file::fill_from_content;
use super::super::{Dumper, Failure};
use crate::database::quoted;
use crate::job::Warning;

impl Dumper<'_> {
    /// A virtual table, or its text where nothing makes it.
    pub(super) fn extra_virtual_table(
        &mut self,
        script: &mut Script<'_>,
        index: usize,
    ) -> Result<(), Failure> {
        let table = self.schema.virtual_tables[index].clone();
        if self.fills[index] == Fill::Unknown {
            script.comment(&table.sql)?;
            let warning = match self.undone.contains(&table.name) {
                true => Warning::about(
                    "TABLE_DAMAGED",
                    &table.name,
                    "a table behind this virtual table is damaged, so it cannot be set up anew: its CREATE text is kept as \
                     a comment, and the tables behind it as ordinary ones",
                ),
                false => Warning::about(
                    "MODULE_UNKNOWN",
                    &table.name,
                    "this virtual table cannot be set up anew: its module is not known here, is none that a backup loads, \
                     or lacks a table or tokenizer; its CREATE text is kept as a comment, and tables behind it as ordinary \
                     ones",
                ),
            };
            self.warnings.push(warning);
            self.in_extra.push(format!("virtual table {}", table.name));
            return Ok(());
        }
        self.create_virtual_table(script, index)?;
        let reason = match table.module.as_str() {
            "fts5" => self.placement.refuses(&table.name).unwrap_or_default(),
            _ => "D1 has no such module",
        };
        self.note_extra(&table.name, &format!("virtual table {}", table.name), reason);
        Ok(())
    }

    /// What fills virtual tables and is not made from other rows.
    pub(super) fn extra_virtual_rows(&mut self, script: &mut Script<'_>) -> Result<(), Failure> {
        for index in self.virtual_tables_of_main_first() {
            match self.fills[index] {
                Fill::Rows => self.extra_full_text_rows(script, index)?,
                Fill::Verbatim(reason) => self.rows_behind(script, index, reason)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The rows of a full-text table, unless they stand in database.sql.
    fn extra_full_text_rows(&mut self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        let name = self.schema.virtual_tables[index].name.clone();
        let unfilled = self.placement.unfilled.get(&name).copied();
        if self.is_in_main(index) && unfilled.is_none() {
            return Ok(());
        }
        self.full_text_rows(script, index)?;
        if let Some(reason) = unfilled.filter(|_| self.is_in_main(index)) {
            self.note_extra(&name, &format!("the rows of the full-text table {name}"), reason);
        }
        Ok(())
    }

    /// The tables behind a virtual table, as they are.
    fn rows_behind(&mut self, script: &mut Script<'_>, index: usize, reason: &str) -> Result<(), Failure> {
        let table = self.schema.virtual_tables[index].clone();
        for shadow in &table.shadows {
            script.statement(&format!("DELETE FROM {}", quoted(&shadow.name)))?;
            self.copy_rows(script, shadow, false, |_, _| {})?;
        }
        if self.is_in_main(index) {
            let what = format!("the content of the full-text index {}", table.name);
            self.note_extra(&table.name, &what, reason);
        }
        Ok(())
    }

    fn virtual_tables_of_main_first(&self) -> Vec<usize> {
        let mut first = self.virtual_tables(|dumper, index| dumper.is_in_main(index));
        first.extend(self.virtual_tables(|dumper, index| !dumper.is_in_main(index)));
        first
    }

    /// Full-text indexes that are made from their content tables, once all rows of these are there.
    pub(super) fn extra_indexed(&mut self, script: &mut Script<'_>) -> Result<(), Failure> {
        for index in self.virtual_tables_of_main_first() {
            let (table, fill) = (&self.schema.virtual_tables[index], &self.fills[index]);
            if self.is_filled_in_main(index) || !matches!(fill, Fill::Rebuild(_) | Fill::Partial(..)) {
                continue;
            }
            fill_from_content(script, table, fill)?;
            let name = table.name.clone();
            let reason = self.placement.unfilled.get(&name).copied();
            let reason = reason.unwrap_or("rows that it covers, or may cover, stand here");
            self.note_extra(&name, &format!("the content of the full-text index {name}"), reason);
        }
        Ok(())
    }
}
