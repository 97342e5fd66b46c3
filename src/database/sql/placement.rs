//! What stands in database.sql, which D1 takes whole or not at all, and what has to stand in database-extra.sql.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::Connection;

use super::d1::{self, Rehearsal};
use super::foreign_keys::{self, ForeignKey};
use super::repairs::{Fault, Repairs};
use crate::database::quoted;
use crate::database::schema::{Object, Schema};
use crate::job::Warning;

mod references;
mod rows;

/// More rows than this are not picked one by one: the table's rows go to the extra file together.
const MAX_PICKED_ROWS: usize = 100_000;

/// Where a table stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// database.sql, all of it.
    Main,
    /// The table in database.sql, its rows in database-extra.sql, for this reason.
    RowsInExtra(String),
    /// The table without its rows, which it would not take: they stand in another table in database-extra.sql.
    Rescued {
        /// Why it would not.
        fault: Fault,
        /// Why the table itself cannot stand in database.sql; None when it can.
        refused: Option<String>,
    },
    /// database-extra.sql, all of it, for this reason.
    Extra(String),
}

impl Home {
    /// Why the table itself, whatever its rows, stands in database-extra.sql; None when it does not.
    pub fn refuses(&self) -> Option<&str> {
        match self {
            Home::Extra(reason) => Some(reason),
            Home::Rescued { refused, .. } => refused.as_deref(),
            Home::Main | Home::RowsInExtra(_) => None,
        }
    }
}

/// Where everything stands.
#[derive(Debug)]
pub struct Placement {
    /// By the place in [`Schema::tables`].
    pub homes: Vec<Home>,
    /// Rows of tables at home in database.sql that stand in database-extra.sql all the same, by rowid.
    pub picked: Vec<BTreeSet<i64>>,
    /// Why full-text tables, by name, cannot be filled in database.sql.
    pub unfilled: HashMap<String, &'static str>,
    /// The names, in lower case, of what views and full-text indexes may read.
    pub read: HashSet<String>,
    /// Unique indexes, by name, that must be there before the rows: they are keys that foreign keys refer to.
    pub early_indexes: HashSet<String>,
    /// Why tables, virtual tables, indexes and views, by name, cannot stand in database.sql.
    refused: HashMap<String, &'static str>,
    /// Why triggers, by name, cannot stand in database.sql: they have names of their own.
    refused_triggers: HashMap<String, &'static str>,
    /// Damage that the database has already.
    pub warnings: Vec<Warning>,
}

impl Placement {
    /// Decides for the whole database.
    pub fn decide(
        connection: &Connection,
        schema: &Schema,
        repairs: &Repairs,
    ) -> rusqlite::Result<Placement> {
        let mut decision = Decision {
            connection,
            schema,
            keys: foreign_keys::read(connection, schema)?,
            placement: Placement {
                homes: vec![Home::Main; schema.tables.len()],
                refused: HashMap::new(),
                refused_triggers: HashMap::new(),
                picked: vec![BTreeSet::new(); schema.tables.len()],
                unfilled: HashMap::new(),
                read: rows::names_read(schema),
                early_indexes: HashSet::new(),
                warnings: Vec::new(),
            },
            fresh: Vec::new(),
        };
        decision.rehearse(repairs)?;
        decision.find_orphans()?;
        decision.find_unmet()?;
        decision.find_oversized()?;
        decision.find_large_full_text()?;
        decision.follow_references()?;
        decision.find_early_indexes()?;
        decision.keep_empty_tables()?;
        Ok(decision.placement)
    }

    /// Why a virtual table, index or view cannot stand in database.sql; None when it can.
    pub fn refuses(&self, name: &str) -> Option<&'static str> {
        self.refused.get(name).copied()
    }

    /// Why a trigger cannot stand in database.sql; None when it can.
    pub fn refuses_trigger(&self, trigger: &Object) -> Option<&'static str> {
        self.refused_triggers.get(&trigger.name).copied()
    }

    /// Whether every row of the table at `index` stands in database.sql.
    pub fn holds_all_rows(&self, index: usize) -> bool {
        self.homes[index] == Home::Main && self.picked[index].is_empty()
    }
}

