//! Removing what dead runs left behind, and never what a living one uses.
//!
//! A folder is removed by others only under the lock of its lock file, and a run that lives holds that lock. In
//! between lies the moment in which a new folder is visible and its lock is not held yet, so creating ends with a
//! question: *is my lock file, now that I hold its lock, still there?* A sweeper that came before us
//! - and found no lock file, could only remove the folder while it was empty: making our lock file fails;
//! - and got the lock, has let go of it before we get it. As a rule it has seen that the file says nothing yet and left
//!   it; if it took the folder for dead, it has removed the lock file first: the answer is no.
//!
//! When the folder is gone we start again under another name. A sweeper that comes later does not get the lock. Names
//! are random and never used twice, so nothing is ever removed that only has the name of what was found dead. No rename
//! is needed, which Windows would refuse for a folder with an open file in it.
//!
//! Where several hosts share a folder, each may be granted the lock of a run that lives on another. So a lock file names
//! its host, and another host's folder, or one that does not tell yet, has to lie still for a day as well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use crate::private_file::is_working_folder;

/// The file inside whose lock says that the run lives.
pub(super) const LOCK: &str = "lock";

/// How long nothing was written in a folder of another host that is taken for dead: a day.
const DEAD_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the folders of dead runs that belong to `user`, but never `own`, the folder of this run: there are file
/// systems that grant every lock. What cannot be removed is no reason not to make a backup.
///
/// What belongs to another user stays: in a folder that all may write, such as that for temporary files, others could
/// put links into it that lead elsewhere, and change them while we look.
pub(super) fn sweep(output_dir: &Path, user: Option<u32>, own: Option<&Path>) {
    let Ok(entries) = fs::read_dir(output_dir) else { return };
    let own = own.and_then(Path::file_name);
    for entry in entries.flatten() {
        let (name, is_folder) = (entry.file_name(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let is_others = is_working_folder(&name) && is_folder && own != Some(&name);
        if is_others && owner(&entry.path()) == user {
            sweep_one(&entry.path());
        }
    }
}

/// Who runs this, where the system tells by a number.
#[cfg(unix)]
pub(super) fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Whose a folder is, by the same number.
#[cfg(unix)]
pub(super) fn owner(dir: &Path) -> Option<u32> {
    fs::symlink_metadata(dir).ok().map(|found| std::os::unix::fs::MetadataExt::uid(&found))
}

#[cfg(not(unix))]
pub(super) fn user() -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(super) fn owner(_: &Path) -> Option<u32> {
    None
}

fn sweep_one(dir: &Path) {
    let path = dir.join(LOCK);
    // Asked before opening: opening a pipe that somebody put there would wait for ever.
    if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        // Died before its lock file was made, or is about to make it: goes only while it is empty.
        let _ = fs::remove_dir(dir);
        return;
    }
    // For writing, because NFS grants exclusive locks to writers only.
    let Ok(mut lock) = OpenOptions::new().read(true).write(true).open(&path) else { return };
    // Read under the lock: Windows lets nobody else read what is locked.
    if lock.try_lock().is_ok() && (is_of_this_host(&mut lock) || is_still(dir)) {
        let _ = remove(dir, lock);
    }
}

/// What a lock file holds, a line each: the name of the host whose run it is and, on Linux, since when its kernel runs
/// and which file system that is. Each container has a name of its own, but the locks of all that share both.
pub(super) fn marks(lock: &File) -> Vec<String> {
    #[cfg(unix)]
    let name = Some(rustix::system::uname().nodename().to_string_lossy().into_owned());
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    name.into_iter().chain(kernel(lock)).filter(|mark| !mark.is_empty()).collect()
}

#[cfg(target_os = "linux")]
fn kernel(lock: &File) -> Option<String> {
    let file_system = std::os::unix::fs::MetadataExt::dev(&lock.metadata().ok()?);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{} {file_system}", boot.trim()))
}

#[cfg(not(target_os = "linux"))]
fn kernel(_: &File) -> Option<String> {
    None
}

/// Whether a lock is that of a run on this host, where it tells whether the run lives. Of another host it may tell
/// nothing: many file systems in user space, and NFS without locks, grant locks to each host by itself.
fn is_of_this_host(lock: &mut File) -> bool {
    let (ours, mut told) = (marks(lock), String::new());
    lock.take(1 << 10).read_to_string(&mut told).is_ok()
        && told.lines().any(|line| ours.iter().any(|mark| mark == line))
}

/// Whether nothing in a folder was written for a day, as nothing is that a living run works with.
fn is_still(dir: &Path) -> bool {
    let is_old = |meta: io::Result<fs::Metadata>| {
        let modified = meta.and_then(|meta| meta.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|ago| ago > DEAD_AFTER))
    };
    let Ok(mut entries) = fs::read_dir(dir) else { return false };
    is_old(fs::metadata(dir)) && entries.all(|entry| is_old(entry.and_then(|entry| entry.metadata())))
}

/// Removes one of our folders whose lock we hold. The lock file goes last but before the lock is let go, so that
/// whoever waits for the lock sees that it is gone, and so that a folder half removed is still swept next time. What
/// cannot be removed keeps nothing else there.
pub(super) fn remove(dir: &Path, lock: File) -> io::Result<()> {
    let mut removed = Ok(());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() != LOCK {
            removed = removed.and(remove_entry(&entry));
        }
    }
    removed?;
    fs::remove_file(dir.join(LOCK))?;
    drop(lock);
    fs::remove_dir(dir)
}

