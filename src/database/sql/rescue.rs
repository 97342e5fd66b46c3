//! Tables that hold the rows of others, whose rules these rows break.

use super::insert::{Insert, Script};
use super::repairs::Fault;
use super::{Dumper, Failure};
use crate::database::definition::Definition;
use crate::database::digest::Digester;
use crate::database::schema::{Table, free_alias};
use crate::database::{quoted, quoted_list, rows};

impl Dumper<'_> {
    /// All rows of a table whose rules some of them break, in a table of the same columns without rules.
    pub(super) fn rescued_rows(
        &mut self,
        script: &mut Script<'_>,
        index: usize,
        fault: Fault,
    ) -> Result<(), Failure> {
        let table = self.schema.tables[index].clone();
        self.meter.item(&table.name);
        let name = self.free_name(&format!("{} as it was", table.name));
        let sql = format!("CREATE TABLE {} ({})", quoted(&name), quoted_list(&table.columns));
        script.statement(&sql)?;
        self.rescues.push(Definition::new("table", &name, &sql));
        let alias = free_alias(table.columns.iter().map(String::as_str));
        let keeps_rowids =
            fault != Fault::Torn && table.rowid().is_some() && self.has_rowids_in_order(&table)?;
        let (mut digester, mut count) = (Digester::default(), 0);
        let mut insert = Insert::new(script, &name, alias, &table.columns, true);
        rows::scan::<Failure>(self.connection, &table, self.schema.utf16, "", |rowid, values| {
            self.job.check()?;
            count += 1;
            let rowid = alias.map(|_| rowid.filter(|_| keeps_rowids).unwrap_or(count));
            digester.row(rowid, values);
            Ok(insert.row(rowid, values)?)
        })?;
        insert.flush()?;
        self.meter.add(1, 0);
        self.rescued.push(digester.finish(&name));
        self.digests[index] = Some(Digester::default().finish(&table.name));
        self.note_extra(&table.name, &format!("the rows of {}, as table {name}", table.name), fault.reason());
        Ok(())
    }

    /// Whether the rowids only rise, so that each is there once. In a damaged table two rows may have the same one, and
    /// `integrity_check` may have ended before it said so.
    fn has_rowids_in_order(&self, table: &Table) -> Result<bool, Failure> {
        let (mut last, mut are_in_order) = (None, true);
        rows::scan::<Failure>(self.connection, table, self.schema.utf16, "", |rowid, _| {
            self.job.check()?;
            are_in_order &= last < rowid;
            last = rowid;
            Ok(())
        })?;
        Ok(are_in_order)
    }
}
