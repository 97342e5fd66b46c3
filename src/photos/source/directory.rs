//! Photos as files below a folder: the path below the folder, with `/` on every platform, is the key.
//!
//! The folder is taken as it is, hidden files included; only our own working folders (`.cultural-archiver-` and random
//! letters and digits), archives, these with a warning, and what a system keeps to itself at the top of a volume are
//! passed over. A file keeps no headers, so the media type comes from the extension, the last-modified time is the file's
//! own, to the millisecond, and there is no ETag.
//!
//! Nothing outside the folder is ever read: a symbolic link counts as a photo when it leads to a file inside the
//! folder, and is passed over with a warning when it leads out, to a folder, or nowhere. Names that are not Unicode
//! cannot be keys; pipes, sockets and devices are never opened for reading.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};

use super::resolve::resolve;
use super::walk::walk;
use super::{Content, GetError, Listing, OpenFile, PhotoMetadata, PhotoStore, StoredPhoto};
use crate::error::{Error, OUT_OF_FILES, Result, is_out_of_files};
use crate::job::{Job, blocking};
use crate::photos::key::content_type;

/// A folder of photos.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Absolute and without links, so that "inside the folder" can be checked.
    root: PathBuf,
}

impl Directory {
    /// Opens the folder. Blocks briefly. Fails with [`Error::SourceUnreachable`] when it is missing or no folder,
    /// with [`Error::SourceRefused`] when it may not be read.
    pub fn open(path: &Path) -> Result<Self> {
        let root = resolve(path).map_err(|e| cannot_open(path, e))?;
        fs::read_dir(&root).map_err(|e| cannot_open(path, e))?;
        Ok(Directory { root })
    }
}

#[async_trait]
impl PhotoStore for Directory {
    fn kind(&self) -> &'static str {
        "directory"
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn list(&self, job: &Job) -> Result<Option<Listing>> {
        let (root, job) = (self.root.clone(), job.clone());
        blocking(move || walk(&root, &job)).await.map(Some)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let (root, key) = (self.root.clone(), key.to_owned());
        Ok(Content::File(Box::new(move || open_inside(&root, key))))
    }
}

fn open_inside(root: &Path, key: String) -> Result<OpenFile, GetError> {
    let path = path_of(root, &key).ok_or(GetError::NoSuchKey)?;
    let file = match open_without_links(&path) {
        Some(file) => file,
        None => open_resolved(root, &path)?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(GetError::NoSuchKey);
    }
    Ok(OpenFile { photo: describe(key, &metadata), metadata, file })
}

/// Opens a file whose path has no link in it: then it is where the path says. None where there is one, where it cannot be
/// opened for any other reason, and where the system, such as a Linux before 5.6, cannot be asked for that.
#[cfg(target_os = "linux")]
fn open_without_links(path: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    // A pipe would block until somebody writes to it.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS).ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn open_without_links(_: &Path) -> Option<File> {
    None
}

/// Opens a file wherever links lead to, if that is below `root`.
fn open_resolved(root: &Path, path: &Path) -> Result<File, GetError> {
    let path = resolve(path)?;
    if !path.starts_with(root) {
        return Err(GetError::NoSuchKey);
    }
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe would block until somebody writes to it; a link put here just now would lead anywhere.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOFOLLOW);
    match options.open(&path) {
        // Windows refuses to open a folder, everybody refuses a socket: neither is a photo.
        Err(_) if fs::symlink_metadata(&path).is_ok_and(|m| !m.is_file()) => Err(GetError::NoSuchKey),
        opened => Ok(opened?),
    }
}

/// The path a key stands for; `None` for a key that no file below the folder can have.
fn path_of(root: &Path, key: &str) -> Option<PathBuf> {
    let mut path = root.to_owned();
    for name in key.split('/') {
        let foreign = cfg!(windows) && name.contains(['\\', ':']);
        if name.is_empty() || name == "." || name == ".." || name.contains('\0') || foreign {
            return None;
        }
        path.push(name);
    }
    Some(path)
}

/// The key of a file; `None` when its name is not Unicode.
pub(super) fn key_of(root: &Path, path: &Path) -> Option<String> {
    let names = path.strip_prefix(root).ok()?.components();
    Some(names.map(|name| name.as_os_str().to_str()).collect::<Option<Vec<_>>>()?.join("/"))
}

pub(super) fn describe(key: String, metadata: &Metadata) -> StoredPhoto {
    StoredPhoto {
        size: metadata.len(),
        etag: None,
        md5: None,
        last_modified: metadata.modified().ok().and_then(date),
        content_type: content_type(&key).map(str::to_owned),
        http_metadata: PhotoMetadata::default(),
        custom_metadata: PhotoMetadata::default(),
        key: key.into(),
    }
}

/// A file's time, to the millisecond; None for what RFC 3339 has no year for. A damaged disk may tell any.
fn date(time: SystemTime) -> Option<DateTime<Utc>> {
    let epoch = DateTime::UNIX_EPOCH;
    let date = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => epoch.checked_add_signed(TimeDelta::from_std(after).ok()?),
        Err(before) => epoch.checked_sub_signed(TimeDelta::from_std(before.duration()).ok()?),
    };
    date.filter(|date| (0..=9999).contains(&date.year())).map(|date| date.trunc_subsecs(3))
}

