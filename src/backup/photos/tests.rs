#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::archive::Archive;
use crate::backup::options::BackupOptions;
use crate::backup::{BackupReport, create_backup};
use crate::formats::index::INDEX;
use crate::job::{Job, Observer, Phase, Progress};
use crate::options::{CommonOptions, DatabaseOptions, PhotoOptions};

/// A database and a folder of photos.
struct Site(TempDir);

impl Site {
    fn new(sql: &str, keys: &[&str]) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        let schema = "CREATE TABLE artwork (id TEXT PRIMARY KEY, status TEXT, photos TEXT);";
        let schema = if sql.contains("artwork") { schema } else { "" };
        Connection::open(site.path("db")).unwrap().execute_batch(&format!("{schema}{sql}")).unwrap();
        fs::create_dir(site.path("photos")).unwrap();
        keys.iter().for_each(|key| site.put(key, key));
        site
    }

    /// With these photos shown by one approved artwork.
    fn showing(photos: &str, keys: &[&str]) -> Site {
        Site::new(&format!("INSERT INTO artwork VALUES ('w', 'approved', '{photos}')"), keys)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn photo(&self, key: &str) -> PathBuf {
        self.path("photos").join(key)
    }

    fn put(&self, key: &str, content: &str) {
        fs::create_dir_all(self.photo(key).parent().unwrap()).unwrap();
        fs::write(self.photo(key), content).unwrap();
    }

    fn options(&self) -> BackupOptions {
        BackupOptions {
            common: CommonOptions {
                database: DatabaseOptions { file: Some(self.path("db")), ..DatabaseOptions::default() },
                photos: Some(PhotoOptions {
                    directory: Some(self.path("photos")),
                    ..PhotoOptions::default()
                }),
                output_dir: Some(self.path("out")),
                overwrite: Some(true),
                now: Some("2026-01-02T03:04:05Z".into()),
                ..CommonOptions::default()
            },
            ..BackupOptions::default()
        }
    }

    fn back_up(&self) -> BackupReport {
        run(self.options(), Job::unattended()).unwrap()
    }
}

fn run(options: BackupOptions, job: Job) -> Result<BackupReport> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
        .block_on(create_backup(options, job))
}

fn index(archive: &Path) -> Vec<serde_json::Value> {
    let mut archive = Archive::open(archive, &Job::unattended()).unwrap();
    serde_json::from_slice(&archive.read_bytes(INDEX, 1 << 20).unwrap()).unwrap()
}

fn codes(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.code.as_str()).collect()
}

fn missing(report: &BackupReport) -> Vec<(&str, &str, String)> {
    let missing = report.metadata.photos.missing.iter();
    missing.map(|m| (m.key.as_str(), m.reason.as_str(), m.artwork_ids.join(","))).collect()
}

#[test]
fn originals_stand_before_copies_and_each_in_bytewise_order() {
    let keys = ["originals/b.jpg", "artworks/b__400x400.jpg", "originals/a.jpg", "originals/pending.jpg"];
    let site = Site::showing(r#"["originals/b.jpg","originals/a.jpg","https://elsewhere.example/x"]"#, &keys);
    let report = site.back_up();
    let entries = index(&report.path);
    let paths: Vec<_> = entries.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    let expected = [
        "photos/originals/originals/a.jpg",
        "photos/originals/originals/b.jpg",
        "photos/thumbnails/artworks/b__400x400.jpg",
    ];
    assert_eq!(paths, expected);
    let photos = &report.metadata.photos;
    assert_eq!((photos.originals, photos.thumbnails, photos.foreign, photos.dangling), (2, 1, 1, 0));
    assert_eq!(photos.bytes, entries.iter().map(|entry| entry["size"].as_u64().unwrap()).sum::<u64>());
    assert_eq!(codes(&report.warnings), ["PHOTO_FOREIGN"]);
    assert_eq!(report.metadata.not_included, ["Workers KV"]);
    assert!(report.complete && entries[0]["artwork_ids"] == serde_json::json!(["w"]));
}

/// Changes the site once the rows are written, when photos were listed and none was read.
struct Meddler(Box<dyn Fn() + Send + Sync>);

impl Observer for Meddler {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Database {
            (self.0)();
        }
    }
}

