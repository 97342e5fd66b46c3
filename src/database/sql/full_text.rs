//! How the content of a virtual table comes back.
//!
//! An FTS5 index is made anew from rows, because D1 refuses writes to the tables behind it. Where that would not give
//! the same index (it keeps no rows, or not those its content table has now) the tables behind it are written as they
//! are, into database-extra.sql.

use rusqlite::{Connection, OptionalExtension};

use crate::database::digest::{instances, with_temp};
use crate::database::lexer::{self, Token};
use crate::database::schema::VirtualTable;
use crate::database::{quoted, quoted_text};

/// What fills a virtual table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fill {
    /// Its own rows, inserted again.
    Rows,
    /// All rows of its content table.
    Rebuild(Content),
    /// These rows of its content table.
    Partial(Content, Vec<i64>),
    /// The tables behind it as they are, for this reason.
    Verbatim(&'static str),
    /// Nothing has to: it keeps nothing.
    Nothing,
    /// Nothing can: the module is not known here.
    Unknown,
}

/// The content table of an FTS5 table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub table: String,
    /// The column whose value is the rowid of the index.
    pub rowid: String,
    /// The columns of the index, which the content table has too.
    pub columns: Vec<String>,
}

impl Fill {
    /// Decides how `table` is filled; `connection` reads the database that holds it.
    pub fn decide(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Fill> {
        if !is_module(connection, &table.module)? {
            return Ok(Fill::Unknown);
        }
        if table.shadows.is_empty() {
            return Ok(Fill::Nothing);
        }
        if table.module != "fts5" {
            return Ok(Fill::Verbatim("D1 has no such module"));
        }
        match option(table, "content") {
            Some(content) if content.is_empty() => {
                Ok(Fill::Verbatim("a contentless index keeps no rows to insert again"))
            }
            Some(content) => external(connection, table, content),
            None if option(table, "locale").is_some() => Ok(Fill::Verbatim("its values carry a locale")),
            None => Ok(Fill::Rows),
        }
    }
}

/// The settings of an FTS5 table as statements.
pub fn settings(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<String>> {
    let Some(config) = table.shadow("_config").filter(|_| table.module == "fts5") else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT quote(k), quote(v) FROM main.{} WHERE k <> 'version' ORDER BY k",
        quoted(&config.name)
    );
    let name = quoted(&table.name);
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok(format!(
            "INSERT INTO {name} ({name}, rank) VALUES ({}, {})",
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?
        ))
    })?;
    rows.collect()
}

/// The columns of a virtual table that a statement can name.
pub fn columns(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";
    connection.prepare(sql)?.query_map([&table.name], |row| row.get(0))?.collect()
}

fn is_module(connection: &Connection, module: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM pragma_module_list WHERE lower(name) = ?1";
    Ok(connection.query_row(sql, [module], |_| Ok(())).optional()?.is_some())
}

/// FTS5 takes any beginning of an option's name for the option.
const OPTIONS: [&str; 9] = [
    "prefix",
    "tokenize",
    "content",
    "contentless_delete",
    "contentless_unindexed",
    "content_rowid",
    "columnsize",
    "locale",
    "detail",
];

/// The value of an option of an FTS5 table.
fn option(table: &VirtualTable, name: &str) -> Option<String> {
    table
        .arguments
        .iter()
        .filter_map(|argument| parse_option(argument))
        .find(|(key, _)| *key == name)
        .map(|(_, v)| v)
}

fn parse_option(argument: &str) -> Option<(&'static str, String)> {
    let mut tokens = lexer::tokens(argument);
    let (Some(Token::Word(key)), Some(Token::Sign('='))) = (tokens.next(), tokens.next()) else {
        return None;
    };
    let key = key.to_ascii_lowercase();
    let known = OPTIONS.into_iter().find(|option| option.starts_with(&key))?;
    Some((known, tokens.next().map(|token| token.value()).unwrap_or_default()))
}

fn external(connection: &Connection, table: &VirtualTable, content: String) -> rusqlite::Result<Fill> {
    const STALE: Fill = Fill::Verbatim("its content table has no longer what it was made from");
    let content = Content {
        table: content,
        rowid: option(table, "content_rowid").unwrap_or_else(|| "rowid".into()),
        columns: columns(connection, table)?,
    };
    let Ok(indexed) = indexed_rows(connection, table) else { return Ok(STALE) };
    let Ok(all) = content_rows(connection, &content) else { return Ok(STALE) };
    let fill = match indexed == all {
        true => Fill::Rebuild(content.clone()),
        false => Fill::Partial(content.clone(), indexed.clone()),
    };
    // Made once for trial, in `temp`, to see that it finds the same.
    let trial = with_temp(connection, || trial(connection, table, &content, &indexed));
    match trial {
        Ok(found) if found == instances(connection, "main", &table.name)? => Ok(fill),
        Ok(_) | Err(rusqlite::Error::SqliteFailure(..) | rusqlite::Error::QueryReturnedNoRows) => Ok(STALE),
        Err(error) => Err(error),
    }
}

/// The rows in the index. Without column sizes only those with a term are known, which finds the same.
fn indexed_rows(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<i64>> {
    match table.shadow("_docsize") {
        Some(sizes) => {
            let sql = format!("SELECT id FROM main.{} ORDER BY id", quoted(&sizes.name));
            connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
        }
        None => with_temp(connection, || {
            let name = quoted_text(&table.name);
            connection.execute_batch(&format!(
                "CREATE VIRTUAL TABLE temp.backup_documents USING fts5vocab('main', {name}, 'instance')"
            ))?;
            let found = connection
                .prepare("SELECT DISTINCT doc FROM temp.backup_documents ORDER BY doc")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
            connection.execute_batch("DROP TABLE temp.backup_documents")?;
            found
        }),
    }
}

fn content_rows(connection: &Connection, content: &Content) -> rusqlite::Result<Vec<i64>> {
    let rowid = quoted(&content.rowid);
    let sql = format!("SELECT {rowid} FROM main.{} ORDER BY {rowid}", quoted(&content.table));
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

fn trial(
    connection: &Connection,
    table: &VirtualTable,
    content: &Content,
    indexed: &[i64],
) -> rusqlite::Result<crate::database::digest::Instances> {
    let kept = table.arguments.iter().filter(|argument| {
        !matches!(
            parse_option(argument),
            Some(("content" | "content_rowid" | "contentless_delete" | "contentless_unindexed", _))
        )
    });
    let arguments: Vec<&str> = kept.map(String::as_str).chain(["content=''"]).collect();
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE temp.backup_trial USING fts5({})",
        arguments.join(", ")
    ))?;
    let result =
        fill_trial(connection, content, indexed).and_then(|()| instances(connection, "temp", "backup_trial"));
    connection.execute_batch("DROP TABLE temp.backup_trial")?;
    result
}

fn fill_trial(connection: &Connection, content: &Content, indexed: &[i64]) -> rusqlite::Result<()> {
    let columns = content.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let rowid = quoted(&content.rowid);
    let mut statement = connection.prepare(&format!(
        "INSERT INTO temp.backup_trial (rowid, {columns}) SELECT {rowid}, {columns} FROM main.{} WHERE {rowid} = ?1",
        quoted(&content.table)
    ))?;
    for rowid in indexed {
        if statement.execute([rowid])? != 1 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    Ok(())
}
