//! Databases whose rows break their own rules, by damage or by a careless hand: they are backed up, warned of, and
//! every row comes back.

use cultural_archiver_backup::backup::BackupOptions;

use crate::whole::{MANY, Whole, damaged, damaged_with, root, rows};

const ART: &str = "CREATE TABLE art(id INTEGER PRIMARY KEY, t TEXT, n INTEGER);";
const OVER: &str = "CREATE VIRTUAL TABLE f USING fts5(t, content=art, content_rowid=id); INSERT INTO f(f) VALUES ('rebuild');";

/// A schema as a careless hand leaves it: `sql`, then `name` made by another text.
fn altered(sql: &str, name: &str, text: &str) -> String {
    let text = text.replace('\'', "''");
    format!(
        "{sql} PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '{text}' WHERE name = '{name}';"
    )
}

fn without_drill() -> BackupOptions {
    BackupOptions { drill: Some(false), ..BackupOptions::default() }
}

/// Changes one bit of the text `from` in the tree of `name`, of one page.
fn flip(bytes: &mut [u8], page: usize, from: &str, at: usize, bit: u8) {
    let place =
        bytes[page..page + 512].windows(from.len()).rposition(|text| text == from.as_bytes()).unwrap();
    bytes[page + place + at] ^= bit;
}

#[test]
fn an_index_over_a_table_without_rules_is_kept_as_it_is() {
    // What SQLite takes for the number 12 as it comes in.
    let odd = format!(
        "{ART} INSERT INTO art VALUES (1, 'hello world', 1), (2, 'x', 5); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'n INTEGER', 'n BLOB') WHERE name = 'art';
         PRAGMA writable_schema = RESET; UPDATE art SET n = CAST(x'313200' AS TEXT) WHERE id = 2; {OVER}"
    );
    let odd = altered(&odd, "art", ART.trim_end_matches(';'));
    let null = format!("{ART} INSERT INTO art VALUES (1, 'hello world', 1), (2, 'x', NULL); {OVER}");
    let null = altered(&null, "art", "CREATE TABLE art(id INTEGER PRIMARY KEY, t TEXT, n INTEGER NOT NULL)");
    for sql in [odd, null] {
        let (whole, _, restored) = Whole::sound(&sql);
        assert_eq!(whole.warned("RULES_BROKEN"), ["art"], "{:?}", whole.report.warnings);
        assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'hello'"), ["1"]);
        assert_eq!(rows(&restored, "SELECT id, t FROM \"art as it was\""), ["1|hello world", "2|x"]);
    }
}

#[test]
fn rules_that_are_broken_are_told_without_a_drill_too() {
    let null = altered(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (NULL, 3);",
        "t",
        "CREATE TABLE t(a NOT NULL, b)",
    );
    let checks =
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE t(a CHECK (a > 0)); INSERT INTO t VALUES (-1);";
    for (sql, code) in [(null.as_str(), "RULES_BROKEN"), (checks, "CHECK_BROKEN")] {
        // Nothing of it may fail in the transaction of `damaged`.
        let whole = Whole::with_options(sql, without_drill()).unwrap();
        assert_eq!(whole.warned(code), ["t"], "{:?}", whole.report.warnings);
        assert!(whole.report.metadata.drill.is_none());
        whole.comes_back(sql);
    }
    let sound = Whole::with_options("CREATE TABLE t(a); INSERT INTO t VALUES (1)", without_drill()).unwrap();
    assert_eq!(sound.warned("RULES_BROKEN"), [""; 0]);
}

#[test]
fn a_duplicate_that_a_damaged_index_let_in_is_kept() {
    for (index, sql, code, subject) in [
        ("sqlite_autoindex_t_1", "CREATE TABLE t(k TEXT UNIQUE, v);", "RULES_BROKEN", "t"),
        ("sqlite_autoindex_t_1", "CREATE TABLE t(k TEXT PRIMARY KEY, v);", "RULES_BROKEN", "t"),
        ("ku", "CREATE TABLE t(k TEXT, v); CREATE UNIQUE INDEX ku ON t(k);", "INDEX_LEFT_OUT", "ku"),
    ] {
        let sql = format!("{sql} INSERT INTO t VALUES ('aaa1', 1), ('aaa2', 2), ('aaa3', 3);");
        for options in [BackupOptions::default(), without_drill()] {
            let whole = damaged_with(
                &sql,
                |db, bytes| {
                    // One bit of a row, which makes it equal to another; the index has the value that it had.
                    let (table, _) = (root(db, "t"), root(db, index));
                    flip(bytes, table, "aaa3", 3, 1);
                },
                options,
            )
            .unwrap();
            assert_eq!(whole.warned(code), [subject], "{sql} {:?}", whole.report.warnings);
            let (_, restored) = whole.comes_back(&sql);
            let table = if code == "RULES_BROKEN" { "t as it was" } else { "t" };
            let kept = rows(&restored, &format!("SELECT k, v FROM \"{table}\" ORDER BY v"));
            assert_eq!(kept, ["aaa1|1", "aaa2|2", "aaa2|3"]);
        }
    }
}

