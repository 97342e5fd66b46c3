//! Where a path leads by way of links.

use std::io;
use std::path::{Path, PathBuf};

/// A path that is there, absolute and without links.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let resolved = path.canonicalize();
    #[cfg(windows)]
    return resolved.or_else(|error| if_without_links(path).ok_or(error));
    #[cfg(not(windows))]
    resolved
}

/// The path itself, where it is there and nothing on its way is a link. Volumes that the mount manager of Windows does
/// not know do not tell where a file of theirs lies: RAM disks, and what WinFsp and Dokan show, such as `rclone mount`.
#[cfg(windows)]
fn if_without_links(path: &Path) -> Option<PathBuf> {
    let whole = crate::folder::verbatim(path)?;
    let is_no_link = |part: &Path| part.symlink_metadata().is_ok_and(|found| !found.is_symlink());
    whole.ancestors().all(is_no_link).then_some(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;

    /// Wine does not tell where a file lies whose path is as long.
    #[test]
    fn a_file_is_found_however_long_its_path_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = resolve(root.path())
            .unwrap()
            .join(["n".repeat(100), "n".repeat(100)].join("/"))
            .join("m".repeat(100));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.jpg"), "x").unwrap();
        assert_eq!(fs::read(resolve(&folder.join("a.jpg")).unwrap()).unwrap(), b"x");
        assert_eq!(resolve(&folder.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(windows)]
    #[test]
    fn what_is_there_without_a_link_is_where_its_path_says() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::write(root.join("a.jpg"), "x").unwrap();
        assert_eq!(if_without_links(&root.join("a.jpg")), Some(root.join("a.jpg")));
        assert_eq!(if_without_links(&root.join("none")), None);
    }
}
