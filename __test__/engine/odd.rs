//! Databases that are sound and odd: they need another program, hold bytes that are no UTF-8, or have no end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use cultural_archiver_backup::backup::{BackupOptions, create_backup};
use cultural_archiver_backup::job::Job;
use cultural_archiver_backup::options::{CommonOptions, DatabaseOptions};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::whole::{Whole, rows, run};

#[test]
fn what_needs_another_program_comes_back_without_it() {
    let sql = "CREATE TABLE users(id TEXT PRIMARY KEY, mail VARCHAR(20) CHECK (mail REGEXP '@'), age REAL, any BLOB);
         INSERT INTO users VALUES ('a', 'a@b', 3, x'00'), ('b', 'c@d', 4.5, '007');
         CREATE TABLE posts(id INTEGER PRIMARY KEY AUTOINCREMENT, user REFERENCES users(id), body TEXT COLLATE uint,
           digest AS (sha3(body)) STORED);
         INSERT INTO posts(id, user, body) VALUES (3, 'a', 'x10'), (7, 'b', 'x9');
         CREATE TABLE keyed(a TEXT, b DECIMAL, c ANY, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
         INSERT INTO keyed VALUES ('2', '1.0', '07'), ('1', 2, 7);
         CREATE TABLE strict(a ANY, b INT PRIMARY KEY, CHECK (regexp('.', b))) STRICT; INSERT INTO strict VALUES ('07', 1);
         CREATE TABLE numbered(a TEXT COLLATE uint UNIQUE, b TEXT COLLATE uint PRIMARY KEY); INSERT INTO numbered VALUES ('x1', 'y2');
         CREATE TABLE plain(a, b); INSERT INTO plain VALUES (1, 2); CREATE INDEX fine ON plain(b);
         CREATE INDEX by_hash ON plain(sha3(a)); CREATE INDEX by_number ON plain(a COLLATE uint);
         CREATE INDEX by_digest ON posts(digest); CREATE INDEX by_user ON posts(user);
         CREATE VIRTUAL TABLE search USING fts5(body, content=posts, content_rowid=id); INSERT INTO search(search) VALUES ('rebuild');
         CREATE VIEW found AS SELECT mail FROM users WHERE mail REGEXP 'a';
         CREATE TRIGGER noted AFTER INSERT ON posts BEGIN INSERT INTO plain VALUES (new.body, new.digest); END;";
    let whole = Whole::of_shell(sql).unwrap();
    assert!(whole.warned("SOURCE_DAMAGED").is_empty(), "{:?}", whole.report.warnings);
    let (report, restored) = whole.comes_back(sql);
    let told = ["by_digest", "by_hash", "by_number", "numbered", "posts", "strict", "users"];
    let mut warned = whole.warned("APPLICATION_NEEDED");
    warned.sort_unstable();
    assert_eq!(warned, told);
    let message =
        &whole.report.warnings.iter().find(|it| it.subject.as_deref() == Some("users")).unwrap().message;
    assert!(message.contains("needs the function REGEXP"), "{message}");
    let kinds = "SELECT id, mail, typeof(mail), typeof(age), typeof(any) FROM users";
    assert_eq!(rows(&restored, kinds), ["a|a@b|text|real|blob", "b|c@d|text|real|text"]);
    assert_eq!(rows(&restored, "SELECT id, user, body FROM posts"), ["3|a|x10", "7|b|x9"]);
    assert_eq!(rows(&restored, "SELECT seq FROM sqlite_sequence"), ["7"]);
    assert_eq!(rows(&restored, "SELECT a, typeof(a), b FROM strict"), ["07|text|1"]);
    assert_eq!(rows(&restored, "SELECT rowid FROM search WHERE search MATCH 'x9'"), ["7"]);
    assert_eq!(rows(&restored, "SELECT * FROM numbered"), ["x1|y2"]);
    let objects = "SELECT name FROM sqlite_schema WHERE type IN ('index', 'view', 'trigger') AND sql <> '' ORDER BY name";
    assert_eq!(rows(&restored, objects), ["by_user", "fine", "found", "noted"]);
    assert_eq!(report.foreign_key_problems, 0);
    restored.execute("INSERT INTO plain VALUES (3, 4)", []).unwrap();
}

#[test]
fn an_order_that_needs_another_program_is_told() {
    let error = Whole::of_shell(
        "CREATE TABLE t(a TEXT COLLATE uint PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('x10'), ('x9');",
    )
    .err()
    .unwrap();
    assert_eq!(error.code(), "DATABASE_UNREADABLE");
    assert!(error.to_string().contains("the collating sequence uint"), "{error}");
}

#[test]
fn a_table_of_as_many_columns_as_sqlite_allows_comes_back_with_its_rowids() {
    let of = |columns: usize, table: &str| {
        let names: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
        let ones = vec!["1"; columns - 1].join(",");
        format!(
            "CREATE TABLE {table}({names}); INSERT INTO {table} VALUES ('a',{ones}), ('b',{ones}), ('c',{ones});
             DELETE FROM {table} WHERE c0 = 'b';",
            names = names.join(","),
        )
    };
    let keyed =
        of(2000, "keyed").replacen("c0,", "c0 PRIMARY KEY,", 1).replacen("c1999)", "c1999) WITHOUT ROWID", 1);
    let sql = format!("{} {} {keyed}", of(1999, "wide"), of(2000, "wider"));
    let (report, restored) = Whole::of_shell(&sql).unwrap().comes_back(&sql);
    assert!(report.restored_everything);
    for table in ["wide", "wider"] {
        assert_eq!(rows(&restored, &format!("SELECT rowid, c0, c1998 FROM {table}")), ["1|a|1", "3|c|1"]);
    }
    assert_eq!(rows(&restored, "SELECT c0, c1999 FROM keyed"), ["a|1", "c|1"]);
}

/// The database that the `sqlite3` shell makes of these bytes.
fn made_of(sql: &[u8], folder: &Path) -> PathBuf {
    let source = folder.join("source.db");
    let mut shell = Command::new("sqlite3").arg(&source).stdin(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(sql).unwrap();
    assert!(shell.wait().unwrap().success());
    source
}

#[test]
fn a_schema_that_is_no_utf8_costs_those_bytes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sql =
        b"CREATE TABLE t(a TEXT DEFAULT 'l\xe9g', b -- l\xe9gende\n); INSERT INTO t(b) VALUES ('l\xe9g');
                CREATE VIEW v AS SELECT 'l\xe9g' FROM t; CREATE INDEX i ON t(a) WHERE a <> '\xe9';";
    let source = made_of(sql, folder.path());
    let database = DatabaseOptions { file: Some(source), ..DatabaseOptions::default() };
    let whole = Whole::from(database, folder).unwrap();
    assert_eq!(whole.warned("SCHEMA_NOT_UTF8"), ["i", "t", "v"]);
    let (_, restored) = whole.comes_back("bytes that are no UTF-8");
    assert_eq!(rows(&restored, "SELECT hex(a), hex(b) FROM t"), ["6CE967|6CE967"]);
}

#[test]
fn names_that_are_no_utf8_come_back_as_latin_1() {
    let folder = tempfile::tempdir().unwrap();
    let sql = b"CREATE TABLE caf\xe9(r\xe9f INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE);
                INSERT INTO caf\xe9 VALUES (7, 'l\xe9g'); CREATE VIEW v AS SELECT r\xe9f FROM caf\xe9;
                CREATE VIRTUAL TABLE f\xe9 USING fts5(a\xe9); INSERT INTO f\xe9 VALUES ('one');";
    let source = made_of(sql, folder.path());
    let before = std::fs::read(&source).unwrap();
    let database = DatabaseOptions { file: Some(source.clone()), ..DatabaseOptions::default() };
    let whole = Whole::from(database, folder).unwrap();
    assert_eq!(std::fs::read(&source).unwrap(), before);
    let warned = whole.warned("SCHEMA_NOT_UTF8");
    assert!(["café", "fé", "v"].iter().all(|name| warned.contains(name)), "{warned:?}");
    let (_, restored) = whole.comes_back("names that are no UTF-8");
    assert_eq!(rows(&restored, "SELECT réf, hex(b) FROM café"), ["7|6CE967"]);
    assert_eq!(rows(&restored, "SELECT seq FROM sqlite_sequence WHERE name = 'café'"), ["7"]);
    assert_eq!(rows(&restored, "SELECT aé FROM fé WHERE fé MATCH 'one'"), ["one"]);
}

#[test]
fn what_no_restore_makes_costs_no_row() {
    let (whole, _, restored) = Whole::sound(
        "CREATE TABLE t(a, b AS (zeroblob(20000000))); INSERT INTO t VALUES (5);
         CREATE TABLE u(a DEFAULT (load_extension('x'))); INSERT INTO u VALUES (6);",
    );
    assert_eq!((whole.warned("VALUE_GROWN"), whole.warned("APPLICATION_NEEDED")), (vec!["t"], vec!["u"]));
    assert_eq!(rows(&restored, "SELECT a FROM \"t as it was\" UNION ALL SELECT a FROM u"), ["5", "6"]);
}

#[test]
fn what_takes_sqlite_deep_ends_no_process() {
    // Only to make it.
    let on_a_deep_stack = thread::Builder::new().stack_size(64 << 20).spawn(deep).unwrap();
    on_a_deep_stack.join().unwrap();
}

fn deep() {
    let (text, pattern) = ("a".repeat(49_000), "%a".repeat(24_900));
    let sum = "+ 1".repeat(900);
    let chain: String = (1..6).map(|n| format!("c{n} AS (c{} {sum}), ", n - 1)).collect();
    let (_, _, restored) = Whole::sound(&format!(
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE texts(a, b, CHECK (a LIKE b));
         INSERT INTO texts VALUES ('{text}', '{pattern}');
         CREATE TABLE chain(c0, {chain} CHECK (c5 > c0)); INSERT INTO chain(c0) VALUES (1);"
    ));
    assert_eq!(rows(&restored, "SELECT length(b), c0 FROM texts, chain"), ["49800|1"]);
}

#[test]
fn patterns_longer_than_a_script_may_have_cost_no_row() {
    let pattern = "y".repeat(1200);
    let (whole, _, restored) = Whole::sound(&format!(
        "CREATE TABLE t(a, b, c AS (a LIKE b) STORED); INSERT INTO t VALUES (5, '{pattern}');
         CREATE TABLE u(a, b); CREATE INDEX i ON u(a LIKE b); INSERT INTO u VALUES (6, '{pattern}');"
    ));
    assert_eq!((whole.warned("RULES_BROKEN"), whole.warned("INDEX_LEFT_OUT")), (vec!["t"], vec!["i"]));
    assert_eq!(rows(&restored, "SELECT a FROM \"t as it was\" UNION ALL SELECT a FROM u"), ["5", "6"]);
}

#[test]
fn views_that_name_each_other_are_no_obstacle() {
    let (_, _, restored) = Whole::sound(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE VIEW first AS SELECT * FROM second, second AS b;
         CREATE VIEW second AS SELECT * FROM first, first AS b; CREATE VIEW later AS SELECT a FROM last;
         CREATE VIEW last AS SELECT a FROM t;",
    );
    assert_eq!(rows(&restored, "SELECT a FROM later"), ["1"]);
}

#[test]
fn virtual_tables_over_other_indexes_are_no_obstacle() {
    let (whole, _, restored) = Whole::sound(
        "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('hello');
         CREATE VIRTUAL TABLE words USING fts5vocab('docs', 'row'); CREATE VIRTUAL TABLE pages USING dbstat;
         CREATE VIRTUAL TABLE f USING fts4(a); INSERT INTO f VALUES ('x y');
         CREATE VIRTUAL TABLE terms USING fts4aux(f); CREATE VIRTUAL TABLE tokens USING fts3tokenize('porter');",
    );
    assert_eq!(rows(&restored, "SELECT term, doc FROM words"), ["hello|1"]);
    assert_eq!(rows(&restored, "SELECT term, documents FROM terms WHERE col = '*'"), ["x|1", "y|1"]);
    assert_eq!(whole.warned("MODULE_UNKNOWN"), ["pages", "tokens"]);
}

#[test]
fn a_view_without_end_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("endless.sql");
    std::fs::write(
        &script,
        "CREATE TABLE t(a); CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS id, 'x' AS a FROM r;
         CREATE VIRTUAL TABLE f USING fts5(a, content = 'v', content_rowid = 'id');",
    )
    .unwrap();
    let database = DatabaseOptions { sql: Some(script), ..DatabaseOptions::default() };
    let common =
        CommonOptions { database, output_dir: Some(folder.path().join("out")), ..CommonOptions::default() };
    let options = BackupOptions { common, ..BackupOptions::default() };
    let job = Job::unattended();
    let stopper = job.clone();
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(2));
        stopper.stop();
    });
    assert_eq!(run(create_backup(options, job)).unwrap_err().code(), "ABORT_ERR");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn what_stands_on_tables_behind_virtual_tables_comes_back() {
    let (whole, _, restored) = Whole::sound(
        "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('hello'); CREATE TABLE log(a);
         CREATE TRIGGER noted AFTER INSERT ON docs_content BEGIN INSERT INTO log VALUES (new.c0); END;
         CREATE INDEX by_text ON docs_content(c0);
         CREATE VIRTUAL TABLE places USING rtree(id, west, east); INSERT INTO places VALUES (1, 2, 3);
         CREATE TRIGGER placed AFTER DELETE ON places_rowid BEGIN INSERT INTO log VALUES (old.rowid); END;
         CREATE INDEX by_node ON places_rowid(nodeno);",
    );
    assert_eq!(whole.warned("IN_EXTRA"), ["by_node", "noted", "placed", "places"]);
    restored.execute_batch("INSERT INTO docs VALUES ('there'); DELETE FROM places").unwrap();
    assert_eq!(rows(&restored, "SELECT a FROM log"), ["there", "1"]);
    assert_eq!(rows(&restored, "SELECT rowid FROM docs WHERE docs MATCH 'there'"), ["2"]);
    let objects =
        "SELECT name FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql <> '' ORDER BY name";
    assert_eq!(rows(&restored, objects), ["by_node", "by_text", "noted", "placed"]);
}

