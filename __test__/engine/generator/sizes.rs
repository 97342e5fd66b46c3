//! Tables, rows and values that are too large for somebody.

use rand::RngExt;
use rusqlite::types::Value;

use super::Build;
use super::names::double;
use super::tables::{self, Table};
use super::values::{self, Cell};

pub fn wide(b: &mut Build) {
    for count in [99, 100, 101, 150] {
        let name = b.name();
        let body: Vec<String> = (0..count).map(|n| format!("c{n}")).collect();
        b.run(&format!("CREATE TABLE {}({})", double(&name), body.join(", ")));
        let table = Table::new(name, body.into_iter().map(|c| (c, String::new())).collect());
        tables::fill(b, &table, 5);
    }
    let name = b.name();
    let body: Vec<String> = (1..100).map(|n| format!("c{n}")).collect();
    b.run(&format!("CREATE TABLE {}(c0 INTEGER PRIMARY KEY, {})", double(&name), body.join(", ")));
    let mut columns = vec![("c0".to_owned(), "key INTEGER".to_owned())];
    columns.extend(body.into_iter().map(|c| (c, String::new())));
    tables::fill(b, &Table::new(name, columns), 5);
}

fn long(b: &mut Build, least: usize) -> Cell {
    match b.below(3) {
        0 => Cell::Plain(Value::Blob(values::long_blob(&mut b.rng, least))),
        1 if !b.utf16 => {
            let mut bytes = values::long_text(&mut b.rng, least).into_bytes();
            bytes.extend(values::broken_text(&mut b.rng));
            Cell::BytesAsText(bytes)
        }
        _ => Cell::Plain(Value::Text(values::long_text(&mut b.rng, least))),
    }
}

/// Values that no single statement holds, in columns that see to it that only whole values arrive.
pub fn long_values(b: &mut Build) {
    let (name, columns) = (b.name(), b.column_names(5));
    let s: Vec<String> = columns.iter().map(|c| b.spell(c)).collect();
    let end = if b.chance(3) { " WITHOUT ROWID" } else { "" };
    b.run(&format!(
        "CREATE TABLE {}({} TEXT PRIMARY KEY NOT NULL, {} UNIQUE CHECK (length({}) IS NULL OR length(CAST({} AS BLOB)) > 20000),
         {} AS (substr({}, -7)) STORED, {} BLOB NOT NULL, {} AS (typeof({})))
         {end}",
        double(&name), s[0], s[1], s[1], s[1], s[2], s[1], s[3], s[4], s[1]
    ));
    let mut table = Table::untyped(name, [0, 1, 3].map(|at| columns[at].as_str()));
    table.rowid = end.is_empty();
    for row in 0..4 {
        let least = [100_001, 99_990, 150_000, 250_000][row];
        let key = Cell::Plain(Value::Text(format!("row {row}")));
        let first = long(b, least);
        let second = if b.chance(2) { long(b, 120_000) } else { Cell::Plain(Value::Blob(vec![])) };
        tables::insert(b, &table, &[key, first, second]);
    }
}

/// Rows that no single statement holds, though each of their values would fit.
pub fn long_rows(b: &mut Build) {
    let name = b.name();
    b.run(&format!("CREATE TABLE {}(a, b TEXT, c BLOB, d, e CHECK (length(e) > 10))", double(&name)));
    let table = Table::untyped(name, ["a", "b", "c", "d", "e"]);
    for _ in 0..3 {
        let cells: Vec<Cell> =
            (0..5).map(|_| Cell::Plain(Value::Text(values::long_text(&mut b.rng, 30_000)))).collect();
        tables::insert(b, &table, &cells);
    }
}

/// More than the 2,000,000 bytes that D1 takes for one value or one row
/// (<https://developers.cloudflare.com/d1/platform/limits/>).
pub fn beyond_d1(b: &mut Build) {
    let name = b.name();
    b.run(&format!("CREATE TABLE {}(a, b, c)", double(&name)));
    let table = Table::untyped(name, ["a", "b", "c"]);
    let blob = |b: &mut Build, length| Cell::Plain(Value::Blob(values::long_blob(&mut b.rng, length)));
    let short = || Cell::Plain(Value::Integer(1));
    let over = blob(b, 2_300_000);
    tables::insert(b, &table, &[short(), over, short()]);
    tables::insert(b, &table, &[short(), short(), short()]);
    let near = blob(b, 1_900_000);
    tables::insert(b, &table, &[near, short(), short()]);
    let thirds = [blob(b, 900_000), blob(b, 800_000), blob(b, 700_000)];
    tables::insert(b, &table, &thirds);
}

/// Rows of which something is made that is more than D1 takes.
pub fn grown(b: &mut Build) {
    // fts5 keeps the name `rank` for itself, and no name comes twice.
    let mut search = b.name();
    if search == "rank" {
        search = b.name();
    }
    let names = [b.name(), b.name(), b.name(), search, b.name()];
    let [stored, keyed, index, search, pattern] = names.each_ref().map(|name| double(name));
    let end = if b.chance(2) { "PRIMARY KEY) WITHOUT ROWID" } else { ")" };
    b.run(&format!(
        "CREATE TABLE {stored}(a TEXT, b TEXT AS (lower(a)) STORED, c TEXT AS (a || 'x'));
         CREATE TABLE {keyed}(a TEXT {end}; CREATE INDEX {index} ON {keyed}(a || a);
         CREATE VIRTUAL TABLE {search} USING fts5(a, b);
         CREATE TABLE {pattern}(a TEXT CHECK ('x' NOT LIKE a));
         INSERT INTO {stored}(a) VALUES (hex(zeroblob(550000))), ('short');
         INSERT INTO {keyed} VALUES (hex(zeroblob(550000))), ('short');
         INSERT INTO {search} VALUES (hex(zeroblob(600000)), hex(zeroblob(600000))), ('short', 'too');
         INSERT INTO {pattern} VALUES (hex(zeroblob(40))), ('short');"
    ));
}

/// Enough short rows for several statements, and for the limits on what one statement compiles to.
pub fn many_rows(b: &mut Build) {
    let name = b.name();
    let end = if b.chance(2) { " PRIMARY KEY" } else { "" };
    let rows = b.rng.random_range(3_000..20_000);
    b.run(&format!(
        "CREATE TABLE {0}(a INTEGER{end}, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO {0} SELECT i, i % 7 FROM n; DELETE FROM {0} WHERE a % 11 = 3",
        double(&name)
    ));
}
