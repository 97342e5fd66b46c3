#![allow(clippy::unwrap_used, reason = "tests")]

use rusqlite::Connection;

use super::repairs::Fault;
use super::*;
use crate::database::digest;
use crate::job::Phase;

mod odd;

struct Files {
    main: String,
    extra: String,
    dump: Dump,
}

fn written(connection: &Connection) -> Files {
    repaired(connection, &Repairs::default())
}

fn repaired(connection: &Connection, repairs: &Repairs) -> Files {
    let (mut main, mut extra) = (Vec::new(), Vec::new());
    let job = Job::unattended();
    let meter = job.meter(Phase::Database, None, None);
    let output = Output { main: &mut main, extra: &mut extra };
    let dump = dump(connection, repairs, output, &job, &meter).unwrap();
    Files { main: String::from_utf8(main).unwrap(), extra: String::from_utf8(extra).unwrap(), dump }
}

fn database(sql: &str) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

/// Dumps, loads, compares and dumps again.
fn round_trip(sql: &str) -> Files {
    let files = written(&database(sql));
    let again = database(&format!("{}{}", files.main, files.extra));
    let digests = digest::database(&again, &Schema::read(&again).unwrap()).unwrap();
    let sorted = |mut tables: Vec<TableDigest>| {
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        tables
    };
    assert_eq!(sorted(digests), sorted(files.dump.tables.clone()), "{}\n{}", files.main, files.extra);
    let second = written(&again);
    assert_eq!((&second.main, &second.extra), (&files.main, &files.extra));
    files
}

#[test]
fn as_many_rows_may_lack_a_parent_as_refer_to_them() {
    // Takes minutes when all of them are gone over as often as there are rows without a parent.
    let numbers = "WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40000)";
    let files = round_trip(&format!(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE a(id INTEGER PRIMARY KEY, p REFERENCES p(id));
         CREATE TABLE b(a REFERENCES a(id)); INSERT INTO b VALUES (NULL);
         {numbers} INSERT INTO a SELECT n, n FROM n; {numbers} INSERT INTO b SELECT n FROM n"
    ));
    assert_eq!(orphans(&files), [("a", "40000 references of this table lead")]);
}

/// Tables with references to a parent that is missing, and how many.
fn orphans(files: &Files) -> Vec<(&str, &str)> {
    let warnings = files.dump.warnings.iter().filter(|warning| warning.code == "ORPHAN_ROWS");
    warnings
        .filter_map(|warning| {
            Some((warning.subject.as_deref()?, warning.message.split_once(" to a parent")?.0))
        })
        .collect()
}

/// Whether each of `parts` occurs in `text`, in this order.
fn in_order(text: &str, parts: &[&str]) -> bool {
    let mut from = 0;
    parts.iter().all(|part| match text[from..].find(part) {
        Some(at) => {
            from += at + part.len();
            true
        }
        None => false,
    })
}

#[test]
fn objects_stand_in_the_order_that_loads_everywhere() {
    let files = round_trip(
        "CREATE TABLE child(p REFERENCES parent(name)); CREATE INDEX i ON child(p);
         CREATE VIEW second AS SELECT * FROM first; CREATE VIEW first AS SELECT 1 AS a;
         CREATE TRIGGER g INSTEAD OF INSERT ON first BEGIN SELECT 1; END;
         CREATE TABLE parent(name); CREATE UNIQUE INDEX names ON parent(name);
         INSERT INTO parent VALUES ('x'); INSERT INTO child VALUES ('x');
         CREATE VIRTUAL TABLE search USING fts5(name, content='parent');
         INSERT INTO search(search) VALUES ('rebuild');",
    );
    assert_eq!(files.extra, "");
    let order = [
        "PRAGMA defer_foreign_keys=TRUE;",
        "CREATE TABLE child",
        "CREATE TABLE parent",
        "CREATE VIRTUAL TABLE search",
        "CREATE UNIQUE INDEX names",
        "INSERT INTO \"child\"",
        "INSERT INTO \"parent\"",
        "CREATE INDEX i",
        "CREATE VIEW second",
        "CREATE TRIGGER g",
        "VALUES ('rebuild')",
    ];
    assert!(in_order(&files.main, &order), "{}", files.main);
    assert!(!files.main.contains("BEGIN TRANSACTION") && !files.main.contains("COMMIT"));
}