#[test]
fn a_schema_that_a_program_wrote_itself_is_no_obstacle() {
    let sql = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); CREATE TABLE trigger(a); CREATE VIEW v AS SELECT a FROM t;
         CREATE UNIQUE INDEX i ON t(a); CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'create table if not exists t(a, b) ;' WHERE name = 't';
         UPDATE sqlite_schema SET sql = 'create  table [trigger](a);' WHERE name = 'trigger';
         UPDATE sqlite_schema SET sql = 'create view if not exists v as select b AS a from t;' WHERE name = 'v';
         UPDATE sqlite_schema SET sql = 'create unique index if not exists i on t(a);' WHERE name = 'i';
         UPDATE sqlite_schema SET sql = 'create trigger g after delete on t BEGIN select 1; END;' WHERE name = 'g';";
    let (whole, _, restored) = Whole::sound(sql);
    assert_eq!(rows(&restored, "SELECT a FROM v"), ["2"]);
    assert!(whole.warned("IN_EXTRA").is_empty(), "{:?}", whole.report.warnings);
    let texts = rows(&restored, "SELECT sql FROM sqlite_schema WHERE name IN ('t', 'trigger')");
    assert_eq!(texts, ["CREATE TABLE t(a, b)", "CREATE TABLE [trigger](a)"]);
}

