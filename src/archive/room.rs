//! Whether a folder can take what is to be written, as far as that shows before anything is.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, Result};
use crate::folder;

/// Fails as making `folder`, where it is missing, and writing `bytes` into it would: with `OUTPUT_UNWRITABLE` or
/// `DISK_FULL`. What only writing shows, it does not.
pub fn preflight(folder: &Path, bytes: u64) -> Result<()> {
    let folder = std::path::absolute(folder).map_err(|error| Error::output(folder, error))?;
    let mut missing = None;
    for place in folder.ancestors() {
        if place.is_dir() {
            folder::may_write(place).map_err(|error| unwritable(missing.unwrap_or(place), error))?;
            return ensure_space(place, bytes);
        }
        if place.symlink_metadata().is_ok() {
            return Err(unwritable(place, ErrorKind::AlreadyExists.into()));
        }
        missing = Some(place);
    }
    Ok(())
}

/// Fails with `DISK_FULL` when fewer than `bytes` are free for this user in `folder`. A file system that does not know
/// what it holds, as some in user space and in memory, says that it has no blocks at all, and others, or a policy of the
/// system, refuse to say: then only writing tells.
pub fn ensure_space(folder: &Path, bytes: u64) -> Result<()> {
    let Ok(disk) = fs4::statvfs(folder) else { return Ok(()) };
    if disk.total_space() == 0 || disk.available_space() >= bytes {
        return Ok(());
    }
    let elsewhere = match folder == folder::temporary() {
        true => "name another folder for temporary files (TMPDIR, on Windows TMP)",
        false => "choose another folder",
    };
    Err(Error::DiskFull {
        path: folder.to_owned(),
        problem: format!(
            "{} MB are needed and {} MB are free; free some space or {elsewhere}",
            bytes.div_ceil(1_000_000),
            disk.available_space() / 1_000_000
        ),
        source: None,
    })
}

/// [`Error::output`] for the two mistakes that people make with `outputDir`.
pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    let problem = match error.kind() {
        ErrorKind::AlreadyExists if !path.exists() => {
            "it is a link that leads nowhere; mend the link or choose another folder"
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "it is a file, not a folder; move it away or choose another folder"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "it is read-only for this user; change its permissions or choose another folder"
        }
        _ => return Error::output(path, error),
    };
    Error::OutputUnwritable { path: path.to_owned(), problem: problem.into(), source: Some(Box::new(error)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::archive::Workspace;

    #[test]
    fn what_cannot_be_made_is_foreseen_and_nothing_is_made() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        for folder in [file.clone(), file.join("below/it")] {
            let (foreseen, tried) = (preflight(&folder, 0), Workspace::create(&folder).map(drop));
            assert_eq!(foreseen.unwrap_err().to_string(), tried.unwrap_err().to_string());
        }
        #[cfg(unix)]
        {
            let link = root.path().join("link");
            std::os::unix::fs::symlink("nowhere", &link).unwrap();
            for error in [preflight(&link, 0).unwrap_err(), Workspace::create(&link).unwrap_err()] {
                assert!(error.to_string().contains("a link that leads nowhere"), "{error}");
            }
        }
        let missing = root.path().join("a/b");
        assert!(preflight(&missing, 1).is_ok());
        assert_eq!(preflight(&missing, u64::MAX).unwrap_err().code(), "DISK_FULL");
        assert!(!root.path().join("a").exists());
    }

    #[test]
    fn too_little_space_is_told_before_the_start() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(root.path()).unwrap();
        assert!(workspace.ensure_space(1).is_ok());
        let error = workspace.ensure_space(u64::MAX).unwrap_err();
        assert_eq!(error.code(), "DISK_FULL");
        assert!(error.to_string().contains("18446744073710 MB are needed"), "{error}");
        assert!(error.to_string().ends_with("choose another folder"), "{error}");
        let error = ensure_space(&std::env::temp_dir(), u64::MAX).unwrap_err();
        assert!(error.to_string().contains("TMPDIR"), "{error}");
    }

    /// Of a folder that is not there, Windows tells the space of the volume that it would be on.
    #[cfg(unix)]
    #[test]
    fn a_disk_that_does_not_tell_its_space_is_no_full_one() {
        assert!(ensure_space(Path::new("/no/such/folder"), u64::MAX).is_ok());
    }
}
