//! Where rows come from, what SQLite holds, and how it is written as SQL. Blocking throughout.
//!
//! Everything here reads one [`source::Snapshot`]: a state of the database that does not change while it is read.

pub mod digest;
pub mod drill;
mod lexer;
pub mod making;
mod private;
pub mod rows;
pub mod schema;
pub mod script;
pub mod source;
pub mod sql;

/// `name` as SQL writes an identifier: always quoted, so that no name is a keyword.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as SQL writes a string. For names and options only: values go through [`sql::literal`].
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
