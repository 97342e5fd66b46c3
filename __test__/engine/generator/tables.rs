//! Tables of every kind and their rows.

use rand::RngExt;
use rusqlite::types::Value;

use super::Build;
use super::names::double;
use super::values::{self, Cell};

const TYPES: &[&str] = &[
    "INTEGER", "INT", "BIGINT", "TEXT", "VARCHAR(20)", "CLOB", "REAL", "DOUBLE", "FLOAT", "NUMERIC",
    "DECIMAL(10,5)", "DATETIME", "BOOLEAN", "BLOB", "", "", "STRING", "\"odd type (1,2)\"", "FLOATING POINT",
    "[x y]", "NUMERIC(-5, +3)", "JSON",
];

/// A table that rows can be put into.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, unquoted.
    pub name: String,
    /// The columns a row gives values for: name and declared type; `strict T` and `key T` want values of
    /// that type, `well formed` none that only a cast makes text.
    pub columns: Vec<(String, String)>,
    /// Whether a row may be given a rowid as well.
    pub rowid: bool,
}

impl Table {
    /// A table whose rows may be given a rowid, unless a column is it or hides it.
    pub fn new(name: String, columns: Vec<(String, String)>) -> Self {
        let hidden = |(name, kind): &(String, String)| {
            name.eq_ignore_ascii_case("_rowid_") || kind.starts_with("key ")
        };
        let rowid = !columns.iter().any(hidden);
        Table { name, columns, rowid }
    }

    /// The same with columns of which nothing is known.
    pub fn untyped<const N: usize>(name: String, columns: [&str; N]) -> Self {
        Table::new(name, columns.map(|column| (column.to_owned(), String::new())).into())
    }
}

/// An ordinary table with a few columns of any type and a few rows.
pub fn random(b: &mut Build) {
    make_random(b);
}

/// The same, handed on.
pub fn make_random(b: &mut Build) -> Table {
    let count = b.rng.random_range(1..8);
    let (name, columns) = (b.name(), b.column_names(count));
    let mut body = Vec::new();
    let mut typed = Vec::new();
    for column in columns {
        let declared = b.pick(TYPES);
        let mut text = format!("{} {declared}", b.spell_new(&column));
        if b.chance(4) {
            let spelled = b.spell(&column);
            text += &match b.below(7) {
                0 => " DEFAULT 'it''s'".to_owned(),
                1 => " DEFAULT (1+1)".to_owned(),
                2 => " COLLATE NOCASE".to_owned(),
                3 => " UNIQUE".to_owned(),
                4 => " NOT NULL DEFAULT x'00'".to_owned(),
                5 => format!(" CHECK (typeof({spelled}) <> 'nothing')"),
                _ => " DEFAULT CURRENT_TIMESTAMP".to_owned(),
            };
        }
        body.push(text);
        typed.push((column, declared.to_owned()));
    }
    let spelled = b.spell_new(&name);
    let comma = b.pick(&[", ", ",\n  "]);
    b.run(&format!("CREATE TABLE {spelled}({})", body.join(comma)));
    let table = Table::new(name, typed);
    let rows = if b.chance(5) { 0 } else { b.rng.random_range(1..40) };
    fill(b, &table, rows);
    table
}

/// Puts up to `rows` random rows in; those that a constraint refuses are left out.
pub fn fill(b: &mut Build, table: &Table, rows: usize) {
    for _ in 0..rows {
        let cells: Vec<Cell> = table.columns.iter().map(|(_, declared)| value_for(b, declared)).collect();
        insert(b, table, &cells);
    }
}

fn value_for(b: &mut Build, declared: &str) -> Cell {
    match declared.strip_prefix("strict ") {
        Some(declared) => values::strict(&mut b.rng, declared),
        None if declared.starts_with("key ") => Cell::Plain(Value::Integer(values::integer(&mut b.rng))),
        // SQLite computes from a UTF-16 value before it acts on a byte order mark in it, so such a source contradicts
        // itself where a column is generated from another.
        None if declared == "well formed" => loop {
            match values::any(&mut b.rng) {
                Cell::BytesAsText(_) if b.utf16 => {}
                cell => break cell,
            }
        },
        None => values::any(&mut b.rng),
    }
}

/// Puts one row in, at a rowid of its own where the table has one to give; says whether it was taken.
pub fn insert(b: &mut Build, table: &Table, cells: &[Cell]) -> bool {
    let mut names: Vec<String> = table.columns.iter().map(|(name, _)| double(name)).collect();
    let mut cells = cells.to_vec();
    if table.rowid && b.chance(4) {
        names.push("_rowid_".to_owned());
        cells.push(Cell::Plain(Value::Integer(match b.below(3) {
            0 => values::integer(&mut b.rng),
            1 => -b.rng.random_range(1..1000),
            _ => b.rng.random_range(1..1000),
        })));
    }
    let places: Vec<_> = cells.iter().map(Cell::placeholder).collect();
    let sql =
        format!("INSERT INTO {}({}) VALUES ({})", double(&table.name), names.join(","), places.join(","));
    match b.db.execute(&sql, rusqlite::params_from_iter(&cells)) {
        Ok(_) => true,
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::DiskFull) => false,
            _ => panic!("seed {}: {error} in {sql}", b.case.seed),
        },
    }
}

