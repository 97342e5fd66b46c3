//! The files of a WAL beside a database: what a reader may leave of them, and when it cannot do with them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, ffi};

use super::place::{trace, with_ending};
use super::trouble;

/// What reading a database leaves beside it, removed once the reader is closed.
///
/// A database in WAL mode that nobody has open has neither `-wal` nor `-shm`. SQLite makes both even for a reader,
/// and a reader may not remove them. Only SQLite can tell whether somebody else uses them by now, so a connection
/// that may write is opened and closed: the last one to leave takes both away. It writes nothing else.
#[derive(Debug)]
pub struct Traces {
    path: PathBuf,
    wal: Option<PathBuf>,
}

impl Traces {
    /// The database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there before the database is opened.
    pub fn before(path: &Path) -> Self {
        let wal = with_ending(path, "-wal");
        Traces { path: path.to_owned(), wal: (!wal.exists()).then_some(wal) }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if self.wal.as_ref().is_none_or(|wal| !wal.exists()) {
            return;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // A failure leaves two empty files that the next writer uses.
        let _ = Connection::open_with_flags(&self.path, flags).and_then(|connection| {
            connection.busy_timeout(Duration::ZERO)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        });
    }
}

/// Whether there is a WAL without its index. SQLite would make that, and a reader cannot remove it again.
pub fn has_lone_wal(path: &Path) -> bool {
    let has = |ending| trace(&with_ending(path, ending)).is_some();
    has("-wal") && !has("-shm")
}

/// Whether a file that could be opened is not read because its WAL, or the index of that, cannot be made or written.
pub fn lacks_wal(error: &rusqlite::Error) -> bool {
    let code = trouble::extended(error);
    matches!(
        code,
        ffi::SQLITE_READONLY_RECOVERY
            | ffi::SQLITE_READONLY_CANTINIT
            | ffi::SQLITE_READONLY_DIRECTORY
            // Network and user space file systems have no memory that processes share.
            | ffi::SQLITE_IOERR_SHMOPEN
            | ffi::SQLITE_IOERR_SHMSIZE
            | ffi::SQLITE_IOERR_SHMLOCK
            | ffi::SQLITE_IOERR_SHMMAP
    ) || code & 0xff == ffi::SQLITE_CANTOPEN
}