#[test]
fn an_index_over_an_empty_table_that_lacks_one_of_its_columns_comes_back() {
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE VIRTUAL TABLE f USING fts5(a, gone, content=t, content_rowid=id);";
    let (whole, _, restored) = Whole::sound(sql);
    assert_eq!(whole.warned("IN_EXTRA"), ["f"], "{:?}", whole.report.warnings);
    restored.execute_batch("INSERT INTO f(rowid, a, gone) VALUES (1, 'x', 'y')").unwrap();
    assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'gone:y'"), ["1"]);
}

#[test]
fn an_index_over_a_view_without_end_comes_back() {
    let sql = "CREATE VIEW v AS WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c) SELECT i, 'word' AS w FROM c;
         CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(w, content=v, content_rowid=i); INSERT INTO f(rowid, w) VALUES (3, 'word');";
    let (whole, _, restored) = Whole::sound(sql);
    assert_eq!(whole.warned("IN_EXTRA"), ["f"], "{:?}", whole.report.warnings);
    assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'word'"), ["3"]);
}

#[test]
fn an_index_over_a_broken_view_comes_back() {
    for index in ["fts5(w, content=v, content_rowid=id)", "fts4(w, content=v)"] {
        let sql = format!(
            "CREATE TABLE art(id INTEGER PRIMARY KEY, w); CREATE VIEW v AS SELECT id, w FROM art; CREATE VIRTUAL TABLE f USING {index};
             INSERT INTO f(rowid, w) VALUES (3, 'word'); DROP TABLE art; CREATE TABLE t(a);"
        );
        let (whole, _, restored) = Whole::sound(&sql);
        assert_eq!(whole.warned("IN_EXTRA"), ["f"], "{:?}", whole.report.warnings);
        assert_eq!(rows(&restored, "SELECT rowid FROM f WHERE f MATCH 'word'"), ["3"]);
    }
}

