//! Works, creators and photos under another licence.

use super::*;
use crate::options::PhotoOptions;

#[tokio::test]
async fn a_licence_in_a_row_of_its_own_counts() {
    let rows = "INSERT INTO artwork VALUES ('w2', 'Foreign', NULL, 'approved');
        INSERT INTO tags VALUES ('t1', 'w2', NULL, 'license', 'ODbL-1.0')";
    let found = texts_of(&format!("{WORK}{rows}"), DataDumpOptions::default()).await;
    assert!(found.contains("Heron") && !found.contains("Foreign"));
    let separate =
        DataDumpOptions { foreign_licenses: Some("separate".into()), ..DataDumpOptions::default() };
    assert!(found.contains("| licence | CC0 1.0, see LICENSE.txt |"));
    let found = texts_of(&format!("{WORK}{rows}"), separate).await;
    assert!(found.contains(r#""title":"Foreign""#) && found.contains(r#""license":"ODbL-1.0""#));
    // That file is no CC0.
    assert!(
        found.contains("see LICENSE.txt; in artwork-other-licenses.json the one that each record names |")
    );
}

#[tokio::test]
async fn a_licence_that_no_line_can_hold_stops_no_dump() {
    let sql = r#"CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, tags TEXT, status TEXT);
        INSERT INTO artwork VALUES ('w1', 'Heron', NULL, 'approved'),
          ('w2', 'Foreign', '{"license":"Team\n@b.co"}', 'approved'),
          ('w3', 'Foreign', '{"license":"Team\u0001Red"}', 'approved')"#;
    let found = texts_of(sql, DataDumpOptions::default()).await;
    for name in ["Team @b.co", "Team Red"] {
        assert!(found.contains(&format!("under another licence ({name})")), "{name}");
    }
}

#[tokio::test]
async fn a_licence_adds_no_link_and_no_html_to_the_readme() {
    let licences = [
        "![x](http://evil.example/t.png)",
        r"\<img src=x onerror=alert(1)>",
        "`",
        "&#64;b.co &lt;",
        "\u{202e}",
    ];
    let rows = licences.iter().enumerate().map(|(n, licence)| {
        format!(
            "INSERT INTO artwork VALUES ('l{n}', 'Foreign', NULL, 'approved');
             INSERT INTO tags VALUES ('t{n}', 'l{n}', NULL, 'license', 'L{n} {licence}');"
        )
    });
    let found = texts_of(&format!("{WORK}{}", rows.collect::<String>()), DataDumpOptions::default()).await;
    for line in [
        "licence (L0 !&#91;x](http://evil.example/t.png)),",
        r"licence (L1 \&#60;img src=x onerror=alert(1)>),",
        "licence (L2 &#96;),",
        "licence (L3 &#38;#64;b.co &#38;lt;),",
        "licence (L4  ),",
    ] {
        assert!(found.contains(line), "{line}");
    }
}

#[tokio::test]
async fn no_more_licences_are_told_apart_than_a_reader_can_want() {
    let rows = (0..60).map(|n| {
        format!(
            "INSERT INTO artwork VALUES ('l{n}', 'Foreign', NULL, 'approved');
             INSERT INTO tags VALUES ('t{n}', 'l{n}', NULL, 'license', 'House rules {n:02}');"
        )
    });
    let found = texts_of(&format!("{WORK}{}", rows.collect::<String>()), DataDumpOptions::default()).await;
    assert_eq!(found.matches("\"House rules ").count(), 50, "{found}");
    assert!(found.contains(r#""other": 10"#), "{found}");
}

#[tokio::test]
async fn a_licence_in_bytes_counts() {
    for tags in [
        r#"CAST('{"license":"ODbL"}' AS BLOB)"#,
        "CAST(X'7b226c6963656e7365223a224f44624c222c2261223a22ff227d' AS TEXT)",
    ] {
        let rows = format!(
            "INSERT INTO artwork (id, title, status, tags) VALUES ('w2', 'Foreign', 'approved', {tags})"
        );
        let sql = format!("{WORK} ALTER TABLE artwork ADD COLUMN tags; {rows}");
        let left = texts_of(&sql, DataDumpOptions::default()).await;
        assert!(left.contains("Heron") && !left.contains("Foreign"), "{tags}");
    }
}

/// Whether a work with these tags and these tag rows stands in artwork.json.
async fn is_own(tags: &str, rows: &[(&str, &str)]) -> bool {
    let rows = rows.iter().enumerate().map(|(n, (label, value))| {
        format!("INSERT INTO tags VALUES ('t{n}', 'w2', NULL, '{label}', {value});")
    });
    let sql = format!(
        "{WORK} ALTER TABLE artwork ADD COLUMN tags; ALTER TABLE artwork ADD COLUMN license;
        INSERT INTO artwork (id, title, status, tags) VALUES ('w2', 'Crane', 'approved', '{tags}'); {}",
        rows.collect::<String>()
    );
    let left = texts_of(&sql, DataDumpOptions::default()).await;
    assert!(left.contains("Heron"));
    left.contains("Crane")
}

#[tokio::test]
async fn any_of_several_licences_of_a_row_counts() {
    assert!(is_own("{}", &[("license", "'CC0-1.0'"), ("license", "'Public Domain'")]).await);
    for other in ["'ODbL-1.0'", "'CC BY-NC 4.0'", "4", "CAST('ODbL' AS BLOB)"] {
        for own in ["'CC0-1.0'", "'Public Domain'"] {
            assert!(!is_own("{}", &[("license", own), ("license", other)]).await, "{own} {other}");
        }
    }
}

#[tokio::test]
async fn a_licence_may_be_spelt_by_two_members_of_any_name() {
    for tags in [
        r#"[{"Key":"License","Value":"ODbL 1.0"}]"#,
        r#"{"attributes":[{"trait_type":"License","value":"CC BY-NC 4.0"}]}"#,
        r#"[{"field":"license","value":"All rights reserved"}]"#,
    ] {
        assert!(!is_own(tags, &[]).await, "{tags}");
    }
    assert!(is_own(r#"[{"Key":"License","Value":"CC0"}]"#, &[]).await);
}

#[tokio::test]
async fn a_column_that_is_a_number_may_be_a_licence() {
    for (value, is_own) in
        [("4", false), ("'4'", false), ("x'4f44624c'", false), ("'CC0'", true), ("NULL", true)]
    {
        let sql = format!(
            "{WORK} ALTER TABLE artwork ADD COLUMN licence;
            INSERT INTO artwork (id, title, status, licence) VALUES ('w2', 'Crane', 'approved', {value})"
        );
        let (left, warnings) = dump_of(&sql, DataDumpOptions::default()).await;
        assert_eq!(left.contains("Crane"), is_own, "{value}");
        assert!(!warnings.iter().any(|warning| warning.code == "UNKNOWN_COLUMN"
            && warning.subject.as_deref() == Some("artwork.licence")));
    }
}

#[tokio::test]
async fn a_licence_under_a_name_that_the_operator_keeps_in_is_not_repeated() {
    let notice = "© Jane Doe, 12 Mill Lane";
    let sql = format!(
        r#"{WORK} ALTER TABLE artwork ADD COLUMN tags; ALTER TABLE artwork ADD COLUMN licence;
        INSERT INTO artwork (id, title, status, tags) VALUES ('w2', 'Crane', 'approved', '{{"license_notice":"{notice}"}}');
        INSERT INTO artwork (id, title, status, licence) VALUES ('w3', 'Owl', 'approved', '{notice}')"#
    );
    for foreign_licenses in ["exclude", "separate"] {
        let options = |extra_blacklist: &[&str]| DataDumpOptions {
            foreign_licenses: Some(foreign_licenses.into()),
            extra_blacklist: extra_blacklist.iter().map(|name| (*name).to_owned()).collect(),
            ..DataDumpOptions::default()
        };
        assert!(texts_of(&sql, options(&[])).await.contains(notice));
        let left = texts_of(&sql, options(&["license_notice", "licence"])).await;
        assert!(!left.contains("Jane Doe") && left.contains(r#""other": 2"#), "{left}");
    }
}

#[tokio::test]
async fn what_any_row_says_of_the_licence_of_a_photo_counts() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("photos");
    for key in ["originals/a.png", "artworks/a__1024x1024.png", "originals/b.png"] {
        let path = store.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::new(8, 8).save(path).unwrap();
    }
    let made = |photo: &str, tags: &str| {
        let sql = format!(
            r#"CREATE TABLE artwork (id TEXT, tags TEXT, photos TEXT, status TEXT);
            INSERT INTO artwork VALUES ('w1', NULL, '["{photo}","originals/b.png"]', 'approved'),
              ('w2', '{tags}', '[{{"url":"/photos/originals/a.png","license":"CC BY-NC"}}]', 'approved')"#
        );
        let photos = PhotoOptions { directory: Some(store.clone()), ..PhotoOptions::default() };
        let common = CommonOptions { photos: Some(photos), ..CommonOptions::default() };
        async move { texts_of(&sql, DataDumpOptions { common, ..DataDumpOptions::default() }).await }
    };
    for photo in [
        "originals/a.png",
        "artworks/a__1024x1024.png",
        "https://photos.publicartregistry.com/originals/a.png",
    ] {
        for tags in [r#"{"license":"ODbL"}"#, "{}"] {
            let left = made(photo, tags).await;
            assert!(
                left.contains("thumbnails/w1-2.jpg") && !left.contains("thumbnails/w1-1.jpg"),
                "{photo} {tags}"
            );
            assert!(left.contains("other_license"));
        }
    }
}

#[tokio::test]
async fn a_store_of_which_only_photos_under_another_licence_are_there_is_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let sql = r#"CREATE TABLE artwork (id TEXT, tags TEXT, photos TEXT, status TEXT);
        INSERT INTO artwork VALUES ('w1', NULL, '[{"url":"/photos/a.png","license":"CC BY"}]', 'approved'),
          ('w2', NULL, '["lost.png"]', 'approved')"#;
    Connection::open(folder.path().join("archive.sqlite")).unwrap().execute_batch(sql).unwrap();
    let store = folder.path().join("photos");
    std::fs::create_dir(&store).unwrap();
    let outcomes = || async {
        let photos = PhotoOptions { directory: Some(store.clone()), ..PhotoOptions::default() };
        let common = CommonOptions { photos: Some(photos), ..common(folder.path()) };
        let options = || DataDumpOptions { common: common.clone(), ..DataDumpOptions::default() };
        let preview = preview_data_dump(options(), Job::unattended()).await;
        let made = create_data_dump(options(), Job::unattended()).await;
        [preview.map(|_| ()), made.map(|_| ())].map(|done| done.map_err(|error| error.code()))
    };
    assert_eq!(outcomes().await, [Err("SOURCE_UNREACHABLE"); 2]);
    image::RgbImage::new(8, 8).save(store.join("a.png")).unwrap();
    assert_eq!(outcomes().await, [Ok(()); 2]);
}

#[tokio::test]
async fn the_licence_of_a_row_is_that_of_its_photos_in_every_row() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png"] {
        image::RgbImage::new(8, 8).save(folder.path().join(name)).unwrap();
    }
    for (tags, row, is_made) in [
        (r#"{"license":"CC BY-NC 4.0"}"#, "", false),
        ("{}", "INSERT INTO tags VALUES ('w2', 'license', 'All rights reserved')", false),
        // One of data.
        (r#"{"license":"ODbL"}"#, "", true),
        ("{}", "INSERT INTO tags VALUES ('w2', 'license', 'ODbL')", true),
    ] {
        let sql = format!(
            r#"CREATE TABLE artwork (id TEXT, tags TEXT, photos TEXT, status TEXT);
            CREATE TABLE tags (artwork_id TEXT, label TEXT, value TEXT); {row};
            INSERT INTO artwork VALUES ('w1', NULL, '["a.png","b.png"]', 'approved'),
              ('w2', '{tags}', '["/photos/a.png"]', 'approved'), ('w3', NULL, '["b.png"]', 'approved')"#
        );
        let photos = PhotoOptions { directory: Some(folder.path().into()), ..PhotoOptions::default() };
        let common = CommonOptions { photos: Some(photos), ..CommonOptions::default() };
        for foreign in ["exclude", "separate"] {
            let foreign_licenses = Some(foreign.to_owned());
            let options =
                DataDumpOptions { common: common.clone(), foreign_licenses, ..DataDumpOptions::default() };
            let left = texts_of(&sql, options).await;
            assert_eq!(left.contains("thumbnails/w1-1.jpg"), is_made, "{tags} {row} {foreign}");
            assert!(left.contains("thumbnails/w1-2.jpg") && left.contains("thumbnails/w3-1.jpg"), "{left}");
            assert!(!left.contains("thumbnails/w2-"), "{tags} {row} {foreign}");
        }
    }
}

#[tokio::test]
async fn photos_of_both_places_in_tags_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png"] {
        image::RgbImage::new(8, 8).save(folder.path().join(name)).unwrap();
    }
    let sql = r#"CREATE TABLE artwork (id TEXT, tags TEXT, status TEXT); INSERT INTO artwork VALUES
        ('w1', '{"tags":{"_photos":["a.png"]},"_photos":["b.png"],"version":"1.0.0"}', 'approved')"#;
    let photos = PhotoOptions { directory: Some(folder.path().into()), ..PhotoOptions::default() };
    let common = CommonOptions { photos: Some(photos), ..CommonOptions::default() };
    let left = texts_of(sql, DataDumpOptions { common, ..DataDumpOptions::default() }).await;
    assert!(left.contains("thumbnails/w1-1.jpg") && left.contains("thumbnails/w1-2.jpg"), "{left}");
}
