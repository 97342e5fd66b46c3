//! The private folder in which a run keeps everything that has no name yet.
//!
//! It lies in the output folder, so that the finished archive can be renamed into place; it is readable by its
//! owner alone, and it goes with the value. A run that was killed leaves its folder; the next run in the same
//! output folder removes it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use super::made_folders::{ATTEMPTS, MadeFolders};
use super::publish::refuse_taken;
use super::room::{ensure_space, unwritable};
use super::sweep::{LOCK, marks, owner, remove, sweep, user};
use crate::error::{Error, Result, is_out_of_files};
use crate::flush;
use crate::folder;
use crate::private_file;

/// A private folder inside the output folder, removed when dropped, as are folders above it that had to be made
/// and are still empty.
#[derive(Debug)]
pub struct Workspace {
    output_dir: PathBuf,
    dir: PathBuf,
    lock: Option<File>,
    // After `lock`: dropped last, when our own folder is gone.
    _made: MadeFolders,
}

impl Workspace {
    /// Makes the output folder when it is missing, removes what dead runs of this user left in it, and makes the
    /// private folder.
    ///
    /// Fails with `OUTPUT_UNWRITABLE` or `DISK_FULL`; the output folder is then as it was before, but for these
    /// leftovers. Where the file system has no locks, the run works, but leftovers of dead runs stay.
    pub fn create(output_dir: &Path) -> Result<Workspace> {
        Workspace::create_by(claim, output_dir)
    }

    /// Makes the folder, as [`Workspace::create`], for an archive that is to be called `filename`: fails with
    /// `ARCHIVE_EXISTS` where that is taken and may not be replaced, and with `OUTPUT_UNWRITABLE` where a folder is
    /// called so.
    pub fn for_archive(output_dir: &Path, filename: &str, overwrite: bool) -> Result<Workspace> {
        let workspace = Workspace::create(output_dir)?;
        refuse_taken(&workspace.output_dir.join(filename), overwrite)?;
        Ok(workspace)
    }

    fn create_by(claim: impl Fn(&Path) -> Result<Option<Claimed>>, output_dir: &Path) -> Result<Workspace> {
        let output_dir = std::path::absolute(output_dir).map_err(|e| Error::output(output_dir, e))?;
        for _ in 0..ATTEMPTS {
            let made = MadeFolders::down_to(&output_dir)?;
            let output_dir = without_detours(&output_dir);
            // Before anything is written: what a dead run left may be what fills the disk.
            sweep(&output_dir, user(), None);
            if let Some((dir, lock)) = claim(&output_dir)? {
                // Shares give what is made there to whom they like, as NFS does with what root makes.
                if owner(&dir) != user() {
                    sweep(&output_dir, owner(&dir), Some(&dir));
                }
                return Ok(Workspace { output_dir, dir, lock: Some(lock), _made: made });
            }
        }
        Err(Error::OutputUnwritable {
            path: output_dir,
            problem:
                "folders made in it vanish at once; check what else works there, or choose another folder"
                    .into(),
            source: None,
        })
    }

    /// The output folder, absolute.
    pub fn output_dir(&self) -> &Path {
        &self.output_dir
    }

    /// The private folder itself.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// Where a file called `name` is or would be. Make it with [`Workspace::create_file`] first when it is to be
    /// written by something else, so that it is private from the start.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a new file, for reading and writing, that only its owner may open (mode 0600).
    pub fn create_file(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        private_file::create(&path).map_err(|e| Error::output(&path, e))
    }

    /// Opens a file of this workspace for reading, from its start.
    pub fn open_file(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        File::open(&path).map_err(|e| Error::output(&path, e))
    }

    /// Fails with `DISK_FULL` when fewer than `bytes` are free for this user. An early word, not a promise: others
    /// write to the same disk.
    pub fn ensure_space(&self, bytes: u64) -> Result<()> {
        ensure_space(&self.output_dir, bytes)
    }
}

