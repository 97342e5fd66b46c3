//! Rows of odd shapes, and what a reader finds of them.

use super::*;
use crate::options::PhotoOptions;

#[tokio::test]
async fn what_says_nothing_is_left_out() {
    let sql = r#"CREATE TABLE artwork (id TEXT, tags TEXT, status TEXT);
        CREATE TABLE tags (artwork_id TEXT, logbook_id TEXT, label TEXT, value TEXT);
        INSERT INTO artwork VALUES ('w1', '{"artwork_type":"","source":" "}', 'approved'),
          ('w2', '{"artwork_type":"mural","source":"a city"}', 'approved');
        INSERT INTO tags VALUES ('w2', '', 'material', 'bronze'), ('w2', 'l1', 'note', 'seen today')"#;
    let found = texts_of(sql, DataDumpOptions::default()).await;
    for record in [
        r#"{"id":"w1","tags":{"artwork_type":"","source":" "},"creators":[],"photos":[],"license":"CC0-1.0"}"#,
        r#"{"id":"w2","type":"mural","tags":{"artwork_type":"mural","source":"a city","material":"bronze"},"creators":[],"photos":[],"license":"CC0-1.0","source":"a city"}"#,
    ] {
        assert!(found.contains(record), "{found}");
    }
}

#[tokio::test]
async fn a_text_that_only_says_where_a_photo_lies_leaves_nowhere() {
    let key = "originals/2025/09/04/20250904-143022-0a1b2c3d-jane.jpg";
    let sql = format!(
        "CREATE TABLE artwork (id TEXT, title TEXT, description TEXT, tags TEXT, artist_names TEXT, status TEXT);
        INSERT INTO artwork VALUES ('w1', '{key}', 'https://photos.publicartregistry.com/{key}',
          '{{\"image\":\"{key}\",\"material\":\"bronze\"}}', '[\"/photos/{key}\",\"Ada\"]', 'approved')"
    );
    let found = texts_of(&sql, DataDumpOptions::default()).await;
    assert!(!found.contains("jane"), "{found}");
    assert!(
        found.contains("bronze") && found.contains("Ada") && found.contains("artwork.description"),
        "{found}"
    );
}

#[tokio::test]
async fn a_link_that_stands_in_several_rows_keeps_its_first_time() {
    let sql = "CREATE TABLE artwork (id TEXT, status TEXT); INSERT INTO artwork VALUES ('w1', 'approved');
        CREATE TABLE artists (id TEXT, name TEXT); INSERT INTO artists VALUES ('p1', 'Ada');
        CREATE TABLE artwork_artists (artwork_id TEXT, artist_id TEXT, created_at TEXT);
        INSERT INTO artwork_artists VALUES ('w1', 'p1', NULL), ('w1', 'p1', '1757000000000.0'),
          ('w1', 'p1', '2025-01-02 03:04:05'), ('w1', 'p1', 'yesterday')";
    let found = texts_of(sql, DataDumpOptions::default()).await;
    assert!(found.contains(r#""creator_id":"p1","created_at":"2025-01-02T03:04:05Z"}"#), "{found}");
    assert_eq!(found.matches(r#""artwork_id":"w1""#).count(), 1, "{found}");
}

#[tokio::test]
async fn a_row_stays_in_whose_id_holds_an_identifier_or_makes_one_of_the_name_of_a_photo() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::new(8, 8).save(folder.path().join("a.png")).unwrap();
    let (told, link) = ["9c56cc51b374c3ba189210d5b6d4bf57790d351c", "aGVyb24tYXQtdGhlLW1pbGwtMjAyNg"].into();
    let sql = format!(
        r#"CREATE TABLE consent (anonymous_token TEXT); INSERT INTO consent VALUES ('{told}');
        CREATE TABLE magic_links (token TEXT); INSERT INTO magic_links VALUES ('{link}-1');
        CREATE TABLE artwork (id TEXT, photos TEXT, status TEXT);
        INSERT INTO artwork VALUES ('w1', '["a.png"]', 'approved'), ('of {told}', NULL, 'approved'),
          ('{link}', '["a.png"]', 'approved'), (NULL, NULL, 'approved'), ('w1', NULL, 'approved')"#
    );
    let photos = PhotoOptions { directory: Some(folder.path().into()), ..PhotoOptions::default() };
    let common = CommonOptions { photos: Some(photos), ..CommonOptions::default() };
    let (found, warnings) = dump_of(&sql, DataDumpOptions { common, ..DataDumpOptions::default() }).await;
    assert!(found.contains("thumbnails/w1-1.jpg") && !found.contains(told) && !found.contains(link));
    let left_out = warnings.iter().filter(|warning| warning.code == "ROW_LEFT_OUT");
    let left_out: Vec<_> = left_out.map(|warning| warning.message.as_str()).collect();
    let expected = [
        "1 row left out: an earlier row has the same id",
        "1 row left out: without an id",
        "2 rows left out: the id is an identifier of a person, or holds one",
    ];
    assert_eq!(left_out, expected);
}

#[tokio::test]
async fn a_pending_row_with_the_id_of_an_approved_one_stays_in() {
    let sql = "CREATE TABLE artwork (pk TEXT PRIMARY KEY, id TEXT, title TEXT, status TEXT) WITHOUT ROWID;
        INSERT INTO artwork VALUES ('a', 'w1', 'Waiting', 'pending'), ('b', 'w1', 'Heron', 'approved')";
    let found = texts_of(sql, DataDumpOptions::default()).await;
    assert!(found.contains("Heron") && !found.contains("Waiting"));
}
