//! An SQL script as a source of rows: loaded into a private database first.

use std::fs::File;
use std::path::Path;

use super::Snapshot;
use crate::database::script::{Budget, LoadError, Loader};
use crate::error::Result;
use crate::job::{Job, Phase};
use crate::sqlite::{Place, private_database};

/// Loads the script at `path` into a database in `work` and takes that as the snapshot.
///
/// Fails with `DATABASE_NOT_FOUND` if there is no script; with `DATABASE_UNREADABLE` if a statement cannot or must not
/// run, with its line, if the script is not whole, or if it makes no table; with `DISK_FULL` and `OUTPUT_UNWRITABLE`
/// for `work`.
pub fn open(path: &Path, work: &Path, job: &Job) -> Result<Snapshot> {
    let place = Place::find(path, &["sql"])?;
    let copy = private_database(work)?;
    let meter = job.meter(Phase::Snapshot, None, Some(place.size));
    let load = || {
        let script = File::open(&place.path).map_err(LoadError::Read)?;
        let mut loader = Loader::create(&copy, Budget::for_bytes(place.size), job)?;
        loader.run(script, &meter)?;
        loader.finish()
    };
    load().map_err(|error| error.into_error(path, &copy))?;
    meter.finish();
    Snapshot::from_copy(copy, "sql", path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use std::fs;

    use super::*;

    fn opened(script: &[u8]) -> (tempfile::TempDir, Result<Snapshot>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump.sql");
        fs::write(&path, script).unwrap();
        let work = folder.path().join("work");
        fs::create_dir(&work).unwrap();
        let snapshot = open(&path, &work, &Job::unattended());
        (folder, snapshot)
    }

    #[test]
    fn a_script_becomes_a_snapshot_that_leaves_nothing_behind() {
        let (folder, snapshot) = opened(b"\xEF\xBB\xBFCREATE TABLE t(x);\r\nINSERT INTO t VALUES(7);\r\n");
        let snapshot = snapshot.unwrap();
        let value: i64 = snapshot.connection().query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!((value, snapshot.kind()), (7, "sql"));
        drop(snapshot);
        assert_eq!(fs::read_dir(folder.path().join("work")).unwrap().count(), 0);
    }

    #[test]
    fn a_script_that_is_no_use_says_why() {
        for (script, word) in [
            (b"-- nothing\n".as_slice(), "empty"),
            (b"\xFF\xFEC\0R\0", "PowerShell"),
            (b"CREATE TABLE t(x);\n.read x", "line 2 is a command"),
            (b"SQLite format 3\0\0\0", "SQLite file"),
            (b"CREATE TABLE t(x);\nATTACH 'x' AS y;", "line 2 uses ATTACH"),
        ] {
            let (folder, snapshot) = opened(script);
            let error = snapshot.unwrap_err();
            assert_eq!(error.code(), "DATABASE_UNREADABLE");
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.to_string().contains("dump.sql"), "{error}");
            assert_eq!(fs::read_dir(folder.path().join("work")).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_script_that_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(&folder.path().join("x.sql"), folder.path(), &Job::unattended()).unwrap_err();
        assert_eq!(error.code(), "DATABASE_NOT_FOUND");
    }
}
