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

/// A path as it is, but on Windows a long one in the form for which its limit of 260 signs (`MAX_PATH`) does not hold,
/// see `verbatim`. Rust's own library takes any; SQLite, and what sets permissions and names, do not.
pub fn reachable(path: &Path) -> PathBuf {
    /// In bytes: what leaves room for our own folders and files below, and for the endings that SQLite glues on.
    #[cfg(windows)]
    const SHORT: usize = 180;

    #[cfg(windows)]
    if let Some(whole) = verbatim(path).filter(|whole| whole.as_os_str().len() > SHORT) {
        return whole;
    }
    path.to_owned()
}

/// A path as Windows takes it to the letter, whole and after `\\?\`: however long it is, and whatever stands at the end
/// of its names. None where it is not Unicode.
#[cfg(windows)]
pub fn verbatim(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?.into_os_string().into_string().ok()?;
    Some(match whole.strip_prefix(r"\\") {
        Some(device) if device.starts_with(r"?\") || device.starts_with(r".\") => whole.into(),
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
        assert_eq!(verbatim(Path::new("C:/a")), Some(r"\\?\C:\a".into()));
    }
}
