//! Which names files can have in a folder.

use std::path::{Path, PathBuf};

use crate::archive::{MAX_SEGMENT, fold, is_portable_segment};
use crate::private_file::is_working_folder;

/// File systems with the names of Windows, as `statfs` names them: FAT, exFAT, and NTFS (as Linux 5.15 has it and before).
const WINDOWS: [u32; 4] = [0x4d44, 0x2011_bab0, 0x7366_746e, 0x5346_544e];
/// Those that show files of other systems, which may keep names in one case only: the two of SMB, and Plan 9's, by which
/// WSL shows the disks of Windows. Signs that Windows has not in names they write as others.
const FOLDED: [u32; 3] = [0xff53_4d42, 0xfe53_4d42, 0x0102_1997];

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
        Names::on(file_system(folder))
    }

    fn on(file_system: Option<u32>) -> Names {
        let is_among = |those: &[u32]| file_system.is_some_and(|one| those.contains(&one));
        let are_those_of_windows = cfg!(windows) || is_among(&WINDOWS);
        let are_folded = are_those_of_windows || cfg!(target_os = "macos") || is_among(&FOLDED);
        Names { are_those_of_windows, are_folded }
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
fn file_system(folder: &Path) -> Option<u32> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    Some(rustix::fs::statfs(there).ok()?.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Option<u32> {
    None
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
        let of_a_run = ".cultural-archiver-abcDEF012345/a.jpg";
        for key in ["", "a//b", "../a", "a/..", "nul\0", &"n".repeat(256), of_a_run] {
            assert_eq!(HERE.relative(key), None, "{key}");
        }
        for key in [&"n".repeat(255), ".cultural", ".cultural-archiver-photos/a.jpg"] {
            assert!(HERE.relative(key).is_some(), "{key}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_share_has_all_signs_in_names_and_may_have_one_case() {
        let key = "photo:1.jpg";
        for (file_system, is_possible, are_folded) in [
            (0xef53, true, false),
            (0xfe53_4d42, true, true),
            (0x0102_1997, true, true),
            (0x4d44, false, true),
        ] {
            let names = Names::on(Some(file_system));
            assert_eq!((names.relative(key).is_some(), names.are_folded), (is_possible, are_folded));
        }
        assert!(Names::of(&std::env::temp_dir().join("missing/missing")).relative(key).is_some());
    }
}
