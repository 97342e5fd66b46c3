//! database-extra.sql: what D1 would refuse or wrangler would change, to be run after database.sql.

use std::io::Write;

use rusqlite::types::ValueRef;

use super::insert::Script;
use super::main_file::insert_into;
use super::{Dumper, Failure, Home};
use crate::database::digest::Digester;
use crate::database::schema::{Object, Table};
use crate::database::{quoted, rows};
use crate::job::counted;

mod virtual_tables;

impl Dumper<'_> {
    /// Returns the bytes written; 0 when nothing is needed.
    pub(super) fn write_extra(&mut self, out: &mut dyn Write) -> Result<u64, Failure> {
        let mut script = Script::new(out, self.scratch_name(), self.meter);
        self.settings(&mut script)?;
        for unmakeable in &self.unmakeable {
            script.comment(&unmakeable.sql)?;
            self.in_extra.push(format!("the CREATE text of {} {}", unmakeable.kind, unmakeable.name));
        }
        let paused = self.triggers_to_pause();
        for trigger in &paused {
            script.statement(&format!("DROP TRIGGER {}", quoted(&trigger.name)))?;
        }
        self.extra_tables(&mut script)?;
        let unchecked = self.schema.tables.iter().enumerate().any(|(index, table)| {
            self.repairs.checks.contains(&table.name) && !self.placement.holds_all_rows(index)
        });
        if unchecked {
            self.switch_checks(&mut script, false)?;
        }
        let any_rows = self.extra_rows(&mut script)?;
        self.extra_virtual_rows(&mut script)?;
        script.drop_pieces()?;
        if any_rows {
            self.sequence(&mut script)?;
        }
        if unchecked {
            self.switch_checks(&mut script, true)?;
        }
        self.extra_objects(&mut script)?;
        self.extra_indexed(&mut script)?;
        // Last: a trigger on a table behind an index must not see the index being filled.
        self.extra_triggers(&mut script, &paused)?;
        Ok(script.bytes())
    }

    fn settings(&mut self, script: &mut Script<'_>) -> Result<(), Failure> {
        let settings =
            [("user_version", self.schema.user_version), ("application_id", self.schema.application_id)];
        for (name, value) in settings.into_iter().filter(|(_, value)| *value != 0) {
            script.statement(&format!("PRAGMA {name}={value}"))?;
            self.note_extra(name, &format!("{name} = {value}"), "D1 refuses this pragma");
        }
        Ok(())
    }

    /// Rows that are added to a table of database.sql must not set off its triggers: all of them are dropped first and
    /// made again in their order.
    fn triggers_to_pause(&self) -> Vec<Object> {
        let adds_rows = |trigger: &Object| {
            self.schema.position(&trigger.table).is_some_and(|index| {
                self.placement.homes[index].refuses().is_none() && !self.placement.holds_all_rows(index)
            })
        };
        let triggers = &self.schema.triggers;
        if !triggers.iter().any(adds_rows) {
            return Vec::new();
        }
        triggers.iter().filter(|it| self.placement.refuses_trigger(it).is_none()).cloned().collect()
    }

    fn extra_tables(&mut self, script: &mut Script<'_>) -> Result<(), Failure> {
        for index in 0..self.schema.tables.len() {
            if let Some(reason) = self.placement.homes[index].refuses() {
                let (table, reason) = (&self.schema.tables[index], reason.to_owned());
                script.create(&table.sql)?;
                let name = table.name.clone();
                self.note_extra(&name, &format!("table {name}"), &reason);
            }
        }
        for index in self.virtual_tables(|dumper, index| !dumper.is_in_main(index)) {
            self.extra_virtual_table(script, index)?;
        }
        Ok(())
    }

    /// Returns whether there were any. Tables of database.sql come first, as they will in the reloaded database.
    fn extra_rows(&mut self, script: &mut Script<'_>) -> Result<bool, Failure> {
        let is_extra = |index: &usize| self.placement.homes[*index].refuses().is_some();
        let (last, first): (Vec<usize>, Vec<usize>) = (0..self.schema.tables.len()).partition(is_extra);
        let mut any = false;
        for index in first.into_iter().chain(last) {
            let name = self.schema.tables[index].name.clone();
            match self.placement.homes[index].clone() {
                Home::Main if self.placement.picked[index].is_empty() => continue,
                Home::Main => {
                    let count = self.placement.picked[index].len();
                    self.picked_rows(script, index)?;
                    self.note_extra(
                        &name,
                        &format!("{} of {name}", counted(count as u64, "row", "rows")),
                        "D1 would refuse them: too large, held against too long a pattern, or without a row that they refer to",
                    );
                }
                Home::RowsInExtra(reason) => {
                    self.all_rows(script, index)?;
                    self.note_extra(&name, &format!("the rows of {name}"), &reason);
                }
                Home::Extra(_) => self.all_rows(script, index)?,
                Home::Rescued { fault, .. } => self.rescued_rows(script, index, fault)?,
            }
            any = true;
        }
        Ok(any)
    }

    fn picked_rows(&self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        let table = &self.schema.tables[index];
        let Some(rowid) = table.rowid() else { return Ok(()) };
        let mut insert = insert_into(script, table, false);
        for picked in &self.placement.picked[index] {
            let condition = format!("{rowid} = {picked}");
            rows::scan::<Failure>(self.connection, table, self.schema.utf16, &condition, |rowid, values| {
                Ok(insert.row(rowid, values)?)
            })?;
        }
        Ok(insert.flush()?)
    }

    fn all_rows(&mut self, script: &mut Script<'_>, index: usize) -> Result<(), Failure> {
        let table = &self.schema.tables[index];
        self.meter.item(&table.name);
        let mut digester = Digester::default();
        self.copy_rows(script, table, true, |rowid, values| digester.row(rowid, values))?;
        self.meter.add(1, 0);
        self.digests[index] = Some(digester.finish(&table.name));
        Ok(())
    }

    fn copy_rows(
        &self,
        script: &mut Script<'_>,
        table: &Table,
        fresh: bool,
        mut also: impl FnMut(Option<i64>, &[ValueRef<'_>]),
    ) -> Result<(), Failure> {
        let mut insert = insert_into(script, table, fresh);
        rows::scan::<Failure>(self.connection, table, self.schema.utf16, "", |rowid, values| {
            self.job.check()?;
            also(rowid, values);
            Ok(insert.row(rowid, values)?)
        })?;
        Ok(insert.flush()?)
    }

    /// Indexes and views.
    fn extra_objects(&mut self, script: &mut Script<'_>) -> Result<(), Failure> {
        let of_kind = |kind, objects: &[Object]| {
            let refused =
                |object: &Object| self.placement.refuses(&object.name).map(|why| (kind, object.clone(), why));
            objects.iter().filter_map(refused).collect::<Vec<_>>()
        };
        let mut objects = of_kind("index", &self.schema.indexes);
        objects.extend(of_kind("view", &self.schema.views));
        for (kind, object, reason) in objects {
            match self.repairs.indexes.contains(&object.name) {
                true => script.comment(&object.sql)?,
                false => script.create(&object.sql)?,
            }
            self.note_extra(&object.name, &format!("{kind} {}", object.name), reason);
        }
        Ok(())
    }

    /// Triggers that were paused, then those that D1 would refuse.
    fn extra_triggers(&mut self, script: &mut Script<'_>, paused: &[Object]) -> Result<(), Failure> {
        for trigger in paused {
            script.create(&trigger.sql)?;
        }
        let refused = |it: &Object| self.placement.refuses_trigger(it).map(|reason| (it.clone(), reason));
        let refused: Vec<_> = self.schema.triggers.iter().filter_map(refused).collect();
        for (trigger, reason) in refused {
            script.create(&trigger.sql)?;
            self.note_extra(&trigger.name, &format!("trigger {}", trigger.name), reason);
        }
        Ok(())
    }
}
