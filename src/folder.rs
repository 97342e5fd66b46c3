//! What several rooms ask about folders.

use std::io;
use std::path::{Path, PathBuf};

/// The folder that `path` lies in: the working directory where it names none.
pub fn of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The system's folder for temporary files. A variable that is set to nothing names none, as elsewhere.
pub fn temporary() -> PathBuf {
    named(std::env::temp_dir())
}

fn named(folder: PathBuf) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from("/tmp") } else { folder }
}

/// Fails when this user may not make files in `folder`, as far as can be known before one is made.
#[cfg(unix)]
pub fn may_write(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Only writing tells.
#[cfg(not(unix))]
pub fn may_write(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_temporary_files_has_a_name() {
        assert_eq!((named("".into()), named("/var/tmp".into())), ("/tmp".into(), "/var/tmp".into()));
    }
}