#[test]
fn a_full_text_index_of_more_columns_than_a_sum_may_have_comes_back() {
    let columns: Vec<String> = (0..1500).map(|n| format!("c{n}")).collect();
    let (_, _, restored) = Whole::sound(&format!(
        "CREATE VIRTUAL TABLE f USING fts5({}); INSERT INTO f(c0, c1499) VALUES ('first', 'last');",
        columns.join(", ")
    ));
    assert_eq!(rows(&restored, "SELECT c1499 FROM f WHERE f MATCH 'first'"), ["last"]);
}

#[test]
fn a_key_that_an_old_file_cannot_run_downwards_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.db");
    let old = Connection::open(&source).unwrap();
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_FILE_FORMAT, true).unwrap();
    old.execute_batch(
        "CREATE TABLE t(a, b, PRIMARY KEY (a DESC, b)) WITHOUT ROWID; INSERT INTO t VALUES (1, 2), (3, 4), (3, 5)",
    )
    .unwrap();
    drop(old);
    let database = DatabaseOptions { file: Some(source), ..DatabaseOptions::default() };
    let (_, restored) = Whole::from(database, folder).unwrap().comes_back("an old file");
    assert_eq!(rows(&restored, "SELECT * FROM t"), ["3|4", "3|5", "1|2"]);
}