#[test]
fn orphans_and_what_refers_to_them_stand_apart() {
    let files = round_trip(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, up REFERENCES a(id)); CREATE TABLE b(a REFERENCES a);
         CREATE TABLE c(x REFERENCES nowhere); CREATE TABLE d(c REFERENCES c(x));
         CREATE TRIGGER g AFTER INSERT ON a BEGIN INSERT INTO b VALUES (NULL); END;
         DROP TRIGGER g;
         INSERT INTO a VALUES (1, NULL), (2, 99), (3, 2); INSERT INTO b VALUES (1), (3);
         INSERT INTO c VALUES (NULL);
         CREATE TRIGGER g AFTER INSERT ON a BEGIN INSERT INTO b VALUES (NULL); END;",
    );
    assert!(files.main.contains("(1,NULL);") && files.extra.contains("(2,99),\n(3,2);"), "{}", files.main);
    assert!(in_order(
        &files.extra,
        &[
            "DROP TRIGGER \"g\"", "INSERT INTO \"a\"", "INSERT INTO \"b\"", "INSERT INTO \"c\"",
            "CREATE TRIGGER g"
        ]
    ));
    assert_eq!(orphans(&files), [("a", "1 reference of this table leads")]);
}

#[test]
fn rows_stand_apart_where_the_index_behind_their_key_does() {
    let files = round_trip(
        r#"CREATE TABLE parent(a, b); CREATE UNIQUE INDEX "BEGIN TRANSACTION;" ON parent(a, b);
        CREATE TABLE child(x, y, FOREIGN KEY (x, y) REFERENCES parent(a, b)); CREATE TABLE other(z);
        INSERT INTO parent VALUES (1, 2); INSERT INTO child VALUES (1, 2); INSERT INTO other VALUES (3)"#,
    );
    assert!(files.extra.contains("UNIQUE INDEX") && files.main.contains("INSERT INTO \"other\""));
    for table in ["parent", "child"] {
        let insert = format!("INSERT INTO \"{table}\"");
        assert!(files.extra.contains(&insert) && !files.main.contains(&insert), "{table}");
    }
}

#[test]
fn an_index_over_some_rows_stays_over_some_rows() {
    let files = round_trip(
        "CREATE TABLE art(id INTEGER PRIMARY KEY, title, status);
         INSERT INTO art VALUES (1, 'bronze', 'approved'), (2, 'secret', 'pending');
         CREATE VIRTUAL TABLE search USING fts5(title, content='art', content_rowid='id', prefix='2 3');
         INSERT INTO search(rowid, title) SELECT id, title FROM art WHERE status = 'approved';
         INSERT INTO search(search, rank) VALUES ('automerge', 2);",
    );
    assert!(files.main.contains("WHERE \"id\" IN (1)") && !files.main.contains("rebuild"), "{}", files.main);
    assert!(files.main.contains("VALUES ('automerge', 2)"));
}

#[test]
fn an_index_is_made_anew_whatever_comments_its_text_has() {
    for arguments in [
        "title, -- the artist's title\n text, content='art', content_rowid='id'",
        "title, /* the public's, too */ text, content='art', content_rowid='id'",
        "title, text, content='art', content_rowid='id', tokenize='porter' -- english\n",
    ] {
        let files = round_trip(&format!(
            "CREATE TABLE art(id INTEGER PRIMARY KEY, title, text); INSERT INTO art VALUES (7, 'murals', 'by Ann');
             CREATE VIRTUAL TABLE search USING fts5({arguments}); INSERT INTO search(search) VALUES ('rebuild');"
        ));
        assert!(files.main.contains("VALUES ('rebuild')") && files.extra.is_empty(), "{}", files.extra);
    }
    let files = round_trip(
        "CREATE VIRTUAL TABLE search USING fts5(title, -- the artist's title\n content='');
         INSERT INTO search(rowid, title) VALUES (7, 'murals');",
    );
    assert!(files.extra.contains("INSERT INTO \"search_data\""), "{}", files.extra);
}