struct Decision<'a> {
    connection: &'a Connection,
    schema: &'a Schema,
    keys: Vec<Vec<ForeignKey>>,
    placement: Placement,
    /// Picked rows whose own children have not been looked for.
    fresh: Vec<(usize, i64)>,
}

impl Decision<'_> {
    /// Tries every CREATE in a stand-in for D1, in the order of database.sql.
    fn rehearse(&mut self, repairs: &Repairs) -> rusqlite::Result<()> {
        let rehearsal = Rehearsal::new()?;
        self.rehearse_tables(&rehearsal, repairs);
        self.rehearse_others(&rehearsal, repairs)?;
        self.find_unreadable_content(&rehearsal);
        // Before the triggers are made: no row is to set one off.
        self.try_rows(&rehearsal)?;
        for trigger in &self.schema.triggers {
            let refused = rehearsal.refuses(&trigger.sql).map(|reason| (trigger.name.clone(), reason));
            self.placement.refused_triggers.extend(refused);
        }
        for (child, table) in self.schema.tables.iter().enumerate() {
            let is_there = self.placement.homes[child].refuses().is_none();
            if is_there && !self.keys[child].is_empty() && !rehearsal.finds_keys(table)? {
                self.move_mismatch(child);
            }
        }
        Ok(())
    }

    fn rehearse_tables(&mut self, rehearsal: &Rehearsal, repairs: &Repairs) {
        for (table, home) in self.schema.tables.iter().zip(&mut self.placement.homes) {
            if let Some(reason) = rehearsal.refuses(&table.sql) {
                *home = Home::Extra(reason.into());
            } else if d1::has_long_pattern(&table.sql) {
                *home = Home::RowsInExtra("D1 takes no LIKE or GLOB pattern of more than 50 bytes".into());
            } else if rows::leaves_no_room(table) {
                *home = Home::RowsInExtra(rows::NO_ROOM.into());
            } else if table.reserved {
                *home = Home::RowsInExtra("its name is one that SQLite keeps for a virtual table".into());
            }
            if let Some(&fault) = repairs.rescued.get(&table.name) {
                *home = Home::Rescued { fault, refused: home.refuses().map(str::to_owned) };
            }
        }
    }

    /// Virtual tables, indexes and views.
    fn rehearse_others(&mut self, rehearsal: &Rehearsal, repairs: &Repairs) -> rusqlite::Result<()> {
        let (schema, refused) = (self.schema, &mut self.placement.refused);
        // What belongs to another virtual table has to wait for it.
        let in_d1 = schema.virtual_tables.iter().filter(|table| d1::has_module_of(table));
        let virtuals = in_d1.map(|table| (&table.name, &table.sql));
        let others = schema.indexes.iter().chain(&schema.views).map(|object| (&object.name, &object.sql));
        for (name, sql) in virtuals.chain(others) {
            let reason = match repairs.indexes.contains(name) {
                true => Some("rows break it"),
                false => rehearsal.refuses(sql),
            };
            refused.extend(reason.map(|reason| (name.clone(), reason)));
        }
        for table in &schema.virtual_tables {
            if d1::has_new_setting(self.connection, table)? {
                refused.entry(table.name.clone()).or_insert("D1 does not know one of its settings");
            }
        }
        Ok(())
    }

    fn pick(&mut self, table: usize, rowid: i64) {
        if self.placement.homes[table] != Home::Main || !self.placement.picked[table].insert(rowid) {
            return;
        }
        self.fresh.push((table, rowid));
        if self.placement.picked[table].len() > MAX_PICKED_ROWS {
            self.move_rows(table, "D1 would refuse more than 100,000 of them");
        }
    }

    fn move_rows(&mut self, table: usize, reason: &str) {
        if self.placement.homes[table] == Home::Main {
            self.placement.homes[table] = Home::RowsInExtra(reason.to_owned());
            self.placement.picked[table].clear();
        }
    }

    /// A table without rows stands in database.sql, whatever was said of its rows.
    fn keep_empty_tables(&mut self) -> rusqlite::Result<()> {
        for (table, home) in self.schema.tables.iter().zip(&mut self.placement.homes) {
            let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM main.{} NOT INDEXED)", quoted(&table.name));
            if matches!(home, Home::RowsInExtra(_))
                && self.connection.query_row(&sql, [], |row| row.get(0))?
            {
                *home = Home::Main;
            }
        }
        Ok(())
    }
}
