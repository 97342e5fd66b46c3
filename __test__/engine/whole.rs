//! From a database to an archive and back: what a backup accepts, verify finds sound and a restore gives back.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cultural_archiver_backup::backup::{BackupOptions, BackupReport, create_backup};
use cultural_archiver_backup::error::Error;
use cultural_archiver_backup::job::{Job, Warning};
use cultural_archiver_backup::options::{CommonOptions, DatabaseOptions};
use cultural_archiver_backup::restore::{RestoreOptions, RestoreReport, restore_backup};
use cultural_archiver_backup::verify::verify_archive;
use rusqlite::Connection;

/// A backup in a folder of its own.
pub struct Whole {
    folder: tempfile::TempDir,
    pub report: BackupReport,
}

impl Whole {
    /// Backs up the database that `sql` makes.
    pub fn of(sql: &str) -> Result<Whole, Error> {
        Whole::with_options(sql, BackupOptions::default())
    }

    /// The same, backed up with these options.
    pub fn with_options(sql: &str, options: BackupOptions) -> Result<Whole, Error> {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        let made = Connection::open(&source).unwrap();
        made.execute_batch(&format!("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        drop(made);
        let database = DatabaseOptions { file: Some(source), ..DatabaseOptions::default() };
        Whole::with(database, folder, options)
    }

    /// Backs up the database that the `sqlite3` shell makes of `sql`, with functions and collating sequences of its own.
    pub fn of_shell(sql: &str) -> Result<Whole, Error> {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        let (stdin, stderr) = (Stdio::piped(), Stdio::piped());
        let mut shell = Command::new("sqlite3").arg(&source).stdin(stdin).stderr(stderr).spawn().unwrap();
        // Not as an argument: Windows takes no command line of more than 32,767 signs.
        shell.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let made = shell.wait_with_output().unwrap();
        assert!(made.stderr.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
        let database = DatabaseOptions { file: Some(source), ..DatabaseOptions::default() };
        Whole::from(database, folder)
    }

    pub fn from(database: DatabaseOptions, folder: tempfile::TempDir) -> Result<Whole, Error> {
        Whole::with(database, folder, BackupOptions::default())
    }

    fn with(
        database: DatabaseOptions,
        folder: tempfile::TempDir,
        options: BackupOptions,
    ) -> Result<Whole, Error> {
        let output_dir = Some(folder.path().join("out"));
        let common = CommonOptions { database, output_dir, ..CommonOptions::default() };
        let options = BackupOptions { common, ..options };
        let report = run(create_backup(options, Job::unattended()))?;
        Ok(Whole { folder, report })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn problems(&self) -> Vec<Warning> {
        run(verify_archive(self.report.path.clone(), Job::unattended())).unwrap().problems
    }

    /// Restores `tables` (none: all) to a database called `name`.
    pub fn restore(&self, name: &str, tables: &[&str]) -> Result<(RestoreReport, Connection), Error> {
        let tables = (!tables.is_empty()).then(|| tables.iter().map(|name| (*name).to_owned()).collect());
        let database = self.file(name);
        let options =
            RestoreOptions { database: Some(database.clone()), tables, ..RestoreOptions::default() };
        let report = run(restore_backup(self.report.path.clone(), options, Job::unattended()))?;
        Ok((report, Connection::open(database).unwrap()))
    }

    /// The backup, which has to be sound and to come back.
    pub fn sound(sql: &str) -> (Whole, RestoreReport, Connection) {
        let whole = Whole::of(sql).unwrap_or_else(|error| panic!("{error} of {}", head(sql)));
        let (report, restored) = whole.comes_back(sql);
        (whole, report, restored)
    }

    pub fn comes_back(&self, sql: &str) -> (RestoreReport, Connection) {
        assert_eq!(self.problems(), [], "{}", head(sql));
        let (report, restored) =
            self.restore("all.db", &[]).unwrap_or_else(|error| panic!("{error} of {}", head(sql)));
        assert!(report.restored_everything && report.tables.iter().all(|table| table.matches), "{report:?}");
        (report, restored)
    }

    pub fn warned(&self, code: &str) -> Vec<&str> {
        let about = self.report.warnings.iter().filter(|warning| warning.code == code);
        about.map(|warning| warning.subject.as_deref().unwrap_or_default()).collect()
    }
}

fn head(sql: &str) -> String {
    sql.chars().take(300).collect()
}

pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

/// The rows of a query, each as its values with a bar between.
pub fn rows(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let columns = statement.column_count();
    let line = |row: &rusqlite::Row<'_>| {
        let values = (0..columns).map(|at| match row.get_ref(at)? {
            rusqlite::types::ValueRef::Integer(value) => Ok(value.to_string()),
            rusqlite::types::ValueRef::Text(value) => Ok(String::from_utf8_lossy(value).into_owned()),
            other => Ok(format!("{other:?}")),
        });
        Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    };
    statement
        .query_map([], line)
        .unwrap()
        .map(|line| line.unwrap_or_else(|error| error.to_string()))
        .collect()
}

#[test]
fn a_table_that_only_sounds_like_one_behind_an_index_comes_back() {
    let words = "CREATE TABLE t(id INTEGER PRIMARY KEY, body); INSERT INTO t VALUES (1, 'hello world');";
    for (table, rest) in [
        (
            "docs_content(id INTEGER PRIMARY KEY, body)",
            "fts5(body, content='docs_content', content_rowid='id')",
        ),
        ("docs_content(id INTEGER PRIMARY KEY, secret)", "fts5(body, content='t', content_rowid='id')"),
        ("docs_content(id INTEGER PRIMARY KEY, body)", "fts5(body, content='')"),
        ("docs_docsize(id INTEGER PRIMARY KEY, body)", "fts5(body, columnsize=0)"),
        ("docs_content(docid INTEGER PRIMARY KEY, body)", "fts4(content='docs_content', body)"),
        ("docs_content(id INTEGER PRIMARY KEY, body)", "fts4(content='docs_content')"),
        ("docs_stat(id INTEGER PRIMARY KEY, body)", "fts3(body)"),
    ] {
        let name = table.split('(').next().unwrap();
        let sql = format!(
            "{words} CREATE TABLE {table}; INSERT INTO {name} VALUES (7, 'precious'), (8, 'hello');
             CREATE VIRTUAL TABLE docs USING {rest};
             INSERT INTO docs(rowid, body) VALUES (7, 'precious');"
        );
        let (_, report, restored) = Whole::sound(&sql);
        assert!(report.tables.iter().any(|table| table.name == name && table.rows == 2), "{report:?}");
        assert_eq!(rows(&restored, &format!("SELECT * FROM {name}")), ["7|precious", "8|hello"], "{rest}");
        assert_eq!(rows(&restored, "SELECT rowid FROM docs WHERE docs MATCH 'precious'"), ["7"], "{rest}");
    }
}

#[test]
fn what_the_drill_takes_verify_and_restore_take() {
    let many = "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 2000)";
    let indexes: String = (0..60).map(|n| format!("CREATE INDEX i{n} ON t(a);")).collect();
    let tables: String = (0..2500).map(|n| format!("CREATE TABLE t{n}(a UNIQUE);")).collect();
    for sql in [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, zeroblob(2500000));".to_owned(),
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(p REFERENCES p(id), a);
         INSERT INTO t VALUES (99, zeroblob(1200000));"
            .to_owned(),
        "CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts4(a); INSERT INTO f VALUES (printf('%.*c', 1200000, 'x'));".to_owned(),
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b AS (hex(a)) STORED); INSERT INTO t(a) VALUES (zeroblob(900000));"
            .to_owned(),
        format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a); {many} INSERT INTO t SELECT i, i || printf('%.*c', 1000, 'x') FROM c; {indexes}"
        ),
        format!("BEGIN; {tables} COMMIT;"),
    ] {
        let (whole, ..) = Whole::sound(&sql);
        let mut zip = zip::ZipArchive::new(std::fs::File::open(&whole.report.path).unwrap()).unwrap();
        let script = whole.file("own.sql");
        let mut file = std::fs::File::create(&script).unwrap();
        std::io::copy(&mut zip.by_name("database.sql").unwrap(), &mut file).unwrap();
        let database = DatabaseOptions { sql: Some(script), ..DatabaseOptions::default() };
        Whole::from(database, tempfile::tempdir().unwrap()).unwrap();
    }
}