fn remove_entry(entry: &fs::DirEntry) -> io::Result<()> {
    if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;
    use std::sync::Barrier;
    use std::thread;

    use super::super::Workspace;
    use super::*;
    use crate::private_file::{create, working_folder};

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Writes the lock file of a run that was here and is dead.
    fn of_this_host(dir: &Path) {
        let mut lock = create(&dir.join(LOCK)).unwrap();
        let marks = marks(&lock);
        lock.write_all(marks.join("\n").as_bytes()).unwrap();
    }

    #[test]
    fn a_dead_folder_is_swept_and_a_living_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let living = Workspace::create(root.path()).unwrap();
        let dead = working_folder(root.path()).unwrap();
        fs::create_dir_all(dead.join("sub")).unwrap();
        of_this_host(&dead);
        fs::write(dead.join("sub/archive.zip"), "half").unwrap();
        let unborn = working_folder(root.path()).unwrap();
        let file = working_folder(root.path()).unwrap();
        fs::remove_dir(&file).unwrap();
        fs::write(&file, "not a folder").unwrap();
        let others = root.path().join(".cultural-archiver-my-photos");
        fs::create_dir(&others).unwrap();

        let second = Workspace::create(root.path()).unwrap();
        assert!(!dead.exists() && !unborn.exists());
        assert!(file.exists() && others.exists() && living.path(LOCK).exists() && second.path(LOCK).exists());
    }

    // Windows sets no dates of folders through such a handle.
    #[cfg(unix)]
    #[test]
    fn a_folder_of_another_host_goes_when_it_lies_still() {
        let root = tempfile::tempdir().unwrap();
        let foreign = |told: &str| {
            let dir = working_folder(root.path()).unwrap();
            fs::write(dir.join(LOCK), told).unwrap();
            fs::write(dir.join("archive.zip"), "half").unwrap();
            dir
        };
        // What the last one was told has not come over yet.
        let (living, dead, new) =
            (foreign("another host\nanother boot 1"), foreign("another host"), foreign(""));
        let long_ago = std::time::SystemTime::now() - DEAD_AFTER * 2;
        for aged in
            [dead.join(LOCK), dead.join("archive.zip"), living.join(LOCK), living.clone(), dead.clone()]
        {
            File::open(aged).unwrap().set_modified(long_ago).unwrap();
        }
        let own = Workspace::create(root.path()).unwrap();
        assert!(living.join("archive.zip").exists() && new.join("archive.zip").exists() && !dead.exists());
        let lock = File::open(own.path(LOCK)).unwrap();
        assert_eq!(fs::read_to_string(own.path(LOCK)).unwrap(), marks(&lock).join("\n"));
        assert!(!marks(&lock).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_another_container_left_goes_at_once() {
        let root = tempfile::tempdir().unwrap();
        let [here, there] = [(); 2].map(|()| working_folder(root.path()).unwrap());
        // The same kernel, but another file system: each has its own locks.
        for (dir, other) in [(&here, ""), (&there, "0")] {
            let path = dir.join(LOCK);
            let kernel = kernel(&create(&path).unwrap()).unwrap();
            fs::write(path, format!("0123456789ab\n{kernel}{other}")).unwrap();
        }
        drop(Workspace::create(root.path()).unwrap());
        assert!(!here.exists() && there.exists());
    }

    #[test]
    fn its_own_folder_stays_where_every_lock_is_granted() {
        let root = tempfile::tempdir().unwrap();
        let [own, dead] = [(); 2].map(|()| working_folder(root.path()).unwrap());
        of_this_host(&own);
        of_this_host(&dead);
        sweep(root.path(), owner(&own), Some(&own));
        assert!(own.exists() && !dead.exists());
    }

    #[test]
    fn a_folder_without_a_lock_file_goes_only_when_it_is_empty() {
        let root = tempfile::tempdir().unwrap();
        let strange = working_folder(root.path()).unwrap();
        fs::write(strange.join("letter"), "dear").unwrap();
        drop(Workspace::create(root.path()).unwrap());
        assert_eq!(names(&strange), ["letter"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_dead_folder_of_another_user_is_not_swept() {
        let root = tempfile::tempdir().unwrap();
        let dead = working_folder(root.path()).unwrap();
        of_this_host(&dead);
        // Only root can give it away.
        if std::os::unix::fs::chown(&dead, Some(65534), None).is_err() {
            return;
        }
        drop(Workspace::create(root.path()).unwrap());
        assert_eq!(names(&dead), [LOCK]);
    }

    #[test]
    fn many_starting_at_once_never_sweep_each_other() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("new");
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..50 {
                        let workspace = Workspace::create(&output).unwrap();
                        workspace.create_file("x").unwrap();
                        thread::yield_now();
                        assert!(workspace.path("x").exists() && workspace.path(LOCK).exists());
                    }
                });
            }
        });
        // A folder whose lock file a sweeper has open at its end stays on Windows, empty, until the next run.
        if cfg!(windows) && output.exists() {
            drop(Workspace::create(&output).unwrap());
        }
        // Whoever made `new` could not take it away while another was in it, and the other had not made it.
        assert!(!output.exists() || names(&output).is_empty());
    }
}
