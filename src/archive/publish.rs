//! How a finished file gets its name, in one step that replaces nothing unasked.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use tempfile::{PathPersistError, TempPath};

use crate::error::{Error, Result};
use crate::flush;
use crate::folder;

/// Further attempts at a name that is refused for the moment.
const ATTEMPTS: u32 = 10;
/// The pause before the first of them; the second is twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(50);

/// Fails where [`take_name`] would, as far as can be known before the work is done: with `ARCHIVE_EXISTS`, or, when a
/// folder has the name, which nothing replaces, with `OUTPUT_UNWRITABLE`.
pub(super) fn refuse_taken(final_path: &Path, overwrite: bool) -> Result<()> {
    match final_path.symlink_metadata() {
        Ok(_) if !overwrite => Err(Error::ArchiveExists { path: final_path.to_owned() }),
        Ok(found) if found.is_dir() => Err(Error::OutputUnwritable {
            path: final_path.to_owned(),
            problem: "it is a folder, which no archive replaces; move it away or choose another folder"
                .into(),
            source: None,
        }),
        _ => Ok(()),
    }
}

/// Gives a finished file its final name, on the same file system.
///
/// Without `overwrite`, a file of that name fails with `ARCHIVE_EXISTS`; of two that want a name at the same time
/// exactly one gets it. The system decides, in one step: `renameat2(RENAME_NOREPLACE)`, `renamex_np(RENAME_EXCL)`,
/// `link` or `MoveFileEx` without replacing. Where the file system has none of them (some network, FAT and user space
/// drivers), the name is first taken by creating an empty file, which just as surely fails if there is one, and that is
/// then replaced: for an instant an empty file is seen, and one stays if the machine stops right then.
pub fn take_name(file: TempPath, final_path: &Path, overwrite: bool) -> Result<()> {
    let name = &folder::reachable(final_path);
    let before = if overwrite { Before::of(name, &file) } else { Before::Free };
    let named = if overwrite {
        patiently(file, is_busy, |file| file.persist(name))
    } else {
        patiently(file, is_busy, |file| file.persist_noclobber(name))
            .or_else(|refused| persist_otherwise(refused, name))
    };
    match named {
        // Without its name on the disk the archive might be gone after a power cut, so it is not called made.
        Ok(()) => flush::name(name)
            .map_err(|error| Error::output(final_path, error))
            .inspect_err(|_| before.restore(name)),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => {
            Err(Error::ArchiveExists { path: final_path.to_owned() })
        }
        Err(refused) if is_busy(&refused.error) => Err(Error::OutputUnwritable {
            path: final_path.to_owned(),
            problem: "what has the name is open in another program or may not be replaced; close it there, or check \
                      the permissions, and try again"
                .into(),
            source: Some(Box::new(refused.error)),
        }),
        Err(refused) => Err(Error::output(final_path, refused.error)),
    }
}

/// Gives a file its name with `name`, again and again for some three seconds while the refusal `is_busy`.
fn patiently(
    mut file: TempPath,
    is_busy: fn(&io::Error) -> bool,
    name: impl Fn(TempPath) -> Result<(), PathPersistError>,
) -> Result<(), PathPersistError> {
    for pause in 1..=ATTEMPTS {
        match name(file) {
            Err(refused) if is_busy(&refused.error) => file = refused.path,
            named => return named,
        }
        thread::sleep(PAUSE * pause);
    }
    name(file)
}

