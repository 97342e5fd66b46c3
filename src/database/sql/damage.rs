//! Indexes that do not cover the rows of their table.
//!
//! A restore makes every index anew. The operator should know that queries on the live database miss rows, or find
//! rows that are not there; and where an index has more entries than there are rows, that the table may have lost some.

use rusqlite::Connection;

use crate::database::quoted;
use crate::database::schema::{Key, Table};
use crate::job::Warning;
use crate::sqlite::trouble::is_corrupt;

/// What to do about an index that lacks rows, or cannot be read.
const REINDEX: &str = "; a restore makes it anew, REINDEX mends it";
/// What to do about an index that may have kept what its table lost.
const COMPARE: &str = ", so rows may be missing: compare them with an earlier backup before REINDEX";

/// A warning for each index of `table`, but those that are `left_out`, that has not one entry for each of its `rows`.
pub fn of_indexes(
    connection: &Connection,
    table: &Table,
    rows: u64,
    left_out: impl Fn(&str) -> bool,
) -> rusqlite::Result<Vec<Warning>> {
    let sql = "SELECT name FROM pragma_index_list(?1, 'main') WHERE NOT partial AND (origin <> 'pk' OR ?2)";
    let has_primary_index = !matches!(table.key, Key::Primary(_));
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map((&table.name, has_primary_index), |row| row.get::<_, String>(0))?;
    let mut warnings = Vec::new();
    for name in names {
        let name = name?;
        if left_out(&name) {
            continue;
        }
        let (found, advice) = match entries(connection, table, &name) {
            Ok(entries) if entries == rows => continue,
            Ok(entries) => {
                let found = format!("has {entries} entries for {rows} rows");
                (found, if entries > rows { COMPARE } else { REINDEX })
            }
            Err(error) if is_corrupt(&error) => ("is corrupt".into(), REINDEX),
            Err(error) => return Err(error),
        };
        let message = format!("the index {name} of this table {found}{advice}");
        warnings.push(Warning::about("INDEX_DAMAGED", &table.name, message));
    }
    Ok(warnings)
}

/// `count(*)` would be answered from whichever index is smallest.
fn entries(connection: &Connection, table: &Table, index: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT total(1) FROM main.{} INDEXED BY {}", quoted(&table.name), quoted(index));
    connection.query_row(&sql, [], |row| row.get::<_, f64>(0)).map(|entries| entries as u64)
}
