#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A bucket with one object, as miniflare leaves it when it is killed: the rows are in the WAL alone. Its index cannot be
/// made, not even by root: SQLite follows no link there.
fn on_a_read_only_medium(state: &Path) {
    let live = tempfile::tempdir().unwrap();
    let (from, to) = (bucket_file(live.path(), "photos"), bucket_file(state, "photos"));
    for file in [&from, &to] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    let rows = Connection::open(&from).unwrap();
    rows.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE _mf_multipart_parts (a);
         CREATE TABLE _mf_objects (key, blob_id, size INTEGER, etag, uploaded REAL, http_metadata, custom_metadata);
         INSERT INTO _mf_objects VALUES ('a.jpg', 'b', 1, 'e', 0.0, '{}', '{}')",
    )
    .unwrap();
    let beside = |file: &Path, ending| PathBuf::from(format!("{}{ending}", file.display()));
    for ending in ["", "-wal"] {
        fs::copy(beside(&from, ending), beside(&to, ending)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", beside(&to, "-shm")).unwrap();
}

#[tokio::test]
async fn rows_on_a_read_only_medium_are_copied_into_the_working_folder() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    on_a_read_only_medium(state.path());
    let copies = || fs::read_dir(work.path()).unwrap().count();
    let bucket = Wrangler::open(state.path(), "photos", work.path()).unwrap();
    let listing = bucket.list(&Job::unattended()).await.unwrap().unwrap();
    assert_eq!(listing.photos.iter().map(|photo| photo.key.as_str()).collect::<Vec<_>>(), ["a.jpg"]);
    assert_eq!(copies(), 1);
    drop(bucket);
    assert_eq!(copies(), 0);
    let unwritable = Wrangler::open(state.path(), "photos", &work.path().join("missing"));
    assert_eq!(unwritable.unwrap_err().code(), "OUTPUT_UNWRITABLE");
}