#[test]
fn what_is_said_to_stand_apart_stands_there() {
    let columns: Vec<String> = (0..105).map(|n| format!("c{n}")).collect();
    for sql in [
        "CREATE TABLE p(a); CREATE TABLE c(x REFERENCES p(a));".to_owned(),
        "CREATE TABLE orders(x REFERENCES dropped(id), y); CREATE TABLE other(a); INSERT INTO other VALUES (1);"
            .to_owned(),
        format!("CREATE TABLE t(a CHECK (a LIKE '{}'));", "x".repeat(60)),
        format!("CREATE TABLE t({});", columns.join(", ")),
        "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f(f, rank) VALUES ('insttoken', 1); INSERT INTO f VALUES ('x');".to_owned(),
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x REFERENCES nowhere(z)); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE f USING fts5(x, content=t, content_rowid=id);"
            .to_owned(),
    ] {
        let (whole, ..) = Whole::sound(&sql);
        let archive = std::fs::File::open(&whole.report.path).unwrap();
        let mut archive = zip::ZipArchive::new(archive).unwrap();
        let has_extra = archive.by_name("database-extra.sql").is_ok();
        assert_eq!(has_extra, !whole.report.metadata.database.in_extra.is_empty(), "{}", head(&sql));
    }
}

/// A database of pages of 512 bytes, of which `damage` changes the bytes.
pub fn damaged(sql: &str, damage: impl FnOnce(&Connection, &mut Vec<u8>)) -> Result<Whole, Error> {
    damaged_with(sql, damage, BackupOptions::default())
}

