//! A bucket of R2 as `wrangler dev` keeps it: a row for each object, and a file for its body, as miniflare 3 and 4
//! write them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use rusqlite::{Connection, ErrorCode, named_params};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Content, Presence, Target, look_into, taken};
use crate::archive::{Workspace, ensure_space, preflight};
use crate::error::{Error, Result};
use crate::flush;
use crate::folder;
use crate::formats::index::IndexedPhoto;
use crate::job::Job;
use crate::photos::source::PhotoStore;
use crate::photos::source::headers::{EXPIRY, KEPT};
use crate::photos::source::wrangler::Wrangler;
use crate::sqlite::BUSY_TIMEOUT;
use crate::sqlite::trouble::as_io;
use crate::wrangler::{bodies_folder, bucket_file};

/// Objects whose rows appear together: a restore that is broken off loses at most these.
const BATCH: usize = 200;

/// The tables that miniflare makes in a bucket that has none.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS _mf_objects (
    key TEXT PRIMARY KEY, blob_id TEXT, version TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    uploaded INTEGER NOT NULL, checksums TEXT NOT NULL, http_metadata TEXT NOT NULL, custom_metadata TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _mf_multipart_uploads (
    upload_id TEXT PRIMARY KEY, key TEXT NOT NULL, http_metadata TEXT NOT NULL, custom_metadata TEXT NOT NULL,
    state TINYINT DEFAULT 0 NOT NULL);
CREATE TABLE IF NOT EXISTS _mf_multipart_parts (
    upload_id TEXT NOT NULL REFERENCES _mf_multipart_uploads(upload_id), part_number INTEGER NOT NULL,
    blob_id TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, checksum_md5 TEXT NOT NULL,
    object_key TEXT REFERENCES _mf_objects(key) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (upload_id, part_number));";

const INSERT: &str =
    "INSERT INTO _mf_objects (key, blob_id, version, size, etag, uploaded, checksums, http_metadata, custom_metadata)
     VALUES (:key, :blob_id, :version, :size, :etag, :uploaded, '{}', :http_metadata, :custom_metadata)";

/// A bucket in wrangler's state.
pub(crate) struct LocalBucket {
    state: PathBuf,
    bucket: String,
    rows: Option<Connection>,
    /// Bodies without a row. They go when this does.
    pending: Vec<Object>,
}

/// An object whose body is written.
struct Object {
    photo: IndexedPhoto,
    body: PathBuf,
    blob_id: String,
    etag: String,
}

impl LocalBucket {
    /// The bucket; it is made when it is needed.
    pub(crate) fn new(state: PathBuf, bucket: String) -> Self {
        LocalBucket { state, bucket, rows: None, pending: Vec::new() }
    }

    fn file(&self) -> PathBuf {
        bucket_file(&self.state, &self.bucket)
    }

    /// Gives the bodies that were written their rows, all at once.
    fn commit(&mut self) -> Result<()> {
        let path = self.file();
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let pending = &self.pending;
        // A row is flushed with its commit; the bodies' names come before.
        if let Some(object) = pending.last() {
            flush::name(&object.body).map_err(|error| Error::output(&object.body, error))?;
        }
        let mut clash = None;
        let mut insert = || -> rusqlite::Result<()> {
            let transaction = rows.transaction()?;
            {
                let mut statement = transaction.prepare_cached(INSERT)?;
                for object in pending {
                    object.insert(&mut statement).inspect_err(|error| {
                        let is_taken = error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
                        clash = is_taken.then(|| object.photo.key.clone());
                    })?;
                }
            }
            transaction.commit()
        };
        match (insert(), clash) {
            (Ok(()), _) => {
                self.pending.clear();
                Ok(())
            }
            (Err(_), Some(key)) => Err(taken(&key)),
            (Err(error), None) => Err(failed(&path, error)),
        }
    }
}

