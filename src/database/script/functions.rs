//! SQLite's functions that may take hours on values of some megabytes. While one runs nothing stops it: the progress
//! handler is asked between instructions, and a call is one.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Result, params_from_iter};

use crate::sqlite::trouble::interrupted;

/// Steps that a function takes in about ten seconds when it compares byte by byte.
const BYTES: u64 = 1 << 32;
/// Steps that a function takes in about ten seconds when it compares with `memcmp`.
const BLOCKS: u64 = 1 << 39;
/// Each function that looks for its second argument in the first, with the number of its arguments and the most steps
/// that it may take, which are at most the lengths of the two multiplied.
const FUNCTIONS: [(&str, i32, u64); 6] = [
    ("instr", 2, BLOCKS),
    ("replace", 3, BLOCKS),
    ("trim", 2, BYTES),
    ("ltrim", 2, BYTES),
    ("rtrim", 2, BYTES),
    ("unhex", 2, BYTES),
];

/// Has `refuse` called, and the statement fail, where one of them would not end soon, and asks `is_over` before each
/// call. Otherwise they do what they did.
pub fn bound(
    connection: &Connection,
    is_over: impl Fn() -> bool + Clone + Send + 'static,
    refuse: impl Fn() + Clone + Send + 'static,
) -> Result<()> {
    let inner = Connection::open_in_memory()?;
    inner.set_limit(Limit::SQLITE_LIMIT_LENGTH, connection.limit(Limit::SQLITE_LIMIT_LENGTH)?)?;
    let inner = Arc::new(Mutex::new(inner));
    // What the schema calls, too, with `trusted_schema` off.
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    for (name, arguments, most) in FUNCTIONS {
        let (inner, is_over, refuse) = (Arc::clone(&inner), is_over.clone(), refuse.clone());
        let places: Vec<String> = (1..=arguments).map(|place| format!("?{place}")).collect();
        let sql = format!("SELECT {name}({})", places.join(", "));
        connection.create_scalar_function(name, arguments, flags, move |context| {
            if is_over() {
                return Err(interrupted());
            }
            if length(context, 0).saturating_mul(length(context, 1)) > most {
                refuse();
                return Err(Error::InvalidQuery);
            }
            answer(&inner.lock().unwrap_or_else(PoisonError::into_inner), &sql, context)
        })?;
    }
    Ok(())
}

/// Bytes of an argument; a number has some twenty at most.
fn length(context: &Context<'_>, argument: usize) -> u64 {
    match context.get_raw(argument) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 20,
    }
}

/// What SQLite's own function says.
fn answer(inner: &Connection, sql: &str, context: &Context<'_>) -> Result<Answer> {
    let arguments = (0..context.len()).map(|at| ToSqlOutput::Borrowed(context.get_raw(at)));
    let mut statement = inner.prepare_cached(sql)?;
    let answer = statement.query_row(params_from_iter(arguments), |row| {
        Ok(match row.get_ref(0)? {
            ValueRef::Text(bytes) => Answer::Text(bytes.to_vec()),
            other => Answer::Other(other.try_into()?),
        })
    });
    // With a message the code would not come through.
    answer.map_err(|error| match error {
        Error::SqliteFailure(code, _) => Error::SqliteFailure(code, None),
        other => other,
    })
}

/// A value, or text that need not be Unicode.
enum Answer {
    Text(Vec<u8>),
    Other(Value),
}

impl ToSql for Answer {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        match self {
            Answer::Text(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes))),
            Answer::Other(value) => value.to_sql(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::time::{Duration, Instant};

    use super::*;

    const VALUES: [&str; 14] = [
        "NULL",
        "0",
        "12.50",
        "-1e300",
        "''",
        "x''",
        "'aXbXa'",
        "'éa€bé'",
        "x'c3a9'",
        "CAST(x'80c3a9ff00a9' AS TEXT)",
        "CAST(x'a9' AS TEXT)",
        "'X'",
        "'4f 4b'",
        "char(0)",
    ];

    #[test]
    fn bounded_functions_say_what_those_of_sqlite_say() {
        let (plain, bounded) = (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
        bound(&bounded, || false, || panic!("refused")).unwrap();
        for (name, arguments, _) in FUNCTIONS {
            for a in VALUES {
                for b in VALUES {
                    let third = if arguments == 3 { ", 'é'" } else { "" };
                    let call = format!("{name}({a}, {b}{third})");
                    let sql = format!("SELECT typeof({call}), hex({call}), quote({call})");
                    let of = |connection: &Connection| {
                        connection.query_row(&sql, [], |row| {
                            let quoted = row.get_ref(2)?.as_bytes()?.to_vec();
                            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, quoted))
                        })
                    };
                    assert_eq!(of(&bounded), of(&plain), "{call}");
                }
            }
        }
    }

    #[test]
    fn schemas_may_call_them_and_none_runs_for_hours() {
        let refused = Arc::new(Mutex::new(0));
        let count = Arc::clone(&refused);
        let connection = Connection::open_in_memory().unwrap();
        bound(&connection, || false, move || *count.lock().unwrap() += 1).unwrap();
        connection
            .execute_batch(
                "PRAGMA trusted_schema = OFF;
                 CREATE TABLE t(a CHECK (instr(a, 'a')), b AS (trim(a, 'b')) STORED);
                 CREATE INDEX i ON t(replace(a, 'a', 'c'));
                 INSERT INTO t VALUES('baaab')",
            )
            .unwrap();
        let b: String = connection.query_row("SELECT b FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(b, "aaa");
        let begun = Instant::now();
        let long = |sign: char| format!("printf('%.*c', 8000000, '{sign}')");
        let (a, b) = (long('a'), format!("{} || 'b'", long('a')));
        for (name, arguments, _) in FUNCTIONS {
            let third = if arguments == 3 { ", 'c'" } else { "" };
            let call = format!("SELECT {name}({a}, {b}{third})");
            assert!(connection.query_row(&call, [], |_| Ok(())).is_err(), "{call}");
        }
        assert_eq!(*refused.lock().unwrap(), FUNCTIONS.len());
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}
