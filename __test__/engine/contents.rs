//! What a database holds, as a list of things that can be read row by row, here and in D1.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The table through which the index of a full-text table is read.
const VOCABULARY: &str = "compare_vocabulary";

/// Rows to compare: `SELECT columns FROM from`, once `vocabulary`, a table of tokens, has been made.
#[derive(Debug, Clone, Serialize)]
pub struct Content {
    /// In words; unique within a database.
    pub what: String,
    /// As they stand in a SELECT.
    pub columns: Vec<String>,
    /// As it stands in a SELECT.
    pub from: String,
    /// Module and arguments of the virtual table called `from`.
    pub vocabulary: Option<(&'static str, String)>,
}

/// Everything in `db` but definitions, in the order of its tables. Layouts of indexes do not count: full text is
/// compared token by token, r-trees by their rows.
pub fn of(db: &Connection) -> Result<Vec<Content>> {
    let mut found = Vec::new();
    for table in tables(db)? {
        found.extend(match table.kind.as_str() {
            "table" => Some(ordinary(db, &table)?),
            "shadow" => shadow(db, &table.name)?,
            "virtual" => virtual_table(db, &table.name)?,
            _ => None,
        });
    }
    Ok(found)
}

fn ordinary(db: &Connection, table: &Listed) -> Result<Content> {
    let columns = columns(db, &table.name)?;
    let mut chosen: Vec<String> = columns.iter().map(|c| quoted(c)).collect();
    let free = ["rowid", "_rowid_", "oid"]
        .iter()
        .find(|alias| !columns.iter().any(|c| c.eq_ignore_ascii_case(alias)));
    if let (false, Some(alias)) = (table.without_rowid, free) {
        chosen.insert(0, (*alias).to_owned());
    }
    Ok(Content { columns: chosen, ..plain("table", &table.name) })
}

/// Of the tables behind a virtual one, those whose rows are data.
fn shadow(db: &Connection, name: &str) -> Result<Option<Content>> {
    let all = columns(db, name)?;
    let chosen = match name.rsplit('_').next() {
        Some("content" | "config") => all,
        // A third column, of FTS5 since 3.43, tells in which segment a row was.
        Some("docsize") => all.into_iter().take(2).collect(),
        _ => return Ok(None),
    };
    Ok(Some(Content { columns: chosen.iter().map(|c| quoted(c)).collect(), ..plain("shadow table", name) }))
}

fn virtual_table(db: &Connection, name: &str) -> Result<Option<Content>> {
    let sql: String =
        db.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [name], |row| row.get(0))?;
    let module = sql.to_ascii_lowercase().split(" using ").nth(1).unwrap_or_default().trim_start().to_owned();
    let vocabulary = if module.starts_with("fts5") {
        Some(("fts5vocab", format!("{}, instance", quoted(name)), ["term", "doc", "col", "\"offset\""]))
    } else if module.starts_with("fts") {
        Some(("fts4aux", quoted(name), ["term", "col", "documents", "occurrences"]))
    } else {
        None
    };
    Ok(Some(match vocabulary {
        Some((module, arguments, columns)) => Content {
            columns: columns.map(str::to_owned).into(),
            from: VOCABULARY.to_owned(),
            vocabulary: Some((module, arguments)),
            ..plain("index of virtual table", name)
        },
        None => {
            let columns = columns(db, name)?.iter().map(|c| quoted(c)).collect();
            Content { columns, ..plain("virtual table", name) }
        }
    }))
}

fn plain(kind: &str, name: &str) -> Content {
    Content { what: format!("{kind} {name:?}"), columns: Vec::new(), from: quoted(name), vocabulary: None }
}

impl Content {
    /// Every row as one line of [`canonical`] cells, in no particular order.
    pub fn rows(&self, db: &Connection) -> Result<Vec<String>> {
        if let Some((module, arguments)) = &self.vocabulary {
            // In temp, so that nothing of it stays in the file.
            let sql = format!("CREATE VIRTUAL TABLE temp.{VOCABULARY} USING {module}(main, {arguments})");
            db.execute_batch(&sql)?;
        }
        let lines = self.lines(db)?;
        if self.vocabulary.is_some() {
            db.execute_batch(&format!("DROP TABLE temp.{VOCABULARY}"))?;
        }
        Ok(lines)
    }

    fn lines(&self, db: &Connection) -> Result<Vec<String>> {
        let mut statement = db.prepare(&format!("SELECT {} FROM {}", self.columns.join(", "), self.from))?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..width).map(|at| row.get_ref(at).map(canonical)).collect::<Result<Vec<_>>>()?;
            lines.push(cells.join(" "));
        }
        Ok(lines)
    }
}

/// A table as SQLite lists it.
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `table`, `view`, `virtual` or `shadow`.
    pub kind: String,
    /// Whether it is WITHOUT ROWID.
    pub without_rowid: bool,
}

/// The tables of a file but those that a backup leaves out.
pub fn tables(db: &Connection) -> Result<Vec<Listed>> {
    let listed: Vec<Listed> = db
        .prepare(
            "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name <> 'sqlite_schema'",
        )?
        .query_map([], |row| Ok(Listed { name: row.get(0)?, kind: row.get(1)?, without_rowid: row.get(2)? }))?
        .collect::<Result<_>>()?;
    Ok(listed.into_iter().filter(|table| !is_left_out(&table.name)).collect())
}

/// Every column that can be read by name, generated ones too.
pub fn columns(db: &Connection, table: &str) -> Result<Vec<String>> {
    db.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// A cell so that equal text means equal in storage class and in every bit: `n`, `i:42`, `r:<16 hex digits>`,
/// `t:<hex>`, `b:<hex>`; long ones `t#<length>:<SHA-256>`.
pub fn canonical(value: ValueRef<'_>) -> String {
    let long = |class, bytes: &[u8]| match bytes.len() {
        0..=200 => format!("{class}:{}", hex::encode(bytes)),
        length => format!("{class}#{length}:{}", hex::encode(Sha256::digest(bytes))),
    };
    match value {
        ValueRef::Null => "n".to_owned(),
        ValueRef::Integer(i) => format!("i:{i}"),
        ValueRef::Real(r) => format!("r:{:016x}", r.to_bits()),
        ValueRef::Text(bytes) => long("t", bytes),
        ValueRef::Blob(bytes) => long("b", bytes),
    }
}

/// A name in double quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a backup leaves it out.
pub fn is_left_out(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["_cf_", "sqlite_stat", "sqlite_autoindex__cf_"].iter().any(|start| name.starts_with(start))
}
