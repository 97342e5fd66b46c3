//! What cannot be read.

use super::*;

#[test]
fn a_locked_database_says_so() {
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b); {ROWS}"));
    let mut shell = Shell::open(&bench.path());
    shell.run("BEGIN EXCLUSIVE;");
    let (code, message) = bench.refused();
    assert_eq!(code, "DATABASE_UNREADABLE");
    assert!(message.contains("locked"), "{message}");
    let job = Job::unattended();
    let stop = job.stop_token().clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        stop.cancel();
    });
    let stopped = open_within(&bench.path(), bench.work.path(), &job, Duration::from_secs(600));
    assert_eq!(stopped.map(drop).map_err(|error| error.code()), Err("ABORT_ERR"));
    stopper.join().unwrap();
    shell.run("COMMIT;");
    assert!(bench.open().is_ok());
    shell.end();
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b); {ROWS}"));
    let sound = fs::read(bench.path()).unwrap();
    let mut noise = sound.clone();
    noise[..200].copy_from_slice(&[0xA5; 200]);
    let mut broken = sound.clone();
    broken[100..120].copy_from_slice(&[0xFF; 20]);
    let schema = sound.windows(12).position(|window| window == b"CREATE TABLE").unwrap();
    let mut malformed = sound.clone();
    malformed[schema..schema + 12].copy_from_slice(b"CREATE TIBLE");
    for (bytes, word) in [
        (b"".as_slice(), "0 bytes"),
        (b"xyz", "not a SQLite database"),
        (&noise, "encrypted"),
        (&sound[..sound.len() - 4096], "truncated"),
        (&sound[..5000], "truncated"),
        (&broken, "corrupt"),
        (&malformed, "schema is damaged"),
        (b"CREATE TABLE t(x);\nINSERT INTO t VALUES(1);\n", "script"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "packed"),
        (b"PK\x03\x04\x14\x00\x00\x00", "packed"),
        (b"\x28\xb5\x2f\xfd\x04", "packed"),
    ] {
        fs::write(bench.path(), bytes).unwrap();
        let (code, message) = bench.refused();
        assert_eq!(code, "DATABASE_UNREADABLE", "{message}");
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_to_itself_is_no_matter_of_permissions() {
    let bench = Bench::new();
    std::os::unix::fs::symlink(bench.path(), bench.path()).unwrap();
    let (code, message) = bench.refused();
    assert_eq!(code, "DATABASE_UNREADABLE");
    assert!(message.contains("links") && !message.contains("permissions"), "{message}");
}

#[test]
fn a_file_that_lacks_less_than_a_page_is_truncated() {
    for mode in ["delete", "wal"] {
        let bench = Bench::made_with(&format!(
            "PRAGMA journal_mode = {mode}; CREATE TABLE t(a); INSERT INTO t VALUES (printf('%.*c', 9000, 'x'))"
        ));
        let whole = fs::read(bench.path()).unwrap();
        for cut in [1, 600, 4095] {
            fs::write(bench.path(), &whole[..whole.len() - cut]).unwrap();
            let error = bench.open().unwrap_err();
            assert_eq!(error.code(), "DATABASE_UNREADABLE");
            assert!(error.to_string().contains("it is truncated"), "{mode}, {cut}: {error}");
        }
        // Of what follows its last page SQLite takes no notice, and nothing is missing.
        fs::write(bench.path(), [&whole[..], b"more"].concat()).unwrap();
        assert_eq!(one(&bench.open().unwrap(), "SELECT length(a) FROM t"), 9000);
    }
}

/// SQLite takes paths of some 500 bytes, systems of some thousands.
#[cfg(unix)]
#[test]
fn a_path_that_is_too_long_for_sqlite_says_so() {
    let bench = Bench::made_with("CREATE TABLE t(a)");
    let deep = bench.folder.path().join(vec!["d".repeat(100); 5].join("/"));
    fs::create_dir_all(&deep).unwrap();
    let far = deep.join("a.sqlite");
    fs::copy(bench.path(), &far).unwrap();
    for (path, work, code) in [
        (&far, bench.work.path(), "DATABASE_UNREADABLE"),
        (&bench.path(), deep.as_path(), "OUTPUT_UNWRITABLE"),
    ] {
        let error = open_within(path, work, &Job::unattended(), Duration::ZERO).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains("path is too long"), "{error}");
    }
}

#[test]
fn a_database_without_a_table_is_empty() {
    for sql in ["PRAGMA user_version=1;", "CREATE TABLE _cf_METADATA(k); PRAGMA journal_mode=WAL;"] {
        let (code, message) = Bench::made_with(sql).refused();
        assert_eq!(code, "DATABASE_UNREADABLE");
        assert!(message.contains("empty"), "{message}");
    }
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let bench = Bench::new();
    fs::write(bench.folder.path().join("other.db"), "").unwrap();
    let (code, message) = bench.refused();
    assert_eq!(code, "DATABASE_NOT_FOUND");
    assert!(message.contains("other.db"), "{message}");
    let job = Job::unattended();
    let error = open(bench.folder.path(), bench.work.path(), &job).unwrap_err();
    assert_eq!(error.code(), "DATABASE_NOT_FOUND");
    assert!(error.to_string().contains("folder") && error.to_string().contains("other.db"), "{error}");
    let beyond = bench.folder.path().join("other.db/x");
    assert_eq!(open(&beyond, bench.work.path(), &job).unwrap_err().code(), "DATABASE_NOT_FOUND");
}

#[test]
fn a_copy_of_a_snapshot_ends_with_its_job() {
    let bench = Bench::made_with(&format!("PRAGMA journal_mode = WAL; CREATE TABLE t(a, b); {ROWS}"));
    let snapshot = bench.open().unwrap();
    let job = Job::unattended();
    let copy = snapshot.copied(bench.work.path(), &job).unwrap();
    let count = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&Connection::open(&copy).unwrap()), count(snapshot.connection()));
    drop(copy);
    job.stop();
    assert_eq!(snapshot.copied(bench.work.path(), &job).unwrap_err().code(), "ABORT_ERR");
    assert_eq!(fs::read_dir(bench.work.path()).unwrap().count(), 0);
}

#[test]
fn what_sqlite_finds_no_room_or_memory_for_is_no_fault_of_the_database() {
    let bench = Bench::made_with("CREATE TABLE t(a)");
    let snapshot = bench.open().unwrap();
    let told = |code| snapshot.failure(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
    let full = told(ffi::SQLITE_FULL);
    assert!(full.code() == "DISK_FULL" && !full.to_string().contains("output folder"), "{full}");
    let memory = told(ffi::SQLITE_NOMEM).to_string();
    assert!(memory.contains("no memory") && !memory.contains("integrity_check"), "{memory}");
}
