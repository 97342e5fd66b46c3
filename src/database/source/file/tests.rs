#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use super::*;

mod progress;
mod refused;

/// The sqlite3 shell in a process of its own: another SQLite, another version, and it can be killed.
struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn open(path: &Path) -> Self {
        let mut process = Command::new("sqlite3")
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sqlite3 shell is needed for this test");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Shell { process, input, output }
    }

    /// Runs statements and waits until they are done.
    fn run(&mut self, sql: &str) {
        writeln!(self.input, "{sql};\n.print done").unwrap();
        let mut line = String::new();
        while line.trim_end() != "done" {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the shell ended");
        }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn end(self) {
        let Shell { mut process, input, mut output } = self;
        drop(input);
        output.read_to_end(&mut Vec::new()).unwrap();
        assert!(process.wait().unwrap().success());
    }
}

/// A folder for the source and one for copies.
struct Bench {
    folder: tempfile::TempDir,
    work: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench { folder: tempfile::tempdir().unwrap(), work: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.sqlite")
    }

    fn made_with(sql: &str) -> Self {
        let bench = Bench::new();
        let mut shell = Shell::open(&bench.path());
        shell.run(sql);
        shell.end();
        bench
    }

    fn open(&self) -> Result<Snapshot> {
        open_within(&self.path(), self.work.path(), &Job::unattended(), Duration::from_millis(200))
    }

    fn refused(&self) -> (&'static str, String) {
        let error = self.open().expect_err("it was opened");
        assert!(fs::read_dir(self.work.path()).unwrap().next().is_none());
        (error.code(), error.to_string())
    }

    /// Every file of the source, by name; the index of the WAL is a scratch pad, so it counts by name alone.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap());
        let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        named
            .map(
                |(name, path)| {
                    if name.ends_with("-shm") { (name, vec![]) } else { (name, fs::read(path).unwrap()) }
                },
            )
            .collect()
    }
}

fn one(snapshot: &Snapshot, sql: &str) -> i64 {
    snapshot.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

const ROWS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000)
    INSERT INTO t SELECT x, hex(randomblob(200)) FROM c;";

#[test]
fn a_quiet_database_is_read_and_left_as_it_was() {
    for mode in ["DELETE", "TRUNCATE", "PERSIST", "WAL"] {
        let bench = Bench::made_with(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t(a, b); {ROWS}"));
        let before = bench.files();
        let changed = fs::metadata(bench.path()).unwrap().modified().unwrap();
        let snapshot = bench.open().unwrap();
        assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000, "{mode}");
        assert_eq!(snapshot.kind(), "file");
        assert!(snapshot.connection().execute("DELETE FROM t", []).is_err());
        drop(snapshot);
        assert_eq!(bench.files(), before, "{mode}");
        assert_eq!(fs::metadata(bench.path()).unwrap().modified().unwrap(), changed, "{mode}");
        assert!(fs::read_dir(bench.work.path()).unwrap().next().is_none());
    }
}

#[test]
fn a_snapshot_stays_while_writers_go_on() {
    for mode in ["DELETE", "WAL"] {
        let bench = Bench::made_with(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t(a, b); {ROWS}"));
        let snapshot = bench.open().unwrap();
        let mut shell = Shell::open(&bench.path());
        shell.run("DELETE FROM t; INSERT INTO t VALUES(1, 2);");
        assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000, "{mode}");
        assert_eq!(one(&bench.open().unwrap(), "SELECT count(*) FROM t"), 1, "{mode}");
        drop(snapshot);
        shell.run("INSERT INTO t VALUES(1, 2);");
        shell.end();
        assert_eq!(one(&bench.open().unwrap(), "SELECT count(*) FROM t"), 2, "{mode}");
    }
}

#[test]
fn a_transaction_cut_short_by_a_kill_is_left_out() {
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b); {ROWS}"));
    let mut shell = Shell::open(&bench.path());
    // A tiny cache spills: half of the transaction is in the file when the writer dies.
    shell.run(&format!("PRAGMA cache_size=5; BEGIN; UPDATE t SET a = -1; {ROWS}"));
    shell.kill();
    let before = bench.files();
    assert!(before["a.sqlite-journal"].len() > 100_000);

    let snapshot = bench.open().unwrap();
    assert_eq!(one(&snapshot, "SELECT count(*) FROM t WHERE a > 0"), 2000);
    assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000);
    assert_eq!(snapshot.warnings()[0].code, "DATABASE_ROLLED_BACK");
    drop(snapshot);
    assert_eq!(bench.files(), before);
    assert!(fs::read_dir(bench.work.path()).unwrap().next().is_none());
}

