//! What is told while a state is taken: never more bytes than there are in all, and in the end all of them.

use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::job::{Observer, Progress};

#[derive(Default)]
struct Told(Mutex<Vec<Progress>>);

impl Observer for Told {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

/// The bytes at the end, and how many there are in all.
fn told(bench: &Bench) -> (u64, Option<u64>) {
    let told = Arc::new(Told::default());
    open(&bench.path(), bench.work.path(), &Job::new(CancellationToken::new(), told.clone())).unwrap();
    let told = told.0.lock().unwrap();
    for progress in told.iter() {
        assert!(progress.total_bytes.is_none_or(|total| progress.bytes <= total), "{progress:?}");
    }
    told.last().map(|last| (last.bytes, last.total_bytes)).unwrap()
}

fn size(bench: &Bench, name: &str) -> u64 {
    bench.files()[name].len() as u64
}

#[test]
fn a_copy_is_told_to_its_last_byte() {
    let bench = Bench::made_with(&format!("CREATE TABLE t(a, b); {ROWS}"));
    let all = size(&bench, "a.sqlite");
    assert_eq!(told(&bench), (all, Some(all)));
}

#[test]
fn what_lies_beside_counts_too_where_it_is_copied() {
    for (mode, beside) in [("DELETE", "a.sqlite-journal"), ("WAL", "a.sqlite-wal")] {
        let bench = Bench::made_with(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t(a, b); {ROWS}"));
        let mut shell = Shell::open(&bench.path());
        shell.run(&format!("PRAGMA cache_size=5; {ROWS} BEGIN; UPDATE t SET a = -1; {ROWS}"));
        shell.kill();
        let _ = fs::remove_file(bench.folder.path().join("a.sqlite-shm"));
        let all = size(&bench, "a.sqlite") + size(&bench, beside);
        assert_eq!(told(&bench), (all, Some(all)), "{mode}");
    }
}

#[test]
fn nothing_is_to_be_copied_of_what_is_read_in_place() {
    let bench = Bench::made_with(&format!("PRAGMA journal_mode=WAL; CREATE TABLE t(a, b); {ROWS}"));
    assert_eq!(told(&bench), (0, None));
}