/// On Windows a file that a scanner or an indexer has open cannot be renamed, and they open what was just closed:
/// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION.
fn is_busy(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

/// Not every file system that has no such step says so: rclone's calls it an I/O error. Whatever else is wrong, the
/// other way meets it too.
fn persist_otherwise(refused: PathPersistError, final_path: &Path) -> Result<(), PathPersistError> {
    match refused.error.kind() {
        ErrorKind::AlreadyExists => Err(refused),
        _ => persist_over_own_placeholder(refused.path, final_path),
    }
}

fn persist_over_own_placeholder(path: TempPath, final_path: &Path) -> Result<(), PathPersistError> {
    match File::create_new(final_path) {
        Ok(placeholder) => drop(placeholder),
        Err(error) => return Err(PathPersistError { error, path }),
    }
    path.persist(final_path).inspect_err(|_| {
        let _ = fs::remove_file(final_path);
    })
}

/// What had the name before.
enum Before {
    /// Nothing.
    Free,
    /// A file, which still has another name: that is gone when this is dropped.
    Kept(TempPath),
    /// A file; the file system knows no second names, or it needs none.
    Replaced,
}

impl Before {
    fn of(final_path: &Path, beside: &Path) -> Before {
        // On Windows no flush of a name fails, so nothing is restored, and a second name of a file that another program
        // has open could not be removed.
        if cfg!(windows) {
            return Before::Replaced;
        }
        let second = beside.with_extension("replaced");
        match fs::hard_link(final_path, &second) {
            Ok(()) => TempPath::try_from_path(second).map_or(Before::Replaced, Before::Kept),
            Err(error) if error.kind() == ErrorKind::NotFound => Before::Free,
            Err(_) => Before::Replaced,
        }
    }

    /// Makes all as it was: a name that was free is free again, and one that was replaced has its old file (where there
    /// are no second names it keeps the new one, which is whole).
    fn restore(self, final_path: &Path) {
        match self {
            Before::Free => drop(fs::remove_file(final_path)),
            Before::Kept(old) => drop(old.persist(final_path)),
            Before::Replaced => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::super::Workspace;
    use super::*;

    /// A file that has no name yet but in the workspace.
    fn written(workspace: &Workspace) -> TempPath {
        workspace.create_file("file").unwrap().write_all(b"new").unwrap();
        TempPath::try_from_path(workspace.path("file")).unwrap()
    }

    #[test]
    fn a_name_that_is_taken_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        fs::write(&path, "precious").unwrap();
        assert_eq!(take_name(written(&workspace), &path, false).unwrap_err().code(), "ARCHIVE_EXISTS");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        take_name(written(&workspace), &path, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_name_that_cannot_be_taken_is_refused_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let [free, file, folder] = ["free", "file", "folder"].map(|name| dir.path().join(name));
        fs::write(&file, "").unwrap();
        fs::create_dir(&folder).unwrap();
        let refused = |path, overwrite| refuse_taken(path, overwrite).err().map(|error| error.code());
        assert_eq!((refused(&free, false), refused(&file, true)), (None, None));
        assert_eq!([refused(&file, false), refused(&folder, false)], [Some("ARCHIVE_EXISTS"); 2]);
        assert_eq!(refused(&folder, true), Some("OUTPUT_UNWRITABLE"));
    }

    #[test]
    fn a_name_is_taken_whatever_the_system_says_that_it_cannot_do() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        let refused = |kind: ErrorKind| PathPersistError { error: kind.into(), path: written(&workspace) };
        // EPERM from FAT, EIO (which has no kind) from file systems in user space.
        for kind in [ErrorKind::PermissionDenied, ErrorKind::Unsupported, ErrorKind::Other] {
            persist_otherwise(refused(kind), &path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new", "{kind}");
            fs::remove_file(&path).unwrap();
        }
        let taken = persist_otherwise(refused(ErrorKind::AlreadyExists), &path).unwrap_err();
        assert_eq!(taken.error.kind(), ErrorKind::AlreadyExists);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_another_program_has_open_for_a_moment_gets_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        let refusals = |times: u32, kind: ErrorKind| {
            let left = std::cell::Cell::new(times);
            let path = path.clone();
            move |file: TempPath| match left.replace(left.get().saturating_sub(1)) {
                0 => file.persist(&path),
                _ => Err(PathPersistError { error: kind.into(), path: file }),
            }
        };
        let is_busy = |error: &io::Error| error.kind() == ErrorKind::ResourceBusy;
        patiently(written(&workspace), is_busy, refusals(2, ErrorKind::ResourceBusy)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let refused = patiently(written(&workspace), is_busy, refusals(1, ErrorKind::PermissionDenied));
        assert_eq!(refused.unwrap_err().error.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_name_may_be_longer_than_the_limit_of_windows() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let folder = dir.path().join(["n".repeat(100), "n".repeat(100), "n".repeat(100)].join("/"));
        flush::make_folders(&folder).unwrap();
        for overwrite in [false, true] {
            take_name(written(&workspace), &folder.join("a.zip"), overwrite).unwrap();
            assert_eq!(fs::read(folder.join("a.zip")).unwrap(), b"new");
        }
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_another_program_keeps_is_not_replaced_and_nothing_is_left_beside_it() {
        use std::os::windows::fs::OpenOptionsExt;
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        fs::write(&path, "precious").unwrap();
        let keeper = File::options().read(true).share_mode(0).open(&path).unwrap();
        let refused = take_name(written(&workspace), &path, true).unwrap_err();
        assert_eq!(refused.code(), "OUTPUT_UNWRITABLE");
        assert!(refused.to_string().contains("another program"), "{refused}");
        drop(workspace);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(keeper);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_placeholder_guards_the_name_where_the_system_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        persist_over_own_placeholder(written(&workspace), &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let refused = persist_over_own_placeholder(written(&workspace), &path).unwrap_err();
        assert_eq!(refused.error.kind(), ErrorKind::AlreadyExists);
        drop(refused);
        let gone = written(&workspace);
        fs::remove_file(&gone).unwrap();
        let other = dir.path().join("b.zip");
        assert!(persist_over_own_placeholder(gone, &other).is_err() && !other.exists());
    }
}
