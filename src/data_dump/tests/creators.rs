//! Creators and links, in the tables of both generations.

use super::*;
use crate::privacy::filter::Filter;

#[tokio::test]
async fn who_is_rejected_as_an_artist_is_no_creator_either() {
    let rows = "INSERT INTO artists VALUES ('p1', 'Rejected', NULL, 'rejected'); INSERT INTO creators VALUES ('p1', 'Rejected', NULL)";
    let found = texts_of(&format!("{WORK}{rows}"), DataDumpOptions::default()).await;
    assert!(found.contains("Heron") && !found.contains("Rejected"));
}

#[tokio::test]
async fn a_name_that_was_never_linked_stands_once() {
    let sql = r#"CREATE TABLE artwork (id TEXT, artist_names TEXT, status TEXT);
        INSERT INTO artwork VALUES ('w1', '["Ada","Bo","Ada"]', 'approved')"#;
    let found = texts_of(sql, DataDumpOptions::default()).await;
    assert!(found.contains(r#""creators":[{"name":"Ada"},{"name":"Bo"}]"#), "{found}");
}

#[tokio::test]
async fn who_made_only_works_under_another_licence_has_no_record_and_no_link() {
    let rows = "INSERT INTO artwork VALUES ('w2', 'Fountain', NULL, 'approved');
        INSERT INTO tags VALUES ('t1', 'w2', NULL, 'license', 'ODbL');
        INSERT INTO artists VALUES ('p1', 'Ada', NULL, 'active'), ('p2', 'Bo', NULL, 'active');
        INSERT INTO artwork_artists VALUES ('w2', 'p1', NULL, NULL), ('w2', 'p2', NULL, NULL)";
    for separate in [true, false] {
        let foreign_licenses = separate.then(|| "separate".to_owned());
        let options = DataDumpOptions { foreign_licenses, ..DataDumpOptions::default() };
        let found = texts_of(&format!("{WORK}{rows}"), options).await;
        assert!(found.contains(r#"{"id":"p1","name":"Ada","#), "{found}");
        assert!(!found.contains(r#""id":"p2""#) && !found.contains(r#""artwork_id":"w2""#), "{found}");
        let of_fountain = r#""creators":[{"id":"p1","name":"Ada"},{"name":"Bo"}]"#;
        assert_eq!(found.contains(of_fountain), separate, "{found}");
    }
}

#[tokio::test]
async fn a_work_names_whoever_made_it_once_for_each_role_and_the_primary_ones_first() {
    let rows = "INSERT INTO artists VALUES ('p0', 'Bo', NULL, 'active'), ('p1', 'Ada', NULL, 'active');
        INSERT INTO artwork_artists VALUES ('w1', 'p0', 'credited', NULL), ('w1', 'p1', 'credited', NULL),
          ('w1', 'p1', 'primary', NULL), ('w1', 'p0', 'credited', NULL)";
    let found = texts_of(&format!("{WORK}{rows}"), DataDumpOptions::default()).await;
    let [ada, bo] = [r#"{"id":"p1","name":"Ada","role":"#, r#"{"id":"p0","name":"Bo","role":"#];
    let made_by = format!(r#""creators":[{ada}"primary"}},{bo}"credited"}},{ada}"credited"}},{{"name""#);
    assert!(found.contains(&made_by), "{found}");
    assert_eq!(found.matches(r#""artwork_id":"w1""#).count(), 3, "{found}");
}

/// The linked creator in both tables, as `artists` and `creators` have it.
fn in_both(artist: &str, creator: &str) -> String {
    format!(
        "{WORK} ALTER TABLE creators ADD COLUMN status; ALTER TABLE creators ADD COLUMN tags; ALTER TABLE artists ADD COLUMN tags;
        INSERT INTO artists (id, name, status, tags) VALUES ('p1', 'Ada', {artist});
        INSERT INTO creators (id, name, status, tags) VALUES ('p1', 'Ada ada@example.org', {creator})"
    )
}

#[tokio::test]
async fn who_is_not_public_in_one_table_is_so_in_none() {
    let public = "'active', NULL";
    let left = texts_of(&in_both(public, public), DataDumpOptions::default()).await;
    assert!(left.contains(r#""name":"Ada""#), "{left}");
    assert!(left.contains("1 row left out: an earlier row has the same id"), "{left}");
    for (artist, creator) in [
        ("'rejected', NULL", public),
        (public, "'rejected', NULL"),
        (r#"'active', '{"license":"ODbL"}'"#, public),
        (public, r#"'active', '{"license":"ODbL"}'"#),
    ] {
        let left = texts_of(&in_both(artist, creator), DataDumpOptions::default()).await;
        assert!(left.contains("Heron") && !left.contains("Ada"), "{artist} {creator}");
        assert!(left.contains(r#""email": 0"#), "what stays in is not counted");
    }
}

#[tokio::test]
async fn a_column_leaves_when_it_is_decided_on_whichever_table_has_it() {
    let sql = r#"CREATE TABLE artwork (id TEXT, status TEXT, diary TEXT);
        CREATE TABLE creators (id TEXT, name TEXT, description TEXT, aliases TEXT, tags TEXT, website TEXT, diary TEXT, photos TEXT);
        CREATE TABLE artwork_creators (artwork_id TEXT, creator_id TEXT, diary TEXT);
        INSERT INTO artwork VALUES ('w1', 'approved', 'hush-1');
        INSERT INTO creators VALUES ('p1', 'Ada', 'Carves', '["Ada O."]', '{"born":1970}', 'https://ada.example', 'hush-2', 'hush-3');
        INSERT INTO artwork_creators VALUES ('w1', 'p1', 'hush-4')"#;
    let (left, warnings) = dump_of(sql, DataDumpOptions::default()).await;
    for published in
        [r#""description":"Carves""#, r#""aliases":["Ada O."]"#, r#""born":1970"#, "https://ada.example"]
    {
        assert!(left.contains(published), "{published}");
    }
    assert!(!left.contains("hush"));
    let unknown = warnings.iter().filter(|warning| warning.code == "UNKNOWN_COLUMN");
    let unknown: Vec<_> = unknown.filter_map(|warning| warning.subject.as_deref()).collect();
    assert_eq!(unknown, ["artwork.diary", "artwork_creators.diary", "creators.diary"]);
    let include_fields = vec!["creators.tags".to_owned()];
    let again = texts_of(sql, DataDumpOptions { include_fields, ..DataDumpOptions::default() }).await;
    assert_eq!(again.matches(r#""born":1970"#).count(), 1);
}

#[test]
fn every_column_that_is_read_for_a_record_is_published() {
    let filter = Filter::default();
    let values = Values::default();
    let fences = Fences::new(&filter, Redactor::new(&values), false);
    for (table, columns) in [
        ("artwork", &plan::WORK_COLUMNS[..]),
        ("artists", &plan::CREATOR_COLUMNS),
        ("creators", &plan::CREATOR_COLUMNS),
    ] {
        for column in columns {
            assert_eq!(fences.column(table, column), *column, "{table}.{column}");
        }
        for other in ["status", "diary", "created_by"] {
            assert_ne!(fences.column(table, other), other, "{table}.{other}");
        }
    }
}

#[tokio::test]
async fn what_a_table_holds_that_cannot_be_read_is_told_by_its_own_name() {
    let sql = "CREATE TABLE artwork (id TEXT, status TEXT); INSERT INTO artwork VALUES ('w1', 'approved');
        CREATE TABLE creators (id TEXT, name TEXT, bio, aliases, tags, created_at);
        CREATE TABLE artwork_creators (artwork_id TEXT, creator_id TEXT, created_at, height);
        INSERT INTO creators VALUES ('p1', 'Ada', x'00', '[1]', '{', x'00');
        INSERT INTO artwork_creators VALUES ('w1', 'p1', x'00', x'00'), ('w1', 'p9', x'00', x'00')";
    let include_fields = vec!["artwork_creators.height".to_owned()];
    let (_, warnings) = dump_of(sql, DataDumpOptions { include_fields, ..DataDumpOptions::default() }).await;
    let told = warnings.iter().filter(|warning| warning.code == "VALUE_LEFT_OUT");
    let told: Vec<_> =
        told.map(|warning| (warning.subject.as_deref().unwrap(), &warning.message[..7])).collect();
    let places = ["creators.aliases", "creators.bio", "creators.created_at", "creators.tags"];
    let places = ["artwork_creators.created_at", "artwork_creators.height"].into_iter().chain(places);
    assert_eq!(told, places.map(|place| (place, "1 value")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_column_is_said_to_be_had_however_its_table_is_written() {
    let sql = "CREATE TABLE Artwork (id TEXT, status TEXT, diary TEXT); INSERT INTO artwork VALUES ('w1', 'approved', '')";
    let (_, warnings) = dump_of(sql, DataDumpOptions::default()).await;
    let told = warnings.iter().find(|warning| warning.subject.as_deref() == Some("Artwork.diary")).unwrap();
    assert!(told.message.contains("includeFields"), "{}", told.message);
}