#[test]
fn rows_out_of_the_order_of_their_key_are_kept() {
    let sql = "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES ('aaa1', 1), ('aaa2', 2), ('aaa3', 3);";
    for options in [BackupOptions::default(), without_drill()] {
        let whole = damaged_with(sql, |db, bytes| flip(bytes, root(db, "w"), "aaa2", 3, 4), options).unwrap();
        assert_eq!(whole.warned("TABLE_DAMAGED"), ["w"], "{:?}", whole.report.warnings);
        let (_, restored) = whole.comes_back(sql);
        let kept = rows(&restored, "SELECT k, v FROM \"w as it was\" ORDER BY v");
        assert_eq!(kept, ["aaa1|1", "aaa6|2", "aaa3|3"]);
    }
    let collated = altered(
        "CREATE TABLE z(a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO z VALUES ('a', 2), ('B', 3), ('C', 5);",
        "z",
        "CREATE TABLE z(a TEXT COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID",
    );
    let (_, _, restored) = Whole::sound(&collated);
    assert_eq!(rows(&restored, "SELECT a FROM \"z as it was\" ORDER BY b"), ["a", "B", "C"]);
}

#[test]
fn a_table_whose_name_begins_with_that_of_another_is_told_from_it() {
    let sql = altered(
        "CREATE TABLE t(x); CREATE TABLE \"t.x\"(\"a.b\", b); INSERT INTO t VALUES (7); INSERT INTO \"t.x\" VALUES (NULL, 2), (1, 3);",
        "t.x",
        "CREATE TABLE \"t.x\"(\"a.b\" NOT NULL, b)",
    );
    let (whole, _, restored) = Whole::sound(&sql);
    assert_eq!(whole.warned("RULES_BROKEN"), ["t.x"]);
    assert_eq!(rows(&restored, "SELECT x FROM t"), ["7"]);
    assert_eq!(rows(&restored, "SELECT b FROM \"t.x as it was\""), ["2", "3"]);
}

#[test]
fn values_that_their_columns_would_change_are_kept() {
    let sql = altered(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (5, 3.0);",
        "t",
        "CREATE TABLE t(a INTEGER, b INTEGER)",
    );
    let (whole, _, restored) = Whole::sound(&sql);
    assert_eq!(whole.warned("RULES_BROKEN"), ["t"]);
    assert_eq!(rows(&restored, "SELECT typeof(a), typeof(b) FROM \"t as it was\""), ["integer|real"]);
}

#[test]
fn an_index_that_its_rows_cannot_give_is_left_out() {
    let sql = altered(
        "CREATE TABLE t(a); INSERT INTO t VALUES ('{'), ('{}'); CREATE INDEX i ON t(a);",
        "i",
        "CREATE INDEX i ON t(json_extract(a, '$.b'))",
    );
    let (whole, _, restored) = Whole::sound(&sql);
    assert_eq!(whole.warned("INDEX_LEFT_OUT"), ["i"]);
    assert_eq!(rows(&restored, "SELECT a FROM t"), ["{", "{}"]);
}

#[test]
fn a_table_behind_an_rtree_that_is_damaged_costs_the_rtree_alone() {
    let sql = format!(
        "CREATE VIRTUAL TABLE r USING rtree(id, x, y); {MANY} INSERT INTO r SELECT i, i, i + 1 FROM c WHERE i <= 40;
         CREATE TABLE t(a); INSERT INTO t VALUES (1);"
    );
    let whole = damaged(&sql, |db, bytes| {
        let page = root(db, "r_rowid");
        let cell = usize::from(bytes[page + 8 + 40]) << 8 | usize::from(bytes[page + 8 + 41]);
        // The rowid of the 21st cell.
        bytes[page + cell + 1] ^= 0x40;
    })
    .unwrap();
    assert_eq!(whole.warned("TABLE_DAMAGED"), ["r", "r_rowid"], "{:?}", whole.report.warnings);
    let (_, restored) = whole.comes_back(&sql);
    assert_eq!(rows(&restored, "SELECT a FROM t"), ["1"]);
    assert_eq!(rows(&restored, "SELECT count(*) FROM \"r_rowid as it was\""), ["40"]);
    assert_eq!(rows(&restored, "SELECT count(*) > 0 FROM r_node"), ["1"]);
}