/// The same, backed up with these options.
pub fn damaged_with(
    sql: &str,
    damage: impl FnOnce(&Connection, &mut Vec<u8>),
    options: BackupOptions,
) -> Result<Whole, Error> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.db");
    let made = Connection::open(&source).unwrap();
    made.execute_batch(&format!("PRAGMA foreign_keys = OFF; PRAGMA page_size = 512; BEGIN; {sql} COMMIT;"))
        .unwrap();
    let mut bytes = std::fs::read(&source).unwrap();
    damage(&made, &mut bytes);
    drop(made);
    std::fs::write(&source, bytes).unwrap();
    let database = DatabaseOptions { file: Some(source), ..DatabaseOptions::default() };
    Whole::with(database, folder, options)
}

pub fn root(db: &Connection, name: &str) -> usize {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: i64 = db.query_row(sql, [name], |row| row.get(0)).unwrap();
    usize::try_from(page - 1).unwrap() * 512
}

pub const MANY: &str = "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 200)";

#[test]
fn rows_that_damage_has_taken_are_told() {
    let sql = format!(
        "CREATE TABLE p(x, y); CREATE TABLE q(x, y); {MANY} INSERT INTO p SELECT i, printf('%.*c', 200, 'y') FROM c;
         {MANY} INSERT INTO q SELECT i, printf('%.*c', 200, 'z') FROM c WHERE i < 5;"
    );
    let whole = damaged(&sql, |db, bytes| {
        let (to, from) = (root(db, "p"), root(db, "q"));
        bytes.copy_within(from..from + 512, to);
    })
    .unwrap();
    assert_eq!(whole.warned("SOURCE_DAMAGED").len(), 1, "{:?}", whole.report.warnings);
    whole.comes_back(&sql);
}

