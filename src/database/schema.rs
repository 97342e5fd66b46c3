//! What a database holds: its tables, virtual tables, indexes, views and triggers, in the order they were made.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, Row};

use super::definition::Definition;
use super::lexer;

mod key;
mod stored;
mod table;
mod virtual_table;

pub use key::{Key, Term, free_alias};
use stored::stored;
pub use table::Table;
use virtual_table::Workshop;
pub use virtual_table::{VirtualTable, parse_option};

/// What sets triggers off.
const EVENTS: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// Everything in `main`, by kind; each kind in the order of `sqlite_schema`.
#[derive(Debug)]
pub struct Schema {
    /// Ordinary tables; `sqlite_sequence` is not among them.
    pub tables: Vec<Table>,
    /// Virtual tables, each with its shadow tables.
    pub virtual_tables: Vec<VirtualTable>,
    /// Indexes with a CREATE text of their own.
    pub indexes: Vec<Object>,
    /// Views.
    pub views: Vec<Object>,
    /// Triggers.
    pub triggers: Vec<Object>,
    /// `sqlite_sequence`, where an AUTOINCREMENT table was ever made.
    pub sequence: Option<Table>,
    /// What no backup holds: tables of D1's own (`_cf_*`) and the planner's statistics (`sqlite_stat*`), and what else
    /// has such a name, with its kind: `view _cf_totals`.
    pub left_out: Vec<String>,
    /// `PRAGMA user_version`.
    pub user_version: i64,
    /// `PRAGMA application_id`.
    pub application_id: i64,
    /// Whether the text is stored as UTF-16.
    pub utf16: bool,
    /// What has a CREATE text with bytes that are no UTF-8; here they are U+FFFD.
    pub not_utf8: Vec<String>,
}

/// An index, a view or a trigger.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// The table or view it belongs to.
    pub table: String,
    /// Its CREATE text.
    pub sql: String,
}

impl Schema {
    /// Reads the schema of `main`.
    pub fn read(connection: &Connection) -> rusqlite::Result<Schema> {
        let kinds = table_kinds(connection)?;
        let mut schema = Schema::without_objects(connection)?;
        let mut shadows = Vec::new();
        let mut statement = connection.prepare(
            "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema ORDER BY rowid",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, sql): (String, _) = (row.get(0)?, lossy(row, 3)?);
            let object = Object { name: row.get(1)?, table: row.get(2)?, sql: stored(&sql) };
            if matches!(sql, Cow::Owned(_)) {
                schema.not_utf8.push(object.name.clone());
            }
            if is_left_out(&object.name) || is_left_out(&object.table) {
                match kind.as_str() {
                    "table" => schema.left_out.push(object.name),
                    _ if is_left_out(&object.table) && kind != "view" => {}
                    _ => schema.left_out.push(format!("{kind} {}", object.name)),
                }
                continue;
            }
            match kind.as_str() {
                "index" if !object.sql.is_empty() => schema.indexes.push(object),
                "view" => schema.views.push(object),
                "trigger" => schema.triggers.push(object),
                "table" if object.name == "sqlite_sequence" => {
                    schema.sequence = Some(Table::read(connection, object, false)?);
                }
                "table" => match kinds.get(&object.name) {
                    Some(Kind::Virtual) => schema.virtual_tables.push(VirtualTable::parse(object)),
                    Some(Kind::Shadow { without_rowid }) => {
                        shadows.push(Table::read(connection, object, *without_rowid)?);
                    }
                    Some(Kind::Ordinary { without_rowid }) => {
                        schema.tables.push(Table::read(connection, object, *without_rowid)?);
                    }
                    None => schema.tables.push(Table::read(connection, object, false)?),
                },
                _ => {}
            }
        }
        schema.adopt(connection, shadows)?;
        Ok(schema)
    }

    /// What the head of the database says.
    fn without_objects(connection: &Connection) -> rusqlite::Result<Schema> {
        let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
        Ok(Schema {
            tables: Vec::new(),
            virtual_tables: Vec::new(),
            indexes: Vec::new(),
            views: Vec::new(),
            triggers: Vec::new(),
            sequence: None,
            left_out: Vec::new(),
            user_version: connection.query_row("PRAGMA main.user_version", [], |row| row.get(0))?,
            application_id: connection.query_row("PRAGMA main.application_id", [], |row| row.get(0))?,
            utf16: encoding.starts_with("UTF-16"),
            not_utf8: Vec::new(),
        })
    }

    /// Everything that has a CREATE text, as a reload must give it again. Space and comments do not count, nor does
    /// the order.
    pub fn definitions(&self) -> BTreeSet<Definition> {
        self.texts().map(|(kind, name, sql)| Definition::new(kind, name, sql)).collect()
    }

    /// Everything that has a CREATE text: its kind, its name and the text; tables first, triggers last.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let tables = self.tables.iter().map(|table| ("table", &*table.name, &*table.sql));
        let virtuals = self.virtual_tables.iter().map(|table| ("table", &*table.name, &*table.sql));
        let others = [("index", &self.indexes), ("view", &self.views), ("trigger", &self.triggers)];
        let others = others
            .into_iter()
            .flat_map(|(kind, objects)| objects.iter().map(move |it| (kind, &*it.name, &*it.sql)));
        tables.chain(virtuals).chain(others)
    }

    /// The place of the table `name` in [`Schema::tables`].
    pub fn position(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// The indexes of `table`.
    pub fn indexes_of(&self, table: &Table) -> impl Iterator<Item = &Object> {
        self.indexes.iter().filter(|index| index.table.eq_ignore_ascii_case(&table.name))
    }

    /// Whether anything is called `name`.
    pub fn has_name(&self, name: &str) -> bool {
        let shadows = self.virtual_tables.iter().flat_map(|table| &table.shadows).map(|table| &*table.name);
        let left_out = self.left_out.iter().map(String::as_str);
        let mut names = self.texts().map(|(_, name, _)| name).chain(shadows).chain(left_out);
        names.any(|used| used.eq_ignore_ascii_case(name))
    }

    /// Gives each table that SQLite takes for a shadow table, by its name alone, to the virtual table that makes it.
    /// What no virtual table makes is an ordinary table.
    fn adopt(&mut self, connection: &Connection, shadows: Vec<Table>) -> rusqlite::Result<()> {
        if self.virtual_tables.is_empty() {
            return Ok(());
        }
        let workshop = Workshop::new()?;
        for table in &mut self.virtual_tables {
            table.makes = workshop.make(connection, table)?;
        }
        let made = self.virtual_tables.iter().enumerate();
        let made = made.flat_map(|(index, table)| table.makes.iter().map(move |made| (index, made)));
        let owners: HashMap<String, usize> = made
            .flat_map(|(index, made)| made.tables.keys().map(move |name| (name.clone(), index)))
            .collect();
        for shadow in shadows {
            match owners.get(&shadow.name.to_ascii_lowercase()) {
                Some(&owner) => self.virtual_tables[owner].shadows.push(shadow),
                None => self.tables.push(Table { reserved: true, ..shadow }),
            }
        }
        self.disown(|table| !table.is_whole());
        Ok(())
    }

    /// Makes ordinary tables of those behind the virtual tables that `which` takes, which then make nothing.
    pub fn disown(&mut self, which: impl Fn(&VirtualTable) -> bool) {
        for table in self.virtual_tables.iter_mut().filter(|table| which(table)) {
            table.makes = None;
            self.tables.append(&mut table.shadows);
        }
        for table in self.tables.iter_mut().filter(|table| table.reserved) {
            table.reserved = self.virtual_tables.iter().any(|owner| owner.reserves(&table.name));
        }
    }
}

