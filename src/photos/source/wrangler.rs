//! A bucket of R2 as `wrangler dev` keeps it on this machine: rows that know the objects, and a file for each body.
//!
//! Only the rows say what is in the bucket: the folder of bodies also holds parts of uploads that were never finished.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use rusqlite::{Connection, OpenFlags, OptionalExtension, ffi};
use serde_json::{Map, Value};
use tempfile::TempPath;

use super::{Content, GetError, Listing, OpenFile, PhotoStore, StoredPhoto, etag, metadata};
use crate::error::{Cause, Error, Result};
use crate::folder;
use crate::job::{Job, Meter, blocking_deep};
use crate::sqlite::trouble::extended;
use crate::sqlite::{BUSY_TIMEOUT, Copier, Place, Traces, has_lone_wal, lacks_wal};
use crate::wrangler::{bodies_folder, bucket_file};

mod parts;

use parts::one_after_the_other;

/// The columns that describe an object.
const OBJECT: &str = "key, blob_id, size, etag, uploaded, http_metadata, custom_metadata";

/// How often rows are tried to be copied that change meanwhile, and the wait between two such attempts.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(25);

/// A bucket in wrangler's state.
#[derive(Debug, Clone)]
pub struct Wrangler {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bucket: String,
    rows: PathBuf,
    bodies: PathBuf,
    /// A copy of the rows, where SQLite cannot work on them as they lie, or not without a trace.
    copy: Option<TempPath>,
    /// What reading the rows leaves beside them otherwise.
    _traces: Traces,
}

/// What there is in a bucket's rows.
enum Tables {
    None,
    OfBucket,
    Others,
}

/// An object and where its body is.
struct Object {
    photo: StoredPhoto,
    /// None: it was uploaded in parts.
    body: Option<String>,
}

impl Wrangler {
    /// Opens the bucket. Blocks briefly. What has to be copied lies in the folder `work` while the bucket is open.
    ///
    /// Fails with `SOURCE_UNREACHABLE` when there is none of that name or its rows cannot be read, with
    /// `OUTPUT_UNWRITABLE` or `DISK_FULL` when `work` cannot be written, and with `ABORT_ERR`.
    pub fn open(state: &Path, bucket: &str, work: &Path, job: &Job) -> Result<Self> {
        let opened = Self::open_made(state, bucket, work, job)?;
        opened.ok_or_else(|| Shared::of(state, bucket).no_bucket())
    }

    /// Opens the bucket as [`Wrangler::open`] does. None where its rows hold nothing, no table either: whoever made it
    /// did not come to the end.
    pub fn open_made(state: &Path, bucket: &str, work: &Path, job: &Job) -> Result<Option<Self>> {
        let mut shared = Shared::of(state, bucket);
        if !shared.rows.is_file() {
            let problem = format!(
                "wrangler would keep it in {}, which is not there; check the name of the bucket and the folder of the \
                 state",
                shared.rows.display()
            );
            return Err(shared.unreachable(problem, None));
        }
        match shared.find_tables(work, job)? {
            Ok(Tables::OfBucket) => Ok(Some(Wrangler { shared: Arc::new(shared) })),
            Ok(Tables::None) => Ok(None),
            Ok(Tables::Others) => Err(shared.no_bucket()),
            Err(error) => {
                let problem = format!(
                    "{} cannot be read; if it is damaged, take the photos from a copy of the state, or back up the rows \
                     alone",
                    shared.rows.display()
                );
                Err(shared.unreachable(problem, Some(Box::new(error))))
            }
        }
    }
}

impl Shared {
    fn of(state: &Path, bucket: &str) -> Self {
        let rows = bucket_file(state, bucket);
        let (bodies, traces) = (bodies_folder(state, bucket), Traces::before(&rows));
        Shared { bucket: bucket.into(), rows, bodies, copy: None, _traces: traces }
    }

    /// Which tables there are: in the rows as they lie or, where SQLite cannot read those without writing beside them,
    /// in a copy, which is kept. The inner error is SQLite's.
    fn find_tables(&mut self, work: &Path, job: &Job) -> Result<rusqlite::Result<Tables>> {
        for attempt in 0..ATTEMPTS {
            job.check()?;
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            let beside = match (!has_lone_wal(&self.rows)).then(|| self.tables()) {
                // A writer was killed: only whoever may write plays its journal back.
                Some(Err(error)) if extended(&error) == ffi::SQLITE_READONLY_ROLLBACK => "-journal",
                Some(found) if !found.as_ref().is_err_and(lacks_wal) => return Ok(found),
                _ => "-wal",
            };
            self.copy = self.copied(beside, work, job)?;
            if self.copy.is_some() {
                return Ok(self.tables());
            }
        }
        Err(self.unreachable("its rows change all the time; stop `wrangler dev`, and try again", None))
    }

    /// A copy of the rows in `work`, into which SQLite has brought what the file beside them holds whose name has this
    /// ending. None if they changed meanwhile.
    fn copied(&self, beside: &str, work: &Path, job: &Job) -> Result<Option<TempPath>> {
        let copier = Copier { origin: &self.rows, work, job, meter: &Meter::silent() };
        let copy = Place::find(&self.rows, &[]).and_then(|place| copier.file_by_file(&place, beside));
        copy.map_err(|error| match error {
            Error::DatabaseNotFound { .. } => self.unreachable("its rows are gone; try again", None),
            Error::DatabaseUnreadable { problem, source, .. } => {
                self.unreachable(format!("its rows cannot be read: {problem}"), source)
            }
            error => error,
        })
    }

    fn unreachable(&self, problem: impl Into<String>, source: Option<Cause>) -> Error {
        Error::SourceUnreachable { what: self.place(), problem: problem.into(), source }
    }

