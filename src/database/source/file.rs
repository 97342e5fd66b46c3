//! A SQLite file as a source of rows, also one that a live process writes or a dead one left behind.
//!
//! How the state is held depends on how the file is written. With a WAL a read transaction is enough, writers go
//! on beside it. With a rollback journal a reader blocks every commit, so the pages are copied in one read
//! transaction and the lock is free again after that. What only a writer could repair, a journal to be played back
//! or a WAL without its index, is copied as it lies and repaired in the copy.
//!
//! A live database is opened by SQLite alone, never by `std::fs` (but for one look, `is_idle_and_of_another`): closing
//! any descriptor of a file drops all POSIX locks that the process has on it, so it would take the locks of other
//! connections of this SQLite away. Those of another SQLite in the process go whenever this one closes the file
//! (<https://www.sqlite.org/howtocorrupt.html>, 2.2.1), which is why callers are told to keep such a process apart.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use super::{Held, Snapshot, begin, reader};
use crate::database::bytes_of;
use crate::error::{Error, Result};
use crate::job::{Job, Phase, Warning};
use crate::sqlite::{BUSY_TIMEOUT, Copier, Place, Traces, has_lone_wal, identity, lacks_wal, trace, trouble};

/// How often a database that changes while it is copied is tried again.
const ATTEMPTS: u32 = 8;
/// The wait between two such attempts, and between two tries of a lock.
const PAUSE: Duration = Duration::from_millis(25);

/// Takes a snapshot of the SQLite file at `path`; copies go to the private folder `work`.
///
/// Fails with `DATABASE_NOT_FOUND` if there is no file; with `DATABASE_UNREADABLE` if it is not SQLite, encrypted,
/// truncated, corrupt, without a table, or locked for ten seconds; with `SOURCE_CHANGED` if it could not be copied in
/// one state; with `DISK_FULL` and `OUTPUT_UNWRITABLE` for `work`.
pub fn open(path: &Path, work: &Path, job: &Job) -> Result<Snapshot> {
    open_within(path, work, job, BUSY_TIMEOUT)
}

fn open_within(path: &Path, work: &Path, job: &Job, patience: Duration) -> Result<Snapshot> {
    let place = Place::find(path, &["sqlite", "sqlite3", "db", "db3"])?;
    let meter = job.meter(Phase::Snapshot, None, None);
    let linked = linked(&place);
    let copier = Copier { origin: path, work, job, meter: &meter };
    let source = Source { place, copier, patience };
    let mut snapshot = source.take()?.with_spelt_names(work, job, &meter)?;
    snapshot.warnings.extend(linked);
    meter.finish();
    snapshot.with_tables()
}

struct Source<'a> {
    place: Place,
    copier: Copier<'a>,
    patience: Duration,
}

/// Why there is no snapshot yet.
enum Obstacle {
    /// A journal that a writer left behind has to be played back.
    Journal,
    /// The WAL has no index, or one that may not be written, or can have none there.
    Wal,
    /// Somebody wrote the file whatever locks it had, or gave another its name.
    Changed,
    /// There will be none.
    Final(Error),
}

