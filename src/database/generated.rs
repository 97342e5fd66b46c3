//! How far the generated columns of a table may lead.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::lexer::{Token, creates, tokens};

/// Bytes of the CREATE TABLE of a table with generated columns. Where each is made of another, SQLite calls itself for
/// every level of all their expressions, and bounds those of one expression only. A level takes a byte of the text at
/// least, and 500 to 600 bytes of stack. D1 takes no statement that is longer.
const MAX_CREATE_TABLE: usize = 100_000;

/// The first table whose generated columns may lead too far.
pub fn too_long(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = format!(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND octet_length(sql) > {MAX_CREATE_TABLE}"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text =
            |value: ValueRef<'_>| String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned();
        let sql = text(row.get_ref(1)?);
        // The database may count two bytes for each character.
        if sql.len() > MAX_CREATE_TABLE && has_generated_columns(&sql) {
            return Ok(Some(text(row.get_ref(0)?)));
        }
    }
    Ok(None)
}

/// Whether this statement makes such a table: SQLite computes its columns at once.
pub fn is_too_long(statement: &str) -> bool {
    statement.len() > MAX_CREATE_TABLE && creates(statement, "TABLE") && has_generated_columns(statement)
}

fn has_generated_columns(create: &str) -> bool {
    let mut was_as = false;
    tokens(create).any(|token| {
        let is_expression = was_as && matches!(token, Token::Sign('('));
        was_as = token.is_word("AS");
        is_expression
    })
}