pub(super) fn cannot_open(path: &Path, error: io::Error) -> Error {
    let what = format!("the folder of photos {}", path.display());
    if error.kind() == io::ErrorKind::PermissionDenied {
        let problem = "reading and searching it must be allowed to the user that makes the backup".into();
        return Error::SourceRefused { what, problem, source: Some(Box::new(error)) };
    }
    let problem = match error.kind() {
        _ if is_out_of_files(&error) => OUT_OF_FILES,
        io::ErrorKind::NotFound => "it does not exist; check photos.directory",
        io::ErrorKind::NotADirectory => "it is not a folder; check photos.directory",
        _ => "it cannot be read; check photos.directory and the disk it is on",
    };
    Error::SourceUnreachable { what, problem: problem.into(), source: Some(Box::new(error)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn opened(root: &Path, key: &str) -> Result<StoredPhoto, GetError> {
        open_inside(&root.canonicalize().unwrap(), key.into()).map(|open| open.photo)
    }

    #[test]
    fn a_missing_folder_or_a_file_is_unreachable() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "x").unwrap();
        for path in ["missing", "file"] {
            let error = Directory::open(&root.path().join(path)).unwrap_err();
            assert_eq!(error.code(), "SOURCE_UNREACHABLE");
            assert!(error.to_string().contains("photos.directory"), "{error}");
        }
    }

    #[test]
    fn what_a_folder_knows_of_a_photo() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/b.JPG"), "12345").unwrap();
        let photo = opened(root.path(), "a/b.JPG").unwrap();
        assert_eq!((&*photo.key, photo.size, photo.etag), ("a/b.JPG", 5, None));
        assert_eq!(photo.content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(photo.last_modified.unwrap().timestamp_subsec_nanos() % 1_000_000, 0);
    }

    #[test]
    fn a_time_that_no_calendar_has_is_none() {
        // A time that the system itself cannot hold, as on Windows those before 1601, is none as well.
        let after = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).and_then(date);
        assert_eq!(after(253_402_300_799).unwrap().to_rfc3339(), "9999-12-31T23:59:59+00:00");
        assert_eq!(after(253_402_300_800), None);
        assert_eq!(after(i64::MAX as u64), None);
        let before =
            |seconds| SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds)).and_then(date);
        assert_eq!(before(3_155_673_600).unwrap().to_rfc3339(), "1870-01-01T00:00:00+00:00");
        assert_eq!(before(62_167_219_201), None);
        assert_eq!(before(i64::MAX as u64), None);
    }

    #[test]
    fn what_is_not_a_file_is_no_key() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("folder.jpg")).unwrap();
        fs::write(root.path().join("file.jpg"), "x").unwrap();
        for key in ["folder.jpg", "gone.jpg", "file.jpg/x", "", "/file.jpg", "./file.jpg", "a//b", "x\0y"] {
            assert_eq!(opened(root.path(), key), Err(GetError::NoSuchKey), "{key:?}");
        }
    }

    #[test]
    fn no_key_leads_out_of_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir(outer.path().join("in")).unwrap();
        fs::write(outer.path().join("secret"), "x").unwrap();
        let absolute = outer.path().join("secret").display().to_string();
        for key in ["../secret", "x/../../secret", absolute.as_str()] {
            assert_eq!(opened(&outer.path().join("in"), key), Err(GetError::NoSuchKey), "{key}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_files_inside_alone_and_a_pipe_does_not_block() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("in");
        fs::create_dir(&root).unwrap();
        fs::write(outer.path().join("secret"), "x").unwrap();
        fs::write(root.join("a.jpg"), "123").unwrap();
        symlink("a.jpg", root.join("good")).unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        assert_eq!(opened(&root, "good").map(|p| p.size), Ok(3));
        for key in ["out", "up/secret", "dangling", "pipe", "socket"] {
            assert_eq!(opened(&root, key), Err(GetError::NoSuchKey), "{key}");
        }
    }

    /// Of folders, files, pipes and links to each of them and out of the folder.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_opened_without_links_is_what_the_path_resolves_to() {
        use std::os::unix::fs::{MetadataExt, symlink};
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("in");
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::write(outer.path().join("file"), "secret").unwrap();
        for below in [root.clone(), root.join("folder")] {
            fs::write(below.join("file"), "x").unwrap();
            assert!(std::process::Command::new("mkfifo").arg(below.join("pipe")).status().unwrap().success());
            symlink(root.join("folder"), below.join("to_folder")).unwrap();
            symlink("file", below.join("to_file")).unwrap();
            symlink(outer.path(), below.join("out")).unwrap();
            symlink("round", below.join("round")).unwrap();
        }
        let names = ["folder", "file", "pipe", "to_folder", "to_file", "out", "round", "none"];
        let twos = names.iter().flat_map(|first| names.map(|second| format!("{first}/{second}")));
        let keys = names.iter().map(|name| (*name).to_owned()).chain(twos);
        let inode = |file: File| file.metadata().unwrap().ino();
        let mut opened = 0;
        for path in keys.map(|key| root.join(key)) {
            let Some(file) = open_without_links(&path) else { continue };
            assert_eq!(path.canonicalize().unwrap(), path);
            assert_eq!(inode(file), inode(open_resolved(&root, &path).unwrap()), "{}", path.display());
            opened += 1;
        }
        // None where the system cannot be asked.
        assert!([0, 5].contains(&opened), "{opened}");
    }

    proptest! {
        #[test]
        fn every_key_stays_below_the_folder(key in "[a./\\\\:\0é]{0,12}") {
            let root = Path::new("/photos");
            if let Some(path) = path_of(root, &key) {
                prop_assert!(path.starts_with(root));
                prop_assert_eq!(key_of(root, &path), Some(key));
            }
        }
    }
}
