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

/// A path as it is, but on Windows a long one in the form for which its limit of 260 signs (`MAX_PATH`) does not hold:
/// whole, after `\\?\`. Rust's own library takes any; SQLite, and what sets permissions and names, do not.
pub fn reachable(path: &Path) -> PathBuf {
    #[cfg(windows)]
    if let Some(long) = without_limit(path) {
        return long;
    }
    path.to_owned()
}

/// None for a path that is short, or has that form already.
#[cfg(windows)]
fn without_limit(path: &Path) -> Option<PathBuf> {
    /// In bytes: what leaves room for our own folders and files below, and for the endings that SQLite glues on.
    const SHORT: usize = 180;

    let whole = std::path::absolute(path).ok()?.into_os_string().into_string().ok()?;
    if whole.len() <= SHORT || whole.starts_with(r"\\?\") {
        return None;
    }
    Some(match whole.strip_prefix(r"\\") {
        Some(share) => format!(r"\\?\UNC\{share}").into(),
        None => format!(r"\\?\{whole}").into(),
    })
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

    #[cfg(windows)]
    #[test]
    fn a_long_path_is_told_in_the_form_that_has_no_limit() {
        let long = "n".repeat(100);
        let reached =
            |start: &str| reachable(&Path::new(start).join(&long).join("..").join(&long).join(&long));
        let below = |start: &str| Path::new(start).join(&long).join(&long);
        assert_eq!(reached(r"C:\a"), below(r"\\?\C:\a"));
        assert_eq!(reached("C:/a"), below(r"\\?\C:\a"));
        assert_eq!(reached(r"\\host\share\a"), below(r"\\?\UNC\host\share\a"));
        for as_it_is in [Path::new(r"C:\a"), Path::new("a"), &below(r"\\?\C:\a")] {
            assert_eq!(reachable(as_it_is), as_it_is);
        }
    }
}
