//! Tables with generated values that are longer than the loader of scripts allows.

use std::collections::BTreeSet;

use rusqlite::{Connection, ErrorCode};

use crate::database::quoted;
use crate::database::schema::Schema;
use crate::database::script::ANY_VALUE;

/// The names of the tables with a generated value of more bytes than a short script may make.
pub fn tables(connection: &Connection, schema: &Schema) -> rusqlite::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for table in schema.tables.iter().filter(|table| table.has_generated) {
        let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden IN (2, 3)";
        let mut statement = connection.prepare(sql)?;
        let names = statement.query_map([&table.name], |row| row.get::<_, String>(0))?;
        let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
        let is_long: Vec<String> =
            names.iter().map(|name| format!("octet_length({}) > {ANY_VALUE}", quoted(name))).collect();
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM main.{} NOT INDEXED WHERE {})",
            quoted(&table.name),
            is_long.join(" OR ")
        );
        let is_grown = match connection.query_row(&sql, [], |row| row.get(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::TooBig) => true,
            // What cannot be read is for others to find.
            found => found.unwrap_or(false),
        };
        if is_grown {
            found.insert(table.name.clone());
        }
    }
    Ok(found)
}