impl Object {
    /// What sets a trigger off: `INSERT`, `UPDATE` or `DELETE`. None of these can be a name without quotes.
    pub fn event(&self) -> &'static str {
        let mut tokens = lexer::tokens(&self.sql);
        tokens.find_map(|token| EVENTS.into_iter().find(|event| token.is_word(event))).unwrap_or_default()
    }
}

/// A text in which bytes that are no UTF-8 are U+FFFD; then it is an owned one.
fn lossy<'r>(row: &'r Row<'_>, index: usize) -> rusqlite::Result<Cow<'r, str>> {
    Ok(row.get_ref(index)?.as_bytes().map_or(Cow::Borrowed(""), String::from_utf8_lossy))
}

enum Kind {
    Ordinary { without_rowid: bool },
    Shadow { without_rowid: bool },
    Virtual,
}

fn table_kinds(connection: &Connection) -> rusqlite::Result<HashMap<String, Kind>> {
    let mut statement = connection.prepare("PRAGMA main.table_list")?;
    let rows = statement.query_map([], |row| {
        let without_rowid = row.get("wr")?;
        let kind = match row.get::<_, String>("type")?.as_str() {
            "virtual" => Kind::Virtual,
            "shadow" => Kind::Shadow { without_rowid },
            _ => Kind::Ordinary { without_rowid },
        };
        Ok((row.get("name")?, kind))
    })?;
    rows.collect()
}

/// D1 refuses every name that starts with `_cf_`; `sqlite_stat1` and its like are made anew by ANALYZE.
fn is_left_out(name: &str) -> bool {
    is_of_d1(name) || starts_with(name, "sqlite_stat")
}

/// Whether what is called `name` belongs to D1 itself.
pub fn is_of_d1(name: &str) -> bool {
    starts_with(name, "_cf_")
}

/// Whether what is called `name` is nobody's content: it belongs to D1, or SQLite makes it by itself.
pub fn is_internal(name: &str) -> bool {
    is_of_d1(name) || starts_with(name, "sqlite_")
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests;
