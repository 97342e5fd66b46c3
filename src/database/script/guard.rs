//! What a script may do: change its own database, within a size and a time that grow with the script.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use super::clock::worked;
use super::functions;
use crate::job::Job;

const MIB: u64 = 1024 * 1024;
/// A value of this many bytes is taken from any script.
pub const ANY_VALUE: u64 = 16 * MIB;
/// Bytes of a LIKE or GLOB pattern: nothing stops SQLite while it compares one.
pub const PATTERN: i32 = 1000;
/// What is no part of the database, and would lie in files of its own that no limit holds for.
const TEMPORARY: &str = "a temporary table, index, trigger or view";
/// Instructions of SQLite's virtual machine between two looks at the clock: some 50 microseconds.
const STRIDE: i32 = 4000;

/// Time for each MiB that is loaded, or looked into afterwards.
pub const PER_MIB: Duration = Duration::from_secs(5);

/// How much a script may use.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes of the scripts that are to be loaded, all together.
    pub bytes: u64,
    /// Time for any script at all.
    pub patience: Duration,
    /// More time for every MiB read.
    pub patience_per_mib: Duration,
}

impl Budget {
    /// What honest scripts of so many bytes stay far below: a second loads 85 MiB, or 1.5 MiB of text that is indexed
    /// by trigrams, and the machine may be small.
    pub fn for_bytes(bytes: u64) -> Self {
        Budget { bytes, patience: Duration::from_secs(10), patience_per_mib: PER_MIB }
    }

    /// Time for a script of which so many bytes were read.
    pub fn time(&self, read: u64) -> Duration {
        self.patience + self.patience_per_mib.mul_f64(read as f64 / MIB as f64)
    }

    /// No value is longer than the script that spells it out, but a row has generated columns beside what is spelt out.
    /// 1,000,000,000 is SQLite's own limit.
    fn longest_value(&self) -> i32 {
        let longest = self.bytes.saturating_mul(16).clamp(ANY_VALUE, 1_000_000_000);
        i32::try_from(longest).unwrap_or(1_000_000_000)
    }

    /// Honest scripts may grow some hundredfold: every index holds its column once more, a generated column is nowhere
    /// spelt out, and `a UNIQUE,` is an index of a page.
    pub fn most_pages(&self, page_size: u64) -> u64 {
        (64 * MIB).saturating_add(self.bytes.saturating_mul(512)) / page_size.max(1)
    }
}

/// Keeps a connection within its budget.
pub struct Guard {
    budget: Budget,
    /// When the statement that runs has to be done, in nanoseconds that its thread has [`worked`].
    deadline: Arc<AtomicU64>,
    refused: Arc<Mutex<Option<&'static str>>>,
}

impl Guard {
    /// Guards `connection` from here on: until [`Guard::lift`], only what a dump needs can be prepared on it.
    pub fn set(connection: &mut Connection, budget: Budget, job: &Job) -> rusqlite::Result<Self> {
        for (limit, most) in [
            (Limit::SQLITE_LIMIT_LENGTH, budget.longest_value()),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, budget.longest_value()),
            // 25 million instructions are 600 MB; a row of ten columns takes fifteen.
            (Limit::SQLITE_LIMIT_VDBE_OP, 25_000_000),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 100),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, most)?;
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;

        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let (watch, job) = (Arc::clone(&deadline), job.clone());
        let is_over = move || job.is_stopped() || is_past(&watch);
        connection.progress_handler(STRIDE, Some(is_over.clone()))?;

        let refused = Arc::new(Mutex::new(None));
        let note = Arc::clone(&refused);
        functions::bound(connection, is_over, move || {
            let what = "a call of instr, replace, trim or unhex that would not end";
            note.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
        })?;
        let note = Arc::clone(&refused);
        connection.authorizer(Some(move |context: AuthContext<'_>| match refusal(&context) {
            None => Authorization::Allow,
            Some(what) => {
                note.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
                Authorization::Deny
            }
        }))?;
        Ok(Guard { budget, deadline, refused })
    }

    /// The budget that it was set with.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// A statement starts: `read` bytes of the script were read, `spent` went into the statements before it.
    pub fn start(&self, read: u64, spent: Duration) {
        let left = self.budget.time(read).saturating_sub(spent);
        self.deadline.store(nanoseconds(worked().saturating_add(left)), Ordering::Relaxed);
    }

    /// Whether the time of the statement that ran is over.
    pub fn is_overdue(&self) -> bool {
        is_past(&self.deadline)
    }

    /// What was refused since the last call, in words that hold nothing of the script.
    pub fn refused(&self) -> Option<&'static str> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets our own statements through again.
    pub fn lift(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
        connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
    }
}

/// Whether this thread has worked beyond a deadline.
fn is_past(deadline: &AtomicU64) -> bool {
    nanoseconds(worked()) > deadline.load(Ordering::Relaxed)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Virtual tables that a dump may set up: those whose rows live in the database itself, and the vocabulary of a
/// full-text table, which has none.
pub fn is_known_module(module: &str) -> bool {
    ["fts3", "fts4", "fts5", "fts4aux", "fts5vocab", "rtree", "rtree_i32", "geopoly"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(module))
}

fn refusal(context: &AuthContext<'_>) -> Option<&'static str> {
    match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some("ATTACH, DETACH or VACUUM"),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("SAVEPOINT, RELEASE or ROLLBACK")
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempTrigger { .. }
        | AuthAction::DropTempView { .. } => Some(TEMPORARY),
        // By its schema's name alone SQLite does not call it temporary; of a trigger it gives the table's instead.
        AuthAction::CreateTable { .. } | AuthAction::CreateView { .. } | AuthAction::Insert { .. }
            if context.database_name == Some("temp") =>
        {
            Some(TEMPORARY)
        }
        AuthAction::Pragma { pragma_name, pragma_value }
            if !is_harmless_pragma(pragma_name, pragma_value) =>
        {
            Some("a PRAGMA that dumps do not write")
        }
        AuthAction::CreateVtable { module_name, .. } if !is_known_module(module_name) => {
            Some("a virtual table other than fts3, fts4, fts5 and rtree")
        }
        AuthAction::Function { function_name } if reaches_outside(function_name) => {
            Some("a function that reaches outside the database")
        }
        AuthAction::Unknown { .. } => Some("something unknown to this package"),
        _ => None,
    }
}

fn is_harmless_pragma(name: &str, value: Option<&str>) -> bool {
    match name.to_ascii_lowercase().as_str() {
        // Within our transaction foreign_keys changes nothing, and no other is ever open.
        "defer_foreign_keys" | "foreign_keys" | "ignore_check_constraints" => true,
        "user_version" | "application_id" => true,
        // What fts3, fts5, rtree and we ask for.
        "page_size" | "page_count" | "data_version" => value.is_none(),
        _ => false,
    }
}

/// Functions of SQLite, its shell and well-known extensions that touch files, code or the process.
pub fn reaches_outside(function: &str) -> bool {
    ["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "eval", "shell"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(function))
}
