//! The script that a database is made into: tables, rows, then whatever needs both.

use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::held::Held;
use super::query::Object;
use crate::database::schema::{self, Schema, Table, VirtualTable, is_internal, is_of_d1};
use crate::database::script::{Budget, Loader, ShellRow};
use crate::database::{lexer, quoted};
use crate::error::Result;
use crate::job::{Job, Meter};
use crate::sqlite::{private_database, trouble};

/// Rows as they are, whatever the checks that were added after them say.
const HEAD: &str = "PRAGMA ignore_check_constraints=1;\n";
/// `sqlite_sequence` fills itself while rows come in; what it held comes after them.
const SEQUENCE: &str = "DELETE FROM sqlite_sequence;\n";

/// What a database is made of.
pub struct Layout {
    objects: Vec<Object>,
    /// Names of the tables of D1's own, which no backup holds and each says so.
    of_d1: Vec<String>,
    /// Every table whose rows are read, those behind virtual tables among them.
    pub tables: Vec<Table>,
    /// How many of them stand before `sqlite_sequence`, which is the last if there is one.
    ordinary: usize,
    /// Pairs of tables, by name: one refers to the other, or both are behind one virtual table or its content.
    related: Vec<(String, String)>,
}

impl Layout {
    /// Learns the tables by making them, empty, under the guard that every script runs under.
    pub fn of(objects: Vec<Object>, origin: &Path, work: &Path, job: &Job) -> Result<Self> {
        let of_d1 = objects.iter().filter(|object| object.kind == "table" && is_of_d1(&object.name));
        let of_d1 = of_d1.map(|object| object.name.clone()).collect();
        let objects: Vec<Object> = objects.into_iter().filter(is_kept).collect();
        let script = creations(&objects, |object| object.kind == "table" && !is_virtual(object));
        let copy = private_database(work)?;
        let silent = Meter::silent();
        let load = || {
            let mut loader = Loader::create(&copy, Budget::for_bytes(script.len() as u64), job)?;
            loader.run(script.as_bytes(), &silent)?;
            loader.finish()
        };
        load().map_err(|error| error.into_error(origin, &copy))?;
        let read = || {
            let connection = Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            Ok((Schema::read(&connection)?, references(&connection)?))
        };
        let (schema, mut related) = read().map_err(|error| trouble::unreadable(origin, &error))?;
        let mut tables = schema.tables;
        related.extend(objects.iter().filter(|object| is_virtual(object)).flat_map(|v| kept_by(v, &tables)));
        let ordinary = tables.len();
        tables.extend(schema.sequence);
        Ok(Layout { objects, of_d1, tables, ordinary, related })
    }

    /// Whether one of two tables, by their indices, refers to the other, also a table to itself, or both are behind one
    /// virtual table or its content.
    pub fn are_related(&self, one: usize, other: usize) -> bool {
        let is = |name: &str, table: usize| name.eq_ignore_ascii_case(&self.tables[table].name);
        self.related
            .iter()
            .any(|(child, parent)| is(child, one) && is(parent, other) || is(child, other) && is(parent, one))
    }

    /// Whether the schema is still that of `objects`.
    pub fn is_that_of(&self, objects: &[Object]) -> bool {
        objects.iter().filter(|object| is_kept(object)).eq(&self.objects)
    }

    /// Makes a private database of what was read.
    pub fn load(&self, held: &Held, origin: &Path, work: &Path, job: &Job) -> Result<TempPath> {
        let mut tables = creations(&self.objects, |object| object.kind == "table" && !is_virtual(object));
        tables.extend(self.of_d1.iter().map(|name| format!("CREATE TABLE {}(x);\n", quoted(name))));
        let mut rest = String::new();
        for object in self.objects.iter().filter(|object| is_virtual(object)) {
            // The shell's own form: the tables behind it are there already, filled.
            rest.push_str(&ShellRow::written(&object.name, &object.sql));
        }
        for kind in ["index", "view", "trigger"] {
            rest.push_str(&creations(&self.objects, |object| object.kind == kind));
        }
        let copy = private_database(work)?;
        let silent = Meter::silent();
        let bytes = held.bytes() + (tables.len() + rest.len()) as u64;
        let load = || {
            let mut loader = Loader::create(&copy, Budget::for_bytes(bytes), job)?;
            loader.run(HEAD.as_bytes().chain(tables.as_bytes()), &silent)?;
            for table in 0..self.tables.len() {
                if table == self.ordinary {
                    loader.run(SEQUENCE.as_bytes(), &silent)?;
                }
                loader.run(held.rows_of(table), &silent)?;
            }
            loader.run(rest.as_bytes(), &silent)?;
            loader.finish()
        };
        load().map_err(|error| error.into_error(origin, &copy))?;
        Ok(copy)
    }
}

/// Every table that refers to another, and that one, as they are spelt there.
fn references(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT DISTINCT child.name, key.\"table\" FROM sqlite_schema AS child, \
               pragma_foreign_key_list(child.name) AS key WHERE child.type = 'table'";
    let mut statement = connection.prepare(sql)?;
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    pairs.collect()
}

/// Pairs of the tables behind a virtual table, and of each of these with the table whose rows it is an index of.
fn kept_by(object: &Object, tables: &[Table]) -> Vec<(String, String)> {
    let (name, sql) = (object.name.clone(), object.sql.clone());
    let index = VirtualTable::parse(schema::Object { table: name.clone(), name, sql });
    let names = tables.iter().map(|table| table.name.clone());
    let behind: Vec<String> = names.filter(|name| index.is_behind(name)).collect();
    let content = index.option("content");
    let all: Vec<&String> = behind.iter().chain(&content).collect();
    let with_all = |one: &String| all.iter().map(|other| (one.clone(), (*other).clone())).collect::<Vec<_>>();
    behind.iter().flat_map(with_all).collect()
}

/// Not what SQLite makes by itself, nor D1's own tables and the planner's statistics.
fn is_kept(object: &Object) -> bool {
    !object.sql.is_empty() && !is_internal(&object.name)
}

fn is_virtual(object: &Object) -> bool {
    let mut words = lexer::tokens(&object.sql);
    words.next().is_some_and(|word| word.is_word("CREATE"))
        && words.next().is_some_and(|word| word.is_word("VIRTUAL"))
}

fn creations(objects: &[Object], wanted: impl Fn(&Object) -> bool) -> String {
    let mut script = String::new();
    for object in objects.iter().filter(|object| wanted(object)) {
        script.push_str(&object.sql);
        script.push_str(lexer::comment_end(&object.sql));
        script.push_str(";\n");
    }
    script
}