fn meddling(change: impl Fn() + Send + Sync + 'static) -> Job {
    Job::new(CancellationToken::new(), Arc::new(Meddler(Box::new(change))))
}

#[test]
fn a_photo_that_vanishes_meanwhile_is_missing_or_ends_the_job() {
    for (on_photo_error, ends) in [("record", false), ("fail", true)] {
        let site = Site::showing(r#"["a.jpg","b.jpg"]"#, &["a.jpg", "b.jpg"]);
        let gone = site.photo("a.jpg");
        let job = meddling(move || drop(fs::remove_file(&gone)));
        let made = run(BackupOptions { on_photo_error: Some(on_photo_error.into()), ..site.options() }, job);
        if ends {
            assert_eq!(made.unwrap_err().code(), "PHOTO_FAILED");
            assert!(!site.path("out").exists());
            continue;
        }
        let report = made.unwrap();
        assert_eq!(missing(&report), [("a.jpg", "not_found", "w".into())]);
        assert!(!report.complete && index(&report.path).len() == 1);
        assert_eq!(codes(&report.warnings), ["PHOTO_MISSING"]);
        assert!(report.warnings[0].message.starts_with("1 photo could not be copied"));
    }
}

#[test]
fn the_index_tells_of_a_photo_as_it_was_read() {
    let site = Site::showing("a.jpg", &["a.jpg"]);
    let changed = site.photo("a.jpg");
    let report =
        run(site.options(), meddling(move || fs::write(&changed, "longer than it was").unwrap())).unwrap();
    assert_eq!((report.complete, index(&report.path)[0]["size"].as_u64()), (true, Some(18)));
}

#[test]
fn unchanged_photos_are_taken_from_the_earlier_backup() {
    let site = Site::showing(r#"["a.jpg","b.jpg","c.jpg"]"#, &["a.jpg", "b.jpg", "c.jpg"]);
    let earlier = site.path("earlier.zip");
    fs::rename(site.back_up().path, &earlier).unwrap();
    site.put("b.jpg", "another picture");
    let options = BackupOptions { reuse_from: Some(earlier.clone()), ..site.options() };
    let report = run(options, Job::unattended()).unwrap();
    let (now, then) = (index(&report.path), index(&earlier));
    assert_eq!(report.reused_photos, 2);
    assert_eq!((&now[0], &now[2]), (&then[0], &then[2]));
    assert_eq!(now[1]["sha256"], hex::encode(<sha2::Sha256 as sha2::Digest>::digest("another picture")));
}

/// A photo of the one would be noted with the SHA-256 of the other.
#[test]
fn two_backups_of_one_name_are_not_taken_for_one() {
    let site = Site::showing(r#"["a.jpg"]"#, &["a.jpg"]);
    let (earlier, job) = (site.path("earlier.zip"), Job::unattended());
    fs::rename(site.back_up().path, &earlier).unwrap();
    let of_the_first = || Earlier::with_photos(&earlier, &job).unwrap();
    let (whole, replaced) = (of_the_first(), of_the_first());
    assert!(whole.sealed(&Archive::check_seal(&earlier, &job).unwrap()).is_ok());
    site.put("a.jpg", "A.JPG");
    fs::rename(site.back_up().path, &earlier).unwrap();
    let mixed = replaced.sealed(&Archive::check_seal(&earlier, &job).unwrap());
    assert_eq!(mixed.err().map(|error| error.code()), Some("SOURCE_CHANGED"));
}

#[test]
fn without_a_store_rows_are_all_there_is() {
    let site = Site::new("CREATE TABLE t (a)", &[]);
    let mut without_photos = site.options();
    without_photos.common.photos = None;
    let report = run(without_photos, Job::unattended()).unwrap();
    assert_eq!(codes(&report.warnings), ["NOT_PLATFORM", "PHOTOS_LEFT_OUT"]);
    assert_eq!(report.metadata.not_included, ["all photos", "Workers KV"]);
    assert_eq!((report.complete, &report.metadata.photos.scope), (true, &None));
}

#[test]
fn another_database_takes_photos_only_when_all_are_wanted() {
    let site = Site::new("CREATE TABLE t (a)", &["a.jpg", "public-data-dumps/x.zip"]);
    assert_eq!(site.back_up().metadata.photos.originals, 0);
    let all = BackupOptions { photo_scope: Some("all".into()), ..site.options() };
    let report = run(all, Job::unattended()).unwrap();
    assert_eq!(report.metadata.photos.originals, 1);
    assert_eq!(report.metadata.not_included, ["1 file below public-data-dumps/", "Workers KV"]);
}

#[test]
fn a_store_without_any_of_the_photos_is_another_one() {
    for (photos, told) in
        [("[\"a.jpg\"]", "the only photo"), ("[\"a.jpg\",\"b.jpg\"]", "none of the 2 photos")]
    {
        let site = Site::showing(photos, &["c.jpg"]);
        let error = run(site.options(), Job::unattended()).unwrap_err();
        assert_eq!(error.code(), "SOURCE_UNREACHABLE");
        assert!(error.to_string().contains(told), "{error}");
    }
}

/// Root may read every folder, but nobody a path beyond PATH_MAX (4096 bytes on Linux).
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_listed_makes_the_backup_incomplete() {
    let site = Site::showing("z.jpg", &["z.jpg"]);
    let long = [["n".repeat(250)].as_slice(); 9].concat().join("/");
    for half in ["a", "b"] {
        fs::create_dir_all(site.photo(half).join(&long)).unwrap();
    }
    fs::rename(site.photo("b"), site.photo("a").join(&long).join("b")).unwrap();
    let report = site.back_up();
    let [(key, "unreadable", ids)] = &missing(&report)[..] else { panic!("{:?}", missing(&report)) };
    assert!(key.starts_with("a/nnn") && key.ends_with("n/") && ids.is_empty());
    assert_eq!((report.complete, report.metadata.photos.originals), (false, 1));
    let fail = BackupOptions { on_photo_error: Some("fail".into()), ..site.options() };
    assert_eq!(run(fail, Job::unattended()).unwrap_err().code(), "PHOTO_FAILED");
}

/// The folder of photos lies so deep that one in it cannot be listed, and each key below that is long.
#[cfg(target_os = "linux")]
#[test]
fn a_backup_that_lacks_more_photos_than_its_metadata_can_name_is_read_again() {
    use crate::formats::opening::backup_metadata;
    let long = |levels: usize| vec!["n".repeat(250); levels].join("/");
    let site = Site::new(
        &format!(
            "INSERT INTO artwork VALUES ('z', 'approved', 'z.jpg');
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n < 40000)
             INSERT INTO artwork SELECT 'w' || n, 'approved', '{}/' || n || '.jpg' FROM n",
            long(3)
        ),
        &[],
    );
    fs::create_dir_all(site.photo(&long(8))).unwrap();
    fs::create_dir_all(site.path("b").join(long(10))).unwrap();
    fs::write(site.path("b").join(long(7)).join("z.jpg"), "z").unwrap();
    fs::rename(site.path("b"), site.photo(&long(8)).join("b")).unwrap();
    let mut options = site.options();
    options.common.photos = Some(PhotoOptions {
        directory: Some(site.photo(&long(8)).join("b").join(long(7))),
        ..PhotoOptions::default()
    });
    let report = run(options, Job::unattended()).unwrap();
    let photos = &report.metadata.photos;
    assert!(photos.missing_unlisted.is_some() && photos.all_missing() > 40_000, "{}", photos.all_missing());
    let mut archive = Archive::open(&report.path, &Job::unattended()).unwrap();
    assert_eq!(backup_metadata(&mut archive).unwrap().photos.all_missing(), photos.all_missing());
}
