#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::photos::source::GetError::Refused;
use crate::photos::source::ListProblem;

/// A listing of these keys, sorted.
pub(in crate::platform) fn stored(keys: &[&str]) -> Vec<StoredPhoto> {
    let mut listing: Vec<_> = keys.iter().map(|key| StoredPhoto::bare(key, 1)).collect();
    listing.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    listing
}

fn holding(keys: &[&str]) -> Listing {
    Listing { photos: stored(keys).into(), ..Listing::default() }
}

/// The newest schema, reduced to what says something about photos.
fn newest(rows: &str) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, tags TEXT, photos TEXT,
           status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')));
         CREATE TABLE artists (id TEXT PRIMARY KEY, name TEXT, photos TEXT, status TEXT NOT NULL);
         CREATE TABLE submissions (id TEXT PRIMARY KEY, submission_type TEXT NOT NULL, artwork_id TEXT, photos TEXT,
           status TEXT NOT NULL, FOREIGN KEY (artwork_id) REFERENCES artwork(id) ON DELETE CASCADE);",
    )
    .unwrap();
    conn.execute_batch(rows).unwrap();
    conn
}

/// The first schema: photos stand in tags and in the logbook.
fn first(rows: &str) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE artwork (id TEXT PRIMARY KEY, type_id TEXT, tags TEXT,
           status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'removed')));
         CREATE TABLE logbook (id TEXT PRIMARY KEY, artwork_id TEXT, user_token TEXT, photos TEXT, status TEXT);",
    )
    .unwrap();
    conn.execute_batch(rows).unwrap();
    conn
}

fn keys(plan: &PhotoPlan) -> Vec<&str> {
    plan.items.iter().map(|item| &*item.key).collect()
}

fn codes(plan: &PhotoPlan) -> Vec<&str> {
    plan.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn approved(conn: &Connection, listing: &[&str]) -> PhotoPlan {
    plan_photos(conn, Scope::Approved, Some(&holding(listing))).unwrap()
}

#[test]
fn space_around_a_key_belongs_to_it_where_the_store_says_so() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES
             ('w1', 'approved', '["originals/a.jpg "]'), ('w2', 'approved', '[" originals/b.jpg\n"]');"#,
    );
    let plan = approved(&conn, &["originals/a.jpg ", "originals/a.jpg", "originals/b.jpg"]);
    assert_eq!(keys(&plan), ["originals/a.jpg ", "originals/b.jpg"]);
    assert_eq!((plan.found, plan.dangling), (2, 0));

    let guessed = plan_photos(&conn, Scope::Approved, None).unwrap();
    let sure: Vec<_> = guessed.items.iter().filter(|it| !it.probe).map(|it| &*it.key).collect();
    assert_eq!(sure, ["originals/a.jpg", "originals/b.jpg"]);
    assert!(keys(&guessed).contains(&"originals/a.jpg ") && keys(&guessed).contains(&"thumbnails/a.jpg"));
}

#[test]
fn the_original_of_a_copy_that_is_gone_is_no_dangling_photo() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES ('w1', 'approved', '["artworks/a.jpg"]');"#,
    );
    let plan = approved(&conn, &["originals/a.jpg", "originals/ab.jpg"]);
    assert_eq!((keys(&plan), plan.found, plan.dangling), (vec!["originals/a.jpg"], 1, 0));
}