#[test]
fn what_a_killed_writer_committed_to_the_wal_is_read() {
    let bench = Bench::made_with("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b);");
    let mut shell = Shell::open(&bench.path());
    shell.run(&format!("{ROWS} BEGIN; PRAGMA cache_size=5; {ROWS}"));
    shell.kill();
    for index in [true, false] {
        if !index {
            fs::remove_file(bench.folder.path().join("a.sqlite-shm")).unwrap();
        }
        let before = bench.files();
        assert!(before["a.sqlite-wal"].len() > 1_000_000);
        let snapshot = bench.open().unwrap();
        assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000);
        drop(snapshot);
        assert_eq!(bench.files(), before, "with index: {index}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_system_without_shared_memory_is_no_obstacle() {
    let bench = Bench::made_with("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b);");
    let mut shell = Shell::open(&bench.path());
    shell.run(ROWS);
    shell.kill();
    // A pipe can be opened and locked and gets no size, as files of some file systems in user space.
    let index = bench.folder.path().join("a.sqlite-shm");
    fs::remove_file(&index).unwrap();
    assert!(Command::new("mkfifo").arg(&index).status().unwrap().success());
    let snapshot = bench.open().unwrap();
    assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000);
}

#[cfg(unix)]
#[test]
fn another_name_of_the_file_than_that_of_its_writer_is_told() {
    let bench = Bench::made_with("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b);");
    let link = bench.work.path().join("link.sqlite");
    fs::hard_link(bench.path(), &link).unwrap();
    let mut shell = Shell::open(&bench.path());
    shell.run(ROWS);
    let of_link = open_within(&link, bench.work.path(), &Job::unattended(), Duration::ZERO).unwrap();
    assert_eq!(one(&of_link, "SELECT count(*) FROM t"), 0);
    assert_eq!(of_link.warnings()[0].code, "DATABASE_LINKED");
    drop(of_link);
    let of_file = bench.open().unwrap();
    assert_eq!(one(&of_file, "SELECT count(*) FROM t"), 2000);
    assert!(of_file.warnings().is_empty());
    drop(of_file);
    shell.end();
}

#[test]
fn a_folder_that_may_not_be_written_is_no_obstacle() {
    let bench = Bench::made_with(&format!("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b); {ROWS}"));
    let before = bench.files();
    let folder = bench.folder.path();
    let open = fs::metadata(folder).unwrap().permissions();
    let mut closed = open.clone();
    closed.set_readonly(true);
    fs::set_permissions(folder, closed).unwrap();
    let count = bench.open().map(|snapshot| one(&snapshot, "SELECT count(*) FROM t"));
    fs::set_permissions(folder, open).unwrap();
    assert_eq!(count.unwrap(), 2000);
    assert_eq!(bench.files(), before);
    // The same path, taken whoever runs the test: the superuser may write everywhere.
    let job = Job::unattended();
    let meter = job.meter(Phase::Snapshot, None, None);
    let place = Place::find(&bench.path(), &[]).unwrap();
    let origin = bench.path();
    let copier = Copier { origin: &origin, work: bench.work.path(), job: &job, meter: &meter };
    let copy = copier.file_by_file(&place, "-wal").unwrap().unwrap();
    let snapshot = Snapshot::from_copy(copy, "file", &bench.path()).unwrap();
    assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000);
}

#[test]
fn every_snapshot_of_a_busy_database_is_one_state() {
    for mode in ["DELETE", "WAL"] {
        let bench = Bench::made_with(&format!(
            "PRAGMA journal_mode={mode}; CREATE TABLE x(v); CREATE TABLE y(v); INSERT INTO x VALUES(0); INSERT INTO y VALUES(0);
             CREATE TABLE t(a, b); {ROWS}"
        ));
        let mut shell = Shell::open(&bench.path());
        shell.run("PRAGMA busy_timeout=10000; PRAGMA synchronous=OFF;");
        let commit = "BEGIN IMMEDIATE; UPDATE x SET v = v + 1; UPDATE t SET b = hex(randomblob(200)) WHERE a % 100 = 1;
            UPDATE y SET v = v + 1; COMMIT;\n";
        let writer = thread::spawn(move || {
            for _ in 0..300 {
                shell.run(commit);
            }
            shell
        });
        let (mut seen, mut last) = (0, -1);
        while !writer.is_finished() || seen < 5 {
            let snapshot =
                open_within(&bench.path(), bench.work.path(), &Job::unattended(), Duration::from_secs(10))
                    .unwrap();
            let (x, y) = (one(&snapshot, "SELECT v FROM x"), one(&snapshot, "SELECT v FROM y"));
            assert_eq!(x, y, "{mode}");
            assert!(x >= last);
            assert_eq!(one(&snapshot, "SELECT count(*) FROM t"), 2000);
            let sound: String =
                snapshot.connection().query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "{mode}");
            (seen, last) = (seen + 1, x);
        }
        writer.join().unwrap().end();
        assert_eq!(one(&bench.open().unwrap(), "SELECT v FROM x"), 300, "{mode}");
    }
}

