//! Databases that SQLite allows and hardly anybody makes.

use super::*;

fn warned(files: &Files) -> Vec<(&str, &str)> {
    let warnings = files.dump.warnings.iter();
    warnings.map(|it| (it.code.as_str(), it.subject.as_deref().unwrap_or_default())).collect()
}

#[test]
fn what_the_shell_would_read_otherwise_is_guarded_or_told() {
    let files = round_trip(
        "CREATE TABLE t(a, b, c AS (a\n/\nb));
         CREATE INDEX i ON t(a\n/ -- b\nb);
         CREATE VIEW v AS SELECT a AS\ngo\nFROM t;
         CREATE TABLE \"x\r\ny\"(a DEFAULT 'x\r\ny');
         INSERT INTO t VALUES (6, 3); INSERT INTO \"x\r\ny\" VALUES (1);",
    );
    assert_eq!(files.extra, "");
    assert!(in_order(&files.main, &["c AS (a\n/**//\nb)", "(a\n/**// -- b\nb)", "AS\n/**/go\n"]));
    let expected =
        [("SCHEMA_LINE", "t"), ("SCHEMA_CRLF", "x\r\ny"), ("SCHEMA_LINE", "i"), ("SCHEMA_LINE", "v")];
    assert_eq!(warned(&files), expected);
}

/// A script without its rows, which may be long.
fn makes(script: &str) -> Vec<&str> {
    script.lines().filter(|line| line.starts_with("CREATE") && !line.contains("backup_pieces")).collect()
}

#[test]
fn rows_that_grow_beyond_what_d1_takes_stand_apart() {
    let long = "hex(zeroblob(550000))";
    let files = round_trip(&format!(
        "CREATE TABLE g(id INTEGER PRIMARY KEY, b, c AS (lower(b)) STORED);
         CREATE TABLE e(id INTEGER PRIMARY KEY, b); CREATE INDEX i ON e(b || b);
         CREATE TABLE v(id INTEGER PRIMARY KEY, b, c AS (lower(b)));
         CREATE TABLE d(id INTEGER PRIMARY KEY, b, c AS (b || b)); INSERT INTO d(b) VALUES ({long}), ('x');
         CREATE VIRTUAL TABLE f USING fts5(a, b); CREATE VIRTUAL TABLE s USING fts5(a);
         INSERT INTO g(b) VALUES ({long}), ('x'); INSERT INTO e(b) VALUES ({long}), ('x');
         INSERT INTO v(b) VALUES ({long}), ('x');
         INSERT INTO f VALUES ({long}, {long}), ('x', 'y'); INSERT INTO s VALUES ({long});"
    ));
    let subjects: Vec<(&str, &str)> = warned(&files);
    assert_eq!(subjects, [("IN_EXTRA", "g"), ("IN_EXTRA", "e"), ("IN_EXTRA", "d"), ("IN_EXTRA", "f")]);
    assert_eq!((makes(&files.main).len(), makes(&files.extra).len()), (7, 0));
    assert!(files.main.contains("INSERT INTO \"g\" (\"id\", \"b\") VALUES\n(2,'x');"));
    assert!(files.main.contains("INSERT INTO \"e\" (\"id\", \"b\") VALUES\n(2,'x');"));
    assert!(!files.main.contains("INSERT INTO \"f\"") && files.extra.contains("INSERT INTO \"f\""));
}

