//! Walking a folder of photos: what it holds, what could not be seen, and what was passed over on purpose.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::directory::{cannot_open, describe, key_of};
use super::{GetError, ListProblem, Listing};
use crate::error::Result;
use crate::job::{Job, Warning, counted};
use crate::private_file::is_working_folder;
use crate::seal::is_own_archive;

/// How many names a warning gives as examples.
const EXAMPLES: usize = 3;

/// Folders that a system keeps for itself at the top of a volume: nobody else may read them, as a rule.
const OF_SYSTEM: [&str; 8] = [
    "$RECYCLE.BIN", ".DocumentRevisions-V100", ".Spotlight-V100", ".TemporaryItems", ".Trashes",
    ".fseventsd", "System Volume Information", "lost+found",
];

/// Lists the folder `root`, which is absolute and without links. Blocks.
pub(super) fn walk(root: &Path, job: &Job) -> Result<Listing> {
    let mut walk = Walk::through(root);
    for entry in entries(root) {
        job.check()?;
        walk.take(entry)?;
    }
    Ok(walk.finish())
}

/// What is below the folder, each folder before what is in it; our own working folders are left out.
fn entries(root: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let is_ours = |e: &DirEntry| e.file_type().is_dir() && is_working_folder(e.file_name());
    WalkDir::new(root).min_depth(1).into_iter().filter_entry(move |e| !is_ours(e))
}

/// A folder on its way to being a listing.
struct Walk<'r> {
    root: &'r Path,
    /// The folders that were entered last, by how deep they lie: first one of those in the top folder.
    entered: Vec<PathBuf>,
    listing: Listing,
    passed: PassedOver,
}

impl<'r> Walk<'r> {
    fn through(root: &'r Path) -> Self {
        Walk { root, entered: Vec::new(), listing: Listing::default(), passed: PassedOver::default() }
    }

    fn take(&mut self, entry: walkdir::Result<DirEntry>) -> Result<()> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                self.listing.problems.extend(self.problem(error)?);
                return Ok(());
            }
        };
        if entry.file_type().is_dir() {
            self.entered.truncate(entry.depth() - 1);
            self.entered.push(entry.into_path());
            return Ok(());
        }
        let (root, passed, listing) = (self.root, &mut self.passed, &mut self.listing);
        let Some(key) = key_of(root, entry.path()) else {
            passed.not_unicode.push(root, entry.path());
            return Ok(());
        };
        match look_at(root, &entry) {
            Ok(Seen::Photo(_)) if is_archive(&entry) => passed.archives.push(root, entry.path()),
            Ok(Seen::Photo(metadata)) => {
                Arc::make_mut(&mut listing.photos).push(describe(key, &metadata));
            }
            Ok(Seen::Link) => passed.links.push(root, entry.path()),
            Ok(Seen::Special) => passed.special.push(root, entry.path()),
            // Deleted since its folder was read: the store no longer holds it.
            Err(GetError::NoSuchKey) => {}
            Err(error) => listing.problems.push(ListProblem { key, error }),
        }
        Ok(())
    }

    /// A folder that could not be read, or could not be read to its end; the top folder is an error of the whole.
    fn problem(&self, error: walkdir::Error) -> Result<Option<ListProblem>> {
        // What fails in the middle of a folder comes without a path, and as deep as what would have come next.
        let around = error.depth().checked_sub(2).and_then(|at| self.entered.get(at));
        let path = error.path().or(around.map(PathBuf::as_path)).unwrap_or(self.root).to_owned();
        let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"));
        if path == self.root {
            return Err(cannot_open(self.root, error));
        }
        Ok(match GetError::from(error) {
            GetError::NoSuchKey => None,
            GetError::Refused if is_of_system(self.root, &path) => None,
            error => Some(ListProblem { key: format!("{}/", shown(self.root, &path)), error }),
        })
    }

    fn finish(self) -> Listing {
        let Walk { mut listing, passed, .. } = self;
        Arc::make_mut(&mut listing.photos).sort_unstable_by(|a, b| a.key.cmp(&b.key));
        listing.problems.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        listing.warnings = passed.warnings();
        listing
    }
}

enum Seen {
    Photo(Metadata),
    Link,
    Special,
}

fn look_at(root: &Path, entry: &DirEntry) -> Result<Seen, GetError> {
    if entry.path_is_symlink() {
        let target = entry.path().canonicalize().ok().filter(|target| target.starts_with(root));
        let metadata = target.and_then(|target| fs::metadata(target).ok()).filter(Metadata::is_file);
        return Ok(metadata.map_or(Seen::Link, Seen::Photo));
    }
    let metadata = entry.metadata().map_err(io::Error::from)?;
    Ok(if metadata.is_file() { Seen::Photo(metadata) } else { Seen::Special })
}

/// Whether this is an archive of ours: a backup of everything would hold all earlier ones, with the whole database.
fn is_archive(entry: &DirEntry) -> bool {
    let is_zip = entry.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    is_zip && is_own_archive(entry.path()).unwrap_or(false)
}

/// Whether a path leads into one of the folders that a system keeps for itself. There are no photos.
fn is_of_system(root: &Path, path: &Path) -> bool {
    let top = path.strip_prefix(root).ok().and_then(|below| below.iter().next()?.to_str());
    top.is_some_and(|top| OF_SYSTEM.iter().any(|one| one.eq_ignore_ascii_case(top)))
}

/// A path below the folder, for people to read.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// What is below the folder and no photo.
#[derive(Default)]
struct PassedOver {
    links: Tally,
    not_unicode: Tally,
    special: Tally,
    archives: Tally,
}

impl PassedOver {
    fn warnings(self) -> Vec<Warning> {
        let kinds = [
            (
                "PHOTO_LINK_SKIPPED",
                self.links,
                ("link", "links"),
                "leading out of the folder of photos, to a folder or nowhere; \
                 put the files themselves there to have them in the backup",
            ),
            (
                "PHOTO_NAME_NOT_UNICODE",
                self.not_unicode,
                ("file", "files"),
                "with a name that is not Unicode, as every key is; rename what the backup should hold",
            ),
            (
                "PHOTO_NOT_A_FILE",
                self.special,
                ("special file", "special files"),
                "in the folder of photos: a pipe, socket or device is never a photo",
            ),
            (
                "PHOTO_OWN_ARCHIVE",
                self.archives,
                ("archive", "archives"),
                "of this package in the folder of photos; keep archives in a folder of their own",
            ),
        ];
        let told = kinds.into_iter().filter(|(_, tally, ..)| tally.count > 0);
        told.map(|(code, Tally { count, examples }, (one, many), what)| {
            let examples = examples.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
            Warning::new(code, format!("passed over {} {what} ({examples})", counted(count, one, many)))
        })
        .collect()
    }
}

/// Counts, and keeps the bytewise first names.
#[derive(Default)]
struct Tally {
    count: u64,
    examples: BTreeSet<String>,
}

impl Tally {
    fn push(&mut self, root: &Path, path: &Path) {
        self.count += 1;
        self.examples.insert(shown(root, path));
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
