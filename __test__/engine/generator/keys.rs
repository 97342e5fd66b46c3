//! Keys: INTEGER PRIMARY KEY in its forms, the counters behind AUTOINCREMENT, columns that hide the rowid.

use super::Build;
use super::names::double;
use super::tables::{Table, fill};

pub fn integer_primary_keys(b: &mut Build) {
    for key in [
        "INTEGER PRIMARY KEY",
        "INTEGER PRIMARY KEY DESC",
        "INT PRIMARY KEY",
        "INTEGER PRIMARY KEY AUTOINCREMENT",
    ] {
        let (name, columns) = (b.name(), b.column_names(3));
        let s: Vec<String> = columns.iter().map(|c| b.spell_new(c)).collect();
        b.run(&format!("CREATE TABLE {}({}, {} {key}, {} TEXT)", double(&name), s[0], s[1], s[2]));
        let kind = if key.starts_with("INTEGER") { "key INTEGER" } else { "INT" };
        let kinds = ["", kind, "TEXT"];
        let columns = columns.into_iter().zip(kinds).map(|(c, t)| (c, t.to_owned())).collect();
        let rows = b.below(20);
        fill(b, &Table::new(name, columns), rows);
    }
}

pub fn sequences(b: &mut Build) {
    for sql in [
        "INSERT INTO $t(v) VALUES (1),(2),(3),(4); DELETE FROM $t WHERE id > 2;",
        "INSERT INTO $t VALUES (100, 'a'); UPDATE sqlite_sequence SET seq = 7 WHERE name = '$t';",
        "INSERT INTO $t VALUES (-5, 'a'); ",
        "INSERT INTO $t VALUES (5, 'a'); DELETE FROM sqlite_sequence WHERE name = '$t';",
        "INSERT INTO $t VALUES (5, 'a'); UPDATE sqlite_sequence SET rowid = rowid + 40 WHERE name = '$t';",
        "INSERT INTO $t VALUES (9223372036854775807, 'a');",
        "",
    ] {
        let name = b.plain_name("counted");
        b.run(&format!(
            "CREATE TABLE {name}(id INTEGER PRIMARY KEY AUTOINCREMENT, v);{}",
            sql.replace("$t", &name)
        ));
    }
    b.run("INSERT INTO sqlite_sequence(name, seq) VALUES ('it''s gone', 12), (NULL, NULL), ('twice', 'x'), ('twice', 1.5)");
}

/// A file in which some table once had AUTOINCREMENT: sqlite_sequence stays, with or without rows.
pub fn leftover_sequence(b: &mut Build) {
    let name = b.plain_name("gone");
    b.run(&format!("CREATE TABLE {name}(id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE {name};"));
    if b.chance(2) {
        b.run("INSERT INTO sqlite_sequence(name, seq) VALUES ('gone long ago', 3)");
    }
}

pub fn rowid_columns(b: &mut Build) {
    for named in
        [&["rowid"][..], &["_rowid_"], &["OID", "rowid"], &["_ROWID_", "oid"], &["rowid", "_rowid_", "oid"]]
    {
        let name = b.name();
        let mut body: Vec<String> = named.iter().map(|n| format!("{n} TEXT")).collect();
        body.push("other".to_owned());
        b.run(&format!("CREATE TABLE {}({})", double(&name), body.join(",")));
        let mut columns: Vec<(String, String)> =
            named.iter().map(|n| ((*n).to_owned(), "TEXT".to_owned())).collect();
        columns.push(("other".to_owned(), String::new()));
        fill(b, &Table::new(name.clone(), columns), 8);
        if let Some(free) =
            ["rowid", "_rowid_", "oid"].iter().find(|f| !named.iter().any(|n| n.eq_ignore_ascii_case(f)))
        {
            b.run(&format!(
                "UPDATE OR IGNORE {} SET {free} = {free} * 3 - 7 WHERE {free} BETWEEN -1000 AND 1000",
                double(&name)
            ));
        }
    }
    let name = b.name();
    b.run(&format!(
        "CREATE TABLE {0}(rowid INTEGER PRIMARY KEY, oid); INSERT INTO {0} VALUES (-4, 'x'), (9, 'y')",
        double(&name)
    ));
}
