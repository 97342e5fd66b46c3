//! What D1 and wrangler make of a statement, found out before it is written: an empty database with D1's limits is
//! given every CREATE in turn.

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement};

use super::full_text::Content;
use super::{foreign_keys, reindex, shell, wrangler};
use crate::database::lexer::{Token, creates, tokens};
use crate::database::schema::{Table, VirtualTable};
use crate::database::{placeholders, quoted, quoted_list};
use crate::sqlite::trouble::said;

/// Bytes of one statement that D1 takes, and of one value or row.
/// (<https://developers.cloudflare.com/d1/platform/limits/>; the other limits are workerd's,
/// src/workerd/util/sqlite.c++.)
const MAX_STATEMENT: usize = 100_000;
const MAX_VALUE: usize = 2_000_000;
/// Bytes of the values of a row that D1 takes: its record has a head of up to five bytes for each.
pub const MAX_ROW: usize = MAX_VALUE - 600;
/// Values of one INSERT that has more than one row.
pub const MAX_COLUMNS: usize = 100;

const LIMITS: [(Limit, i32); 6] = [
    (Limit::SQLITE_LIMIT_COLUMN, MAX_COLUMNS as i32),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
    (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE as i32),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN as i32),
];

/// Functions that SQLite has here and D1 has not, or lets nobody call: what workerd answered to each one in a CHECK
/// (version 4.20260730.0 of miniflare; its list of allowed functions is in src/workerd/util/sqlite.c++).
const FUNCTIONS: &[&str] = &[
    "ceiling", "fts3_tokenizer", "fts5", "fts5_get_locale", "fts5_insttoken", "fts5_locale",
    "fts5_source_id", "if", "json_array_insert", "json_error_position", "json_pretty", "jsonb_array_insert",
    "load_extension", "log10", "matchinfo", "offsets", "optimize", "power", "rtreecheck", "rtreedepth",
    "rtreenode", "soundex", "sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_log",
    "sqlite_source_id", "sqlite_version", "subtype", "unistr", "unistr_quote",
];

/// Bytes of a LIKE or GLOB pattern; a longer one makes D1 refuse every row that is held against it.
const MAX_PATTERN: usize = 50;

/// Whether a CREATE text may hold rows against a pattern that is too long.
pub fn has_long_pattern(sql: &str) -> bool {
    let matches = tokens(sql).any(|token| token.is_word("LIKE") || token.is_word("GLOB"));
    matches && tokens(sql).any(|token| matches!(token, Token::Quoted(text) if text.len() > MAX_PATTERN + 2))
}

/// Whether a CREATE text may hold rows against a pattern that does not stand in it. A literal is only the beginning of
/// one if an operator follows that binds tighter than LIKE, as `||` does.
pub fn has_open_pattern(sql: &str) -> bool {
    let tokens: Vec<Token<'_>> = tokens(sql).collect();
    tokens.iter().enumerate().any(|(at, token)| {
        (token.is_word("LIKE") || token.is_word("GLOB")) && !begins_with_whole_literal(&tokens[at + 1..])
    })
}

fn begins_with_whole_literal(tokens: &[Token<'_>]) -> bool {
    const TIGHTER: [char; 9] = ['|', '&', '<', '>', '+', '-', '*', '/', '%'];
    let Some((Token::Quoted(text), mut rest)) = tokens.split_first() else { return false };
    // A collation binds tightest, and changes nothing.
    while let [word, _, others @ ..] = rest
        && word.is_word("COLLATE")
    {
        rest = others;
    }
    text.starts_with('\'') && !matches!(rest.first(), Some(Token::Sign(sign)) if TIGHTER.contains(sign))
}

/// D1 has FTS5 with its vocabulary, and no other module.
pub fn has_module_of(table: &VirtualTable) -> bool {
    table.module.starts_with("fts5")
}

/// Whether an FTS5 table has a setting that is younger than the SQLite of D1: `insttoken` is of 3.51.
pub fn has_new_setting(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<bool> {
    let settings = reindex::settings(connection, table)?;
    Ok(settings.iter().any(|setting| setting.contains("VALUES ('insttoken', ")))
}

/// A stand-in for an empty D1.
pub struct Rehearsal {
    connection: Connection,
}

impl Rehearsal {
    /// An empty database with the limits of D1.
    pub fn new() -> rusqlite::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        for (limit, value) in LIMITS {
            connection.set_limit(limit, value)?;
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
            AuthAction::Function { function_name } if is_refused(function_name) => Authorization::Deny,
            _ => Authorization::Allow,
        }))?;
        Ok(Rehearsal { connection })
    }

    /// Runs a CREATE and says why it cannot stand in database.sql; None when it can, and then what it makes is there
    /// for the statements that follow.
    pub fn refuses(&self, sql: &str) -> Option<&'static str> {
        let sql = &*shell::guarded(sql);
        if sql.len() + 2 > MAX_STATEMENT {
            Some("its CREATE text is longer than the 100,000 bytes that D1 takes")
        } else if !wrangler::keeps(sql) {
            Some("wrangler would cut or change its CREATE text")
        } else if creates(sql, "INDEX") && has_long_pattern(sql) {
            Some("D1 takes no LIKE or GLOB pattern of more than 50 bytes")
        } else {
            let refusal = self.connection.execute(sql, []).err()?;
            Some(match said(&refusal).starts_with("not authorized to use function") {
                true => "it calls a function that D1 does not have",
                false => "D1 has narrower limits, or what it belongs to is not there",
            })
        }
    }

    /// Whether a view or virtual table that was made here can be read. What a view names is looked up only then.
    pub fn reads(&self, content: &Content) -> bool {
        self.connection.prepare(&content.select()).is_ok()
    }

    /// Takes rows of a table that was made here.
    pub fn rows_of(&self, table: &Table) -> rusqlite::Result<RowTrial<'_>> {
        self.connection.execute_batch("PRAGMA foreign_keys = OFF")?;
        let insert = self.connection.prepare(&format!(
            "INSERT INTO main.{} ({}) VALUES ({})",
            quoted(&table.name),
            quoted_list(&table.columns),
            placeholders(table.columns.len())
        ))?;
        Ok(RowTrial { connection: &self.connection, insert })
    }

    /// Whether every foreign key of a table that was made here refers to a key of its parent. A unique index that does
    /// not stand in database.sql is none.
    pub fn finds_keys(&self, table: &Table) -> rusqlite::Result<bool> {
        foreign_keys::check(&self.connection, table).map(|found| found.is_some())
    }
}

/// Rows put to the stand-in one by one; none stays there.
pub struct RowTrial<'r> {
    connection: &'r Connection,
    insert: Statement<'r>,
}

impl RowTrial<'_> {
    /// Whether D1 would refuse a row: what is made of it is too large, or a pattern in it too long. Whatever else is
    /// wrong with it, it is there.
    pub fn refuses(&mut self, values: &[ValueRef<'_>]) -> rusqlite::Result<bool> {
        self.connection.execute_batch("BEGIN")?;
        let done = values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| {
                self.insert.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(*value))
            })
            .and_then(|()| self.insert.raw_execute());
        self.insert.clear_bindings();
        // ON CONFLICT ROLLBACK has done so.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(done.err().is_some_and(|error| {
            error.sqlite_error_code() == Some(ErrorCode::TooBig)
                || said(&error).contains("pattern too complex")
        }))
    }
}

fn is_refused(function: &str) -> bool {
    FUNCTIONS.iter().any(|refused| refused.eq_ignore_ascii_case(function))
}

#[cfg(test)]
mod tests;
