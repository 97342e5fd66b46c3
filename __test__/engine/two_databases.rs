//! Restoring rows to two places at once, a file and wrangler's state: to both or to none, and told once.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use cultural_archiver_backup::job::{Job, Observer, Phase, Progress};
use cultural_archiver_backup::restore::{LocalTarget, RestoreOptions, restore_backup};
use cultural_archiver_backup::wrangler::database_file;
use tokio_util::sync::CancellationToken;

use crate::whole::{Whole, run};

/// The table `t` of a backup, to `t.db` and to the database `id` of the folder `state`.
fn options(whole: &Whole) -> RestoreOptions {
    RestoreOptions {
        database: Some(whole.file("t.db")),
        wrangler: Some(LocalTarget {
            database_id: Some("id".into()),
            state_dir: Some(whole.file("state")),
            ..LocalTarget::default()
        }),
        tables: Some(vec!["t".into()]),
        ..RestoreOptions::default()
    }
}

#[test]
fn what_is_not_back_is_told_once() {
    let whole =
        Whole::of("CREATE TABLE t(a); CREATE TABLE u(a); CREATE VIEW of_u AS SELECT a FROM u;").unwrap();
    let restore = restore_backup(whole.report.path.clone(), options(&whole), Job::unattended());
    let warnings = run(restore).unwrap().warnings;
    let told: Vec<_> = warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(told, ["VIEW_LEFT_OUT"]);
}

/// Takes a name while rows are loaded.
struct Taker(PathBuf);

impl Observer for Taker {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Database {
            fs::create_dir_all(self.0.parent().unwrap()).unwrap();
            fs::write(&self.0, "somebody's").unwrap();
        }
    }
}

#[test]
fn neither_is_there_when_one_of_them_cannot_have_its_name() {
    let whole = Whole::of("CREATE TABLE t(a)").unwrap();
    let taken = database_file(&whole.file("state"), "id");
    let job = Job::new(CancellationToken::new(), Arc::new(Taker(taken.clone())));
    let error = run(restore_backup(whole.report.path.clone(), options(&whole), job)).unwrap_err();
    assert_eq!(error.code(), "TARGET_NOT_EMPTY");
    assert!(!whole.file("t.db").exists());
    assert_eq!(fs::read(taken).unwrap(), b"somebody's");
}