#[test]
fn an_index_that_rows_cannot_give_again_is_kept_as_it_is() {
    let contentless =
        "CREATE VIRTUAL TABLE f USING fts5(a, content=''); INSERT INTO f(rowid, a) VALUES (7, 'x y');";
    let stale = "CREATE TABLE t(a); INSERT INTO t VALUES ('old');
         CREATE VIRTUAL TABLE f USING fts5(a, content='t'); INSERT INTO f(f) VALUES ('rebuild');
         UPDATE t SET a = 'new';";
    let gone = "CREATE TABLE t(a); INSERT INTO t VALUES ('old'), ('other');
         CREATE VIRTUAL TABLE f USING fts5(a, content='t'); INSERT INTO f(f) VALUES ('rebuild'); DELETE FROM t WHERE rowid = 1;";
    for sql in [contentless, stale, gone] {
        let files = round_trip(sql);
        assert!(
            files.main.contains("CREATE VIRTUAL TABLE f") && files.extra.contains("DELETE FROM \"f_data\""),
            "{sql}"
        );
    }
}

#[test]
fn what_d1_refuses_is_in_the_other_file_alone() {
    let columns: Vec<String> = (0..101).map(|n| format!("c{n}")).collect();
    let files = round_trip(&format!(
        "CREATE TABLE wide({}); INSERT INTO wide(c0) VALUES (1); CREATE INDEX w ON wide(c1);
         CREATE TABLE [a;b](c); INSERT INTO [a;b] VALUES (2);
         CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0.5, 1.5);
         CREATE TABLE big(v); INSERT INTO big VALUES (zeroblob(2000001)), (3);
         PRAGMA user_version = 5; PRAGMA application_id = 6;",
        columns.join(", ")
    ));
    let lost = ["wide", "[a;b]", "rtree", "user_version", "application_id", "CREATE INDEX w"];
    assert!(
        lost.iter().all(|part| files.extra.contains(part) && !files.main.contains(part)),
        "{}",
        files.main
    );
    assert!(files.main.contains("(2,3);"), "{}", files.main);
    assert_eq!(files.dump.in_extra.len(), 7, "{:?}", files.dump.in_extra);
}

#[test]
fn a_sequence_comes_back_as_it_was() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5); UPDATE sqlite_sequence SET seq = 99;
         INSERT INTO sqlite_sequence(rowid, name, seq) VALUES (9, 'gone', NULL);",
    );
    let left = round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5); DROP TABLE t; CREATE TABLE u(a);",
    );
    assert!(left.main.contains("AUTOINCREMENT"), "{}", left.main);
}

#[test]
fn texts_that_end_in_a_comment_are_closed() {
    round_trip("CREATE VIEW v AS SELECT 1 -- one\n; CREATE TABLE t(a) -- two\n;");
    let connection = database("CREATE TABLE t(a)");
    connection.execute("CREATE VIEW v AS SELECT 1 /* open", []).unwrap();
    assert!(
        written(&connection).main.contains("/* open*/;\n")
            || written(&connection).extra.contains("/* open*/;\n")
    );
}

