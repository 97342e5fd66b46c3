//! Bringing files and their names to the disk, wherever that is.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

#[cfg(unix)]
use crate::folder;

/// Brings all of a file to the disk.
pub fn file(file: &File) -> io::Result<()> {
    file.sync_all().or_else(|error| plain_fsync(file, error))
}

/// Brings the contents of a file to the disk; its dates may not get there.
pub fn data(file: &File) -> io::Result<()> {
    file.sync_data().or_else(|error| plain_fsync(file, error))
}

/// What to do after a flush that failed with `error`. On Apple's systems Rust asks for `F_FULLFSYNC`, which the file
/// systems of shares (SMB), of sticks (exFAT) and those in user space (FUSE) do not know: they take a plain `fsync`.
#[cfg(target_vendor = "apple")]
fn plain_fsync(file: &File, error: io::Error) -> io::Result<()> {
    if !is_unknown(&error) {
        return Err(error);
    }
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(not(target_vendor = "apple"))]
fn plain_fsync(_: &File, error: io::Error) -> io::Result<()> {
    Err(error)
}

/// Whether a file system says that it does not know what it was asked for: SMB says ENOTSUP, and ENOENT of folders;
/// exFAT says ENOTTY, FUSE EINVAL or ENOSYS.
#[cfg(unix)]
fn is_unknown(error: &io::Error) -> bool {
    let unknown = [libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOTTY, libc::EINVAL, libc::ENOSYS, libc::ENOENT];
    error.raw_os_error().is_some_and(|code| unknown.contains(&code))
}

/// Brings the name of a file or folder to the disk: what was just made, or renamed, is there after a power cut. Where
/// the file system cannot flush names it flushes them by itself, or nobody can.
#[cfg(unix)]
pub fn name(path: &Path) -> io::Result<()> {
    match File::open(folder::of(path)) {
        Ok(folder) => file(&folder).or_else(|error| if is_unknown(&error) { Ok(()) } else { Err(error) }),
        // A folder that takes files and shows none, as drop boxes do.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => without_folder(path),
        Err(error) => Err(error),
    }
}

/// Windows has no flush of a folder. NTFS has names in its log, which goes to the disk with any file.
#[cfg(not(unix))]
pub fn name(path: &Path) -> io::Result<()> {
    // A folder, and a file that another program has open, cannot be opened: then the log follows within seconds.
    if let Ok(named) = File::options().write(true).open(path) {
        let _ = named.sync_all();
    }
    Ok(())
}

/// Flushes a name whose folder cannot be opened, by way of the file itself: on Linux with all of its file system.
#[cfg(unix)]
fn without_folder(path: &Path) -> io::Result<()> {
    let named = File::open(path)?;
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::syncfs(&named)?);
    #[cfg(not(target_os = "linux"))]
    file(&named)
}

/// Makes a folder, and those above it that are missing, each with its name on the disk.
pub fn make_folders(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.is_dir()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => name(folder)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_name_is_flushed_whoever_may_read_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("a/b/c");
        make_folders(&made).unwrap();
        assert!(made.is_dir() && make_folders(&made).is_ok());
        name(&made).unwrap();
        without_folder(&made).unwrap();
        assert_eq!(name(&dir.path().join("none/x")).unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(make_folders(&dir.path().join("file/x")).is_err());
    }

    #[test]
    fn a_disk_that_fails_is_no_file_system_that_does_not_know() {
        let is_unknown = |code| is_unknown(&io::Error::from_raw_os_error(code));
        assert!([libc::ENOTSUP, libc::ENOTTY, libc::EINVAL, libc::ENOENT].into_iter().all(is_unknown));
        assert!(![libc::EIO, libc::ENOSPC, libc::EDQUOT, libc::EBADF].into_iter().any(is_unknown));
    }
}
