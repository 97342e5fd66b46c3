//! Which names files can have in a folder.

use std::path::{Path, PathBuf};

use crate::archive::{MAX_SEGMENT, fold, is_portable_segment};
use crate::private_file::is_working_folder;

/// File systems that other systems keep their files on, as `statfs` names them: FAT, exFAT, NTFS (as Linux 5.15 has it
/// and before), the two of SMB, and Plan 9's, by which WSL shows the disks of Windows.
#[cfg(target_os = "linux")]
const WINDOWS: [u32; 7] =
    [0x4d44, 0x2011_bab0, 0x7366_746e, 0x5346_544e, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997];

/// What names a folder's file system can hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    /// Whether names that Windows refuses are refused here.
    are_those_of_windows: bool,
    /// Whether names that differ only in case or Unicode form are the same.
    are_folded: bool,
}

impl Names {
    /// Those of a folder, which need not exist yet.
    pub(super) fn of(folder: &Path) -> Names {
        let are_those_of_windows = cfg!(windows) || is_of_windows(folder);
        Names { are_those_of_windows, are_folded: are_those_of_windows || cfg!(target_os = "macos") }
    }

    /// The path of a key below the folder, where there can be one.
    pub(super) fn relative(self, key: &str) -> Option<PathBuf> {
        let is_possible = |segment: &str| {
            let is_name = if self.are_those_of_windows {
                is_portable_segment(segment)
            } else {
                let is_special = matches!(segment, "" | "." | "..") || segment.contains('\0');
                !is_special && segment.len() <= MAX_SEGMENT
            };
            // What is in a folder of a run goes when the run is dead.
            is_name && !is_working_folder(segment.as_ref())
        };
        key.split('/').all(is_possible).then(|| key.split('/').collect())
    }

    /// The folders above a key that can be there, as [`Names::same`] has them.
    pub(super) fn folders(self, key: &str) -> impl Iterator<Item = String> {
        let is_possible = self.relative(key).is_some();
        let ends = key.match_indices('/').filter(move |_| is_possible);
        ends.filter_map(move |(at, _)| key.get(..at)).map(move |folder| self.same(folder))
    }

    /// What two names have in common that are the same here.
    pub(super) fn same(self, name: &str) -> String {
        if self.are_folded { fold(name) } else { name.to_owned() }
    }
}

#[cfg(target_os = "linux")]
fn is_of_windows(folder: &Path) -> bool {
    let there = folder.ancestors().find(|folder| folder.is_dir());
    let found = there.and_then(|folder| rustix::fs::statfs(folder).ok());
    found.is_some_and(|found| WINDOWS.contains(&(found.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_of_windows(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Names = Names { are_those_of_windows: false, are_folded: false };
    const STICK: Names = Names { are_those_of_windows: true, are_folded: true };

    #[test]
    fn a_stick_has_the_names_of_windows_whatever_reads_it() {
        for key in ["a:b.jpg", "why?/a.jpg", "\"q\".jpg", "a|b", "con.jpg", "dot.", "tab\t"] {
            assert!(HERE.relative(key).is_some() && STICK.relative(key).is_none(), "{key}");
        }
        assert_eq!(STICK.relative("a/B.jpg"), Some("a/B.jpg".into()));
        assert_eq!((STICK.same("a/B.jpg"), HERE.same("a/B.jpg")), (fold("A/b.JPG"), "a/B.jpg".to_owned()));
        assert_eq!(STICK.folders("A/b/c.jpg").collect::<Vec<_>>(), ["a", "a/b"].map(fold));
        assert_eq!(STICK.folders("A/b:/c.jpg").count(), 0);
    }

    #[test]
    fn what_no_folder_can_hold_has_no_path() {
        for key in ["", "a//b", "../a", "a/..", "nul\0", &"n".repeat(256), ".cultural-archiver-x/a.jpg"] {
            assert_eq!(HERE.relative(key), None, "{key}");
        }
        assert!(HERE.relative(&"n".repeat(255)).is_some() && HERE.relative(".cultural").is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_of_linux_is_none_of_windows() {
        assert!(!is_of_windows(&std::env::temp_dir().join("missing/missing")));
    }
}