#[test]
fn rows_that_break_their_own_rules_come_back() {
    let connection = database(
        "CREATE TABLE checked(a CHECK (a > 0)); CREATE TABLE once(a UNIQUE, rowid); CREATE TABLE twice(a);
         CREATE TABLE filled(a, b NOT NULL); CREATE UNIQUE INDEX single ON twice(a);
         PRAGMA ignore_check_constraints = ON; INSERT INTO checked VALUES (-1);
         INSERT INTO twice VALUES (1); INSERT INTO once VALUES (1, 2); INSERT INTO filled VALUES (1, 2);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE INDEX', 'INDEX') WHERE name = 'single';
         UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'filled';
         PRAGMA writable_schema = RESET;
         INSERT INTO twice VALUES (1); INSERT INTO filled VALUES (3, NULL); PRAGMA ignore_check_constraints = OFF;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'INDEX', 'UNIQUE INDEX') WHERE name = 'single';
         UPDATE sqlite_schema SET sql = replace(sql, 'b)', 'b NOT NULL)') WHERE name = 'filled';
         PRAGMA writable_schema = RESET;",
    );
    let folder = tempfile::tempdir().unwrap();
    let job = Job::unattended();
    let repairs = Repairs::find(&connection, Doubt::Rows, &folder.path().join("trial"), &job).unwrap();
    let names =
        |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    let found = [&repairs.checks, &repairs.indexes].map(names);
    assert_eq!(found, ["checked", "single"]);
    assert_eq!(repairs.rescued, [("filled".to_owned(), Fault::Rules)].into());
    let files = repaired(&connection, &repairs);
    let again = database(&format!("{}{}", files.main, files.extra));
    let digests = digest::database(&again, &Schema::read(&again).unwrap()).unwrap();
    for table in &files.dump.tables {
        assert!(digests.contains(table), "{table:?}\n{}\n{}", files.main, files.extra);
    }
    let kept: i64 =
        again.query_row("SELECT count(*) FROM \"filled as it was\"", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2);
    assert!(files.extra.contains("/* CREATE UNIQUE INDEX single"), "{}", files.extra);
}

#[test]
fn a_table_that_d1_refuses_stands_apart_whatever_its_rows_break() {
    let columns: Vec<String> = (0..101).map(|n| format!("c{n}")).collect();
    let connection = database(&format!(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE wide({}, p REFERENCES parent(id)); CREATE INDEX w ON wide(c1); INSERT INTO wide(c0, p) VALUES (7, 1);
         CREATE TRIGGER g AFTER INSERT ON wide BEGIN DELETE FROM parent; END;",
        columns.join(", ")
    ));
    let repairs = Repairs { rescued: [("wide".to_owned(), Fault::Rules)].into(), ..Repairs::default() };
    let files = repaired(&connection, &repairs);
    assert!(!files.main.contains("wide") && files.main.contains("INSERT INTO \"parent\""), "{}", files.main);
    let order =
        ["CREATE TABLE wide", "CREATE TABLE \"wide as it was\"", "CREATE INDEX w", "CREATE TRIGGER g"];
    assert!(in_order(&files.extra, &order), "{}", files.extra);
    assert_eq!(
        files.dump.in_extra,
        ["table wide", "the rows of wide, as table wide as it was", "index w", "trigger g"]
    );
    let again = database(&format!("{}{}", files.main, files.extra));
    let digests = digest::database(&again, &Schema::read(&again).unwrap()).unwrap();
    for table in &files.dump.tables {
        assert!(digests.contains(table), "{table:?}");
    }
}

#[test]
fn an_index_that_misses_rows_is_told_and_loses_none() {
    let connection = database(
        "CREATE TABLE t(a TEXT, b UNIQUE); CREATE INDEX i ON t(a); CREATE INDEX part ON t(a) WHERE b > 1;
         INSERT INTO t VALUES ('x', 1), ('y', 2); PRAGMA writable_schema = ON; CREATE TABLE empty(a);
         CREATE INDEX e ON empty(a);
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'e') WHERE name = 'i';
         PRAGMA writable_schema = RESET;",
    );
    let files = written(&connection);
    let damaged: Vec<_> =
        files.dump.warnings.iter().filter(|warning| warning.code == "INDEX_DAMAGED").collect();
    assert_eq!(damaged.len(), 1, "{:?}", files.dump.warnings);
    assert_eq!(damaged[0].subject.as_deref(), Some("t"));
    assert!(damaged[0].message.contains("the index i of this table has 0 entries for 2 rows"));
    assert!(files.main.contains("('x',1),\n('y',2);"), "{}", files.main);
}