#[test]
fn approved_rows_bring_their_originals_and_copies_and_nobody_elses() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES
             ('w2', 'approved', '["https://photos.publicartregistry.com/originals/2025/09/04/a.jpg"]'),
             ('w1', 'approved', '[{"url":"originals/2025/09/04/a.jpg","caption":"x"},"artworks/2025/09/05/b__800x800.jpg"]'),
             ('w3', 'pending', '["originals/2025/09/04/a-pending.jpg"]');
           INSERT INTO artists (id, status, photos) VALUES ('p', 'approved', '["originals/2025/artist.jpg"]');
           INSERT INTO submissions (id, submission_type, artwork_id, status, photos) VALUES
             ('s1', 'logbook_entry', 'w1', 'approved', '["http://localhost:8787/photos/originals/2025/log.jpg"]'),
             ('s2', 'logbook_entry', 'w3', 'approved', '["originals/2025/hidden.jpg"]');"#,
    );
    let plan = approved(
        &conn,
        &[
            "artworks/2025/09/04/a__400x400.jpg",
            "artworks/2025/09/04/a-pending__400x400.jpg",
            "artworks/2025/09/05/b__400x400.jpg",
            "artworks/2025/09/05/b__800x800.jpg",
            "originals/2025/09/04/a.jpg",
            "originals/2025/09/04/a-pending.jpg",
            "originals/2025/09/05/b.jpg",
            "originals/2025/artist.jpg",
            "originals/2025/hidden.jpg",
            "originals/2025/log.jpg",
            "public-data-dumps/datadump-2025-09-04.zip",
        ],
    );
    let items: Vec<_> = plan.items.iter().map(|i| (&*i.key, i.kind, i.artwork_ids.join(","))).collect();
    use PhotoKind::{Original, Thumbnail};
    let expected = [
        ("originals/2025/09/04/a.jpg", Original, "w1,w2"),
        ("originals/2025/09/05/b.jpg", Original, "w1"),
        ("originals/2025/artist.jpg", Original, ""),
        ("originals/2025/log.jpg", Original, "w1"),
        ("artworks/2025/09/04/a__400x400.jpg", Thumbnail, "w1,w2"),
        ("artworks/2025/09/05/b__400x400.jpg", Thumbnail, "w1"),
        ("artworks/2025/09/05/b__800x800.jpg", Thumbnail, "w1"),
    ];
    assert_eq!(items, expected.map(|(key, kind, ids)| (key, kind, ids.to_owned())));
    assert_eq!((plan.references, plan.found, plan.dangling, plan.foreign), (5, 5, 0, 0));
    assert!(plan.items.iter().all(|item| !item.probe) && plan.warnings.is_empty());
    assert_eq!(
        plan.not_included,
        [
            "1 file below public-data-dumps/",
            "photos of 1 pending artwork",
            "photos of 1 approved log entry whose artwork is not approved",
        ]
    );
}

#[test]
fn the_first_generation_keeps_photos_in_tags() {
    let conn = first(
        r#"INSERT INTO artwork (id, status, tags) VALUES
             ('w1', 'approved', '{"material":"bronze","_photos":["https://art-photos.abluestar.com/artworks/a.jpg"]}'),
             ('w2', 'removed', '{"_photos":["artworks/b.jpg"]}'), ('w3', 'approved', '["street-art"]');
           INSERT INTO logbook VALUES ('l1', 'w1', 'token', '["originals/c.jpg"]', 'approved'),
             ('l2', 'w1', 'token', '["originals/d.jpg"]', 'pending');"#,
    );
    let plan = approved(&conn, &["artworks/a.jpg", "artworks/b.jpg", "originals/c.jpg", "originals/d.jpg"]);
    assert_eq!(keys(&plan), ["artworks/a.jpg", "originals/c.jpg"]);
    assert_eq!(plan.not_included, ["photos of 1 removed artwork", "photos of 1 pending log entry"]);
}

#[test]
fn readings_of_a_reference_are_tried_in_order() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES
             ('w1', 'approved', '["photos/2025/a.jpg","/photos/originals/b%20c.jpg","originals/d%20e.jpg"]')"#,
    );
    let plan = approved(
        &conn,
        &["photos/2025/a.jpg", "2025/a.jpg", "originals/b c.jpg", "originals/d e.jpg", "originals/d%20e.jpg"],
    );
    assert_eq!(keys(&plan), ["originals/b c.jpg", "originals/d%20e.jpg", "photos/2025/a.jpg"]);
    assert_eq!(plan.found, 3);
}

#[test]
fn foreign_and_dangling_references_are_counted_and_told() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES
             ('w1', 'approved', '["https://opendata.vancouver.ca/a.jpg","originals/gone.jpg","originals/here.jpg"]'),
             ('w2', 'approved', '["originals/gone.jpg", "https://imagedelivery.net/x/y/w=800"]')"#,
    );
    let plan = approved(&conn, &["originals/here.jpg"]);
    assert_eq!((plan.references, plan.found, plan.dangling, plan.foreign), (2, 1, 1, 2));
    assert_eq!(codes(&plan), ["PHOTO_FOREIGN", "PHOTO_DANGLING"]);
    assert!(
        plan.warnings[1].message.starts_with("1 referenced photo is not in the store"),
        "{:?}",
        plan.warnings
    );
    assert!(plan.warnings[1].message.contains("\"originals/gone.jpg\""));
}

