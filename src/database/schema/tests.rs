#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(sql: &str) -> Schema {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    Schema::read(&connection).unwrap()
}

#[test]
fn each_table_knows_what_tells_its_rows_apart() {
    let schema = read(
        "CREATE TABLE plain(a); CREATE TABLE hidden(rowid, _rowid_, OID);
         CREATE TABLE aliased(rowid, b); CREATE TABLE key(a, b INTEGER PRIMARY KEY);
         CREATE TABLE downwards(b INTEGER PRIMARY KEY DESC); CREATE TABLE int(b INT PRIMARY KEY);
         CREATE TABLE without(a TEXT COLLATE NOCASE, b, PRIMARY KEY(b DESC, a)) WITHOUT ROWID;",
    );
    let keys: Vec<(&str, &Key)> = schema.tables.iter().map(|t| (t.name.as_str(), &t.key)).collect();
    let term = |column: &str, collation: &str, descending| Term {
        column: column.into(),
        collation: collation.into(),
        is_own: true,
        descending,
    };
    let primary = Key::Primary(vec![term("b", "BINARY", true), term("a", "NOCASE", false)]);
    assert_eq!(
        keys,
        [
            ("plain", &Key::Rowid("rowid")),
            ("hidden", &Key::Hidden),
            ("aliased", &Key::Rowid("_rowid_")),
            ("key", &Key::Column(1)),
            ("downwards", &Key::Rowid("rowid")),
            ("int", &Key::Rowid("rowid")),
            ("without", &primary),
        ]
    );
}

#[test]
fn generated_columns_are_told_and_not_written() {
    let schema = read("CREATE TABLE t(a, b AS (a + 1), c, d AS (a) STORED)");
    let table = &schema.tables[0];
    assert_eq!((table.columns.join(","), table.generated.join(",")), ("a,c".into(), "d".into()));
    assert!(table.has_generated && !read("CREATE TABLE t(a)").tables[0].has_generated);
}

#[test]
fn shadow_tables_belong_to_their_virtual_table() {
    let schema = read(
        "CREATE VIRTUAL TABLE \"a (b\" USING FTS5(x, y UNINDEXED, tokenize = 'unicode61 tokenchars '',('' ', content=\"\");
         CREATE TABLE \"a (b_more\"(x); CREATE VIRTUAL TABLE r USING rtree(id, x0, x1);",
    );
    let names: Vec<&str> = schema.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a (b_more"]);
    let fts = &schema.virtual_tables[0];
    assert_eq!((fts.module.as_str(), fts.shadows.len()), ("fts5", 4));
    assert_eq!(fts.arguments[2], "tokenize = 'unicode61 tokenchars '',('' '");
    assert!(fts.shadow("_DATA").is_some() && fts.shadow("_content").is_none());
    assert_eq!(
        (schema.virtual_tables[1].module.as_str(), schema.virtual_tables[1].shadows.len()),
        ("rtree", 3)
    );
}

#[test]
fn comments_are_no_arguments_of_a_virtual_table() {
    let schema = read(
        "CREATE TABLE art(id INTEGER PRIMARY KEY, title, story);
         CREATE VIRTUAL TABLE f USING fts5 ( -- it's (all, of it
           title, -- the artist's title, in their words
           story UNINDEXED /* the public's */, content = 'art' -- its rows
           , content_rowid=\"id\", tokenize='porter ascii' -- english)
         );",
    );
    let found = &schema.virtual_tables[0].arguments;
    let expected = [
        "title", "story UNINDEXED", "content = 'art'", "content_rowid = \"id\"", "tokenize = 'porter ascii'",
    ];
    assert_eq!(*found, expected);
}

#[test]
fn what_d1_and_the_planner_own_is_left_out() {
    let schema = read(
        "CREATE TABLE _CF_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID; CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE INDEX i ON t(a); CREATE INDEX j ON _cf_KV(value); CREATE INDEX _cf_i ON t(a);
         CREATE VIEW _cf_v AS SELECT 1; CREATE TRIGGER _cf_t AFTER INSERT ON t BEGIN SELECT 1; END;
         INSERT INTO t VALUES (1); ANALYZE; PRAGMA user_version = 7;",
    );
    let told = ["_CF_KV", "index _cf_i", "view _cf_v", "trigger _cf_t", "sqlite_stat1"];
    assert_eq!(schema.left_out[..told.len()], told);
    assert_eq!((schema.indexes.len(), schema.sequence.is_some(), schema.user_version), (1, true, 7));
}
