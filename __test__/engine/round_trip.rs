//! Whatever a database holds comes back from its dump: random databases, dumped, loaded with the `sqlite3` shell,
//! compared cell by cell, and dumped again.
//!
//! `CAB_TEST_SEED` sets the seed of a run, `CAB_TEST_FULL=1` makes it long.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::compare::{self, Tolerance};
use crate::dump::{self, Dumped};
use crate::generator::{self, Case, Coverage};

const DEFAULT_SEED: u64 = 20_260_730;
const STATEMENT_LIMIT: usize = 100_000;

/// The seed of this run.
pub fn seed() -> u64 {
    env::var("CAB_TEST_SEED")
        .ok()
        .map_or(DEFAULT_SEED, |seed| seed.parse().expect("CAB_TEST_SEED is a number"))
}

fn full() -> bool {
    env::var("CAB_TEST_FULL").is_ok_and(|full| full == "1")
}

#[test]
fn every_database_comes_back_from_its_dump_as_it_was() {
    let (seed, count) = (seed(), if full() { 1_200 } else { 60 });
    let (next, coverage, failures) =
        (AtomicUsize::new(0), Mutex::new(Coverage::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let mut made = Coverage::default();
                    let outcome = round_trip(seed, index, &mut made);
                    coverage.lock().unwrap().merge(&made);
                    if let Err(failure) = outcome {
                        failures.lock().unwrap().push((index, failure));
                    }
                }
            });
        }
    });
    let coverage = coverage.into_inner().unwrap();
    println!("{count} databases from seed {seed}:\n{coverage}");
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    let shown: Vec<String> =
        failures.iter().take(10).map(|(index, failure)| format!("{index}: {failure}")).collect();
    assert!(failures.is_empty(), "seed {seed}: {} of {count} failed\n{}", failures.len(), shown.join("\n"));
    assert_eq!(coverage.missing(generator::wanted()), [""; 0], "never generated");
}

fn round_trip(seed: u64, index: usize, coverage: &mut Coverage) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.db");
    let case = generator::generate(&source, seed + index as u64, index, coverage);
    let told = |problem: String| format!("{:?}: {problem}", case.recipes);
    let first = dump::dump(&source).map_err(told)?;
    check_statements(&first).map_err(told)?;
    let restored = restore(&case, &first, folder.path()).map_err(told)?;
    let tolerance = Tolerance { line_ends_in_schema: case.crlf_in_schema };
    let differences = compare::differences(&source, &restored, tolerance);
    if !differences.is_empty() {
        return Err(told(format!("\n    {}", differences.join("\n    "))));
    }
    let second = dump::dump(&restored).map_err(told)?;
    let unix = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    for (name, a, b) in
        [("database.sql", &first.main, &second.main), ("database-extra.sql", &first.extra, &second.extra)]
    {
        if a != b && !(case.crlf_in_schema && unix(a) == unix(b)) {
            return Err(told(format!("a second dump differs in {name}: {}", first_difference(a, b))));
        }
    }
    Ok(())
}

fn restore(case: &Case, dumped: &Dumped, folder: &Path) -> Result<std::path::PathBuf, String> {
    let restored = folder.join("restored.db");
    if case.needs_new_sqlite {
        dumped.load_in_library(&restored)?;
    } else {
        dumped.write(folder);
        dumped.load_in_shell(folder, "restored.db")?;
    }
    Ok(restored)
}

/// What D1 and wrangler ask of every statement of database.sql.
fn check_statements(dumped: &Dumped) -> Result<(), String> {
    let upper = dumped.main.to_ascii_uppercase();
    if memchr::memmem::find(&upper, b"BEGIN TRANSACTION").is_some() {
        return Err("database.sql holds BEGIN TRANSACTION".to_owned());
    }
    match longest_statement(&dumped.main)? {
        length if length > STATEMENT_LIMIT => {
            Err(format!("database.sql holds a statement of {length} bytes"))
        }
        _ => Ok(()),
    }
}

/// Bytes of the longest statement, as SQLite itself finds their ends while loading the script.
fn longest_statement(script: &[u8]) -> Result<usize, String> {
    let longest = Arc::new(AtomicUsize::new(0));
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let seen = Arc::clone(&longest);
    let watch = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            seen.fetch_max(statement.sql().len(), Ordering::Relaxed);
        }
    };
    db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(watch)).unwrap();
    db.execute_batch(std::str::from_utf8(script).unwrap())
        .map_err(|error| format!("database.sql: {error}"))?;
    Ok(longest.load(Ordering::Relaxed))
}

fn first_difference(a: &[u8], b: &[u8]) -> String {
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let shown = &bytes[at.saturating_sub(80).min(bytes.len())..(at + 120).min(bytes.len())];
        String::from_utf8_lossy(shown).into_owned()
    };
    format!("at byte {at}: {:?} became {:?}", around(a), around(b))
}