#[test]
fn the_locks_of_this_process_are_left_alone() {
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b); {ROWS}"));
    let own = Connection::open(bench.path()).unwrap();
    own.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES(1, 2)").unwrap();
    assert_eq!(one(&bench.open().unwrap(), "SELECT count(*) FROM t"), 2000);
    let output = Command::new("sqlite3").arg(bench.path()).arg("BEGIN IMMEDIATE").output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("locked"),
        "the lock of our own connection is gone"
    );
    own.execute_batch("COMMIT").unwrap();
}

#[test]
fn names_that_look_like_addresses_are_names() {
    let bench = Bench::new();
    let names = ["file:x?mode=memory", "a b%41#.db", "é.sqlite"];
    // Windows allows neither `:` nor `?` in a name.
    for name in &names[usize::from(cfg!(windows))..] {
        let path = bench.folder.path().join(name);
        Connection::open(bench.path()).unwrap().execute_batch("CREATE TABLE IF NOT EXISTS t(x)").unwrap();
        fs::copy(bench.path(), &path).unwrap();
        assert!(open(&path, bench.work.path(), &Job::unattended()).is_ok(), "{name}");
    }
}

#[test]
fn temporary_tables_can_be_made_beside_a_snapshot() {
    let bench = Bench::made_with("CREATE VIRTUAL TABLE d USING fts5(x); INSERT INTO d VALUES('a b');");
    let snapshot = bench.open().unwrap();
    snapshot
        .connection()
        .execute_batch("CREATE VIRTUAL TABLE temp.w USING fts5vocab('main', 'd', 'instance')")
        .unwrap();
    assert_eq!(one(&snapshot, "SELECT count(*) FROM temp.w"), 2);
}

#[test]
fn a_file_that_another_is_copied_over_meanwhile_is_read_again() {
    struct Overwriter(PathBuf, std::sync::Mutex<Option<Vec<u8>>>);
    impl crate::job::Observer for Overwriter {
        fn progress(&self, _: &crate::job::Progress) {
            if let Some(bytes) = self.1.lock().unwrap().take() {
                fs::write(&self.0, bytes).unwrap();
            }
        }
    }
    let bench = Bench::made_with("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    let other = fs::read(Bench::made_with("CREATE TABLE t(a); INSERT INTO t VALUES (2)").path()).unwrap();
    let overwriter = Overwriter(bench.path(), Some(other).into());
    let job = Job::new(tokio_util::sync::CancellationToken::new(), Arc::new(overwriter));
    let snapshot = open(&bench.path(), bench.work.path(), &job).unwrap();
    assert_eq!(one(&snapshot, "SELECT a FROM t"), 2);
}

/// It waits for a lock on the file that it has opened, a large one, while a small one takes its name.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_takes_the_name_of_another_is_read_from_its_start() {
    let small = Bench::made_with("CREATE TABLE t(a); INSERT INTO t VALUES (2)");
    let bench = Bench::made_with("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))");
    let mut writer = Shell::open(&bench.path());
    writer.run("BEGIN EXCLUSIVE");
    let is_open = || {
        let mut open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.any(|file| fs::read_link(file.path()).is_ok_and(|path| path == bench.path()))
    };
    let snapshot = thread::scope(|scope| {
        let opening = scope.spawn(|| open(&bench.path(), bench.work.path(), &Job::unattended()));
        while !is_open() && !opening.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        // As a deployment puts a database there that was made elsewhere.
        let new = bench.folder.path().join("new");
        fs::copy(small.path(), &new).unwrap();
        fs::rename(new, bench.path()).unwrap();
        writer.kill();
        opening.join().unwrap()
    });
    assert_eq!(one(&snapshot.unwrap(), "SELECT a FROM t"), 2);
}

#[test]
fn a_copy_that_is_gone_is_no_fault_of_the_database() {
    let bench = Bench::made_with("CREATE TABLE t(a)");
    let gone = tempfile::TempPath::try_from_path(bench.work.path().join("gone.sqlite")).unwrap();
    let error = Snapshot::from_copy(gone, "file", &bench.path()).unwrap_err();
    assert_eq!(error.code(), "OUTPUT_UNWRITABLE", "{error}");
}

#[test]
fn a_table_that_leads_deeper_than_the_stack_is_refused() {
    let long = "~".repeat(100_000);
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b AS (~a) /* {long} */);"));
    let (code, message) = bench.refused();
    assert_eq!(code, "DATABASE_UNREADABLE");
    assert!(message.contains("the table t has generated columns"), "{message}");
}