/// A folder without `..` in its path, which may lead through one that goes again.
fn without_detours(folder: &Path) -> PathBuf {
    let is_detour = folder.components().any(|part| part == Component::ParentDir);
    let direct = is_detour.then(|| folder.canonicalize().ok()).flatten();
    direct.unwrap_or_else(|| folder.to_owned())
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed now, because a file in it is still open on Windows, the next run sweeps.
        let removed = self.lock.take().map_or(Ok(()), |lock| remove(&self.dir, lock));
        if removed.is_err_and(|error| is_out_of_files(&error)) {
            // Listing a folder opens it: now that the lock is closed there may be room.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// A folder of our own, and its lock.
type Claimed = (PathBuf, File);

/// Makes and locks one folder; none when a sweeper took it for dead meanwhile (see [`super::sweep`]).
fn claim(output_dir: &Path) -> Result<Option<Claimed>> {
    let dir = match private_file::working_folder(&folder::reachable(output_dir)) {
        Ok(dir) => dir,
        // The output folder was made by another run, which has failed and taken it away.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unwritable(output_dir, error)),
    };
    let path = dir.join(LOCK);
    let mut lock = match private_file::create(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let _ = fs::remove_dir(&dir);
            return Err(Error::output(output_dir, error));
        }
    };
    // A sweeper may have it for a moment. Any other error says that this file system has no locks: no sweeper gets one
    // either.
    while lock.lock().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {}
    let told = lock.write_all(marks(&lock).join("\n").as_bytes());
    // Other hosts are to see it at once.
    if let Err(error) = told.and_then(|()| flush::file(&lock)) {
        let _ = remove(&dir, lock);
        return Err(Error::output(output_dir, error));
    }
    if fs::symlink_metadata(&path).is_err() {
        let _ = fs::remove_dir(&dir);
        return Ok(None);
    }
    Ok(Some((dir, lock)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn everything_goes_with_the_value_and_folders_that_were_made_too() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("a/b");
        let workspace = Workspace::create(&output).unwrap();
        workspace.create_file("x").unwrap();
        fs::create_dir(workspace.path("sub")).unwrap();
        fs::write(workspace.path("sub/y"), "y").unwrap();
        drop(workspace);
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn folders_that_hold_something_stay() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("a/b");
        let workspace = Workspace::create(&output).unwrap();
        fs::write(output.join("archive.zip"), "done").unwrap();
        drop(workspace);
        assert_eq!(names(&output), ["archive.zip"]);
    }

    #[test]
    fn what_a_dead_run_left_goes_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        private_file::working_folder(root.path()).unwrap();
        let is_full = |dir: &Path| Err(Error::output(dir, ErrorKind::StorageFull.into()));
        let error = Workspace::create_by(is_full, root.path()).unwrap_err();
        assert_eq!((error.code(), names(root.path())), ("DISK_FULL", Vec::new()));
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(root.path()).unwrap();
        workspace.create_file("x").unwrap();
        for (path, mode) in [("", 0o700), ("x", 0o600), (LOCK, 0o600)] {
            let found = fs::metadata(workspace.path(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{path:?}");
        }
    }

    #[test]
    fn an_output_folder_that_is_a_file_is_named_as_such() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for output in [file.clone(), file.join("below")] {
            let error = Workspace::create(&output).unwrap_err();
            assert_eq!(error.code(), "OUTPUT_UNWRITABLE");
            assert!(error.to_string().contains("is a file"), "{error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_read_only_output_folder_is_named_as_such() {
        // sysfs lets nobody make folders, not even root, whom permissions do not stop.
        for output in ["/sys/kernel", "/sys/kernel/a/b"] {
            let error = Workspace::create(Path::new(output)).unwrap_err();
            assert_eq!(error.code(), "OUTPUT_UNWRITABLE");
            assert!(error.to_string().contains("read-only"), "{error}");
        }
    }

    #[test]
    fn a_way_through_a_folder_that_goes_again_is_made_straight() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("out")).unwrap();
        let workspace = Workspace::create(&root.path().join("missing/../out")).unwrap();
        let output = workspace.output_dir().to_owned();
        drop(workspace);
        assert!(output.ends_with("out") && output.is_dir() && names(root.path()) == ["out"], "{output:?}");
    }
}