pub fn strict(b: &mut Build) {
    let (name, columns) = (b.name(), b.column_names(6));
    let types = ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"];
    let body: Vec<_> = columns.iter().zip(types).map(|(c, t)| format!("{} {t}", b.spell_new(c))).collect();
    let end = b.pick(&["STRICT", "strict -- tail\n", "Strict\n"]);
    let spelled = b.spell_new(&name);
    b.run(&format!("CREATE TABLE {spelled}({}) {end};", body.join(",")));
    let columns = columns.into_iter().zip(types).map(|(c, t)| (c, format!("strict {t}"))).collect();
    fill(b, &Table::new(name, columns), 20);
}

pub fn without_rowid(b: &mut Build) {
    for kind in 0..3 {
        let (name, columns) = (b.name(), b.column_names(4));
        let s: Vec<String> = columns.iter().map(|c| b.spell(c)).collect();
        let sql = match kind {
            0 => format!("({} TEXT COLLATE NOCASE PRIMARY KEY, {}, {} REAL, {})", s[0], s[1], s[2], s[3]),
            1 => format!(
                "({}, {}, {}, {}, PRIMARY KEY({} DESC, {} COLLATE NOCASE))",
                s[0], s[1], s[2], s[3], s[2], s[0]
            ),
            _ => format!("({} INTEGER PRIMARY KEY, {} TEXT, {} UNIQUE, {} BLOB)", s[0], s[1], s[2], s[3]),
        };
        b.run(&format!("CREATE TABLE {}{sql} WITHOUT ROWID", double(&name)));
        let kinds = if kind == 2 { ["key INTEGER", "TEXT", "", "BLOB"] } else { ["TEXT", "", "REAL", ""] };
        let columns = columns.into_iter().zip(kinds).map(|(c, t)| (c, t.to_owned())).collect();
        fill(b, &Table { name, columns, rowid: false }, 25);
    }
}

/// What is generated from a real or a blob as text depends on the version and encoding of who loads it, so from text only.
pub fn generated(b: &mut Build) {
    let (name, columns) = (b.name(), b.column_names(6));
    let s: Vec<String> = columns.iter().map(|c| b.spell(c)).collect();
    b.run(&format!(
        "CREATE TABLE {}({} AS (CASE typeof({}) WHEN 'text' THEN {} || '-x' END) STORED, {} ,
         {} TEXT GENERATED ALWAYS AS (CASE typeof({}) WHEN 'text' THEN upper({}) END) VIRTUAL UNIQUE,
         {} REAL AS (typeof({}) = 'text'), {}, {} CHECK ({} IS NOT 'never'))",
        double(&name),
        s[0],
        s[1],
        s[1],
        s[1],
        s[2],
        s[1],
        s[1],
        s[3],
        s[4],
        s[4],
        s[5],
        s[5]
    ));
    let columns = [1, 4, 5].map(|at| (columns[at].clone(), "well formed".to_owned()));
    fill(b, &Table::new(name, columns.into()), 20);
}

pub fn altered(b: &mut Build) {
    let table = make_random(b);
    let (name, column) = (double(&table.name), table.columns[0].0.clone());
    let old: Vec<String> = table.columns.iter().map(|(c, _)| c.to_ascii_lowercase()).collect();
    let added: Vec<String> = ["added;1", "added 2", "added3"].iter().map(|c| double(c)).collect();
    b.run(&format!(
        "ALTER TABLE {name} ADD COLUMN {} REAL NOT NULL DEFAULT 1.5; ALTER TABLE {name} ADD {} DEFAULT 'it''s';
         ALTER TABLE {name} ADD COLUMN {} AS (1) VIRTUAL; ALTER TABLE {name} DROP COLUMN {};",
        added[0], added[1], added[2], added[1]
    ));
    if !old.contains(&"renamed".to_owned()) {
        b.run(&format!("ALTER TABLE {name} RENAME COLUMN {} TO renamed", double(&column)));
    }
    let new = b.name();
    b.run(&format!("ALTER TABLE {name} RENAME TO {}", double(&new)));
    b.taken.push(table.name);
}

pub fn as_select(b: &mut Build) {
    let table = make_random(b);
    let name = b.name();
    let spelled = b.spell_new(&name);
    b.run(&format!(
        "CREATE TABLE {spelled} AS SELECT *, 1.5 AS \"a b\", typeof(1) FROM {}",
        double(&table.name)
    ));
}

/// Names that a dump might want for tables of its own.
pub fn scratch_names(b: &mut Build) {
    for name in [
        "scratch", "_scratch", "_cultural_archiver_scratch", "cultural_archiver_scratch", "_backup_scratch",
        "_cab_scratch", "_backup_pieces", "_pieces", "pieces", "_backup_value", "_backup_values",
        "_backup_sequence", "_backup",
    ] {
        if !b.taken.iter().any(|t| t.eq_ignore_ascii_case(name)) {
            b.run(&format!(
                "CREATE TABLE {name}(id INTEGER PRIMARY KEY, part); INSERT INTO {name} VALUES (1, 'mine')"
            ));
            b.taken.push(name.to_owned());
        }
    }
    super::sizes::long_values(b);
}

pub fn internal(b: &mut Build) {
    b.run(
        "CREATE TABLE _cf_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID; INSERT INTO _cf_KV VALUES ('a', x'00');
         CREATE TABLE _cf_METADATA(key INTEGER PRIMARY KEY, value BLOB); INSERT INTO _cf_METADATA VALUES (2, x'01');",
    );
}
