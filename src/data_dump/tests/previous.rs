//! What a dump takes from the one before.

use super::*;

#[tokio::test]
async fn an_id_of_the_dump_before_that_is_an_identifier_now_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive.sqlite");
    let conn = Connection::open(&file).unwrap();
    let rows = "CREATE TABLE users (uuid TEXT); CREATE TABLE artwork (id TEXT, status TEXT)";
    conn.execute_batch(&format!(
        "{rows}; INSERT INTO artwork VALUES ('w1', 'approved'), ('w2', 'approved'), ('{UUID}', 'approved')"
    ))
    .unwrap();
    let dump = |day: &str, previous: Option<PathBuf>| {
        let now = Some(format!("2026-01-{day}T03:04:05Z"));
        let common = CommonOptions { now, ..common(folder.path()) };
        create_data_dump(
            DataDumpOptions { common, previous, ..DataDumpOptions::default() },
            Job::unattended(),
        )
    };
    let first = dump("02", None).await.unwrap();
    let Archived::File(path) = &first.archive else { return };
    assert!(texts(&first).contains(UUID));
    conn.execute_batch(&format!("INSERT INTO users VALUES ('{UUID}'); DELETE FROM artwork WHERE id <> 'w1'"))
        .unwrap();
    let left = texts(&dump("03", Some(path.clone())).await.unwrap());
    assert!(left.contains("\"removed\": [\n      \"w2\"\n    ]") && !left.contains(UUID), "{left}");
}