#[test]
fn what_may_lie_where_listing_failed_neither_dangles_nor_is_lost_silently() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES ('w2', 'approved', '["locked/b.jpg", "lockedout.jpg"]'),
             ('w1', 'approved', '["http://localhost/photos/locked/b.jpg"]'), ('w3', 'pending', '["locked/c.jpg"]')"#,
    );
    let problem = |key: &str| ListProblem { key: key.into(), error: Refused };
    let problems = ["a.jpg", "locked/", "public-data-dumps/"].map(problem).to_vec();
    let listing = Listing { problems, ..Listing::default() };
    let unlisted = |key: &str, ids: &[&str]| Unlisted {
        key: key.into(),
        error: Refused,
        artwork_ids: ids.iter().map(|&id| id.into()).collect(),
    };
    let expected =
        [unlisted("a.jpg", &[]), unlisted("locked/", &[]), unlisted("locked/b.jpg", &["w1", "w2"])];
    for scope in [Scope::Approved, Scope::All] {
        let plan = plan_photos(&conn, scope, Some(&listing)).unwrap();
        assert_eq!(plan.unlisted, expected);
        assert_eq!((plan.references, plan.found, plan.dangling), (3, 2, 1));
    }
}

#[test]
fn as_many_places_may_fail_to_be_listed_as_there_are_references() {
    // Took most of a minute while each reference was held against each place.
    let photos: Vec<String> = (0..40_000).map(|n| format!("gone/{n}.jpg")).collect();
    let photos = serde_json::json!(photos);
    let conn =
        newest(&format!("INSERT INTO artwork (id, status, photos) VALUES ('w', 'approved', '{photos}')"));
    let problems = (0..40_000).map(|n| ListProblem { key: format!("gone/{n}/"), error: Refused });
    let listing = Listing { problems: problems.collect(), ..Listing::default() };
    assert_eq!(plan_photos(&conn, Scope::Approved, Some(&listing)).unwrap().dangling, 40_000);
}

#[test]
fn copies_of_a_lost_original_are_saved_though_it_dangles() {
    let conn =
        newest(r#"INSERT INTO artwork (id, status, photos) VALUES ('w', 'approved', '["originals/a.jpg"]')"#);
    let plan = approved(&conn, &["artworks/a__1024x1024.jpg"]);
    assert_eq!(keys(&plan), ["artworks/a__1024x1024.jpg"]);
    assert_eq!((plan.found, plan.dangling), (1, 1));
}

#[test]
fn a_thumbnail_that_was_never_uploaded_is_no_loss_while_its_original_is_there() {
    let photos = r#"[{"url":"originals/a.jpg","thumbnail_url":"thumbnails/a.jpg"}]"#;
    let conn =
        newest(&format!("INSERT INTO artwork (id, status, photos) VALUES ('w', 'approved', '{photos}')"));
    let plan = approved(&conn, &["originals/a.jpg"]);
    assert_eq!((keys(&plan), plan.found, plan.dangling), (vec!["originals/a.jpg"], 2, 0));
    assert_eq!(approved(&conn, &["originals/b.jpg"]).dangling, 2);
}

#[test]
fn everything_is_the_store_without_earlier_dumps() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES ('w', 'approved', '["originals/a.jpg"]'),
             ('v', 'pending', '["originals/b.jpg"]')"#,
    );
    let listing = holding(&[
        "notes.txt", "originals/a.jpg", "originals/b.jpg", "public-data-dumps/x.zip", "x__1x1.jpg",
    ]);
    let plan = plan_photos(&conn, Scope::All, Some(&listing)).unwrap();
    assert_eq!(keys(&plan), ["notes.txt", "originals/a.jpg", "originals/b.jpg", "x__1x1.jpg"]);
    assert_eq!(plan.items[1].artwork_ids.as_slice(), ["w".into()]);
    assert!(plan.items[2].artwork_ids.is_empty(), "only approved rows tell");
    assert_eq!(plan.not_included, ["1 file below public-data-dumps/"]);
}

