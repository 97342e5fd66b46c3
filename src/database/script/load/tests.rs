#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::process::Command;

use super::*;
use crate::job::Phase;

fn load(script: &str, path: &Path) -> Result<(), LoadError> {
    load_within(script, path, Budget::for_bytes(script.len() as u64))
}

fn load_within(script: &str, path: &Path, budget: Budget) -> Result<(), LoadError> {
    let job = Job::unattended();
    let mut loader = Loader::create(path, budget, &job)?;
    loader.run(script.as_bytes(), &job.meter(Phase::Snapshot, None, None))?;
    loader.finish()
}

/// What a script loads into; panics if it does not load.
fn loaded(script: &str) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    load(script, &path).unwrap();
    let connection = Connection::open(path).unwrap();
    (folder, connection)
}

/// Line and problem of a script that does not load, in a folder where nothing else may appear.
fn refused(script: &str) -> (u64, Problem) {
    refused_within(script, Budget::for_bytes(script.len() as u64))
}

/// The same for scripts that never end, with little patience.
fn stopped(script: &str) -> (u64, Problem) {
    let patience = Duration::from_millis(200);
    refused_within(script, Budget { patience, ..Budget::for_bytes(script.len() as u64) })
}

fn refused_within(script: &str, budget: Budget) -> (u64, Problem) {
    let folder = tempfile::tempdir().unwrap();
    let error =
        load_within(script, &folder.path().join("a.sqlite"), budget).expect_err("the script was loaded");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.sqlite"]);
    match error {
        LoadError::Script { line, problem, .. } => (line, problem),
        other => panic!("{other}"),
    }
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// `sqlite3 .dump` of a database that the shell made with `sql`.
fn dump(sql: &str) -> String {
    let output = Command::new("sqlite3").args([":memory:", sql, ".dump"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_dump_of_the_shell_loads_with_its_virtual_tables() {
    let script = dump(
        "CREATE VIRTUAL TABLE docs USING fts5(title, body); INSERT INTO docs VALUES('it''s', 'hello; world');
         CREATE VIRTUAL TABLE old USING fts4(x); INSERT INTO old VALUES('mural');
         CREATE VIRTUAL TABLE place USING rtree(id, a, b); INSERT INTO place VALUES(1, 2, 3);
         CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b); CREATE INDEX i ON t(b);
         INSERT INTO t(b) VALUES('x' || char(10) || 'y'), (9e999), (x'00'); ANALYZE;
         CREATE TRIGGER tt AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END;
         CREATE VIEW v AS SELECT * FROM docs; CREATE TABLE \"a;b\"(x)",
    );
    assert!(script.contains("writable_schema"));
    let (_folder, connection) = loaded(&script);
    let count: i64 = one(&connection, "SELECT count(*) FROM docs WHERE docs MATCH 'world'");
    assert_eq!(count, 1);
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM old WHERE old MATCH 'mural'"), 1);
    assert_eq!(one::<i64>(&connection, "SELECT id FROM place WHERE a <= 2 AND b >= 3"), 1);
    assert_eq!(one::<String>(&connection, "SELECT title FROM v"), "it's");
    assert_eq!(one::<String>(&connection, "SELECT b FROM t LIMIT 1"), "x\ny");
    assert_eq!(one::<i64>(&connection, "SELECT seq FROM sqlite_sequence"), 3);
    assert_eq!(one::<String>(&connection, "PRAGMA integrity_check"), "ok");
}

#[test]
fn a_d1_export_loads() {
    let (_folder, connection) = loaded(
        "PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE IF NOT EXISTS \"child\" (p REFERENCES parent(id));\n\
         INSERT INTO \"child\" (\"p\") VALUES(1);\nCREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT);\n\
         INSERT INTO \"parent\" (\"id\") VALUES(1);\nANALYZE sqlite_schema;\nINSERT INTO \"sqlite_stat1\" VALUES('x',NULL,'1');\n\
         DELETE FROM sqlite_sequence;\nINSERT INTO \"sqlite_sequence\" (\"name\",\"seq\") VALUES('parent',7);\n",
    );
    assert_eq!(one::<i64>(&connection, "SELECT seq FROM sqlite_sequence"), 7);
    assert_eq!(
        one::<i64>(&connection, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'"),
        0
    );
}

#[test]
fn what_the_shell_recovers_loads() {
    let (_folder, connection) = loaded(
        "BEGIN;\nPRAGMA writable_schema = on;\nPRAGMA foreign_keys = off;\nPRAGMA encoding = 'UTF-16le';\n\
         PRAGMA page_size = '65536';\nPRAGMA auto_vacuum = '1';\nPRAGMA user_version = '5';\n\
         PRAGMA application_id = '0';\nCREATE TABLE t(x);\nINSERT OR IGNORE INTO \"t\"(_rowid_, x) VALUES (1, 'a');\n\
         PRAGMA writable_schema = off;\nCOMMIT;\n",
    );
    assert_eq!(one::<i64>(&connection, "PRAGMA user_version"), 5);
    assert_eq!(one::<String>(&connection, "PRAGMA encoding"), "UTF-8");
    assert_eq!(one::<i64>(&connection, "PRAGMA page_size"), 4096);
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM t"), 1);
}

#[test]
fn a_dump_may_empty_a_sequence_table_that_nothing_needs() {
    let (_folder, connection) = loaded("CREATE TABLE t(x); DELETE FROM sqlite_sequence;");
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM sqlite_schema"), 1);
}

#[test]
fn what_our_own_format_needs_loads() {
    let (_folder, connection) = loaded(
        "PRAGMA user_version=5; PRAGMA application_id=7; CREATE TABLE scratch(v); INSERT INTO scratch VALUES('a');
         UPDATE scratch SET v = v || CAST(X'0062' AS TEXT); CREATE TABLE t(v CHECK(length(v) > 0));
         INSERT INTO t SELECT v FROM scratch; DROP TABLE scratch;
         CREATE VIRTUAL TABLE f USING fts5(v, content='t'); INSERT INTO f(f) VALUES('rebuild');
         CREATE VIRTUAL TABLE n USING fts5(v, content=''); INSERT INTO n(rowid, v) VALUES(9, 'xyz');
         INSERT OR REPLACE INTO n_data(id, block) SELECT id, block FROM n_data;
         INSERT INTO f(f, rank) VALUES('automerge', 8);
         CREATE TABLE g(a INT, b INT AS (a * 2) STORED) STRICT;",
    );
    drop(connection);
}

#[test]
fn a_virtual_table_over_tables_that_do_not_fit_is_refused() {
    let script = dump("CREATE VIRTUAL TABLE docs USING fts5(x); INSERT INTO docs VALUES('a')");
    let row = script.lines().find(|line| line.contains("CREATE VIRTUAL TABLE")).unwrap();
    assert_eq!(refused(&format!("CREATE TABLE a(x);\n{row}")), (2, Problem::VirtualTable));
    assert_eq!(refused(&format!("CREATE TABLE docs(x);\n{row}")), (2, Problem::VirtualTable));
    assert_eq!(refused(&row.replace("fts5(x)", "dbstat")), (1, Problem::VirtualTable));
}

#[test]
fn a_script_cannot_reach_outside_its_database() {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("x.db");
    let file = file.to_str().unwrap();
    for (script, what) in [
        (format!("ATTACH '{file}' AS x;"), "ATTACH"),
        (format!("VACUUM INTO '{file}';"), ""),
        ("VACUUM;".into(), ""),
        ("DETACH main;".into(), "ATTACH"),
        ("SELECT load_extension('x');".into(), "reaches outside"),
        ("SELECT fts3_tokenizer('simple');".into(), "reaches outside"),
        (format!("SELECT writefile('{file}', 'x');"), "by itself"),
        (format!("PRAGMA temp_store_directory='{file}';"), "PRAGMA"),
        ("PRAGMA journal_mode=WAL;".into(), "PRAGMA"),
        ("PRAGMA main.writable_schema_=ON;".into(), "PRAGMA"),
        ("PRAGMA main.writable_schema=ON;".into(), "PRAGMA"),
        ("PRAGMA trusted_schema=ON;".into(), "PRAGMA"),
        ("PRAGMA max_page_count=4294967294;".into(), "PRAGMA"),
        ("SAVEPOINT a;".into(), "SAVEPOINT"),
        ("RELEASE a;".into(), "SAVEPOINT"),
        ("CREATE TEMP TABLE x(y);".into(), "temporary"),
        ("CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END;".into(), "temporary"),
        ("CREATE TABLE temp.t(x);".into(), "temporary"),
        ("CREATE TABLE \"TEMP\".x AS SELECT 1;".into(), "temporary"),
        ("CREATE VIEW temp.x AS SELECT 1;".into(), "temporary"),
        ("CREATE TRIGGER temp.x AFTER INSERT ON main.t BEGIN SELECT 1; END;".into(), "temporary"),
        ("CREATE VIRTUAL TABLE x USING dbstat;".into(), "virtual table"),
        ("CREATE VIRTUAL TABLE temp.x USING fts5(y);".into(), ""),
    ] {
        let (line, problem) = refused(&format!("CREATE TABLE t(x);\n{script}"));
        assert_eq!(line, 2, "{script}");
        let known = matches!(problem, Problem::Forbidden(_) | Problem::Lacking | Problem::Refused);
        assert!(known && problem.to_string().contains(what), "{script}: {problem}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn commands_of_the_shell_are_not_run() {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("x");
    for command in ["shell touch", "system touch", "read", "output", "open"] {
        let script = format!("CREATE TABLE t(x);\n\n.{command} {}\nSELECT 1;", file.display());
        assert_eq!(refused(&script), (3, Problem::ShellCommand));
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn the_schema_cannot_be_written() {
    let trigger = "'trigger','x','t',0,'CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END'";
    for (script, problem) in [
        (format!("INSERT INTO sqlite_schema VALUES({trigger});"), Problem::VirtualTable),
        (
            format!("INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES({trigger});"),
            Problem::VirtualTable,
        ),
        (format!("WITH a AS (SELECT 1) INSERT INTO main.sqlite_schema VALUES({trigger});"), Problem::Refused),
        ("UPDATE sqlite_schema SET sql = '';".into(), Problem::Refused),
        ("DELETE FROM sqlite_schema;".into(), Problem::VirtualTable),
        ("REPLACE INTO sqlite_schema VALUES(1,2,3,4,5);".into(), Problem::Refused),
    ] {
        let script = format!("PRAGMA writable_schema=ON;\nCREATE TABLE t(x);\n{script}");
        assert_eq!(refused(&script), (3, problem), "{script}");
    }
}

#[test]
fn a_script_cannot_run_without_end() {
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    for statement in
        ["SELECT count(*) FROM c;", "SELECT x FROM c;", "SELECT count(*) FROM c a, c b ORDER BY a.x;"]
    {
        assert_eq!(
            stopped(&format!("CREATE TABLE t(x);\n{endless} {statement}")),
            (2, Problem::Slow),
            "{statement}"
        );
    }
}

#[test]
fn a_script_cannot_grow_without_measure() {
    let table = "CREATE TABLE t(x);\n";
    let many = format!("SELECT 1 FROM json_each('[{}1]')", "1,".repeat(500));
    for statement in [
        "INSERT INTO t SELECT zeroblob(1000000000);".to_owned(),
        "SELECT replace(hex(zeroblob(400000)), '0', hex(zeroblob(100)));".to_owned(),
        format!("INSERT INTO t SELECT zeroblob(900000) FROM ({many});"),
        format!("CREATE TABLE u AS SELECT zeroblob(900000) FROM ({many});"),
    ] {
        assert_eq!(refused(&format!("{table}{statement}")), (2, Problem::Big), "{statement}");
    }
}

#[test]
fn many_statements_cannot_grow_without_measure_either() {
    let script = format!("CREATE TABLE t(x);\n{}", "INSERT INTO t VALUES(zeroblob(9000000));\n".repeat(40));
    let (line, problem) = refused(&script);
    assert_eq!(problem, Problem::Big);
    assert!((6..20).contains(&line), "{line}");
}

#[test]
fn triggers_cannot_loop() {
    let script = "CREATE TABLE a(x); CREATE TABLE b(x);
        CREATE TRIGGER ab AFTER INSERT ON a BEGIN INSERT INTO b VALUES(1); END;
        CREATE TRIGGER ba AFTER INSERT ON b BEGIN INSERT INTO a VALUES(1); END;
        PRAGMA recursive_triggers=ON;
        INSERT INTO a VALUES(1);";
    assert!(matches!(refused(script), (4, Problem::Forbidden(_))));
    // Without recursion each runs once, but a fan of triggers still doubles with each level.
    let mut fan = "CREATE TABLE t0(x);".to_owned();
    for level in 1..60 {
        let before = level - 1;
        fan += &format!(
            "CREATE TABLE t{level}(x); CREATE TRIGGER g{level} AFTER INSERT ON t{before} BEGIN
             INSERT INTO t{level} VALUES(1); INSERT INTO t{level} VALUES(1); END;"
        );
    }
    fan += "\nINSERT INTO t0 VALUES(1);";
    let (_, problem) = stopped(&fan);
    assert!(matches!(problem, Problem::Slow | Problem::Big | Problem::Refused), "{problem:?}");
}

#[test]
fn what_the_parser_cannot_take_is_refused() {
    assert_eq!(
        refused(&format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000))).1,
        Problem::Refused
    );
    assert_eq!(refused(&format!("SELECT 1{};", "+1".repeat(100_000))).1, Problem::Refused);
    assert_eq!(refused(&"(".repeat(20_000_000)).1, Problem::Dense);
    assert_eq!(refused(&format!("SELECT {};", "NOT ".repeat(1_000_000))).1, Problem::Refused);
}

#[test]
fn a_script_that_is_not_whole_is_refused() {
    let script = dump("CREATE TABLE t(x); INSERT INTO t VALUES('abc'), ('def')");
    let (_folder, connection) = loaded(&script);
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM t"), 2);
    for cut in script.find("CREATE").unwrap()..script.trim_end().len() - 1 {
        let (_, problem) = refused(&script[..cut]);
        assert!(matches!(problem, Problem::Unfinished | Problem::Uncommitted), "{cut}: {problem:?}");
    }
    assert_eq!(refused(&script.replace("COMMIT;", "ROLLBACK; -- due to errors")).1, Problem::Broken);
}

#[test]
fn no_error_shows_what_the_script_holds() {
    for script in [
        "INSERT INTO t VALUES('secret\n",
        "SELECT secret;",
        "SELECT 'a' secret secret;",
        "INSERT INTO secret VALUES(1);",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.sqlite");
        let error = load(&format!("CREATE TABLE t(x);\n{script}"), &store).unwrap_err();
        let error = error.into_error(Path::new("dump.sql"), &store);
        assert_eq!(error.code(), "DATABASE_UNREADABLE");
        assert!(error.to_string().contains("dump.sql: line 2 "), "{error}");
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_stopped_job_ends_a_long_statement() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job::unattended();
    let mut loader =
        Loader::create(&folder.path().join("a.sqlite"), Budget::for_bytes(1 << 30), &job).unwrap();
    let stop = job.stop_token().clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        stop.cancel();
    });
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT count(*) FROM c;";
    let ended = loader.run(endless.as_bytes(), &job.meter(Phase::Snapshot, None, None));
    assert!(matches!(ended, Err(LoadError::Aborted)), "{ended:?}");
    stopper.join().unwrap();
}

#[test]
fn a_second_script_goes_on_where_the_first_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let job = Job::unattended();
    let meter = job.meter(Phase::Verify, None, None);
    let mut loader = Loader::create(&path, Budget::for_bytes(100), &job).unwrap();
    loader.run("CREATE TABLE t(x);".as_bytes(), &meter).unwrap();
    loader.run("INSERT INTO t VALUES(1);".as_bytes(), &meter).unwrap();
    loader.finish().unwrap();
    assert_eq!(one::<i64>(&Connection::open(&path).unwrap(), "SELECT x FROM t"), 1);
}

#[test]
fn a_disk_that_gives_back_other_bytes_is_no_fault_of_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let job = Job::unattended();
    let meter = job.meter(Phase::Snapshot, None, None);
    let mut loader = Loader::create(&path, Budget::for_bytes(1 << 20), &job).unwrap();
    let fill = "WITH c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 16000)
        INSERT INTO t SELECT printf('%01000d', i) FROM c";
    loader.run(format!("CREATE TABLE t(a); {fill};").as_bytes(), &meter).unwrap();
    // What did not stay in the cache.
    let length = fs::metadata(&path).unwrap().len() as usize;
    assert!(length > 1 << 20);
    fs::write(&path, vec![0xff; length]).unwrap();
    let failed = loader.run("SELECT sum(length(a)) FROM t;".as_bytes(), &meter);
    assert!(matches!(failed, Err(LoadError::Store(_))), "{failed:?}");
}

#[test]
fn no_call_runs_for_hours() {
    let short = "trim(printf('%.*c', 60000, 'a'), printf('%.*c', 60000, 'b') || 'a')";
    let (before, calls) = (worked(), vec![short; 200].join(", "));
    assert_eq!(stopped(&format!("SELECT {calls};")).1, Problem::Slow);
    // All of them take half an hour, one some ten seconds.
    assert!(worked() - before < Duration::from_secs(60));
    let call = "trim(printf('%.*c', 9000000, 'a'), printf('%.*c', 9000000, 'b') || 'a')";
    for script in [
        format!("SELECT {call};"),
        format!("CREATE TABLE t(a, b AS ({call}) STORED);\nINSERT INTO t VALUES(1);"),
        format!("CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\nCREATE INDEX i ON t(a, {call});"),
    ] {
        let (_, problem) = refused(&script);
        assert!(
            matches!(problem, Problem::Forbidden(what) if what.contains("would not end")),
            "{script}: {problem:?}"
        );
    }
}

#[test]
fn generated_columns_lead_no_deeper_than_the_stack_is() {
    let long = format!("/* {} */", "~".repeat(100_000));
    assert_eq!(refused(&format!("CREATE TABLE t(a, b AS (~a) {long});")), (1, Problem::Deep));
    let altered = format!("CREATE TABLE t(a {long});\nALTER TABLE t ADD b GENERATED ALWAYS AS (~a);");
    assert_eq!(refused(&altered), (2, Problem::Deep));
    // Long texts and many columns are no matter.
    let checks: String = (0..1500).map(|n| format!(", c{n} CHECK ({}c{n} <> 5)", "~".repeat(90))).collect();
    let short: String = (0..1500).map(|n| format!(", c{n} INTEGER AS (a + {n})")).collect();
    loaded(&format!("CREATE TABLE t(a{checks}); ALTER TABLE t ADD b; CREATE TABLE u(a{short});"));
}