#[test]
fn rows_that_are_long_patterns_stand_apart() {
    let long = "y".repeat(80);
    for (table, index) in [
        ("t(p, CHECK ('x' NOT LIKE p))", ""),
        ("t(p, g AS ('x' LIKE p) STORED)", ""),
        ("t(p NOT NULL ON CONFLICT ROLLBACK CHECK (like(p, 'x') IS NOT 5))", ""),
        ("t(p REFERENCES nowhere)", "CREATE INDEX i ON t('x' LIKE p)"),
        ("t(p)", "CREATE INDEX i ON t(glob(p, 'x'))"),
        ("t(p)", "CREATE INDEX i ON t(p) WHERE 'x' GLOB p"),
        ("t(p, CHECK ('x' NOT LIKE '%' || p))", ""),
        ("t(p, g AS ('x' LIKE 'a' || p || '%'))", ""),
        ("t(p)", "CREATE INDEX i ON t(p) WHERE 'x' NOT LIKE '%' || p"),
    ] {
        let files = round_trip(&format!(
            "CREATE TABLE {table}; {index}; INSERT INTO t VALUES ('short'), ('{long}');"
        ));
        let (main, extra) = (&files.main, &files.extra);
        let is_moved = main.contains(&long) || !extra.contains(&long) || !extra.contains("INSERT INTO");
        assert!(!is_moved, "{table} {index}\n{main}\n{extra}");
        assert_eq!(makes(main).len(), if index.is_empty() { 1 } else { 2 });
        assert!(main.contains("'short'") || table.contains("nowhere"), "{main}");
    }
    // Without a rowid that can be named.
    let files = round_trip(&format!(
        "CREATE TABLE w(p PRIMARY KEY CHECK ('x' NOT LIKE p)) WITHOUT ROWID; INSERT INTO w VALUES ('{long}');
         CREATE TABLE v(p, g AS ('x' LIKE p)); INSERT INTO v VALUES ('{long}');
         CREATE TABLE k(p CHECK (p LIKE 'y%')); INSERT INTO k VALUES ('{long}');"
    ));
    assert_eq!(warned(&files), [("IN_EXTRA", "w"), ("IN_EXTRA", "v")]);
}

#[test]
fn names_that_fill_a_statement_leave_the_rows_to_the_other_file() {
    let named = |count: usize| {
        let names = (0..count).map(|n| format!("c{n}_{}", "n".repeat(85_000 / count)));
        names.collect::<Vec<_>>().join(", ")
    };
    let values = |count: usize| vec!["'z'"; count].join(", ");
    let files = round_trip(&format!(
        "CREATE TABLE t({0}); CREATE TABLE empty({0}); CREATE VIRTUAL TABLE f USING fts5({1});
         INSERT INTO t VALUES ({2}); INSERT INTO f VALUES ({3});
         CREATE TABLE c({4}); CREATE VIRTUAL TABLE p USING fts5({4}, content=c); INSERT INTO c VALUES ({3}); INSERT INTO p(p) VALUES ('rebuild');",
        named(95),
        named(40),
        values(95),
        values(40),
        named(40).replace(&"n".repeat(1100), "")
    ));
    assert_eq!(warned(&files), [("IN_EXTRA", "t"), ("IN_EXTRA", "f"), ("IN_EXTRA", "p")]);
    assert_eq!((makes(&files.main).len(), files.main.matches("INSERT").count()), (5, 1));
}

#[test]
fn what_no_restore_makes_loses_its_rules_and_keeps_its_rows() {
    let files = written(&database(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b DEFAULT (load_extension('x'))); INSERT INTO t VALUES (7, 'x');",
    ));
    assert_eq!(warned(&files), [("APPLICATION_NEEDED", "t")]);
    assert!(files.dump.warnings[0].message.contains("calls the function load_extension"));
    assert!(files.main.contains("(7,'x')") && files.extra.starts_with("/* CREATE TABLE t("));

    let connection = database(
        "CREATE TABLE g(a, b AS (zeroblob(20000000))); INSERT INTO g(a) VALUES ('one');
         CREATE TABLE h(a, b AS (zeroblob(a)), c AS (a + 1) STORED); INSERT INTO h(a) VALUES (100);",
    );
    let folder = tempfile::tempdir().unwrap();
    let job = Job::unattended();
    let repairs = Repairs::find(&connection, Doubt::Rows, &folder.path().join("trial"), &job).unwrap();
    assert_eq!(repairs, Repairs { rescued: [("g".to_owned(), Fault::Grown)].into(), ..Repairs::default() });
    let files = repaired(&connection, &repairs);
    assert_eq!(warned(&files), [("VALUE_GROWN", "g"), ("IN_EXTRA", "g")]);
    assert!(files.main.contains("CREATE TABLE g(") && files.main.contains("INSERT INTO \"h\""));
    assert!(files.extra.contains("CREATE TABLE \"g as it was\" (\"a\")") && files.extra.contains("('one')"));
}

