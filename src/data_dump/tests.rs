#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::*;
use crate::archive::{Archive, ArchiveWriter};
use crate::options::{CommonOptions, DatabaseOptions};
use crate::privacy::values::Values;

mod creators;
mod deep;
mod hostile;
mod licences;
mod previous;
mod shapes;
mod stopped;

const UUID: &str = "3f1c9a52-7b64-4c0e-9d2a-5e8f00112233";

/// A database in which each fence alone keeps one secret in.
fn database(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(&format!(
        r#"CREATE TABLE users (uuid TEXT, email TEXT);
        INSERT INTO users VALUES ('{UUID}', 'ann@example.org');
        CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, description TEXT, lat REAL, lon REAL, tags TEXT, status TEXT);
        INSERT INTO artwork VALUES
          ('w1', 'Heron', 'Found by {UUID}.', 49.5, -123.0,
           '{{"material":"bronze","contact":"secret-of-a-tag","a":[{{"phone":"secret-deep-in-a-tag"}}]}}', 'approved'),
          ('w2', 'secret-of-a-pending-work', NULL, 1.0, 1.0, NULL, 'pending');"#
    ))
    .unwrap();
}

/// A dump of `archive.sqlite` in that folder, below it.
fn common(folder: &Path) -> CommonOptions {
    CommonOptions {
        database: DatabaseOptions { file: Some(folder.join("archive.sqlite")), ..DatabaseOptions::default() },
        output_dir: Some(folder.join("out")),
        ..CommonOptions::default()
    }
}

async fn dumped(folder: &Path) -> Result<DataDumpReport> {
    dumped_by(folder, Job::unattended()).await
}

async fn dumped_by(folder: &Path, job: Job) -> Result<DataDumpReport> {
    let file = folder.join("archive.sqlite");
    if !file.exists() {
        database(&file);
    }
    let common = CommonOptions { now: Some("2026-01-02T03:04:05Z".into()), ..common(folder) };
    create_data_dump(DataDumpOptions { common, ..DataDumpOptions::default() }, job).await
}

