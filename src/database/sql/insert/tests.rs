#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::types::Value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::job::{Job, Observer, Phase, Progress};

fn script(table: &str, columns: &[&str], rows: &[Vec<Value>]) -> String {
    let (mut out, meter) = (Vec::new(), Meter::silent());
    let mut script = Script::new(&mut out, "pieces".into(), &meter);
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut insert = Insert::new(&mut script, table, None, &columns, true);
    for row in rows {
        insert.row(None, &row.iter().map(ValueRef::from).collect::<Vec<_>>()).unwrap();
    }
    insert.flush().unwrap();
    script.drop_pieces().unwrap();
    String::from_utf8(out).unwrap()
}

fn longest(script: &str) -> usize {
    script.split(";\n").map(str::len).max().unwrap_or(0)
}

#[derive(Default)]
struct Last(Mutex<Option<Progress>>);

impl Observer for Last {
    fn progress(&self, progress: &Progress) {
        *self.0.lock().unwrap() = Some(progress.clone());
    }
}

#[test]
fn bytes_are_told_while_a_table_is_not_done() {
    let last = Arc::new(Last::default());
    let job = Job::new(CancellationToken::new(), last.clone());
    let (mut out, meter) = (Vec::new(), job.meter(Phase::Database, Some(1), None));
    Script::new(&mut out, "pieces".into(), &meter).statement("SELECT 1").unwrap();
    meter.finish();
    let told = last.0.lock().unwrap().clone().unwrap();
    assert_eq!((told.done, told.total, told.bytes), (0, Some(1), out.len() as u64));
}

#[test]
fn rows_share_statements_of_about_16_kb() {
    let rows: Vec<Vec<Value>> =
        (0..10_000).map(|n| vec![Value::Integer(n), Value::Text("x".repeat(20))]).collect();
    let sql = script("t", &["a", "b"], &rows);
    assert!(longest(&sql) <= TARGET_STATEMENT + 2 && sql.matches("INSERT").count() < 25);
}

#[test]
fn a_long_value_arrives_whole_under_a_check_and_a_unique() {
    let text: String = "ä\0'".repeat(120_000);
    let blob: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
    let rows = vec![
        vec![Value::Integer(1), Value::Text(text.clone()), Value::Blob(blob.clone())],
        vec![Value::Integer(2), Value::Text("short".into()), Value::Null],
    ];
    let sql = script("t", &["id", "a", "b"], &rows);
    assert!(longest(&sql) < TARGET_STATEMENT + 1000 && sql.ends_with("DROP TABLE \"pieces\";\n"));
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE t(id, a TEXT UNIQUE CHECK (id = 2 OR length(CAST(a AS BLOB)) = {}), b, \
             n AS (length(CAST(a AS BLOB))) STORED);{sql}",
            text.len()
        ))
        .unwrap();
    let found: (String, Vec<u8>, i64) = connection
        .query_row("SELECT a, b, n FROM t WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert!(found == (text.clone(), blob, text.len() as i64));
}

#[test]
fn numbers_are_written_out_however_long_the_row_is() {
    let name = "c".repeat(MAX_ROW_IN_STATEMENT);
    let sql = script("t", &[&name, "b"], &[vec![Value::Integer(5), Value::Text("x".into())]]);
    assert!(sql.ends_with(" VALUES (5,'x');\n") && sql.matches(';').count() == 1);

    let names: Vec<String> = (0..700).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let smallest = Value::Real(f64::from_bits(1));
    let mut row = vec![smallest.clone(); 700];
    row[0] = Value::Text("x".repeat(8_000));
    let sql = script("t", &names, &[row]);
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&format!("CREATE TABLE t({}); {sql}", names.join(", "))).unwrap();
    let found: (String, Value) =
        connection.query_row("SELECT c0, c699 FROM t", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(found, ("x".repeat(8_000), smallest));
}

#[test]
fn a_row_of_many_middling_values_stays_under_the_limit() {
    let names: Vec<String> = (0..100).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = vec![vec![Value::Text("y".repeat(5_000)); 100]];
    assert!(longest(&script("t", &names, &rows)) <= 100_000);
}
