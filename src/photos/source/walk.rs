//! Walking a folder of photos: what it holds, what could not be seen, and what was passed over on purpose.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::directory::{cannot_open, describe, key_of};
use super::{GetError, ListProblem, Listing};
use crate::error::Result;
use crate::job::{Job, Warning, counted};
use crate::seal::is_own_archive;

/// What the names of our own working folders begin with.
const WORKING_FOLDER: &str = ".cultural-archiver-";
/// How many names a warning gives as examples.
const EXAMPLES: usize = 3;

/// Lists the folder `root`, which is absolute and without links. Blocks.
pub(super) fn walk(root: &Path, job: &Job) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut passed = PassedOver::default();
    let is_ours =
        |e: &DirEntry| e.file_type().is_dir() && e.file_name().to_string_lossy().starts_with(WORKING_FOLDER);
    for entry in WalkDir::new(root).min_depth(1).into_iter().filter_entry(|e| !is_ours(e)) {
        job.check()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.problems.extend(list_problem(root, error)?);
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let Some(key) = key_of(root, entry.path()) else {
            passed.not_unicode.push(root, entry.path());
            continue;
        };
        match look_at(root, &entry) {
            Ok(Seen::Photo(_)) if is_archive(&entry) => passed.archives.push(root, entry.path()),
            Ok(Seen::Photo(metadata)) => listing.photos.push(describe(key, &metadata)),
            Ok(Seen::Link) => passed.links.push(root, entry.path()),
            Ok(Seen::Special) => passed.special.push(root, entry.path()),
            // Deleted since its folder was read: the store no longer holds it.
            Err(GetError::NoSuchKey) => {}
            Err(error) => listing.problems.push(ListProblem { key, error }),
        }
    }
    listing.photos.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    listing.problems.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    listing.warnings = passed.warnings();
    Ok(listing)
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

/// A folder that could not be read, or could not be read to its end; the top folder is an error of the whole.
fn list_problem(root: &Path, error: walkdir::Error) -> Result<Option<ListProblem>> {
    let path = error.path().unwrap_or(root).to_owned();
    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"));
    if path == root {
        return Err(cannot_open(root, error));
    }
    Ok(match GetError::from(error) {
        GetError::NoSuchKey => None,
        error => Some(ListProblem { key: format!("{}/", shown(root, &path)), error }),
    })
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::os::unix::fs::symlink;

    use super::*;

    fn list(root: &Path) -> Listing {
        walk(&root.canonicalize().unwrap(), &Job::unattended()).unwrap()
    }

    fn keys(listing: &Listing) -> Vec<&str> {
        listing.photos.iter().map(|p| p.key.as_str()).collect()
    }

    fn codes(listing: &Listing) -> Vec<&str> {
        listing.warnings.iter().map(|w| w.code.as_str()).collect()
    }

    fn put(root: &Path, key: &str) {
        let path = root.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, key).unwrap();
    }

    #[test]
    fn keys_come_in_bytewise_order() {
        let root = tempfile::tempdir().unwrap();
        let expected = ["Z.jpg", "a b.jpg", "a!/x.jpg", "a.jpg", "a/.hidden", "a/b.jpg", "a\\b.jpg", "é.jpg"];
        expected.iter().rev().for_each(|key| put(root.path(), key));
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let listing = list(root.path());
        assert_eq!(keys(&listing), expected);
        assert!(listing.problems.is_empty() && listing.warnings.is_empty());
    }

    #[test]
    fn our_own_working_folders_are_passed_over() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), ".cultural-archiver-x1/archive.zip");
        put(root.path(), "a/.cultural-archiver-x2/archive.zip");
        put(root.path(), ".cultural-archiver-is-a-file");
        assert_eq!(keys(&list(root.path())), [".cultural-archiver-is-a-file"]);
    }

    #[test]
    fn our_own_archives_are_passed_over_and_told() {
        let root = tempfile::tempdir().unwrap();
        let comment = format!("sha256:{}", "0f".repeat(32));
        let end = [b"PK\x05\x06".as_slice(), &[0; 16], &[71, 0], comment.as_bytes()].concat();
        put(root.path(), "a/b.zip");
        for name in ["backup-2026-01-02-030405.zip", "a/renamed.ZIP", "a/c.jpg"] {
            fs::write(root.path().join(name), &end).unwrap();
        }
        let listing = list(root.path());
        assert_eq!(
            (keys(&listing), codes(&listing)),
            (vec!["a/b.zip", "a/c.jpg"], vec!["PHOTO_OWN_ARCHIVE"])
        );
        assert!(listing.warnings[0].message.contains("passed over 2 archives of this package"));
    }

    #[test]
    fn links_are_followed_to_files_inside_alone() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(outside.path(), "secret.jpg");
        put(root.path(), "d/a.jpg");
        symlink("d/a.jpg", root.path().join("inside.jpg")).unwrap();
        symlink(outside.path().join("secret.jpg"), root.path().join("outside.jpg")).unwrap();
        symlink(outside.path(), root.path().join("outside")).unwrap();
        symlink("d", root.path().join("folder")).unwrap();
        symlink("..", root.path().join("d/loop")).unwrap();
        symlink("nowhere", root.path().join("dangling.jpg")).unwrap();
        symlink("self.jpg", root.path().join("self.jpg")).unwrap();
        let listing = list(root.path());
        assert_eq!(keys(&listing), ["d/a.jpg", "inside.jpg"]);
        assert_eq!(listing.photos[1].size, 7, "the size is that of the file, not of the link");
        assert_eq!(codes(&listing), ["PHOTO_LINK_SKIPPED"]);
        let message = &listing.warnings[0].message;
        assert!(message.contains("passed over 6 ") && message.contains("\"d/loop\""), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_not_unicode_are_told() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(OsStr::from_bytes(b"caf\xe9.jpg")), "x").unwrap();
        put(root.path(), "a.jpg");
        let listing = list(root.path());
        assert_eq!((keys(&listing), codes(&listing)), (vec!["a.jpg"], vec!["PHOTO_NAME_NOT_UNICODE"]));
    }

    #[test]
    fn pipes_and_sockets_are_told_and_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.jpg")).status().unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket.jpg")).unwrap();
        let listing = list(root.path());
        assert_eq!((keys(&listing), codes(&listing)), (vec![], vec!["PHOTO_NOT_A_FILE"]));
    }

    /// Root may read every folder, but nobody a path beyond PATH_MAX (4096 bytes on Linux).
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_cannot_be_read_is_a_problem() {
        let root = tempfile::tempdir().unwrap();
        let long = [["n".repeat(250)].as_slice(); 9].concat().join("/");
        fs::create_dir_all(root.path().join("a").join(&long)).unwrap();
        fs::create_dir_all(root.path().join("b").join(&long)).unwrap();
        fs::rename(root.path().join("b"), root.path().join("a").join(&long).join("b")).unwrap();
        put(root.path(), "z.jpg");
        let listing = list(root.path());
        assert_eq!(keys(&listing), ["z.jpg"]);
        let [problem] = listing.problems.as_slice() else { panic!("{:?}", listing.problems) };
        assert!(problem.key.starts_with("a/nnn") && problem.key.ends_with("n/"), "{}", problem.key);
        assert_eq!(problem.error, GetError::Unreadable);
    }

    #[test]
    fn a_stopped_job_stops_the_walk() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a.jpg");
        let job = Job::unattended();
        job.stop_token().cancel();
        assert_eq!(walk(root.path(), &job).unwrap_err().code(), "ABORT_ERR");
    }
}