/// Every text in the archive.
fn texts(report: &DataDumpReport) -> String {
    let Archived::File(path) = &report.archive else { return String::new() };
    let mut archive = Archive::open(path, &Job::unattended()).unwrap();
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    let read = |name: &String| archive.read_bytes(name, 1 << 20).unwrap();
    names.iter().map(read).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[tokio::test]
async fn only_approved_rows_leave() {
    let folder = tempfile::tempdir().unwrap();
    let report = dumped(folder.path()).await.unwrap();
    assert_eq!(report.metadata.counts.total_artworks, 1);
    assert!(!texts(&report).contains("secret-of-a-pending-work"));
}

#[tokio::test]
async fn only_public_fields_leave_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts(&dumped(folder.path()).await.unwrap());
    assert!(texts.contains(r#""tags":{"material":"bronze","a":[{}]}"#), "{texts}");
    assert!(!texts.contains("secret-of-a-tag") && !texts.contains("secret-deep-in-a-tag"));
}

#[tokio::test]
async fn identifiers_are_redacted_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let report = dumped(folder.path()).await.unwrap();
    assert!(texts(&report).contains(r#""description":"Found by [redacted].""#));
    assert_eq!(report.metadata.privacy.redactions.user_id, 1);
}

#[test]
fn a_finished_archive_with_an_identifier_in_it_is_a_leak() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(folder.path()).unwrap();
    let job = Job::unattended();
    let mut values = Values::default();
    values.add("users.uuid", UUID);
    let scanner = Scanner::new(&values, []);
    let archived = |entry: &str, text: &str| {
        let now = crate::options::instant(Some("2026-01-02T03:04:05Z")).unwrap();
        let mut archive = ArchiveWriter::create(&workspace, now, 5).unwrap();
        archive.add_bytes("LICENSE.txt", UUID.as_bytes()).unwrap();
        archive.add_bytes(entry, text.as_bytes()).unwrap();
        let meter = job.meter(Phase::Verify, None, None);
        let archive = archive.finish(&job, &meter).unwrap();
        leaks::look_for(archive.path(), &scanner, &job)
    };
    assert!(archived("artwork.json", "[]").is_ok(), "the licence is exempt");
    let failure = archived("artwork.json", &format!("x\n{UUID}\n")).unwrap_err();
    assert_eq!(failure.code(), "PRIVACY_LEAK");
    assert!(failure.to_string().contains("users.uuid") && !failure.to_string().contains(UUID));
    let failure = archived(&format!("photos/{UUID}.jpg"), "").unwrap_err();
    assert!(failure.to_string().contains("the name of an entry"), "{failure}");
    for exempt in ["photos/thumbnails/w1.jpg", "schemas/artwork.schema.json"] {
        assert!(archived(exempt, UUID).is_ok(), "{exempt} is exempt");
    }
    for searched in ["photos/w1.jpg", "photos/thumbnails/w1.txt", "schemas/else.json", "LICENSE.txt.json"] {
        assert!(archived(searched, UUID).is_err(), "{searched} is searched");
    }
}

#[test]
fn a_finished_archive_with_an_identifier_in_a_comment_or_an_extra_field_is_a_leak() {
    let folder = tempfile::tempdir().unwrap();
    let mut values = Values::default();
    values.add("users.uuid", UUID);
    let scanner = Scanner::new(&values, []);
    let look_for = |bytes: &[u8]| {
        let path = folder.path().join("archive.zip");
        std::fs::write(&path, bytes).unwrap();
        leaks::look_for(&path, &scanner, &Job::unattended())
    };
    let with = |extra: &str, comment: &str| {
        let name = b"a.json";
        let local = [&le32(0x0403_4b50)[..], &[0; 22], &le16(name.len()), &le16(0), name, b""].concat();
        let lengths = [le16(name.len()), le16(extra.len()), le16(comment.len())].concat();
        let central = [&le32(0x0201_4b50)[..], &[20, 0, 20, 0], &[0; 20], &lengths, &[0; 12], name];
        let central = [&central.concat()[..], extra.as_bytes(), comment.as_bytes()].concat();
        sealed(&local, &central)
    };
    assert!(look_for(&with("", "")).is_ok());
    let extra = format!("xx\u{24}\0{UUID}");
    for bytes in [with(&extra, ""), with("", UUID), with("", "of an address: nobody@example.org")] {
        let failure = look_for(&bytes).unwrap_err();
        assert_eq!(failure.code(), "PRIVACY_LEAK", "{failure}");
        assert!(failure.to_string().contains("comment") && !failure.to_string().contains(UUID));
    }
}

fn le16(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn le32(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

/// An archive of one empty entry as it is read: its SHA-256 in its comment.
fn sealed(local: &[u8], central: &[u8]) -> Vec<u8> {
    let covered = [local, central].concat();
    let comment = format!("sha256:{}", hex::encode(Sha256::digest(&covered)));
    let directory = [le32(central.len() as u32), le32(local.len() as u32)].concat();
    let end = [&le32(0x0605_4b50)[..], &[0, 0, 0, 0, 1, 0, 1, 0], &directory, &le16(comment.len())].concat();
    [&covered[..], &end, comment.as_bytes()].concat()
}

#[tokio::test]
async fn after_a_failure_the_folder_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    database(&folder.path().join("archive.sqlite"));
    let conn = Connection::open(folder.path().join("archive.sqlite")).unwrap();
    conn.execute_batch("UPDATE artwork SET status = 'rejected'").unwrap();
    assert_eq!(dumped(folder.path()).await.unwrap_err().code(), "DUMP_SHRUNK");
    assert!(!folder.path().join("out").exists());
    conn.execute_batch("ALTER TABLE artwork DROP COLUMN status").unwrap();
    assert_eq!(dumped(folder.path()).await.unwrap_err().code(), "SCHEMA_UNKNOWN");
}

/// Every text of a dump of the database that `sql` makes.
async fn texts_of(sql: &str, options: DataDumpOptions) -> String {
    dump_of(sql, options).await.0
}

/// The same, and what the operator is told.
async fn dump_of(sql: &str, options: DataDumpOptions) -> (String, Vec<Warning>) {
    let folder = tempfile::tempdir().unwrap();
    Connection::open(folder.path().join("archive.sqlite")).unwrap().execute_batch(sql).unwrap();
    let common = CommonOptions {
        database: DatabaseOptions {
            file: Some(folder.path().join("archive.sqlite")),
            ..DatabaseOptions::default()
        },
        output_dir: Some(folder.path().join("out")),
        ..options.common.clone()
    };
    let report = create_data_dump(DataDumpOptions { common, ..options }, Job::unattended()).await.unwrap();
    (texts(&report), report.warnings)
}

/// One approved work by one creator, in the tables of both generations.
const WORK: &str = r#"
    CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, artist_names TEXT, status TEXT);
    CREATE TABLE artists (id TEXT PRIMARY KEY, name TEXT, bio TEXT, status TEXT);
    CREATE TABLE creators (id TEXT PRIMARY KEY, name TEXT, bio TEXT);
    CREATE TABLE artwork_artists (artwork_id TEXT, artist_id TEXT, role TEXT, meta TEXT);
    CREATE TABLE tags (id TEXT, artwork_id TEXT, logbook_id TEXT, label TEXT, value TEXT);
    INSERT INTO artwork VALUES ('w1', 'Heron', '["Ann Ashe"]', 'approved');
    INSERT INTO artwork_artists VALUES ('w1', 'p1', 'primary', '{"ok":"colour","password":"hush"}');"#;

#[tokio::test]
async fn what_does_not_leave_is_no_leak() {
    let role = "UPDATE artwork_artists SET role = 'as ann@example.org';";
    let pending = format!("{WORK}{role} INSERT INTO artists VALUES ('p1', 'Pending', NULL, 'pending')");
    let kept_in =
        format!("{WORK}{role} INSERT INTO artists VALUES ('p1', 'Ann ann@example.org', NULL, 'active')");
    let blacklist = ["name", "role"].map(str::to_owned).to_vec();
    for (sql, extra_blacklist) in [(pending, Vec::new()), (kept_in, blacklist)] {
        for on_leak in ["redact", "fail"] {
            let (on_leak, extra_blacklist) = (Some(on_leak.to_owned()), extra_blacklist.clone());
            let options = DataDumpOptions { on_leak, extra_blacklist, ..DataDumpOptions::default() };
            assert!(texts_of(&sql, options).await.contains(r#""email": 0"#), "{sql}");
        }
    }
}

#[tokio::test]
async fn the_blacklist_holds_for_columns_and_in_columns_that_were_added() {
    let rows = "INSERT INTO artists VALUES ('p1', 'Ben', 'Lives by the mill', 'active')";
    let options = DataDumpOptions {
        extra_blacklist: vec!["bio".into(), "artist_names".into()],
        include_fields: vec!["artwork_artists.meta".into()],
        ..DataDumpOptions::default()
    };
    let found = texts_of(&format!("{WORK}{rows}"), options).await;
    assert!(found.contains("Ben") && found.contains("colour"));
    for kept_in in ["Lives by the mill", "Ann Ashe", "hush"] {
        assert!(!found.contains(kept_in), "{kept_in}");
    }
}

#[tokio::test]
async fn a_field_that_two_tables_have_is_described_once() {
    let rows = "ALTER TABLE artists ADD COLUMN a; ALTER TABLE artists ADD COLUMN b;
        ALTER TABLE creators ADD COLUMN b; INSERT INTO artists VALUES ('p1', 'Ada', NULL, 'active', 1, 2);";
    let include_fields = ["artists.b", "artists.a", "creators.b"].map(str::to_owned).to_vec();
    let options = DataDumpOptions { include_fields, ..DataDumpOptions::default() };
    let found = texts_of(&format!("{WORK}{rows}"), options).await;
    for described in ["| a | any |", "| b | any |", r#""name": "a""#, r#""name": "b""#] {
        assert_eq!(found.matches(described).count(), 1, "{described}");
    }
}

#[tokio::test]
async fn an_identifier_that_ends_the_job_is_told_with_its_record() {
    const LINK: &str =
        "INSERT INTO artists (id, name) VALUES ('p1', 'Ada'); INSERT INTO artwork_artists VALUES";
    for (rows, told) in [
        ("UPDATE artwork SET title = 'a@b.co'".into(), "artwork.json, record w1 "),
        ("UPDATE artwork SET tags = '{\"license\":\"by a@b.co\"}'".into(), "metadata.json, record w1 "),
        ("INSERT INTO tags VALUES ('w1', 'license', 'by a@b.co')".into(), "metadata.json, record w1 "),
        (format!("{LINK} ('w1', 'p1', 'a@b.co', NULL)"), "artwork_creators.json, record w1 "),
        (format!("{LINK} ('w1', 'p1', NULL, 'a@b.co')"), "artwork_creators.json, record w1 "),
        (
            format!("{LINK} ('w1', 'p1', NULL, NULL); UPDATE artists SET name = 'a@b.co'"),
            "creators.json, record p1 ",
        ),
        (
            format!(
                "{LINK} ('w1', 'p1', NULL, NULL); UPDATE artists SET tags = '{{\"license\":\"by a@b.co\"}}'"
            ),
            "metadata.json, record p1 ",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive.sqlite");
        let conn = Connection::open(&file).unwrap();
        conn.execute_batch(&format!(
            "CREATE TABLE artwork (id TEXT, title TEXT, tags TEXT, status TEXT);
            CREATE TABLE tags (artwork_id TEXT, label TEXT, value TEXT);
            CREATE TABLE artists (id TEXT, name TEXT, tags TEXT);
            CREATE TABLE artwork_artists (artwork_id TEXT, artist_id TEXT, role TEXT, note TEXT);
            INSERT INTO artwork VALUES ('w1', 'Heron', NULL, 'approved'); {rows}"
        ))
        .unwrap();
        let options = DataDumpOptions {
            common: common(folder.path()),
            include_fields: vec!["artwork_artists.note".into()],
            on_leak: Some("fail".into()),
            ..DataDumpOptions::default()
        };
        let failure = create_data_dump(options, Job::unattended()).await.unwrap_err().to_string();
        assert!(failure.contains(told) && !failure.contains("a@b.co"), "{rows}: {failure}");
    }
}

#[tokio::test]
async fn a_column_that_is_not_there_is_not_described() {
    let include_fields = vec!["artwork.hieght".to_owned()];
    let options = DataDumpOptions { include_fields, ..DataDumpOptions::default() };
    let found = texts_of(WORK, options).await;
    assert!(found.contains("Heron") && !found.contains("hieght"));
}

#[tokio::test]
async fn columns_that_the_operator_keeps_in_are_told() {
    let options =
        DataDumpOptions { extra_blacklist: vec!["bio".into(), "t*".into()], ..DataDumpOptions::default() };
    let found = texts_of(WORK, options).await;
    let told = found.split("\"excluded_fields\": [").nth(1).and_then(|rest| rest.split(']').next());
    let told: Vec<&str> = told.unwrap_or_default().split('"').skip(1).step_by(2).collect();
    assert_eq!(told, ["bio", "logbook_id", "status", "title"]);
}