#[test]
fn full_text_indexes_may_have_the_names_that_trials_are_made_with() {
    let files = round_trip(
        "CREATE VIRTUAL TABLE a USING fts5(b); INSERT INTO a VALUES ('one'); INSERT INTO a(a, rank) VALUES ('pgsz', 64);
         CREATE TABLE c(trial); INSERT INTO c VALUES ('two');
         CREATE VIRTUAL TABLE f USING fts5(trial, content=c); INSERT INTO f(f) VALUES ('rebuild');",
    );
    assert_eq!(files.extra, "");
    assert!(files.main.contains("INSERT INTO \"a\" (\"a\", rank) VALUES ('pgsz', 64)"), "{}", files.main);
    assert!(files.main.contains("VALUES ('rebuild')"), "{}", files.main);
}

#[test]
fn an_index_over_a_view_is_filled_where_the_view_can_be_read() {
    let long = "y".repeat(60);
    let empty = "CREATE VIRTUAL TABLE c USING fts5(t, content=''); INSERT INTO c(rowid, t) VALUES (1, 'x');
                 CREATE VIRTUAL TABLE w USING fts5vocab(c, instance);";
    for (made, content, warned_of) in [
        ("CREATE VIEW v AS SELECT id, upper(t) AS t FROM a WHERE t LIKE 't%'", "v", vec![]),
        (
            "CREATE VIEW v AS SELECT id, t FROM a; CREATE VIEW o AS SELECT t FROM a WHERE t LIKE '%n%' ORDER BY t",
            "v",
            vec![],
        ),
        // What has no rows here is no matter to a view that does not name it, itself or by its vocabulary.
        (
            "CREATE VIEW v AS SELECT id, t FROM a; CREATE VIRTUAL TABLE old USING fts5(t, content='gone')",
            "v",
            vec!["old"],
        ),
        (&format!("{empty} CREATE VIEW v AS SELECT id, t FROM a"), "v", vec!["c"]),
        (
            &format!(
                "{empty} CREATE VIEW v AS SELECT id, t FROM a WHERE id IN (SELECT rowid FROM C WHERE c MATCH 'x')"
            ),
            "v",
            vec!["c", "f"],
        ),
        (&format!("{empty} CREATE VIEW v AS SELECT doc AS id, term AS t FROM w"), "v", vec!["c", "f"]),
        (&format!("{empty} CREATE VIEW v AS SELECT id, 'x' AS t FROM \"c_docsize\""), "v", vec!["c", "f"]),
        // wrangler would cut it.
        ("CREATE VIEW v(t, id) AS SELECT CASE WHEN id = 1 THEN t END, id FROM a", "v", vec!["v", "f"]),
        (
            "CREATE VIEW w(t, id) AS SELECT CASE WHEN id = 1 THEN t END, id FROM a; CREATE VIEW v AS SELECT * FROM w",
            "v",
            vec!["w", "f"],
        ),
        (
            "CREATE VIRTUAL TABLE r USING rtree(id, t, u); INSERT INTO r VALUES (1, 2, 3); CREATE VIEW v AS SELECT * FROM r",
            "v",
            vec!["r", "f"],
        ),
        ("CREATE VIRTUAL TABLE r USING fts4(id, t); INSERT INTO r VALUES (7, 'x')", "r", vec!["r", "f"]),
        ("CREATE VIRTUAL TABLE r USING fts5(id, t); INSERT INTO r VALUES (7, 'x')", "r", vec![]),
        (
            "CREATE VIRTUAL TABLE r USING fts5(id, t, locale=1); INSERT INTO r VALUES (7, 'x')",
            "r",
            vec!["r", "f"],
        ),
        // D1 takes it, and does not read it.
        ("CREATE VIEW v AS SELECT id, t || log10(id) AS t FROM a", "v", vec!["f"]),
        (&format!("CREATE VIEW v AS SELECT id, t FROM a WHERE t NOT LIKE '{long}'"), "v", vec!["f"]),
        ("CREATE VIEW v AS SELECT id, t FROM a WHERE t NOT LIKE t || 'x'", "v", vec!["f"]),
    ] {
        let files = round_trip(&format!(
            "CREATE TABLE a(id INTEGER PRIMARY KEY, t); INSERT INTO a VALUES (1, 'one'), (2, 'two'); {made};
             CREATE VIRTUAL TABLE f USING fts5(t, content='{content}', content_rowid='id');
             INSERT INTO f(rowid, t) SELECT id, t FROM {content};"
        ));
        let subjects: Vec<&str> = warned(&files).into_iter().map(|(_, subject)| subject).collect();
        assert_eq!(subjects, warned_of, "{made}\n{}", files.extra);
        let is_filled = |script: &str| script.contains("INSERT INTO \"f\"");
        assert_eq!(
            (is_filled(&files.main), is_filled(&files.extra)),
            (!warned_of.contains(&"f"), warned_of.contains(&"f")),
            "{made}"
        );
    }
}

