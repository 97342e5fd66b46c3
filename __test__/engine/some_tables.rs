//! Restoring some of the tables: they come back as they were, and what misses the others is told.

use std::sync::Arc;

use cultural_archiver_backup::job::{Job, Observer, Phase, Progress};
use cultural_archiver_backup::restore::{RestoreOptions, RestoreReport, restore_backup};
use tokio_util::sync::CancellationToken;

use crate::whole::{Whole, rows, run};

#[test]
fn some_tables_come_back_with_their_rowids() {
    let whole = Whole::of(
        "CREATE TABLE t(a); INSERT INTO t(rowid, a) VALUES (5, 'five'), (9, 'nine'), (-3, 'minus three'); CREATE TABLE u(a);
         INSERT INTO u VALUES ('not asked for'); CREATE VIRTUAL TABLE f USING fts5(a, content=t); INSERT INTO f(f) VALUES ('rebuild');",
    )
    .unwrap();
    let (report, part) = whole.restore("part.db", &["t", "f"]).unwrap();
    assert!(report.tables.iter().all(|table| table.matches) && !report.restored_everything, "{report:?}");
    assert_eq!(rows(&part, "SELECT rowid, a FROM t"), ["-3|minus three", "5|five", "9|nine"]);
    assert_eq!(rows(&part, "SELECT rowid FROM f WHERE f MATCH 'five'"), ["5"]);
    let bytes = std::fs::read(whole.file("part.db")).unwrap();
    assert!(!bytes.windows(13).any(|bytes| bytes == b"not asked for"));
}

#[test]
fn nothing_stays_of_an_index_that_was_not_chosen() {
    let whole = Whole::of(
        "CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(a, b UNINDEXED, content='', contentless_unindexed=1);
         INSERT INTO f(rowid, a, b) VALUES (1, 'word', 'kept beside it');",
    )
    .unwrap();
    let (_, part) = whole.restore("t.db", &["t"]).unwrap();
    assert_eq!(rows(&part, "SELECT name FROM sqlite_schema"), ["t"]);
}

#[test]
fn a_view_that_showed_nothing_before_comes_back_as_it_was() {
    let whole = Whole::of(
        "CREATE TABLE t(a); CREATE TABLE u(a); CREATE VIEW broken AS SELECT x FROM gone; CREATE VIEW of_t AS SELECT a FROM t;
         CREATE VIEW of_u AS SELECT a FROM u; CREATE VIEW of_view AS SELECT a FROM of_u;",
    )
    .unwrap();
    let (report, part) = whole.restore("t.db", &["t"]).unwrap();
    let told: Vec<_> = report.warnings.iter().filter(|warning| warning.code == "VIEW_LEFT_OUT").collect();
    let subjects: Vec<_> = told.iter().filter_map(|warning| warning.subject.as_deref()).collect();
    assert_eq!(subjects, ["of_u", "of_view"]);
    assert_eq!(rows(&part, "SELECT name FROM sqlite_schema WHERE type = 'view'"), ["broken", "of_t"]);
}

#[test]
fn what_names_tables_that_were_not_chosen_is_told() {
    let whole = Whole::of(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x, log); INSERT INTO t(x) VALUES ('a b'), ('c');
         CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT, t REFERENCES t(id)); INSERT INTO u(t) VALUES (1), (2);
         CREATE TABLE log(a); CREATE VIRTUAL TABLE f USING fts5(x, content=t, content_rowid=id); INSERT INTO f(f) VALUES ('rebuild');
         CREATE VIRTUAL TABLE words USING fts5vocab('f', row); CREATE VIRTUAL TABLE old USING fts4(a);
         CREATE VIRTUAL TABLE terms USING fts4aux(\"old\");
         CREATE TRIGGER searched AFTER INSERT ON t BEGIN INSERT INTO f(rowid, x) VALUES (new.id, new.x); END;
         CREATE TRIGGER logged AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;
         CREATE TRIGGER fine AFTER UPDATE OF x ON t BEGIN UPDATE t SET x = new.log WHERE id = new.id AND x IS NULL; END;",
    )
    .unwrap();
    let told = |report: &RestoreReport, code: &str| -> Vec<String> {
        let about = report.warnings.iter().filter(|warning| warning.code == code);
        let mut told: Vec<String> = about.filter_map(|warning| warning.subject.clone()).collect();
        told.sort_unstable();
        told
    };
    let (report, part) = whole.restore("t.db", &["t"]).unwrap();
    assert_eq!(told(&report, "TRIGGER_LEFT_OUT"), ["logged", "searched"]);
    part.execute_batch("INSERT INTO t(x) VALUES ('new'); UPDATE t SET x = 'newer'").unwrap();
    assert_eq!(rows(&part, "SELECT name FROM sqlite_schema WHERE type = 'trigger'"), ["fine"]);

    let (report, _) = whole.restore("f.db", &["f"]).unwrap();
    assert_eq!(told(&report, "CONTENT_LEFT_OUT"), ["f"]);
    let (report, _) = whole.restore("words.db", &["words", "f", "t"]).unwrap();
    assert_eq!(told(&report, "CONTENT_LEFT_OUT"), [""; 0]);
    let (report, _) = whole.restore("terms.db", &["words", "terms"]).unwrap();
    assert_eq!(told(&report, "CONTENT_LEFT_OUT"), ["terms", "words"]);

    let (report, part) = whole.restore("u.db", &["u"]).unwrap();
    assert_eq!(report.foreign_key_problems, rows(&part, "PRAGMA foreign_key_check").len() as u64);
    assert_eq!(report.foreign_key_problems, 2);

    let (report, _) = whole.restore("sequence.db", &["t", "sqlite_sequence"]).unwrap();
    let sequence = report.tables.iter().find(|table| table.name == "sqlite_sequence").unwrap();
    assert_eq!((sequence.rows, sequence.matches), (1, false));
    assert_eq!(told(&report, "SEQUENCE_CUT"), ["sqlite_sequence"]);

    let error = whole.restore("alone.db", &["sqlite_sequence"]).unwrap_err();
    assert_eq!(error.code(), "INVALID_OPTIONS");
    assert!(!whole.file("alone.db").exists());
}

/// Stops its job once the rows are loaded and compared.
struct Stopper(CancellationToken);

impl Observer for Stopper {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Database && Some(progress.done) == progress.total {
            self.0.cancel();
        }
    }
}

#[test]
fn a_restore_that_is_stopped_when_its_rows_are_loaded_makes_no_database() {
    let whole = Whole::of("CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t VALUES (1)").unwrap();
    for tables in [None, Some(vec!["t".to_owned()])] {
        let token = CancellationToken::new();
        let job = Job::new(token.clone(), Arc::new(Stopper(token)));
        let database = Some(whole.file("stopped.db"));
        let options = RestoreOptions { database, tables, ..RestoreOptions::default() };
        let error = run(restore_backup(whole.report.path.clone(), options, job)).unwrap_err();
        assert_eq!(error.code(), "ABORT_ERR");
        assert!(!whole.file("stopped.db").exists());
    }
}
