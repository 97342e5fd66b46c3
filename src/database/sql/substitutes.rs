//! What SQLite cannot make by itself, because it calls a function or compares by a collating sequence of the program
//! that wrote the database, or what no restore makes, because it reaches outside the database.
//!
//! Such a table can be read and not be made. Its rows are worth more than its rules: it comes back with its columns and
//! its primary key.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::database::quoted;
use crate::database::schema::{Key, Object, Schema, Table, Term};
use crate::database::script::reaches_outside;
use crate::job::Warning;
use crate::sqlite::trouble::{needs, said};

/// Collating sequences that every SQLite has.
const COLLATIONS: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

/// A table that was given another CREATE text, or an index that is left out.
#[derive(Debug)]
pub struct Unmakeable {
    /// `table` or `index`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The CREATE text that it had.
    pub sql: String,
    /// Why it is not made: `needs the function REGEXP, which SQLite does not have by itself`.
    reason: String,
}

impl Unmakeable {
    /// What the operator should know.
    pub fn warning(&self) -> Warning {
        let outcome = match self.kind {
            "table" => {
                "it comes back with its columns but generated ones, its rows and its primary key, and without its other rules"
            }
            _ => "it is left out",
        };
        let message = format!(
            "this {} {}: {outcome}; its CREATE text is kept as a comment in database-extra.sql",
            self.kind, self.reason
        );
        Warning::about("APPLICATION_NEEDED", &self.name, message)
    }
}

/// Finds what cannot be made of `schema`, the one behind `connection`, gives the tables among it CREATE texts that can,
/// and takes out the indexes. Fails with what SQLite says of a table that is stored in an order of the program's own.
pub fn substitute(connection: &Connection, schema: &mut Schema) -> rusqlite::Result<Vec<Unmakeable>> {
    let mut workshop = Connection::open_in_memory()?;
    workshop.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    workshop.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Function { function_name } if reaches_outside(function_name) => Authorization::Deny,
        _ => Authorization::Allow,
    }))?;
    let mut found = Vec::new();
    for table in &mut schema.tables {
        let Err(error) = workshop.execute(&table.sql, []) else { continue };
        // Whatever else is wrong with it is the business of those who write it.
        let Some(reason) = reason(&error) else { continue };
        let sql = plain(connection, table)?.ok_or(error)?;
        let _ = workshop.execute(&sql, []);
        let sql = std::mem::replace(&mut table.sql, sql);
        found.push(Unmakeable { kind: "table", name: table.name.clone(), sql, reason });
    }
    let tables: Vec<(String, String)> =
        found.iter().map(|table| (table.name.to_ascii_lowercase(), table.reason.clone())).collect();
    let reason_of = |index: &Object| {
        let error = workshop.execute(&index.sql, []).err()?;
        let table = index.table.to_ascii_lowercase();
        reason(&error)
            .or_else(|| tables.iter().find(|(name, _)| *name == table).map(|(_, reason)| reason.clone()))
    };
    schema.indexes.retain(|index| {
        let Some(reason) = reason_of(index) else { return true };
        let (name, sql) = (index.name.clone(), index.sql.clone());
        found.push(Unmakeable { kind: "index", name, sql, reason });
        false
    });
    Ok(found)
}

/// Why SQLite would not make it, if it is for what it calls.
fn reason(error: &rusqlite::Error) -> Option<String> {
    let denied = said(error).strip_prefix("not authorized to use function: ");
    let denied = denied.map(|name| format!("calls the function {name}, which reaches outside the database"));
    denied.or_else(|| needs(error).map(|it| format!("needs {it}, which SQLite does not have by itself")))
}

/// A CREATE text for the stored columns of `table` and its primary key.
fn plain(connection: &Connection, table: &Table) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT name, type, pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";
    let mut statement = connection.prepare(sql)?;
    let columns = statement.query_map([&table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let columns: Vec<(String, String, i64)> = columns.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT strict FROM pragma_table_list(?1) WHERE schema = 'main'";
    let strict: bool = connection.query_row(sql, [&table.name], |row| row.get(0))?;
    let is_rowid = |index: usize| table.key == Key::Column(index);
    let mut parts: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, (name, declared, _))| match is_rowid(index) {
            true => {
                let autoincrement = if table.is_autoincrement() { " AUTOINCREMENT" } else { "" };
                format!("{} INTEGER PRIMARY KEY{autoincrement}", quoted(name))
            }
            false => format!("{} {}", quoted(name), affinity(declared, strict)),
        })
        .collect();
    let mut end = "";
    match &table.key {
        Key::Column(_) => {}
        Key::Rowid(_) | Key::Hidden => {
            let mut primary: Vec<_> = columns.iter().filter(|(.., pk)| *pk > 0).collect();
            primary.sort_by_key(|(.., pk)| *pk);
            let primary: Vec<String> = primary.into_iter().map(|(name, ..)| quoted(name)).collect();
            if !primary.is_empty() {
                parts.push(format!("PRIMARY KEY ({})", primary.join(", ")));
            }
        }
        Key::Primary(terms) => {
            let is_known = |term: &Term| COLLATIONS.iter().any(|it| it.eq_ignore_ascii_case(&term.collation));
            if !terms.iter().all(is_known) {
                return Ok(None);
            }
            let terms: Vec<String> =
                terms.iter().map(|term| term.written(&quoted(&term.column), &term.collation)).collect();
            parts.push(format!("PRIMARY KEY ({})", terms.join(", ")));
            end = " WITHOUT ROWID";
        }
    }
    Ok(Some(format!("CREATE TABLE {}({}){end}", quoted(&table.name), parts.join(", "))))
}

/// A type of the affinity that a declared type has
/// (<https://www.sqlite.org/datatype3.html#determination_of_column_affinity>), by a name that makes no primary key the
/// rowid.
pub fn affinity(declared: &str, strict: bool) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["INT"]) {
        "INT"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "TEXT"
    } else if declared.is_empty() || has(&["BLOB"]) || (strict && declared == "ANY") {
        "BLOB"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "REAL"
    } else {
        "NUMERIC"
    }
}
