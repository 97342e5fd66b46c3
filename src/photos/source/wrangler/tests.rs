#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;

use futures::StreamExt;

use super::*;

fn beside(file: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", file.display()))
}

/// A bucket with one object, whose rows have been written, and are closed with what is returned.
fn live(state: &Path, journal: &str) -> Connection {
    let file = bucket_file(state, "photos");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let rows = Connection::open(&file).unwrap();
    rows.execute_batch(&format!(
        "PRAGMA journal_mode = {journal}; CREATE TABLE _mf_multipart_parts (blob_id, object_key, part_number);
         CREATE TABLE _mf_objects (key, blob_id, size INTEGER, etag, uploaded REAL, http_metadata, custom_metadata);
         INSERT INTO _mf_objects VALUES ('a.jpg', 'b', 1, 'e', 0.0, '{{}}', '{{}}')"
    ))
    .unwrap();
    rows
}

/// The files of a bucket that is open, as whoever writes it leaves them when it is killed.
fn killed(from: &Path, to: &Path, endings: &[&str]) {
    let (from, to) = (bucket_file(from, "photos"), bucket_file(to, "photos"));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    for ending in endings {
        fs::copy(beside(&from, ending), beside(&to, ending)).unwrap();
    }
}

/// The rows are in the WAL alone.
fn killed_with_a_wal(state: &Path) {
    let from = tempfile::tempdir().unwrap();
    let _rows = live(from.path(), "WAL");
    killed(from.path(), state, &["", "-wal"]);
}

fn open(state: &tempfile::TempDir, work: &Path) -> Result<Wrangler> {
    Wrangler::open(state.path(), "photos", work, &Job::unattended())
}

async fn keys(bucket: &Wrangler) -> Vec<String> {
    let listing = bucket.list(&Job::unattended()).await.unwrap().unwrap();
    listing.photos.iter().map(|photo| photo.key.to_string()).collect()
}

/// The index of the WAL cannot be opened, not even by root: SQLite follows no link there.
#[tokio::test]
async fn rows_on_a_read_only_medium_are_copied_into_the_working_folder() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    killed_with_a_wal(state.path());
    let file = bucket_file(state.path(), "photos");
    std::os::unix::fs::symlink(beside(&file, "-wal"), beside(&file, "-shm")).unwrap();
    let copies = || fs::read_dir(work.path()).unwrap().count();
    let bucket = open(&state, work.path()).unwrap();
    assert_eq!(keys(&bucket).await, ["a.jpg"]);
    assert_eq!(copies(), 1);
    drop(bucket);
    assert_eq!(copies(), 0);
    let unwritable = open(&state, &work.path().join("missing"));
    assert_eq!(unwritable.unwrap_err().code(), "OUTPUT_UNWRITABLE");
}

/// A pipe can be opened and locked and gets no size, as files of some file systems in user space.
#[tokio::test]
async fn rows_on_a_file_system_without_shared_memory_are_read() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    killed_with_a_wal(state.path());
    let index = beside(&bucket_file(state.path(), "photos"), "-shm");
    assert!(std::process::Command::new("mkfifo").arg(&index).status().unwrap().success());
    let bucket = open(&state, work.path()).unwrap();
    assert_eq!(keys(&bucket).await, ["a.jpg"]);
}

#[tokio::test]
async fn nothing_new_lies_beside_the_rows_when_they_were_read() {
    for is_killed in [false, true] {
        let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        match is_killed {
            true => killed_with_a_wal(state.path()),
            false => drop(live(state.path(), "WAL")),
        }
        let file = bucket_file(state.path(), "photos");
        let there = || fs::read_dir(file.parent().unwrap()).unwrap().count();
        let before = there();
        let bucket = open(&state, work.path()).unwrap();
        assert_eq!(keys(&bucket).await, ["a.jpg"]);
        drop(bucket);
        assert_eq!((there(), before), (before, if is_killed { 2 } else { 1 }));
    }
}