impl Source<'_> {
    fn take(&self) -> Result<Snapshot> {
        let mut journals = 0;
        for attempt in 0..ATTEMPTS {
            self.copier.job.check()?;
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            let obstacle = if has_lone_wal(&self.place.path) || self.is_idle_and_of_another() {
                Err(Obstacle::Wal)
            } else {
                self.read_in_place()
            };
            let copied = match obstacle {
                Ok(snapshot) => return Ok(snapshot),
                Err(Obstacle::Final(error)) => return Err(error),
                Err(Obstacle::Wal) => self.copy("-wal")?,
                // Seen once, a journal may be that of a live writer that has just ended its transaction.
                Err(Obstacle::Journal) if journals == 0 => {
                    journals += 1;
                    None
                }
                Err(Obstacle::Journal) if self.place.has("-journal") => {
                    self.copy("-journal")?.map(rolled_back)
                }
                Err(Obstacle::Journal | Obstacle::Changed) => None,
            };
            if let Some(snapshot) = copied {
                return Ok(snapshot);
            }
        }
        Err(Error::SourceChanged {
            what: self.copier.origin.display().to_string(),
            problem: "it could not be copied in one state; try again when less is written".into(),
        })
    }

    fn read_in_place(&self) -> Result<Snapshot, Obstacle> {
        let traces = Traces::before(&self.place.path);
        let file = identity(&self.place.path);
        let begun = self.begin_in_place();
        // Another file has taken its name since it was opened: what lies beside is that one's.
        if file != identity(&self.place.path) {
            return Err(Obstacle::Changed);
        }
        let (connection, mode) = begun?;
        if mode == "wal" {
            let origin = self.copier.origin.to_owned();
            return Ok(Snapshot {
                connection,
                held: Arc::new(Held::Live(traces)),
                kind: "file",
                origin,
                warnings: Vec::new(),
                watchdog: None,
            });
        }
        let before = trace(&self.place.path);
        let copied = self.copier.through_sqlite(&connection);
        let after = trace(&self.place.path);
        drop(connection);
        // No writer that asks for a lock had one: another file was copied over this one, and both may be in the copy.
        if after.is_some() && after != before {
            return Err(Obstacle::Changed);
        }
        copied.and_then(|copy| Snapshot::from_copy(copy, "file", self.copier.origin)).map_err(Obstacle::Final)
    }

    /// Opens it and begins the transaction; with the journal mode.
    fn begin_in_place(&self) -> Result<(Connection, String), Obstacle> {
        let mut connection = reader(&self.place.path).map_err(|error| self.hopeless(&error))?;
        self.wait_for_locks(&mut connection).map_err(|error| self.hopeless(&error))?;
        let mode = begin(&connection)
            .and_then(|()| connection.pragma_query_value(None, "journal_mode", |row| row.get(0)))
            .map_err(|error| self.obstacle(&error))?;
        self.refuse_truncated(&connection)?;
        Ok((connection, mode))
    }

    /// SQLite takes the bytes that the last page lacks for zeros. Of what a WAL holds, pages may rightly be missing.
    fn refuse_truncated(&self, connection: &Connection) -> Result<(), Obstacle> {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        if length(&self.place.beside("-wal")) > 0 {
            return Ok(());
        }
        let promised = bytes_of(connection).map_err(|error| self.obstacle(&error))?;
        let size = length(&self.place.path);
        match size < promised {
            true => {
                let problem = trouble::truncated(size, promised);
                Err(Obstacle::Final(Error::unreadable(self.copier.origin, problem, None)))
            }
            false => Ok(()),
        }
    }

    /// Whether it is a database in WAL mode that nobody has open and that belongs to another user. A reader would make
    /// a WAL that is its own, which the owner could not write while it is there, and which might stay. Root gives it to
    /// the owner.
    ///
    /// SQLite cannot tell without making one, so the head is read by `std::fs`. Were it no WAL after all but a database
    /// that this process is copying elsewhere, that copy would lose its lock, and be made anew if somebody wrote.
    #[cfg(unix)]
    fn is_idle_and_of_another(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let owner = |path: &Path| std::fs::metadata(path).map(|file| file.uid()).ok();
        let (ours, theirs) = (owner(self.copier.work), owner(&self.place.path));
        let is_wal = || trouble::head(&self.place.path).is_ok_and(|(head, _)| head.get(18) == Some(&2));
        ours != theirs && ours != Some(0) && !self.place.has("-wal") && is_wal()
    }

    #[cfg(not(unix))]
    fn is_idle_and_of_another(&self) -> bool {
        false
    }

    fn copy(&self, beside: &str) -> Result<Option<Snapshot>> {
        self.copier
            .file_by_file(&self.place, beside)?
            .map(|copy| Snapshot::from_copy(copy, "file", self.copier.origin))
            .transpose()
    }

    /// Tries a lock again and again, until the job is stopped or patience ends.
    fn wait_for_locks(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let (job, patience) = (self.copier.job.clone(), self.patience);
        let mut since = Instant::now();
        connection.busy_handler(Some(move |tries: i32| {
            if tries == 0 {
                since = Instant::now();
            }
            let again = !job.is_stopped() && since.elapsed() < patience;
            if again {
                thread::sleep(PAUSE.min(Duration::from_millis(1 << tries.clamp(0, 5))));
            }
            again
        }))
    }

    fn obstacle(&self, error: &rusqlite::Error) -> Obstacle {
        match trouble::extended(error) {
            ffi::SQLITE_READONLY_ROLLBACK => Obstacle::Journal,
            _ if lacks_wal(error) => Obstacle::Wal,
            _ => self.hopeless(error),
        }
    }

    fn hopeless(&self, error: &rusqlite::Error) -> Obstacle {
        Obstacle::Final(match self.copier.job.check() {
            Err(aborted) => aborted,
            Ok(()) => trouble::unopened(self.copier.origin, error),
        })
    }
}

/// SQLite looks for a WAL or a journal beside the name that it was given. Where the file has another name, that of its
/// writer may have one.
#[cfg(unix)]
fn linked(place: &Place) -> Option<Warning> {
    use std::os::unix::fs::MetadataExt;
    let names = std::fs::metadata(&place.path).map_or(1, |file| file.nlink());
    (names > 1 && !place.has("-wal") && !place.has("-journal")).then(|| {
        let message = format!(
            "the file has {names} names (hard links); what a program has written last under another one lies beside \
             that and is not in the backup: name the file as the program that writes it does"
        );
        Warning::new("DATABASE_LINKED", message)
    })
}

#[cfg(not(unix))]
fn linked(_: &Place) -> Option<Warning> {
    None
}

fn rolled_back(mut snapshot: Snapshot) -> Snapshot {
    let message =
        "a program was killed while it wrote this database; its last transaction never ended and is left out";
    snapshot.warnings.push(Warning::new("DATABASE_ROLLED_BACK", message));
    snapshot
}

#[cfg(test)]
mod tests;
