//! Finds the file that a source names, and the files that SQLite keeps beside it.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::folder;

/// At most so many names of neighbours are told.
const NEIGHBOURS: usize = 5;

/// A file that is there.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its full name. SQLite puts journals beside the file itself, not beside a link to it.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
}

/// What is known of a file without reading it, which writing it changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its bytes.
    pub size: u64,
    modified: Option<SystemTime>,
}

impl Trace {
    /// Of an open file: another that takes its name changes nothing. None if the system does not tell.
    pub fn of(file: &File) -> Option<Trace> {
        file.metadata().ok().map(Trace::from)
    }
}

impl From<Metadata> for Trace {
    fn from(found: Metadata) -> Self {
        Trace { size: found.len(), modified: found.modified().ok() }
    }
}

impl Place {
    /// Finds a file; `endings` are those of its likely neighbours.
    ///
    /// Fails with `DATABASE_NOT_FOUND` if there is no file, and names what lies beside; with `DATABASE_UNREADABLE` if
    /// it is empty, not a file, or cannot be looked at.
    pub fn find(path: &Path, endings: &[&str]) -> Result<Self> {
        let not_found = |hint: String| Error::DatabaseNotFound { path: path.to_owned(), hint };
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(not_found(match neighbours(folder::of(path), endings) {
                    Some(names) => format!("check the name; beside it lies {names}"),
                    None => "check the path; nothing like it lies in that folder".into(),
                }));
            }
            Err(error) => {
                let problem = match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "it may not be looked at; check the permissions of its folder"
                    }
                    _ => {
                        "it cannot be looked at; check its path, and the links and the disk that this leads over"
                    }
                };
                return Err(Error::unreadable(path, problem, Some(Box::new(error))));
            }
        };
        if found.is_dir() {
            return Err(not_found(match neighbours(path, endings) {
                Some(names) => format!("that is a folder; name the file, in it lies {names}"),
                None => "that is a folder; name the file itself".into(),
            }));
        }
        if !found.is_file() {
            return Err(Error::unreadable(path, "it is not a file; name a regular file", None));
        }
        if found.len() == 0 {
            let problem =
                "it is empty (0 bytes); check that this is the file you mean, and that its copy was finished";
            return Err(Error::unreadable(path, problem, None));
        }
        let path = full(path).map_err(|error| {
            Error::unreadable(path, "its full path cannot be told; check its folders", Some(Box::new(error)))
        })?;
        Ok(Place { path, size: found.len() })
    }

    /// The name of a file that SQLite keeps beside it: `-wal`, `-shm`, `-journal`.
    pub fn beside(&self, ending: &str) -> PathBuf {
        with_ending(&self.path, ending)
    }

    /// Whether the file with this ending is there beside it.
    pub fn has(&self, ending: &str) -> bool {
        trace(&self.beside(ending)).is_some()
    }
}

/// A name with an ending glued on.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// What is known of a file without opening it; `None` if it is not there. A pipe is none: whoever opened it would wait.
pub fn trace(path: &Path) -> Option<Trace> {
    fs::metadata(path).ok().filter(Metadata::is_file).map(Trace::from)
}

/// Which file has this name, whatever is in it; None where there is none. SQLite opens a database, and then what lies
/// beside its name by that time.
#[cfg(unix)]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// On Windows a database that is open keeps its name.
#[cfg(not(unix))]
pub fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(unix)]
fn full(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Without the `\\?\` that `canonicalize` puts in front and SQLite's locking does not take everywhere, unless it needs it.
#[cfg(not(unix))]
fn full(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path).map(|path| folder::reachable(&path))
}

fn neighbours(folder: &Path, endings: &[&str]) -> Option<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
        })
        .collect();
    names.sort();
    let more = names.len().saturating_sub(NEIGHBOURS);
    names.truncate(NEIGHBOURS);
    let listed = names.join(", ");
    (!names.is_empty()).then(|| if more == 0 { listed } else { format!("{listed} and {more} more") })
}
