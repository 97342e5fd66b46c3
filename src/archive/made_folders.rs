//! Folders that a run makes on the way to its output folder, and takes away again when nothing came to lie in them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::room::unwritable;
use crate::error::{Error, Result};
use crate::flush;

/// How often another run may take away a folder of ours, or one on the way to it, before we give up.
pub(super) const ATTEMPTS: usize = 16;

/// Folders that were missing and were made, outermost first; those still empty go with the value.
#[derive(Debug, Default)]
pub(super) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes `dir` and what is missing above it, again and again where another run takes away what it had made of the
    /// way. Fails with `OUTPUT_UNWRITABLE` or `DISK_FULL`; what was made by then is gone.
    pub(super) fn down_to(dir: &Path) -> Result<MadeFolders> {
        MadeFolders::down_to_by(|folder| fs::create_dir(folder), dir)
    }

    fn down_to_by(make: impl Fn(&Path) -> io::Result<()>, dir: &Path) -> Result<MadeFolders> {
        let mut attempt = 1;
        'again: loop {
            let mut made = MadeFolders::default();
            let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.is_dir()).collect();
            for folder in missing.into_iter().rev() {
                match make(folder) {
                    Ok(()) => {
                        made.0.push(folder.to_owned());
                        flush::name(folder).map_err(|error| Error::output(folder, error))?;
                    }
                    Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
                    Err(error) if attempt < ATTEMPTS && comes_and_goes(folder, &error) => {
                        attempt += 1;
                        continue 'again;
                    }
                    Err(error) => return Err(unwritable(folder, error)),
                }
            }
            return Ok(made);
        }
    }
}

/// Whether a folder was not made because it, or the one above, was there at one look and not at the next.
fn comes_and_goes(folder: &Path, error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::NotFound => true,
        ErrorKind::AlreadyExists => folder.symlink_metadata().map_or(true, |found| found.is_dir()),
        _ => false,
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::cell::Cell;

    use super::*;

    /// Whoever made the folder above takes it away just before we make ours.
    #[test]
    fn a_folder_above_that_another_run_takes_away_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let (above, output) = (root.path().join("a"), root.path().join("a/b"));
        let theirs = Cell::new(Some(MadeFolders::down_to(&above).unwrap()));
        let make = |folder: &Path| {
            drop(theirs.take());
            fs::create_dir(folder)
        };
        let made = MadeFolders::down_to_by(make, &output).unwrap();
        assert!(output.is_dir());
        drop(made);
        assert!(fs::read_dir(root.path()).unwrap().next().is_none());
        // What nothing can be made in says so, and soon.
        let error = MadeFolders::down_to_by(|_| Err(ErrorKind::NotFound.into()), &output).unwrap_err();
        assert_eq!(error.code(), "OUTPUT_UNWRITABLE");
    }

    #[test]
    fn a_folder_that_is_there_and_gone_again_is_no_link() {
        let root = tempfile::tempdir().unwrap();
        let was_there = Cell::new(false);
        let make = |folder: &Path| match was_there.replace(true) {
            false => Err(ErrorKind::AlreadyExists.into()),
            true => fs::create_dir(folder),
        };
        assert!(MadeFolders::down_to_by(make, &root.path().join("a")).is_ok());
    }
}