#[test]
fn an_index_with_another_value_than_its_row_is_told() {
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, name); INSERT INTO t(name) VALUES ('alpha'), ('beta'), ('gamma');
               CREATE INDEX i ON t(name);";
    let whole = damaged(sql, |db, bytes| {
        let page = root(db, "i");
        let at = bytes[page..page + 512].windows(5).position(|text| text == b"gamma").unwrap();
        bytes[page + at + 1] = b'u';
    })
    .unwrap();
    let told = whole.report.warnings.iter().find(|warning| warning.code == "INDEX_DAMAGED");
    assert!(told.is_some_and(|warning| warning.message.contains("no row is missing")), "{told:?}");
    let (_, restored) = whole.comes_back(sql);
    assert_eq!(rows(&restored, "SELECT name FROM t ORDER BY name"), ["alpha", "beta", "gamma"]);
}

/// A write that never reached the disk leaves a page as it was before, in which SQLite finds no fault.
#[test]
fn an_index_with_more_entries_than_rows_is_not_said_to_lose_none() {
    let before = format!(
        "CREATE TABLE t(a); CREATE INDEX i ON t(a); {MANY} INSERT INTO t SELECT i FROM c;
         CREATE TABLE other(a); {MANY} INSERT INTO other SELECT i FROM c;"
    );
    let mut earlier = Vec::new();
    damaged(&before, |_, bytes| earlier.clone_from(bytes)).unwrap();
    let after = format!("{before} INSERT INTO t VALUES (201), (202);");
    let whole = damaged(&after, |_, bytes| {
        let mut pages = (4..earlier.len() / 512).map(|page| page * 512..(page + 1) * 512);
        let grown = pages
            .find(|page| bytes[page.start] == 13 && bytes[page.clone()] != earlier[page.clone()])
            .unwrap();
        bytes[grown.clone()].copy_from_slice(&earlier[grown]);
    })
    .unwrap();
    let told = whole.report.warnings.iter().filter(|warning| warning.code == "INDEX_DAMAGED");
    let told: Vec<&str> = told.map(|warning| warning.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|message| message.contains("an earlier backup")), "{told:?}");
    assert!(told.iter().all(|message| !message.contains("no row is missing")), "{told:?}");
    let (_, restored) = whole.comes_back(&after);
    assert_eq!(rows(&restored, "SELECT count(*) FROM t"), ["200"]);
}

#[test]
fn a_table_whose_rows_are_there_twice_is_kept_without_rules() {
    let sql = format!(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, y); CREATE TABLE fine(a);
         {MANY} INSERT INTO p SELECT i, printf('%.*c', 100, 'y') FROM c WHERE i <= 100; INSERT INTO fine VALUES ('kept');"
    );
    let whole = damaged(&sql, |_, bytes| {
        // Two leaves of the table, side by side.
        let leaves: Vec<usize> =
            (1..bytes.len() / 512).map(|page| page * 512).filter(|page| bytes[*page] == 13).collect();
        bytes.copy_within(leaves[4]..leaves[4] + 512, leaves[5]);
    })
    .unwrap();
    assert_eq!(whole.warned("TABLE_DAMAGED"), ["p"], "{:?}", whole.report.warnings);
    let (_, restored) = whole.comes_back(&sql);
    assert_eq!(rows(&restored, "SELECT * FROM fine"), ["kept"]);
    let kept = rows(&restored, "SELECT count(*) > 80, count(DISTINCT id) < count(*) FROM \"p as it was\"");
    assert_eq!(kept, ["1|1"]);
}

