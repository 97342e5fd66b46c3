//! Virtual tables as `sqlite3 .dump` writes them: as a row of the schema table.
//!
//! The shell writes `INSERT INTO sqlite_schema(…)VALUES('table',NAME,NAME,0,SQL);` under `writable_schema`, and the
//! tables in which the module keeps its rows as ordinary ones. A script never gets to write the schema: that one
//! form is read here, held to be exactly one `CREATE VIRTUAL TABLE` of a known module, and entered by us at the end.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OptionalExtension};

use super::guard::is_known_module;
use crate::database::{quoted, quoted_text};

/// What stands between the name of the schema's table and that of a virtual table.
const BEFORE_NAME: &str = "(type,name,tbl_name,rootpage,sql)VALUES('table',";

/// A virtual table as a script describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct ShellRow {
    name: String,
    sql: String,
}

impl ShellRow {
    /// Reads a statement of the shell's form; `None` if it is anything else.
    pub fn read(statement: &str) -> Option<Self> {
        let row = statement.strip_prefix("INSERT INTO ")?;
        let row = row.strip_prefix("sqlite_schema").or_else(|| row.strip_prefix("sqlite_master"))?;
        let values = row.strip_prefix(BEFORE_NAME)?;
        let (name, rest) = literal(values)?;
        let (table, rest) = literal(rest.strip_prefix(',')?)?;
        let (sql, rest) = literal(rest.strip_prefix(",0,")?)?;
        let whole = rest == ");" && name == table && sql.starts_with("CREATE VIRTUAL TABLE ");
        (whole && creates(&sql, &name)).then_some(ShellRow { name, sql })
    }

    /// The statement that [`ShellRow::read`] reads, with a line end.
    pub fn written(name: &str, sql: &str) -> String {
        let (name, sql) = (quoted_text(name), quoted_text(sql));
        format!("INSERT INTO sqlite_schema{BEFORE_NAME}{name},{name},0,{sql});\n")
    }

    /// Enters the table in the schema of `connection`, which has to be opened anew to see it. False if the name
    /// is taken.
    pub fn enter(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let taken = connection
            .query_row("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", [&self.name], |_| Ok(()))
            .optional()?;
        if taken.is_some() {
            return Ok(false);
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
        connection.execute(
            "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES('table', ?1, ?1, 0, ?2)",
            [&self.name, &self.sql],
        )?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false)?;
        Ok(true)
    }

    /// Whether the module finds its tables.
    pub fn works(&self, connection: &Connection) -> bool {
        let name = quoted(&self.name);
        // A contentless index has no rows to show, and can be searched.
        let queries = [
            format!("SELECT * FROM {name} LIMIT 1"),
            format!("SELECT 1 FROM {name} WHERE {name} MATCH 'a' LIMIT 1"),
        ];
        queries.iter().any(|sql| connection.query_row(sql, [], |_| Ok(())).optional().is_ok())
    }
}

/// Whether `sql` is one statement that creates the virtual table `name` of a known module in the main database.
/// SQLite's own parser says so, on a connection without any table; the statement is prepared, never run.
fn creates(sql: &str, name: &str) -> bool {
    let created = Arc::new(Mutex::new(false));
    let note = Arc::clone(&created);
    let name = name.to_owned();
    let watch = move |context: AuthContext<'_>| {
        if let AuthAction::CreateVtable { table_name, module_name } = context.action {
            let known =
                table_name == name && is_known_module(module_name) && context.database_name == Some("main");
            *note.lock().unwrap_or_else(PoisonError::into_inner) = known;
        }
        Authorization::Allow
    };
    let prepared = Connection::open_in_memory().and_then(|mut scratch| {
        scratch.authorizer(Some(watch))?;
        scratch.prepare(sql).map(drop)
    });
    prepared.is_ok() && *created.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a string literal at the start of `text`: its value, and what follows.
fn literal(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('\'')?;
    let mut value = String::new();
    let mut rest = body;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str, sql: &str) -> String {
        ShellRow::written(name, sql).trim_end().to_owned()
    }

    #[test]
    fn the_form_of_the_shell_is_read() {
        let read = ShellRow::read(
            "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','a''b','a''b',0,\
             'CREATE VIRTUAL TABLE \"a''b\" USING fts5(x, tokenize=''porter'')');",
        );
        let expected = ShellRow {
            name: "a'b".into(),
            sql: "CREATE VIRTUAL TABLE \"a'b\" USING fts5(x, tokenize='porter')".into(),
        };
        assert_eq!(ShellRow::read(&form(&expected.name, &expected.sql)), read);
        assert_eq!(read, Some(expected));
        let old = form("f", "CREATE VIRTUAL TABLE f USING fts4(x)").replace("sqlite_schema", "sqlite_master");
        assert!(ShellRow::read(&old).is_some());
    }

    #[test]
    fn nothing_else_is_a_virtual_table() {
        let sound = "CREATE VIRTUAL TABLE v USING fts5(x)";
        assert!(ShellRow::read(&form("v", sound)).is_some());
        for hostile in [
            form("w", sound),
            form("v", "CREATE TABLE v(x)"),
            form("v", "CREATE VIRTUAL TABLE v USING dbstat"),
            form("v", "CREATE VIRTUAL TABLE temp.v USING fts5(x)"),
            form("v", "CREATE VIRTUAL TABLE v USING fts5(x); DROP TABLE t"),
            form("v", "CREATE VIRTUAL TABLE v"),
            form("sqlite_v", "CREATE VIRTUAL TABLE sqlite_v USING fts5(x)"),
            form("v", sound).replace("'table','v'", "'trigger','v'"),
            form("v", sound).replace(",0,", ",2,"),
            form("v", sound).replace("');", "'),('table','x','x',0,'');"),
            form("v", sound).replace("'v','v'", "'v','x'"),
            form("v", sound).replace("0,'CREATE", "0,upper('CREATE"),
        ] {
            assert_eq!(ShellRow::read(&hostile), None, "{hostile}");
        }
    }
}