/// Loads it as D1 does: whole or not at all, with foreign keys.
fn stands_alone(main: &str) {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection.execute_batch(&format!("BEGIN; {main} COMMIT;")).unwrap();
}

#[test]
fn a_number_that_refers_to_a_text_stands_where_it_is_found() {
    let files = round_trip(
        "CREATE TABLE early(id INTEGER PRIMARY KEY, user REFERENCES users(id)); CREATE TABLE users(id TEXT PRIMARY KEY);
         CREATE TABLE late(user REFERENCES users(id)); CREATE TABLE typed(user INTEGER REFERENCES users(id));
         INSERT INTO users VALUES ('5'), ('x'); INSERT INTO early VALUES (1, 5), (2, '5'), (3, NULL), (4, 'x');
         INSERT INTO late VALUES (5); INSERT INTO typed VALUES (5);",
    );
    stands_alone(&files.main);
    assert_eq!(warned(&files), [("IN_EXTRA", "early")]);
    assert!(
        files.extra.contains("(1,5)") && files.main.contains("(2,'5'),\n(3,NULL),\n(4,'x')"),
        "{}",
        files.main
    );

    // The parent is a later row of the same table, or the row has no rowid.
    let files = round_trip(
        "CREATE TABLE node(id TEXT PRIMARY KEY, up REFERENCES node(id)); INSERT INTO node VALUES ('1', 2), ('2', NULL);
         CREATE TABLE keyed(user PRIMARY KEY REFERENCES users(id)) WITHOUT ROWID; CREATE TABLE users(id VARCHAR UNIQUE);
         INSERT INTO users VALUES ('7.5'); INSERT INTO keyed VALUES (7.5);",
    );
    stands_alone(&files.main);
    assert_eq!(warned(&files), [("IN_EXTRA", "node"), ("IN_EXTRA", "keyed")]);
}

#[test]
fn a_number_follows_the_text_that_it_refers_to() {
    let files = round_trip(
        "CREATE TABLE users(id TEXT PRIMARY KEY, boss TEXT REFERENCES users(id)); INSERT INTO users VALUES ('5', 'gone'), ('6', NULL);
         CREATE TABLE a(user REFERENCES users(id)); INSERT INTO a VALUES (5), ('5'), (6);
         CREATE TABLE b(user INTEGER REFERENCES users(id)); INSERT INTO b VALUES (5), (6);",
    );
    stands_alone(&files.main);
    let expected = [("ORPHAN_ROWS", "users"), ("IN_EXTRA", "users"), ("IN_EXTRA", "a"), ("IN_EXTRA", "b")];
    assert_eq!(warned(&files), expected);
    assert!(files.main.contains("INSERT INTO \"a\" (rowid, \"user\") VALUES\n(3,6);"), "{}", files.main);
}

#[test]
fn no_trigger_sees_an_index_being_filled() {
    let files = round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body, x REFERENCES nowhere(z)); INSERT INTO t VALUES (1, 'one', 2);
         CREATE TABLE log(a); CREATE VIRTUAL TABLE f USING fts5(body, content=t, content_rowid=id);
         INSERT INTO f(f) VALUES ('rebuild');
         CREATE TRIGGER g AFTER INSERT ON f_docsize BEGIN INSERT INTO log VALUES (new.id); END;",
    );
    assert!(in_order(&files.extra, &["'rebuild'", "CREATE TRIGGER g"]), "{}", files.extra);
}
