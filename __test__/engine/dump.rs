//! The writer of database.sql, and the two places a user's machine has to load it into.

use std::path::Path;
use std::process::Command;

use cultural_archiver_backup::database::source::file;
use cultural_archiver_backup::database::sql;
use cultural_archiver_backup::error::Error;
use cultural_archiver_backup::job::{Job, Phase};
use rusqlite::Connection;

/// Both files of one dump.
#[derive(Debug, PartialEq, Eq)]
pub struct Dumped {
    /// database.sql
    pub main: Vec<u8>,
    /// database-extra.sql; empty when it is not needed.
    pub extra: Vec<u8>,
    /// What the writer says stands in database-extra.sql.
    pub in_extra: Vec<String>,
}

/// Dumps the database file `path` as a backup does.
pub fn dump(path: &Path) -> Result<Dumped, String> {
    try_dump(path).map_err(|error| format!("not dumped: {error} ({:?})", std::error::Error::source(&error)))
}

fn try_dump(path: &Path) -> Result<Dumped, Error> {
    let work = tempfile::tempdir().unwrap();
    let job = Job::unattended();
    let snapshot = file::open(path, work.path(), &job)?;
    let meter = job.meter(Phase::Database, None, None);
    let (mut main, mut extra) = (Vec::new(), Vec::new());
    let copy = snapshot.copied(work.path(), &job)?;
    let repairs = Connection::open(&copy)
        .and_then(|copy| sql::Repairs::find(&copy, sql::Doubt::Rows, &work.path().join("trial"), &job))
        .map_err(|error| snapshot.failure(&error))?;
    let output = sql::Output { main: &mut main, extra: &mut extra };
    let dump = sql::dump(snapshot.connection(), &repairs, output, &job, &meter)
        .map_err(|failure| failure.of(&snapshot, work.path()))?;
    Ok(Dumped { main, extra, in_extra: dump.in_extra })
}

impl Dumped {
    /// Writes the files into `folder` under the names they have in an archive.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("database.sql"), &self.main).unwrap();
        if !self.extra.is_empty() {
            std::fs::write(folder.join("database-extra.sql"), &self.extra).unwrap();
        }
    }

    /// Loads the files, which [`Dumped::write`] put into `folder`, with the `sqlite3` shell as the README says.
    pub fn load_in_shell(&self, folder: &Path, restored: &str) -> Result<(), String> {
        shell(folder, restored, &["BEGIN", ".read database.sql", "COMMIT"])?;
        if self.extra.is_empty() {
            return Ok(());
        }
        shell(folder, restored, &[".read database-extra.sql"])
    }

    /// Loads both files with the SQLite that is built in.
    pub fn load_in_library(&self, restored: &Path) -> Result<(), String> {
        let db = self.load_main_in_library(restored)?;
        run(&db, "database-extra.sql", &self.extra)
    }

    /// Loads database.sql alone.
    pub fn load_main_in_library(&self, restored: &Path) -> Result<Connection, String> {
        let db = Connection::open(restored).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN").unwrap();
        run(&db, "database.sql", &self.main)?;
        db.execute_batch("COMMIT").unwrap();
        Ok(db)
    }
}

fn run(db: &Connection, name: &str, script: &[u8]) -> Result<(), String> {
    db.execute_batch(std::str::from_utf8(script).unwrap()).map_err(|error| format!("{name}: {error}"))
}

fn shell(folder: &Path, database: &str, commands: &[&str]) -> Result<(), String> {
    let output = Command::new("sqlite3")
        .current_dir(folder)
        .arg(database)
        .args(commands)
        .output()
        .expect("the sqlite3 shell is needed for this test");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.is_empty() {
        return Ok(());
    }
    let said: String = said.chars().take(500).collect();
    Err(format!("sqlite3 {database} {commands:?}: {} {said}", output.status))
}
