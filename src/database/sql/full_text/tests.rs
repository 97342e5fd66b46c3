#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::job::Job;

/// How the first virtual table that `sql` makes is filled.
fn decided(sql: &str) -> Fill {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    let schema = Schema::read(&connection).unwrap();
    let job = Job::unattended();
    let mut patience = Patience::for_views(&connection, &job).unwrap();
    let table = &schema.virtual_tables[0];
    Fill::decide(&connection, table, &schema, &Repairs::default(), &mut patience).unwrap()
}

const ART: &str = "CREATE TABLE art(id INTEGER PRIMARY KEY, title); INSERT INTO art VALUES (2, 'two'), (5, 'five'), (9, 'nine');";

#[test]
fn an_index_over_a_view_is_made_from_what_the_view_shows() {
    let over = |view: &str, fill: &str| {
        decided(&format!(
            "{ART} CREATE VIEW shown AS {view};
             CREATE VIRTUAL TABLE f USING fts5(title, content='shown', content_rowid='id'); {fill}"
        ))
    };
    let rebuild = "INSERT INTO f(f) VALUES ('rebuild')";
    assert!(matches!(over("SELECT * FROM art ORDER BY id DESC", rebuild), Fill::Rebuild(_)));
    let partial =
        over("SELECT * FROM art", "INSERT INTO f(rowid, title) SELECT * FROM art WHERE id IN (2, 9)");
    assert!(matches!(partial, Fill::Partial(_, ref rows) if rows[..] == [2, 9]), "{partial:?}");
    for (view, rows) in [
        ("SELECT * FROM art WHERE id <> 9", "(2, 'two'), (5, 'five'), (9, 'nine')"),
        ("SELECT * FROM art WHERE id <> 2", "(2, 'two'), (5, 'five'), (9, 'nine')"),
        ("SELECT * FROM art UNION ALL VALUES (9, 'nine')", "(2, 'two'), (5, 'five'), (9, 'nine')"),
        ("SELECT * FROM art UNION ALL VALUES (5, 'five')", "(5, 'five'), (9, 'nine')"),
        ("SELECT * FROM art", "(2, 'two'), (5, 'other')"),
    ] {
        let fill = over(view, &format!("INSERT INTO f(rowid, title) VALUES {rows}"));
        assert!(matches!(fill, Fill::Verbatim(reason) if reason.contains("no longer")), "{view}: {fill:?}");
    }
}

#[test]
fn a_view_without_end_leaves_its_index_as_it_is() {
    let fill = decided(
        "CREATE VIEW endless AS WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c) SELECT i AS id, 'x' AS title FROM c;
         CREATE VIRTUAL TABLE f USING fts5(title, content='endless', content_rowid='id');
         INSERT INTO f(rowid, title) VALUES (1, 'x')",
    );
    assert!(matches!(fill, Fill::Verbatim(reason) if reason.contains("good time")), "{fill:?}");
}

#[test]
fn a_part_of_a_view_that_takes_long_every_time_is_not_filled_in_parts() {
    // Forty statements, each of which would go over all of it; the time is in the rows or in a column.
    let slow = "(WITH RECURSIVE c(i) AS (VALUES (n) UNION ALL SELECT i + 1 FROM c WHERE i < n + 120) SELECT max(i) FROM c)";
    for view in [
        format!("SELECT n AS id, 'x' AS title FROM numbers WHERE n <= {slow} LIMIT -1"),
        format!("SELECT n AS id, substr('x' || {slow}, 1, 1) AS title FROM numbers LIMIT -1"),
    ] {
        let fill = decided(&format!(
            "CREATE TABLE numbers(n); CREATE VIEW slow AS {view};
             WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 40001) INSERT INTO numbers SELECT i FROM c;
             CREATE VIRTUAL TABLE f USING fts5(title, content='slow', content_rowid='id');
             INSERT INTO f(rowid, title) SELECT n, 'x' FROM numbers WHERE n <= 40000;"
        ));
        assert!(matches!(fill, Fill::Verbatim(reason) if reason.contains("good time")), "{view}: {fill:?}");
    }
}

#[test]
fn a_column_that_the_content_table_lacks_is_no_text() {
    let lacking = "CREATE VIRTUAL TABLE f USING fts5(title, artist, content='art', content_rowid='id');";
    let empty = ART.split_once(" INSERT").unwrap().0;
    for sql in [
        format!("{empty} {lacking}"),
        format!("{ART} {lacking} INSERT INTO f(rowid, title, artist) SELECT id, title, 'artist' FROM art"),
        format!("{empty} CREATE VIRTUAL TABLE f USING fts5(title, content='art', content_rowid='no')"),
    ] {
        let fill = decided(&sql);
        assert!(matches!(fill, Fill::Verbatim(_)), "{sql}: {fill:?}");
    }
}

#[test]
fn a_broken_view_leaves_its_index_as_it_is() {
    for view in ["SELECT id, title FROM gone", "SELECT id, nobody_has(title) AS title FROM art"] {
        let fill = decided(&format!(
            "{ART} CREATE VIEW shown AS {view};
             CREATE VIRTUAL TABLE f USING fts5(title, content='shown', content_rowid='id');
             INSERT INTO f(rowid, title) VALUES (2, 'two')"
        ));
        assert!(matches!(fill, Fill::Verbatim(_)), "{view}: {fill:?}");
    }
}
