//! What foreign keys keep out of database.sql, and what has to stand there before the rows.

use std::collections::BTreeSet;

use super::{Decision, Home};
use crate::database::sql::foreign_keys::{self, Link, Orphans};
use crate::job::{Warning, counted};

/// Rows whose children are looked for at once: a table without an index is gone over once for all of them.
const ROWS_AT_ONCE: usize = 1000;

impl Decision<'_> {
    /// Picks the rows without a parent, which D1 would refuse, and tells how many there are.
    pub(super) fn find_orphans(&mut self) -> rusqlite::Result<()> {
        for index in 0..self.keys.len() {
            if self.keys[index].is_empty() {
                continue;
            }
            let table = &self.schema.tables[index];
            let count = match foreign_keys::orphans(self.connection, self.schema, table, &self.keys[index])? {
                Orphans::Rows(rows) => {
                    let count = rows.len() as u64;
                    rows.into_iter().for_each(|rowid| self.pick(index, rowid));
                    count
                }
                Orphans::Unnamed(count) => {
                    self.move_rows(index, "some of them have no parent");
                    count
                }
                Orphans::Mismatch => {
                    self.move_mismatch(index);
                    continue;
                }
            };
            if count > 0 {
                self.placement.warnings.push(Warning::about(
                    "ORPHAN_ROWS",
                    &table.name,
                    format!(
                        "{} to a parent that does not exist; its rows are kept as they are",
                        counted(count, "reference of this table leads", "references of this table lead")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Picks the rows whose parent comes after them and that would wait for it in vain (see [`foreign_keys::unmet`]).
    pub(super) fn find_unmet(&mut self) -> rusqlite::Result<()> {
        for child in 0..self.keys.len() {
            for key in self.keys[child].clone() {
                let Some(parent) = key.parent.filter(|parent| *parent >= child) else { continue };
                if self.placement.homes[child] != Home::Main {
                    break;
                }
                let tables = &self.schema.tables;
                let link = Link { parent: &tables[parent], child: &tables[child], key: &key };
                match foreign_keys::unmet(self.connection, link)? {
                    Some(rows) => rows.into_iter().for_each(|rowid| self.pick(child, rowid)),
                    None => self.move_rows(child, "D1 does not find the rows that some of them refer to"),
                }
            }
        }
        Ok(())
    }

    /// SQLite refuses inserts into both tables of a key that names no key of the parent. It does not say which key of
    /// `child` that is, so all parents go.
    pub(super) fn move_mismatch(&mut self, child: usize) {
        let parents: Vec<usize> = self.keys[child].iter().filter_map(|key| key.parent).collect();
        for table in parents.into_iter().chain([child]) {
            self.move_rows(table, "a foreign key names columns that are no key of its parent");
        }
    }

    /// What refers to rows that are not in database.sql cannot be there either.
    pub(super) fn follow_references(&mut self) -> rusqlite::Result<()> {
        loop {
            self.follow_tables();
            let Some(&(parent, _)) = self.fresh.last() else { return Ok(()) };
            let mut rowids = Vec::new();
            while rowids.len() < ROWS_AT_ONCE
                && let Some((_, rowid)) = self.fresh.pop_if(|(table, _)| *table == parent)
            {
                rowids.push(rowid);
            }
            // When all rows of a table have moved, so have those of the tables that refer to it.
            if self.placement.homes[parent] != Home::Main {
                continue;
            }
            for child in 0..self.keys.len() {
                let keys = self.keys[child].iter().filter(|key| key.parent == Some(parent));
                for key in keys.cloned().collect::<Vec<_>>() {
                    let tables = &self.schema.tables;
                    let link = Link { parent: &tables[parent], child: &tables[child], key: &key };
                    match foreign_keys::children(self.connection, link, &rowids)? {
                        Some(rows) => rows.into_iter().for_each(|rowid| self.pick(child, rowid)),
                        None => self.move_rows(child, "some of them refer to rows that D1 would refuse"),
                    }
                }
            }
        }
    }

    fn follow_tables(&mut self) {
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for child in 0..self.keys.len() {
                let homes = &self.placement.homes;
                let broken = self.keys[child].iter().find_map(|key| match key.parent {
                    None => Some("a foreign key names a table that does not exist"),
                    Some(parent) if parent != child && homes[parent] != Home::Main => {
                        Some("a foreign key names a table whose rows D1 would refuse")
                    }
                    Some(_) => None,
                });
                if let (Home::Main, Some(reason)) = (&homes[child], broken) {
                    self.move_rows(child, reason);
                    moved = true;
                }
            }
        }
    }

    /// Finds the unique indexes that may be the keys which foreign keys refer to.
    pub(super) fn find_early_indexes(&mut self) -> rusqlite::Result<()> {
        let parents: BTreeSet<usize> = self.keys.iter().flatten().filter_map(|key| key.parent).collect();
        for parent in parents {
            let sql = "SELECT name FROM pragma_index_list(?1, 'main') WHERE \"unique\" AND origin = 'c' AND NOT partial";
            let mut statement = self.connection.prepare_cached(sql)?;
            let names = statement.query_map([&self.schema.tables[parent].name], |row| row.get(0))?;
            for name in names {
                self.placement.early_indexes.insert(name?);
            }
        }
        Ok(())
    }
}
