//! Writes random databases with their dumps into a folder, for the test that loads them into D1.
//!
//! Does so only when `CAB_CASES_DIR` names the folder; `CAB_CASES` says how many (default 60).

use std::path::Path;
use std::{env, fs};

use rusqlite::{Connection, Result};
use serde_json::{Value, json};

use crate::contents;
use crate::dump;
use crate::generator::{self, Coverage};
use crate::round_trip;

#[test]
fn export_cases() {
    let Ok(folder) = env::var("CAB_CASES_DIR") else { return };
    let count = env::var("CAB_CASES").ok().map_or(60, |count| count.parse().expect("CAB_CASES is a number"));
    for index in 0..count {
        let case = Path::new(&folder).join(format!("case-{index}"));
        fs::create_dir_all(&case).unwrap();
        export(&case, round_trip::seed() + index as u64, index);
    }
}

fn export(folder: &Path, seed: u64, index: usize) {
    let source = folder.join("source.db");
    let case = generator::generate(&source, seed, index, &mut Coverage::default());
    let dumped = dump::dump(&source).unwrap();
    dumped.write(folder);
    // D1 is given database.sql alone. That both files together hold everything is the round trip's business.
    let main = folder.join("main.db");
    dumped.load_main_in_library(&main).unwrap();
    let [source, main] = [source, main].map(|path| Connection::open(path).unwrap());
    let [all, kept] = [&source, &main].map(|db| objects(db).unwrap());
    let expected = json!({
        "seed": seed,
        "recipes": case.recipes,
        "inExtra": dumped.in_extra,
        "contents": contents(&main).unwrap(),
        "notKept": all.iter().filter(|object| !kept.contains(object)).collect::<Vec<_>>(),
        "objects": kept,
    });
    fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
}

fn contents(db: &Connection) -> Result<Vec<Value>> {
    contents::of(db)?
        .iter()
        .map(|content| Ok(json!({"content": content, "rows": content.rows(db)?})))
        .collect()
}

/// Type, name, table and CREATE text of all that has one, but for the tables that modules make themselves.
fn objects(db: &Connection) -> Result<Vec<Value>> {
    let shadow: Vec<String> = contents::tables(db)?
        .into_iter()
        .filter(|table| table.kind == "shadow")
        .map(|table| table.name)
        .collect();
    let mut found =
        db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let found: Vec<[String; 4]> = found
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?
        .collect::<Result<_>>()?;
    let counts = |[_, name, table, _]: &&[String; 4]| {
        !shadow.contains(table) && !contents::is_left_out(name) && !contents::is_left_out(table)
    };
    Ok(found.iter().filter(counts).map(|[kind, name, table, sql]| json!([kind, name, table, sql])).collect())
}
