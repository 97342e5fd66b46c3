#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::os::unix::fs::symlink;

use super::*;

fn list(root: &Path) -> Listing {
    walk(&root.canonicalize().unwrap(), &Job::unattended()).unwrap()
}

fn keys(listing: &Listing) -> Vec<&str> {
    listing.photos.iter().map(|p| &*p.key).collect()
}

fn codes(listing: &Listing) -> Vec<&str> {
    listing.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn put(root: &Path, key: &str) {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, key).unwrap();
}

#[test]
fn keys_come_in_bytewise_order() {
    let root = tempfile::tempdir().unwrap();
    let expected = ["Z.jpg", "a b.jpg", "a!/x.jpg", "a.jpg", "a/.hidden", "a/b.jpg", "a\\b.jpg", "é.jpg"];
    expected.iter().rev().for_each(|key| put(root.path(), key));
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let listing = list(root.path());
    assert_eq!(keys(&listing), expected);
    assert!(listing.problems.is_empty() && listing.warnings.is_empty());
}

#[test]
fn our_own_working_folders_are_passed_over() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), ".cultural-archiver-abcDEF012345/archive.zip");
    put(root.path(), "a/.cultural-archiver-ABCdef678901/archive.zip");
    let others = [".cultural-archiver-ABCdef000000", ".cultural-archiver-photos/a.jpg"];
    others.iter().for_each(|key| put(root.path(), key));
    assert_eq!(keys(&list(root.path())), others);
}

#[test]
fn our_own_archives_are_passed_over_and_told() {
    let root = tempfile::tempdir().unwrap();
    let comment = format!("sha256:{}", "0f".repeat(32));
    let end = [b"PK\x05\x06".as_slice(), &[0; 16], &[71, 0], comment.as_bytes()].concat();
    put(root.path(), "a/b.zip");
    for name in ["backup-2026-01-02-030405.zip", "a/renamed.ZIP", "a/c.jpg"] {
        fs::write(root.path().join(name), &end).unwrap();
    }
    let listing = list(root.path());
    assert_eq!((keys(&listing), codes(&listing)), (vec!["a/b.zip", "a/c.jpg"], vec!["PHOTO_OWN_ARCHIVE"]));
    assert!(listing.warnings[0].message.contains("passed over 2 archives of this package"));
}

#[test]
fn links_are_followed_to_files_inside_alone() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(outside.path(), "secret.jpg");
    put(root.path(), "d/a.jpg");
    symlink("d/a.jpg", root.path().join("inside.jpg")).unwrap();
    symlink(outside.path().join("secret.jpg"), root.path().join("outside.jpg")).unwrap();
    symlink(outside.path(), root.path().join("outside")).unwrap();
    symlink("d", root.path().join("folder")).unwrap();
    symlink("..", root.path().join("d/loop")).unwrap();
    symlink("nowhere", root.path().join("dangling.jpg")).unwrap();
    symlink("self.jpg", root.path().join("self.jpg")).unwrap();
    let listing = list(root.path());
    assert_eq!(keys(&listing), ["d/a.jpg", "inside.jpg"]);
    assert_eq!(listing.photos[1].size, 7, "the size is that of the file, not of the link");
    assert_eq!(codes(&listing), ["PHOTO_LINK_SKIPPED"]);
    let message = &listing.warnings[0].message;
    assert!(message.contains("passed over 6 ") && message.contains("\"d/loop\""), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode_are_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(OsStr::from_bytes(b"caf\xe9.jpg")), "x").unwrap();
    put(root.path(), "a.jpg");
    let listing = list(root.path());
    assert_eq!((keys(&listing), codes(&listing)), (vec!["a.jpg"], vec!["PHOTO_NAME_NOT_UNICODE"]));
}

#[test]
fn pipes_and_sockets_are_told_and_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe.jpg")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket.jpg")).unwrap();
    let listing = list(root.path());
    assert_eq!((keys(&listing), codes(&listing)), (vec![], vec!["PHOTO_NOT_A_FILE"]));
}

/// Root may read every folder, but nobody a path beyond PATH_MAX (4096 bytes on Linux).
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_read_is_a_problem() {
    let root = tempfile::tempdir().unwrap();
    let long = [["n".repeat(250)].as_slice(); 9].concat().join("/");
    fs::create_dir_all(root.path().join("a").join(&long)).unwrap();
    fs::create_dir_all(root.path().join("b").join(&long)).unwrap();
    fs::rename(root.path().join("b"), root.path().join("a").join(&long).join("b")).unwrap();
    put(root.path(), "z.jpg");
    let listing = list(root.path());
    assert_eq!(keys(&listing), ["z.jpg"]);
    let [problem] = listing.problems.as_slice() else { panic!("{:?}", listing.problems) };
    assert!(problem.key.starts_with("a/nnn") && problem.key.ends_with("n/"), "{}", problem.key);
    assert_eq!(problem.error, GetError::Unreadable);
}

/// What Linux says of `/proc/<pid>/net` when the process has ended since that was opened, a disk that fails says of any
/// folder.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_read_to_its_end_is_a_problem() {
    let mut process = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let root = PathBuf::from(format!("/proc/{}", process.id()));
    let mut below = entries(&root);
    let is_net =
        |entry: &walkdir::Result<DirEntry>| entry.as_ref().is_ok_and(|e| e.path() == root.join("net"));
    let net = below.by_ref().find(is_net).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let mut walk = Walk::through(&root);
    walk.take(net).unwrap();
    below.for_each(|entry| walk.take(entry).unwrap());
    let problem = ListProblem { key: "net/".into(), error: GetError::Unreadable };
    assert!(walk.finish().problems.contains(&problem));
}

#[test]
fn a_stopped_job_stops_the_walk() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a.jpg");
    let job = Job::unattended();
    job.stop_token().cancel();
    assert_eq!(walk(root.path(), &job).unwrap_err().code(), "ABORT_ERR");
}

#[test]
fn what_a_system_keeps_to_itself_lies_at_the_top_of_a_volume() {
    let is_of_system = |path: &str| is_of_system(Path::new("/photos"), &Path::new("/photos").join(path));
    for path in ["System Volume Information", "$Recycle.Bin/S-1-5-18", ".Trashes", "lost+found"] {
        assert!(is_of_system(path), "{path}");
    }
    assert!(!["originals", "originals/lost+found", "lost+found.jpg", ""].into_iter().any(is_of_system));
}