#[test]
fn a_store_that_cannot_list_is_asked_for_guesses() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES ('w', 'approved', '["/photos/originals/a.jpg"]')"#,
    );
    let plan = plan_photos(&conn, Scope::Approved, None).unwrap();
    let certain: Vec<_> = plan.items.iter().filter(|item| !item.probe).map(|item| &*item.key).collect();
    assert_eq!(certain, ["originals/a.jpg"]);
    for guess in [
        "photos/originals/a.jpg", "artworks/a__400x400.jpg", "originals/a__1200x1200.jpg", "thumbnails/a.jpg",
    ] {
        assert!(
            plan.items
                .iter()
                .any(|item| item.probe && *item.key == *guess && item.artwork_ids.join(",") == "w"),
            "{guess}"
        );
    }
}

#[test]
fn a_store_that_cannot_list_may_hold_what_approval_copied_where_it_was_copied_from() {
    let conn = newest(
        r#"INSERT INTO artwork (id, status, photos) VALUES ('v', 'approved', '["artworks/a.jpg","photos/b.jpg"]'),
          ('w', 'approved', '["originals/b.jpg","mass-import-x/c.jpg"]')"#,
    );
    let plan = plan_photos(&conn, Scope::Approved, None).unwrap();
    let alternatives: Vec<_> = plan
        .alternatives
        .iter()
        .map(|alternative| (&*alternative.key, alternative.artwork_ids.join(" ")))
        .collect();
    let expected = [("artworks/b.jpg", "v w"), ("originals/a.jpg", "v"), ("photos/a.jpg", "v")];
    assert_eq!(alternatives, expected.map(|(key, ids)| (key, ids.to_owned())));
    let readings = ["artworks/a.jpg", "originals/a.jpg", "photos/a.jpg"].map(str::to_owned);
    assert!(plan.readings.contains(&readings.to_vec()), "{:?}", plan.readings);
}

#[test]
fn another_database_has_rows_only() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE TABLE photos (url TEXT); INSERT INTO photos VALUES ('originals/a.jpg')")
        .unwrap();
    let plan = approved(&conn, &["originals/a.jpg"]);
    assert!(plan.items.is_empty());
    assert_eq!(codes(&plan), ["NOT_PLATFORM"]);
    let all = plan_photos(&conn, Scope::All, Some(&holding(&["originals/a.jpg"]))).unwrap();
    assert_eq!((keys(&all), codes(&all)), (vec!["originals/a.jpg"], vec!["NOT_PLATFORM"]));
    assert_eq!(plan_without_store(&conn).unwrap().warnings, plan.warnings);
    assert!(plan_without_store(&newest("")).unwrap().warnings.is_empty());
}

#[test]
fn hostile_values_end_in_a_plan() {
    let conn = newest("");
    let values = [
        "[\"../../etc/passwd\"]", "{", "[[[[\"\\u0000\"]]]]", "http://[", "\"\\\"\"", "-1", "[1e999]", "💥",
        "[\"%\"]",
    ];
    for (n, value) in values.iter().enumerate() {
        conn.execute(
            "INSERT INTO artwork (id, status, photos, tags) VALUES (?1, 'approved', ?2, ?2)",
            (n.to_string(), value),
        )
        .unwrap();
    }
    let plan = approved(&conn, &["originals/a.jpg"]);
    assert!(plan.items.is_empty() && plan.found == 0 && plan.dangling > 0);
}

#[test]
fn many_rows_and_keys_are_planned_in_time_that_grows_with_them() {
    let conn = newest(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
         INSERT INTO artwork (id, status, photos) SELECT printf('w%06d', i), 'approved',
           printf('[\"originals/2025/%06d.jpg\"]', i) FROM n",
    );
    let names: Vec<String> = (0..20_000)
        .flat_map(|i| {
            ["", "__400x400", "__1024x1024"].map(|size| {
                let root = if size.is_empty() { "originals" } else { "artworks" };
                format!("{root}/2025/{i:06}{size}.jpg")
            })
        })
        .collect();
    let plan = approved(&conn, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((plan.items.len(), plan.found), (60_000, 20_000));
}
