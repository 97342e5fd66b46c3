//! What is read first of any archive: what it is, and of which version.

use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::backup::{self, BackupMetadata};
use super::dump::{self, DataDumpMetadata};
use super::index::{self, INDEX, IndexedPhoto};
use super::{Age, METADATA, age};
use crate::archive::{Archive, too_long};
use crate::error::{Error, Result};
use crate::job::excerpt;

/// How large metadata.json may be, for those who read it and those who write it (see `missing`).
pub const METADATA_LIMIT: u64 = 32 << 20;

/// What metadata.json of any archive begins with.
#[derive(Debug, Deserialize)]
pub struct Head {
    /// The kind of archive.
    pub format: String,
    /// `major.minor`.
    pub format_version: String,
}

/// A kind of archive, as messages and its metadata.json name it.
struct Kind {
    name: &'static str,
    file: &'static str,
    format: &'static str,
    version: &'static str,
}

const BACKUP: Kind =
    Kind { name: "backup", file: "backup-….zip", format: backup::FORMAT, version: backup::FORMAT_VERSION };
const DATA_DUMP: Kind =
    Kind { name: "data dump", file: "datadump-….zip", format: dump::FORMAT, version: dump::FORMAT_VERSION };

/// metadata.json of a backup. Fails with `INVALID_OPTIONS` when the archive is none, or one that this version of the
/// package cannot read, and with `ARCHIVE_CORRUPT`.
pub fn backup_metadata(archive: &mut Archive) -> Result<BackupMetadata> {
    metadata(archive, &BACKUP)
}

/// metadata.json of a data dump. Fails as [`backup_metadata`] does.
pub fn dump_metadata(archive: &mut Archive) -> Result<DataDumpMetadata> {
    metadata(archive, &DATA_DUMP)
}

fn metadata<T: DeserializeOwned>(archive: &mut Archive, kind: &Kind) -> Result<T> {
    let json = archive.read_bytes(METADATA, METADATA_LIMIT)?;
    let head: Head = parse(&json, METADATA, archive.path())?;
    let (path, Kind { name, file, version, .. }) = (archive.path().display(), kind);
    if head.format != kind.format {
        return Err(Error::invalid(format!("{path} is no {name}; name a {file}")));
    }
    match age(&head.format_version, version) {
        Age::Known => parse(&json, METADATA, archive.path()),
        Age::Newer => Err(Error::invalid(format!(
            "{path} is a {name} of a newer format version than {version}; use the version of this package that made it, \
             or a newer one"
        ))),
        Age::Unheard => Err(Error::invalid(format!(
            "{path} is of a format version that there never was; take another copy"
        ))),
    }
}

/// photos/index.json of a backup. Fails with `ARCHIVE_CORRUPT`.
pub fn photo_index(archive: &mut Archive) -> Result<Vec<IndexedPhoto>> {
    let (path, limit) = (archive.path().to_owned(), index::limit(archive.entries()));
    // Its text is read piece by piece: it takes more memory than the photos do.
    let mut json = archive.open_entry(INDEX)?.take(limit.saturating_add(1));
    let index = serde_json::from_reader(BufReader::new(&mut json));
    // What stands behind the limit was not read: it may be anything.
    if json.limit() == 0 {
        return Err(too_long(&path, INDEX, limit));
    }
    index.map_err(|error| unread(&error, INDEX, &path))
}

fn parse<T: DeserializeOwned>(json: &[u8], name: &str, path: &Path) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| unread(&error, name, path))
}

fn unread(error: &serde_json::Error, name: &str, path: &Path) -> Error {
    let problem = format!("its {name} cannot be read; take another copy");
    // It quotes what it does not take.
    Error::corrupt(path, problem, Some(excerpt(&error.to_string()).into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::error::Error as _;

    use chrono::DateTime;

    use super::*;
    use crate::archive::{ArchiveWriter, Workspace};
    use crate::job::{Job, Phase};

    /// Reads an index with no photo that is followed by so many spaces and by `rest`.
    fn read_padded(spaces: u64, rest: &[u8]) -> Result<Vec<IndexedPhoto>> {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let mut writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 1).unwrap();
        let json = [b"[]", " ".repeat(spaces as usize).as_bytes(), rest].concat();
        writer.add_bytes(INDEX, &json).unwrap();
        let job = Job::unattended();
        let finished = writer.finish(&job, &job.meter(Phase::Verify, None, None)).unwrap();
        photo_index(&mut Archive::open(finished.path(), &job).unwrap())
    }

    #[test]
    fn an_index_is_read_to_its_end_and_no_further_than_it_may_reach() {
        // It alone is in the archive.
        let spaces = index::limit(1) - 2;
        assert!(read_padded(spaces, b"").unwrap().is_empty());
        for (spaces, rest, what) in
            [(spaces, "x", "more than"), (spaces + 1, "", "more than"), (spaces - 1, "x", "cannot be read")]
        {
            let error = read_padded(spaces, rest.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "ARCHIVE_CORRUPT");
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_with_its_json_is_told_at_no_great_length() {
        let json = serde_json::to_vec(&"\u{fc}".repeat(70_000)).unwrap();
        let error = parse::<u64>(&json, METADATA, Path::new("a.zip")).unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with("invalid type: string") && cause.len() < 1_000, "{} bytes", cause.len());
    }
}
