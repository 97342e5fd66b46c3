#![allow(clippy::unwrap_used, reason = "tests")]

use rusqlite::Connection;

use super::*;
use crate::database::schema::Schema;

fn made(sql: &str) -> (Connection, Source) {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    let table = Schema::read(&connection).unwrap().tables.remove(0);
    (connection, Source::new(table, true))
}

#[test]
fn a_part_is_found_by_its_key() {
    for (key, both_ends) in [
        ("a TEXT, b TEXT, PRIMARY KEY (a, b)", true),
        ("a TEXT COLLATE NOCASE, b TEXT, PRIMARY KEY (a DESC, b DESC)", true),
        ("a TEXT PRIMARY KEY COLLATE RTRIM, b", true),
        // Compared term by term, from the first row with the same first term.
        ("a TEXT, b TEXT, PRIMARY KEY (a, b DESC)", false),
        ("a TEXT, b TEXT, PRIMARY KEY (a COLLATE NOCASE, b)", false),
    ] {
        let (connection, source) = made(&format!("CREATE TABLE o({key}) WITHOUT ROWID"));
        let place = |text: &str| vec![text.to_owned(); source.terms().len()];
        let range = Range { after: Some(place("'x'")), upto: Some(place("'y'")) };
        let sql = format!("EXPLAIN QUERY PLAN {}", source.statements(&range, Some(5))[0]);
        let mut plan = connection.prepare(&sql).unwrap();
        let plan = plan.query_map([], |row| row.get("detail")).unwrap();
        let plan: Vec<String> = plan.collect::<rusqlite::Result<_>>().unwrap();
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH"), "{key}: {plan:?}");
        assert!(!both_ends || plan[0].contains('>') && plan[0].contains('<'), "{key}: {plan:?}");
    }
}

#[test]
fn pages_are_those_of_the_table_whatever_its_columns_are_called() {
    for (key, end) in [
        ("c0 INTEGER PRIMARY KEY", ""),
        ("c0, c1, t", ""),
        ("c0 PRIMARY KEY, c1", " WITHOUT ROWID"),
        ("c0, c1, PRIMARY KEY (c0, c1 DESC)", " WITHOUT ROWID"),
    ] {
        let (connection, source) = made(&format!("CREATE TABLE o({key}){end}"));
        let numbers = "WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)";
        connection.execute_batch(&format!("{numbers} INSERT INTO o(c0) SELECT n FROM n")).ok();
        connection
            .execute_batch(&format!("{numbers} INSERT OR IGNORE INTO o(c0, c1) SELECT n, -n FROM n"))
            .ok();
        let (mut after, mut read) = (None, Vec::new());
        while read.len() < 100 {
            let sql = source.statements(&Range { after, upto: None }, Some(10)).remove(0);
            let mut page = connection.prepare(&sql).unwrap();
            let width = page.column_count();
            let rows = page.query_map([], |row| {
                (0..width).map(|at| row.get::<_, Option<String>>(at)).collect::<Result<Vec<_>, _>>()
            });
            let rows: Vec<Vec<Option<String>>> = rows.unwrap().collect::<Result<_, _>>().unwrap();
            let rows: Rows =
                rows.into_iter().map(|row| row.into_iter().map(serde_json::Value::from).collect()).collect();
            let rows = source.rows(&[rows]).unwrap();
            assert_eq!(rows.len(), 10, "{key}");
            after = source.place(rows.last().unwrap());
            read.extend(rows.into_iter().map(|row| row[source.first_column()].clone()));
        }
        let wanted: Vec<Cell> = (1..=100).map(Cell::Integer).collect();
        assert_eq!(read, wanted, "{key}");
    }
}