#[tokio::test]
async fn what_was_never_ended_is_taken_back_in_the_working_folder() {
    let [from, state, work] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let rows = live(from.path(), "DELETE");
    // Pages that do not fit into memory are written before the transaction ends.
    rows.execute_batch(
        "PRAGMA cache_size = 1; BEGIN; WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999)
         INSERT INTO _mf_objects SELECT 'later' || n, 'b', 1, 'e', 0.0, '{}', '{}' FROM n",
    )
    .unwrap();
    killed(from.path(), state.path(), &["", "-journal"]);
    let bucket = open(&state, work.path()).unwrap();
    assert_eq!(keys(&bucket).await, ["a.jpg"]);
    assert!(beside(&bucket_file(state.path(), "photos"), "-journal").exists());
}

/// Each wildcard is a call of SQLite within the one before.
#[tokio::test]
async fn rows_that_take_sqlite_deep_end_no_process() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rows = live(state.path(), "DELETE");
    let pattern = "%a".repeat(24_900);
    rows.execute_batch(&format!(
        "ALTER TABLE _mf_objects RENAME TO held;
         CREATE VIEW _mf_objects AS SELECT * FROM held WHERE printf('%.*c', 49000, 'a') LIKE '{pattern}'"
    ))
    .unwrap();
    let bodies = bodies_folder(state.path(), "photos");
    fs::create_dir_all(&bodies).unwrap();
    fs::write(bodies.join("b"), "a").unwrap();
    let bucket = open(&state, work.path()).unwrap();
    assert_eq!(keys(&bucket).await, ["a.jpg"]);
    let Content::File(open) = bucket.get("a.jpg").await.unwrap() else { panic!("it is one file") };
    assert_eq!(open().unwrap().photo.size, 1);
}

/// Replaces the only object by one of one byte that was uploaded in one part, which is called as its ETag is.
fn upload_in_parts(rows: &Connection, shared: &Shared, etag: &str) {
    fs::create_dir_all(&shared.bodies).unwrap();
    fs::write(shared.body(etag), "x").unwrap();
    rows.execute_batch(&format!(
        "BEGIN; DELETE FROM _mf_objects; DELETE FROM _mf_multipart_parts;
         INSERT INTO _mf_objects VALUES ('a.jpg', NULL, 1, '{etag}', 0.0, '{{}}', '{{}}');
         INSERT INTO _mf_multipart_parts VALUES ('{etag}', 'a.jpg', 1); COMMIT"
    ))
    .unwrap();
}

/// Parts of one upload under the ETag of another would be a photo that never was.
#[test]
fn an_object_and_its_parts_are_of_one_state() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = live(state.path(), "WAL");
    let shared = open(&state, work.path()).unwrap().shared;
    upload_in_parts(&writer, &shared, "first");
    let (rows, object) = shared.find("a.jpg").unwrap();
    upload_in_parts(&writer, &shared, "second");
    let parts = shared.parts(&rows, "a.jpg").unwrap();
    assert_eq!((object.photo.etag.as_deref(), parts), (Some("first"), vec![shared.body("first")]));
}

#[tokio::test]
async fn parts_that_go_while_they_are_read_are_of_an_object_that_is_replaced() {
    let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = live(state.path(), "WAL");
    let shared = open(&state, work.path()).unwrap().shared;
    upload_in_parts(&writer, &shared, "first");
    let Ok(Content::Stream(_, mut pieces)) = shared.content("a.jpg") else { panic!("no parts") };
    upload_in_parts(&writer, &shared, "second");
    fs::remove_file(shared.body("first")).unwrap();
    assert_eq!(pieces.next().await, Some(Err(GetError::ChangedWhileRead)));
    let Ok(Content::Stream(photo, mut pieces)) = shared.content("a.jpg") else { panic!("no parts") };
    assert_eq!((photo.etag.as_deref(), pieces.next().await), (Some("second"), Some(Ok("x".into()))));
    // One that no other takes the place of is lost.
    fs::remove_file(shared.body("second")).unwrap();
    assert_eq!(shared.content("a.jpg").err(), Some(GetError::Unreadable));
}