#[test]
fn a_full_text_index_that_is_damaged_keeps_no_row_back() {
    let own = "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs(rowid, body) VALUES (1, 'hello world'), (2, 'foo bar'), (3, 'baz');";
    for (damage, found) in [
        ("INSERT INTO docs_content VALUES (9, 'foo unindexed')", "2 9"),
        ("DELETE FROM docs_content WHERE id = 3", "2"),
        ("DELETE FROM docs_docsize WHERE id = 2", "2"),
        ("DELETE FROM docs_data WHERE id > 10", "2"),
        ("DELETE FROM docs_data WHERE id = 10", "2"),
        ("DELETE FROM docs_config", "2"),
        ("UPDATE docs_data SET block = x'ffffffffffffffff' WHERE id > 10", "2"),
        ("DROP TABLE docs_data", "2"),
    ] {
        let (whole, _, restored) =
            Whole::sound(&format!("{own} CREATE TABLE z(a); INSERT INTO z VALUES (1); {damage}"));
        let hits = rows(&restored, "SELECT rowid FROM docs WHERE docs MATCH 'foo' ORDER BY rowid").join(" ");
        assert_eq!(hits, found, "{damage}");
        assert!(whole.warned("INDEX_DAMAGED").contains(&"docs"), "{damage}: {:?}", whole.report.warnings);
    }
    let over = "CREATE TABLE t(id INTEGER PRIMARY KEY, body); INSERT INTO t VALUES (1, 'hello world'), (2, 'foo bar'), (3, 'secret foo');
         CREATE VIRTUAL TABLE docs USING fts5(body, content=t, content_rowid=id);
         INSERT INTO docs(rowid, body) SELECT id, body FROM t WHERE id < 3;";
    for damage in [
        "DELETE FROM docs_data WHERE id > 10",
        "DELETE FROM docs_data WHERE id = 10",
        "UPDATE docs_data SET block = x'ffffffffffffffff' WHERE id > 10",
    ] {
        let (whole, _, restored) = Whole::sound(&format!("{over} {damage}"));
        assert_eq!(rows(&restored, "SELECT rowid FROM docs WHERE docs MATCH 'foo'"), ["2"], "{damage}");
        assert!(whole.warned("INDEX_DAMAGED").contains(&"docs"), "{damage}: {:?}", whole.report.warnings);
        assert_eq!(whole.warned("SOURCE_DAMAGED"), [""; 0], "{damage}: {:?}", whole.report.warnings);
    }
}

#[test]
fn an_index_that_cannot_be_set_up_costs_itself_alone() {
    let sound = "CREATE TABLE z(a); INSERT INTO z VALUES (1);";
    let own = "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('hello world');";
    let rename = |module: &str| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE docs USING {module}' WHERE name = 'docs'"
        )
    };
    for sql in [
        format!("{sound} {own} {}", rename("fts5(body, tokenize=jieba)")),
        format!("{sound} {} {}", own.replace("fts5", "fts4"), rename("fts4(body, tokenize=icu)")),
        format!("{sound} {own} DROP TABLE docs_content"),
        format!("{sound} {} DROP TABLE docs_segdir", own.replace("fts5", "fts4")),
        format!(
            "{sound} CREATE VIRTUAL TABLE docs USING rtree(id, a, b); INSERT INTO docs VALUES (1, 2, 3); DROP TABLE docs_parent"
        ),
    ] {
        let (whole, report, restored) = Whole::sound(&sql);
        assert_eq!(whole.warned("MODULE_UNKNOWN"), ["docs"], "{sql}");
        assert_eq!(rows(&restored, "SELECT a FROM z"), ["1"]);
        assert!(report.tables.iter().any(|table| table.name.starts_with("docs_") && table.rows > 0), "{sql}");
    }
    for damage in [
        format!("{} UPDATE docs_segdir SET root = x'ffff'", own.replace("fts5", "fts4")),
        "CREATE VIRTUAL TABLE docs USING rtree(id, a, b); INSERT INTO docs VALUES (1, 2, 3); DELETE FROM docs_node".into(),
        "CREATE VIRTUAL TABLE docs USING fts5(body, content=''); INSERT INTO docs(rowid, body) VALUES (1, 'a b');
         UPDATE docs_data SET block = x'ffffffffffffffff' WHERE id > 10"
            .into(),
    ] {
        let (_, _, restored) = Whole::sound(&format!("{sound} {damage}"));
        assert_eq!(rows(&restored, "SELECT a FROM z"), ["1"], "{damage}");
    }
}
