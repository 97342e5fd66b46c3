//! An SQL script as a source of rows: loaded into a private database first.

use std::fs::File;
use std::path::Path;

use super::Snapshot;
use crate::database::script::{Budget, LoadError, Loader};
use crate::error::{Error, Result};
use crate::job::{Job, Phase};
use crate::sqlite::{Place, Trace, private_database};

/// Loads the script at `path` into a database in `work` and takes that as the snapshot.
///
/// Fails with `DATABASE_NOT_FOUND` if there is no script; with `DATABASE_UNREADABLE` if a statement cannot or must not
/// run, with its line, if the script is not whole, or if it makes no table; with `SOURCE_CHANGED` if somebody
/// wrote it meanwhile; with `DISK_FULL` and `OUTPUT_UNWRITABLE` for `work`.
pub fn open(path: &Path, work: &Path, job: &Job) -> Result<Snapshot> {
    let place = Place::find(path, &["sql"])?;
    let copy = private_database(work)?;
    let meter = job.meter(Phase::Snapshot, None, Some(place.size));
    let script = File::open(&place.path).map_err(|error| LoadError::Read(error).into_error(path, &copy))?;
    let before = Trace::of(&script);
    let load = || {
        let mut loader = Loader::create(&copy, Budget::for_bytes(place.size), job)?;
        loader.run(&script, &meter)?;
        loader.finish()
    };
    match load() {
        // Half an export may be a script without a fault.
        Ok(()) | Err(LoadError::Script { .. }) if Trace::of(&script) != before => {
            return Err(Error::SourceChanged {
                what: path.display().to_string(),
                problem: "it was written while it was read; try again when the export is done".into(),
            });
        }
        loaded => loaded.map_err(|error| error.into_error(path, &copy))?,
    }
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
    fn an_index_that_a_script_fills_itself_is_checked() {
        let script = b"PRAGMA writable_schema=ON;
            INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','f','f',0,'CREATE VIRTUAL TABLE f USING fts4(t)');
            CREATE TABLE 'f_content'(docid INTEGER PRIMARY KEY, 'c0t'); INSERT INTO f_content VALUES(2,'left');
            CREATE TABLE 'f_segments'(blockid INTEGER PRIMARY KEY, block BLOB);
            CREATE TABLE 'f_segdir'(level INTEGER,idx INTEGER,start_block INTEGER,leaves_end_block INTEGER,
              end_block INTEGER,root BLOB,PRIMARY KEY(level, idx));
            CREATE TABLE 'f_docsize'(docid INTEGER PRIMARY KEY, size BLOB);
            CREATE TABLE 'f_stat'(id INTEGER PRIMARY KEY, value BLOB);
            PRAGMA writable_schema=OFF;\n";
        let (_folder, snapshot) = opened(script);
        let checked = snapshot.unwrap().to_check(true).unwrap().run(&Job::unattended()).unwrap();
        assert_eq!((checked.warnings[0].code.as_str(), checked.is_sound), ("INDEX_DAMAGED", false));
        let (_folder, snapshot) = opened(b"CREATE TABLE t(x);\n");
        assert!(snapshot.unwrap().to_check(true).is_none());
    }

    /// On Windows a file that is open keeps its name.
    #[cfg(unix)]
    #[test]
    fn a_script_that_another_takes_the_name_of_is_read_to_its_end() {
        struct Replacement(std::path::PathBuf);
        impl crate::job::Observer for Replacement {
            fn progress(&self, _: &crate::job::Progress) {
                let new = self.0.with_extension("new");
                fs::write(&new, "CREATE TABLE t(x);\n").unwrap();
                fs::rename(new, &self.0).unwrap();
            }
        }
        let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("dump.sql");
        fs::write(&path, "CREATE TABLE t(x);\nINSERT INTO t VALUES(7);\n").unwrap();
        let replacement = std::sync::Arc::new(Replacement(path.clone()));
        let job = Job::new(tokio_util::sync::CancellationToken::new(), replacement);
        let snapshot = open(&path, work.path(), &job).unwrap();
        let value: i64 = snapshot.connection().query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(value, 7);
    }

    #[test]
    fn a_script_that_is_still_written_is_not_taken_for_a_whole_one() {
        struct Export(std::path::PathBuf);
        impl crate::job::Observer for Export {
            fn progress(&self, _: &crate::job::Progress) {
                let mut script = fs::OpenOptions::new().append(true).open(&self.0).unwrap();
                std::io::Write::write_all(&mut script, b"INSERT INTO t VALUES(8);\n").unwrap();
            }
        }
        // So much is told in the middle, so the half statement gets no end that makes sense.
        let much = format!("INSERT INTO t VALUES('{}');\nINSERT INTO t VALUES(8", "x".repeat(2 << 20));
        for last in ["INSERT INTO t VALUES(7);\n", &much] {
            let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let path = folder.path().join("dump.sql");
            fs::write(&path, format!("CREATE TABLE t(x);\n{last}")).unwrap();
            let export = std::sync::Arc::new(Export(path.clone()));
            let job = Job::new(tokio_util::sync::CancellationToken::new(), export);
            assert_eq!(open(&path, work.path(), &job).unwrap_err().code(), "SOURCE_CHANGED");
        }
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
