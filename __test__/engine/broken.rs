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
fn a_check_that_damage_ends_keeps_no_row_back() {
    let sql = "CREATE TABLE t(a UNIQUE, b); INSERT INTO t VALUES ('one', 1), ('two', 2), ('three', 3);";
    let whole = damaged(sql, |db, bytes| {
        // The first row is there twice, and the index is gone.
        let (first, index) = (root(db, "t") + 8, root(db, "sqlite_autoindex_t_1"));
        bytes.copy_within(first..first + 2, first + 2);
        bytes[index..index + 512].fill(0);
    })
    .unwrap();
    assert_eq!(whole.warned("RULES_BROKEN"), ["t"], "{:?}", whole.report.warnings);
    let (_, restored) = whole.comes_back(sql);
    assert_eq!(rows(&restored, "SELECT a, b FROM \"t as it was\""), ["one|1", "one|1", "three|3"]);
}

#[test]
fn counters_out_of_order_or_twice_are_no_obstacle() {
    let sql = "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE u(a INTEGER PRIMARY KEY AUTOINCREMENT);
               INSERT INTO t VALUES (5); INSERT INTO u VALUES (7);";
    for (is_turned, kept) in [(true, vec!["t|5", "u|7"]), (false, vec!["t|5"])] {
        let whole = damaged(sql, |db, bytes| {
            // Where the cells of its page begin, in the order of their rowids.
            let first = root(db, "sqlite_sequence") + 8;
            if is_turned {
                bytes[first..first + 4].rotate_left(2)
            } else {
                bytes.copy_within(first..first + 2, first + 2)
            }
        })
        .unwrap();
        assert_eq!(whole.warned("SOURCE_DAMAGED").len(), 1, "{:?}", whole.report.warnings);
        let (_, restored) = whole.comes_back(sql);
        assert_eq!(rows(&restored, "SELECT * FROM sqlite_sequence"), kept);
    }
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
fn a_table_whose_name_has_two_lines_is_told_from_that_of_the_first() {
    let name = "two\nlines";
    let (whole, _, restored) = Whole::sound(&format!(
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE p(a); CREATE TABLE two(a);
         CREATE TABLE \"{name}\"(x CHECK (x > 0), y REFERENCES p(a)); INSERT INTO \"{name}\" VALUES (-1, NULL);"
    ));
    assert_eq!(whole.warned("CHECK_BROKEN"), [name]);
    assert_eq!(rows(&restored, &format!("SELECT x FROM \"{name}\"")), ["-1"]);
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

#[test]
fn tables_behind_a_virtual_table_that_do_not_fit_it_are_kept_as_ordinary_ones() {
    let rtree = altered(
        "CREATE VIRTUAL TABLE v USING rtree(id, a, b); INSERT INTO v VALUES (1, 2, 3);",
        "v_node",
        "CREATE TABLE v_node(nodeno INTEGER$PRIMARY KEY, data)",
    );
    let full_text = "CREATE VIRTUAL TABLE v USING fts5(a, locale=1); INSERT INTO v VALUES ('x');
         PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'v_config';";
    for (sql, behind) in [(rtree.as_str(), "v_node"), (full_text, "v_content")] {
        let whole = Whole::of(sql).unwrap();
        assert_eq!(whole.warned("MODULE_UNKNOWN"), ["v"], "{:?}", whole.report.warnings);
        let (_, restored) = whole.comes_back(sql);
        assert_eq!(rows(&restored, &format!("SELECT count(*) FROM {behind}")), ["1"]);
    }
}

#[test]
fn damaged_statistics_are_no_damage_to_an_index() {
    let sql = "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1); ANALYZE;
         CREATE VIRTUAL TABLE f USING fts5(a, content=''); INSERT INTO f(rowid, a) VALUES (7, 'word');";
    let whole = damaged(sql, |db, bytes| bytes[root(db, "sqlite_stat1")] ^= 1).unwrap();
    assert_eq!(whole.warned("INDEX_DAMAGED"), [""; 0]);
    let (_, restored) = whole.comes_back(sql);
    assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'word'"), ["7"]);
}

const PARENTS: &str = "CREATE TABLE artwork(id TEXT COLLATE NOCASE PRIMARY KEY, status); CREATE TABLE link(artwork TEXT REFERENCES artwork(id), n);
     CREATE TABLE pair(a INTEGER, b TEXT, PRIMARY KEY (b, a)); CREATE TABLE tie(x TEXT, y TEXT, FOREIGN KEY (x, y) REFERENCES pair(a, b));
     INSERT INTO pair VALUES (1, 'one'), (2, 'two'); INSERT INTO tie VALUES ('1', 'one'), (NULL, 'none'), (2, 'TWO');";

#[test]
fn a_damaged_index_of_a_parent_makes_no_orphans() {
    let sql = format!(
        "{PARENTS} {MANY} INSERT INTO artwork SELECT 'id-' || i, 'approved' FROM c;
         {MANY} INSERT INTO link SELECT 'ID-' || i, i FROM c; INSERT INTO link VALUES ('nowhere', 201);"
    );
    let index = "sqlite_autoindex_artwork_1";
    let type_of_page = |bytes: &mut Vec<u8>, page: usize| bytes[page] ^= 1;
    let entry = |bytes: &mut Vec<u8>, _| {
        let id = |leaf: usize| bytes[leaf..leaf + 512].windows(3).rposition(|text| text == b"id-");
        let leaves = (1..bytes.len() / 512).map(|page| page * 512).filter(|page| bytes[*page] == 10);
        let (leaf, at) = leaves.filter_map(|leaf| Some((leaf, id(leaf)?))).next().unwrap();
        // An entry for a parent that is none, in the place of one that is.
        bytes[leaf + at + 3] = b'!';
    };
    for damage in [&type_of_page as &dyn Fn(&mut Vec<u8>, usize), &entry] {
        let whole = damaged(&sql, |db, bytes| damage(bytes, root(db, index))).unwrap();
        assert_eq!(whole.warned("ORPHAN_ROWS"), ["link", "tie"], "{:?}", whole.report.warnings);
        assert!(!whole.warned("INDEX_DAMAGED").is_empty(), "{:?}", whole.report.warnings);
        let told = whole.report.warnings.iter().filter(|warning| warning.code == "ORPHAN_ROWS");
        assert!(told.clone().all(|warning| warning.message.starts_with("1 reference ")), "{:?}", told);
        let (report, restored) = whole.comes_back(&sql);
        assert_eq!(report.foreign_key_problems, 2);
        assert_eq!(rows(&restored, "SELECT count(*) FROM artwork"), ["200"]);
        assert_eq!(rows(&restored, "SELECT artwork FROM link WHERE n > 200"), ["nowhere"]);
    }
}

#[test]
fn a_damaged_index_of_a_child_hides_no_row_that_refers_to_an_orphan() {
    let sql = format!(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, up REFERENCES a(id)); CREATE TABLE b(a REFERENCES a(id)); CREATE INDEX of_a ON b(a);
         INSERT INTO a VALUES (7, 99); INSERT INTO b VALUES (7); {MANY} INSERT INTO b SELECT NULL FROM c;"
    );
    let whole = damaged(&sql, |db, bytes| bytes[root(db, "of_a")] ^= 1).unwrap();
    assert_eq!(whole.warned("ORPHAN_ROWS"), ["a"], "{:?}", whole.report.warnings);
    assert!(whole.report.metadata.database.in_extra.contains(&"1 row of b".to_owned()));
    whole.comes_back(&sql);
}

#[test]
fn damaged_tables_behind_a_full_text_index_keep_no_row_back() {
    let text = format!(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, t); {MANY} INSERT INTO a SELECT i, 'text ' || i FROM c;
         CREATE VIRTUAL TABLE sound USING fts5(t, content=a, content_rowid=id); INSERT INTO sound(sound) VALUES ('rebuild');
         CREATE TABLE up(id INTEGER PRIMARY KEY, at REFERENCES up(id)); INSERT INTO up VALUES (1, 9);"
    );
    let settings = "INSERT INTO f(f, rank) VALUES ('pgsz', 64);";
    let over = format!(
        "{text} CREATE VIRTUAL TABLE f USING fts5(t, content=a, content_rowid=id); {settings}
         INSERT INTO f(rowid, t) SELECT id, t FROM a WHERE id <> 7;"
    );
    let own = format!(
        "{text} CREATE VIRTUAL TABLE f USING fts5(t); {settings} INSERT INTO f(rowid, t) SELECT id, t FROM a WHERE id <> 7;"
    );
    for sql in [&over, &own] {
        for (behind, at) in [
            ("f_idx", 0),
            ("f_data", 0),
            ("f_config", 0),
            ("f_config", 3),
            ("f_docsize", 0),
            ("f_docsize", 8),
        ] {
            let whole = damaged(sql, |db, bytes| bytes[root(db, behind) + at] ^= 1).unwrap_or_else(|error| {
                panic!("{behind} {at}: {error} {:?}", std::error::Error::source(&error))
            });
            let (_, restored) = whole.comes_back(&format!("{behind} {at} {sql}"));
            let hits = |index: &str, word: &str| {
                rows(&restored, &format!("SELECT rowid FROM {index} WHERE {index} MATCH '{word}'"))
            };
            assert_eq!(hits("f", "5"), ["5"], "{behind} {at}: {:?}", whole.report.warnings);
            assert_eq!((hits("f", "7"), hits("sound", "7")), (vec![], vec!["7".to_owned()]), "{behind} {at}");
            assert!(!whole.warned("INDEX_DAMAGED").contains(&"sound"), "{:?}", whole.report.warnings);
            assert_eq!(whole.warned("SOURCE_DAMAGED").len(), 1, "{behind} {at}");
        }
    }
}

