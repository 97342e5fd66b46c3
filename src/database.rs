//! Where rows come from, what SQLite holds, and how it is written as SQL. Blocking throughout.
//!
//! Everything here reads one [`source::Snapshot`]: a state of the database that does not change while it is read.

use rusqlite::Connection;

pub mod definition;
pub mod digest;
pub mod drill;
mod generated;
mod lexer;
pub mod rows;
pub mod schema;
pub mod script;
pub mod source;
pub mod sql;
pub mod watchdog;

/// `name` as SQL writes an identifier: always quoted, so that no name is a keyword.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `names` as SQL lists columns.
pub(crate) fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// The parameters of a statement that is given so many values.
pub(crate) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// `text` as SQL writes a string. For names and options only: values go through [`sql::literal`].
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Bytes of the pages of the database behind `connection`.
pub(crate) fn bytes_of(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|bytes| bytes as u64)
}

/// The parts of a finding of `integrity_check`. One about pages has a line for each; any other is one, with whatever is
/// in the name of its table.
fn parts_of_finding(finding: &str) -> Vec<&str> {
    if finding.starts_with("*** in database ") { finding.lines().collect() } else { vec![finding] }
}