    fn no_bucket(&self) -> Error {
        let problem = format!(
            "{} is not a bucket of miniflare 3 or later; check the folder of the state, or run the site on it with a \
             current wrangler once",
            self.rows.display()
        );
        self.unreachable(problem, None)
    }

    fn place(&self) -> String {
        format!("the local bucket {}", self.bucket)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let path = self.copy.as_deref().unwrap_or(&self.rows);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let rows = Connection::open_with_flags(folder::reachable(path), flags)?;
        rows.busy_timeout(BUSY_TIMEOUT)?;
        rows.pragma_update(None, "trusted_schema", false)?;
        Ok(rows)
    }

    fn tables(&self) -> rusqlite::Result<Tables> {
        let sql = "SELECT count(*), total(name IN ('_mf_objects', '_mf_multipart_parts')) FROM sqlite_schema";
        let counts = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?));
        Ok(match self.connect()?.query_row(sql, [], counts)? {
            (0, _) => Tables::None,
            (_, 2.0) => Tables::OfBucket,
            _ => Tables::Others,
        })
    }

    fn list(&self, job: &Job) -> Result<Listing> {
        let failed = |error: rusqlite::Error| {
            let problem = "its rows cannot be read; stop `wrangler dev` if it runs, and try again";
            self.unreachable(problem, Some(Box::new(error)))
        };
        let rows = self.connect().map_err(failed)?;
        let sql = format!("SELECT {OBJECT} FROM _mf_objects ORDER BY key COLLATE BINARY");
        let mut statement = rows.prepare(&sql).map_err(failed)?;
        let mut found = statement.query([]).map_err(failed)?;
        let mut listing = Listing::default();
        while let Some(row) = found.next().map_err(failed)? {
            job.check()?;
            Arc::make_mut(&mut listing.photos).push(Object::read(row).map_err(failed)?.photo);
        }
        Ok(listing)
    }

    /// An object, and its rows as they were when it was found: they stay so on this connection.
    fn find(&self, key: &str) -> std::result::Result<(Connection, Object), GetError> {
        let unreadable = |_| GetError::Unreadable;
        let rows = self.connect().map_err(unreadable)?;
        rows.execute_batch("BEGIN").map_err(unreadable)?;
        let sql = format!("SELECT {OBJECT} FROM _mf_objects WHERE key = ?1");
        let object = rows.query_row(&sql, [key], Object::read).optional().map_err(unreadable)?;
        object.map(|object| (rows, object)).ok_or(GetError::NoSuchKey)
    }

    fn body(&self, name: &str) -> PathBuf {
        // A name that leads elsewhere is none of miniflare's.
        let name = if name.bytes().all(|b| b.is_ascii_alphanumeric()) { name } else { "-" };
        self.bodies.join(name)
    }

    /// Opens the object right here: no other thread has to look into the rows. One that is replaced loses its files a
    /// moment later.
    fn content(&self, key: &str) -> std::result::Result<Content, GetError> {
        for _ in 0..2 {
            let (rows, Object { photo, body }) = self.find(key)?;
            let Some(body) = body else {
                let parts = self.parts(&rows, key).map_err(|_| GetError::Unreadable)?;
                if parts.iter().all(|part| part.exists()) {
                    return Ok(Content::Stream(Box::new(photo), one_after_the_other(parts)));
                }
                continue;
            };
            match File::open(self.body(&body)).and_then(|file| Ok((file.metadata()?, file))) {
                Ok((metadata, file)) => {
                    return Ok(Content::File(Box::new(move || Ok(OpenFile { file, metadata, photo }))));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The row says that it is there.
        Err(GetError::Unreadable)
    }

    /// The files that hold an object which was uploaded in parts, in order.
    fn parts(&self, rows: &Connection, key: &str) -> rusqlite::Result<Vec<PathBuf>> {
        let sql = "SELECT blob_id FROM _mf_multipart_parts WHERE object_key = ?1 ORDER BY part_number";
        let mut statement = rows.prepare(sql)?;
        let parts = statement.query_map([key], |row| row.get::<_, String>(0))?;
        parts.map(|part| part.map(|name| self.body(&name))).collect()
    }
}

#[async_trait]
impl PhotoStore for Wrangler {
    fn kind(&self) -> &'static str {
        "wrangler"
    }

    fn place(&self) -> String {
        self.shared.place()
    }

    async fn list(&self, job: &Job) -> Result<Option<Listing>> {
        let (shared, job) = (Arc::clone(&self.shared), job.clone());
        blocking_deep(move || shared.list(&job)).await.map(Some)
    }

    async fn get(&self, key: &str) -> std::result::Result<Content, GetError> {
        let (shared, key) = (Arc::clone(&self.shared), key.to_owned());
        blocking_deep(move || Ok(shared.content(&key))).await.map_err(|_| GetError::Unreadable)?
    }
}

impl Object {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Object> {
        let members = |text: Option<String>| -> Map<String, Value> {
            text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
        };
        let (content_type, http_metadata) = metadata::headers(members(row.get(5)?));
        let mut custom_metadata = members(row.get(6)?);
        custom_metadata.sort_keys();
        let etag: Option<String> = row.get(3)?;
        Ok(Object {
            body: row.get(1)?,
            photo: StoredPhoto {
                key: row.get(0)?,
                size: row.get::<_, i64>(2)?.max(0) as u64,
                md5: etag.as_deref().and_then(etag::md5),
                etag,
                last_modified: DateTime::from_timestamp_millis(row.get::<_, f64>(4)? as i64),
                content_type,
                http_metadata: http_metadata.into(),
                custom_metadata: custom_metadata.into(),
            },
        })
    }
}

#[cfg(all(test, unix))]
mod tests;