impl Target for LocalBucket {
    fn look(&mut self, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>> {
        if !self.file().exists() {
            return Ok(vec![Presence::Missing; photos.len()]);
        }
        let workspace = Workspace::create(&folder::temporary())?;
        match Wrangler::open_made(&self.state, &self.bucket, workspace.folder(), job)? {
            Some(source) => look_into(&(Arc::new(source) as Arc<dyn PhotoStore>), photos, job),
            // A restore that was broken off while it made the bucket.
            None => Ok(vec![Presence::Missing; photos.len()]),
        }
    }

    fn preflight(&self, bytes: u64) -> Result<()> {
        preflight(folder::of(&self.file()), 0)?;
        preflight(&bodies_folder(&self.state, &self.bucket), bytes)
    }

    fn begin(&mut self, bytes: u64) -> Result<()> {
        let (path, bodies) = (self.file(), bodies_folder(&self.state, &self.bucket));
        for folder in [path.parent(), Some(&*bodies)].into_iter().flatten() {
            flush::make_folders(folder).map_err(|error| Error::output(folder, error))?;
        }
        ensure_space(&bodies, bytes)?;
        let open = || -> rusqlite::Result<Connection> {
            let mut rows = Connection::open(folder::reachable(&path))?;
            rows.busy_timeout(BUSY_TIMEOUT)?;
            rows.pragma_update(None, "trusted_schema", false)?;
            let tables = rows.transaction()?;
            tables.execute_batch(TABLES)?;
            tables.commit()?;
            Ok(rows)
        };
        self.rows = Some(open().map_err(|error| failed(&path, error))?);
        Ok(())
    }

    fn put(&mut self, photo: &IndexedPhoto, content: Content<'_>, job: &Job) -> Result<()> {
        let now = Utc::now().timestamp_millis();
        // As long as miniflare's: 32 bytes that nothing else has, and the time.
        let unique: [u8; 32] = Sha256::new()
            .chain_update(photo.key.as_bytes())
            .chain_update(Utc::now().timestamp_nanos_opt().unwrap_or(now).to_be_bytes())
            .finalize()
            .into();
        let blob_id = hex::encode(unique) + &hex::encode(now.to_be_bytes());
        let body = bodies_folder(&self.state, &self.bucket).join(&blob_id);
        let broken = |error| Error::output(&body, error);
        let mut file = File::create_new(&body).map_err(broken)?;
        self.pending.push(Object { photo: photo.clone(), body: body.clone(), blob_id, etag: String::new() });
        let mut md5 = Md5::new();
        content.each_piece(job, |piece| {
            md5.update(piece);
            file.write_all(piece).map_err(broken)
        })?;
        flush::file(&file).map_err(broken)?;
        if let Some(object) = self.pending.last_mut() {
            object.etag = hex::encode(md5.finalize());
        }
        if self.pending.len() >= BATCH { self.commit() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<()> {
        self.commit()?;
        self.rows = None;
        Ok(())
    }
}

impl Drop for LocalBucket {
    fn drop(&mut self) {
        for object in &self.pending {
            // One that stays is in nobody's way: rows alone say what is in a bucket.
            let _ = fs::remove_file(&object.body);
        }
    }
}

impl Object {
    fn insert(&self, statement: &mut rusqlite::CachedStatement<'_>) -> rusqlite::Result<()> {
        let IndexedPhoto { key, size, last_modified, .. } = &self.photo;
        let modified = last_modified.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        statement.execute(named_params! {
            ":key": key,
            ":blob_id": self.blob_id,
            ":version": self.blob_id.get(..32),
            ":size": *size as i64,
            ":etag": self.etag,
            ":uploaded": modified.map_or_else(|| Utc::now().timestamp_millis(), |at| at.timestamp_millis()),
            ":http_metadata": Value::Object(http_metadata(&self.photo)).to_string(),
            ":custom_metadata": Value::Object(self.photo.custom_metadata.read()).to_string(),
        })?;
        Ok(())
    }
}

/// The headers under R2's own names.
fn http_metadata(photo: &IndexedPhoto) -> Map<String, Value> {
    let known = photo.http_metadata.read();
    let text = |name: &str| known.get(name).and_then(Value::as_str);
    let mut headers = Map::new();
    headers.extend(photo.content_type.as_deref().map(|kind| ("contentType".to_owned(), kind.into())));
    for (_, member, name) in KEPT {
        headers.extend(text(name).map(|value| (member.to_owned(), value.into())));
    }
    let expiry = text(EXPIRY).and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    headers.extend(expiry.map(|at| ("cacheExpiry".to_owned(), at.timestamp_millis().into())));
    headers
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) {
        let problem = "another program keeps it locked; end it, such as `wrangler dev`, then start again";
        let source = Some(Box::new(error) as _);
        return Error::OutputUnwritable { path: path.to_owned(), problem: problem.into(), source };
    }
    Error::output(path, as_io(&error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn rows_that_another_program_holds_are_said_to_be_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.sqlite");
        let [holder, ours] = [(); 2].map(|()| Connection::open(&path).unwrap());
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        ours.busy_timeout(std::time::Duration::ZERO).unwrap();
        let error = failed(&path, ours.execute_batch("BEGIN IMMEDIATE").unwrap_err());
        assert_eq!(error.code(), "OUTPUT_UNWRITABLE");
        assert!(error.to_string().contains("another program keeps it locked"), "{error}");
    }
}