#[test]
fn an_index_of_which_nothing_can_be_read_comes_back_empty() {
    let sql = format!(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, t); {MANY} INSERT INTO a SELECT i, 'text ' || i FROM c;
         CREATE VIRTUAL TABLE f USING fts5(t, content=a, content_rowid=id); INSERT INTO f(f) VALUES ('rebuild');"
    );
    let whole = damaged(&sql, |db, bytes| {
        for behind in ["f_data", "f_docsize"] {
            bytes[root(db, behind)] ^= 1;
        }
    })
    .unwrap();
    assert_eq!(whole.warned("INDEX_DAMAGED"), ["f"], "{:?}", whole.report.warnings);
    let (_, restored) = whole.comes_back(&sql);
    assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'text'"), [""; 0]);
    restored.execute_batch("INSERT INTO f(f) VALUES ('rebuild')").unwrap();
    assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH '7'"), ["7"]);
}

#[test]
fn an_index_that_holds_all_columns_hides_no_row_of_a_table_without_rowid() {
    let sql = format!(
        "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE INDEX wv ON w(v);
         {MANY} INSERT INTO w SELECT 'k' || i, 1000 - i FROM c WHERE i < 6;"
    );
    // An entry of the index less.
    let whole = damaged(&sql, |db, bytes| bytes[root(db, "wv") + 4] -= 1).unwrap();
    assert!(!whole.warned("INDEX_DAMAGED").is_empty() || !whole.warned("SOURCE_DAMAGED").is_empty());
    let (_, restored) = whole.comes_back(&sql);
    assert_eq!(rows(&restored, "SELECT count(*) FROM w"), ["5"]);
    assert_eq!(whole.warned("RULES_BROKEN"), [""; 0]);
}
