//! What somebody may submit so that a dump breaks, leaks, or loses the works of others.

use proptest::prelude::*;

use super::*;
use crate::options::PhotoOptions;

const ID: &str = "4f1c9a52-7b64-4c0e-9d2a-5e8f00112244";

/// A dump of one work, where a visitor has submitted `note`, from a browser that says the same of itself, and so does a
/// column that nobody knows.
async fn beside(note: &str, description: &str) -> Result<DataDumpReport> {
    submitted(note, Some(note), description).await
}

/// The same, with something else in the unknown column.
async fn submitted(note: &str, data: Option<&str>, description: &str) -> Result<DataDumpReport> {
    let folder = tempfile::tempdir().unwrap();
    let conn = Connection::open(folder.path().join("archive.sqlite")).unwrap();
    conn.execute_batch(
        "CREATE TABLE submissions (id TEXT, notes TEXT); CREATE TABLE auth_sessions (id TEXT, device_info TEXT);
        CREATE TABLE visits (data TEXT);
        CREATE TABLE artwork (id TEXT, title TEXT, description TEXT, status TEXT, photos TEXT);
        CREATE TABLE artists (id TEXT, name TEXT, status TEXT); INSERT INTO artists VALUES ('p1', 'Ann', 'active');
        CREATE TABLE artwork_artists (artwork_id TEXT, artist_id TEXT)",
    )
    .unwrap();
    let photos = r#"["originals/a.png","originals/b.png"]"#;
    conn.execute("INSERT INTO artwork VALUES (?1, 'Heron', ?2, 'approved', ?3)", [ID, description, photos])
        .unwrap();
    let store = folder.path().join("photos");
    std::fs::create_dir_all(store.join("originals")).unwrap();
    for name in ["a.png", "b.png"] {
        image::RgbImage::new(8, 8).save(store.join("originals").join(name)).unwrap();
    }
    conn.execute("INSERT INTO artwork_artists VALUES (?1, 'p1')", [ID]).unwrap();
    conn.execute("INSERT INTO submissions VALUES ('s1', ?1)", [note]).unwrap();
    conn.execute("INSERT INTO auth_sessions VALUES ('a1', ?1)", [note]).unwrap();
    conn.execute("INSERT INTO visits VALUES (?1)", [data]).unwrap();
    let photos = Some(PhotoOptions { directory: Some(store), ..PhotoOptions::default() });
    let common = CommonOptions { photos, ..common(folder.path()) };
    let site = Some("https://archive.example".to_owned());
    let source = options::SourceOptions { url: site, ..options::SourceOptions::default() };
    create_data_dump(DataDumpOptions { common, source, ..DataDumpOptions::default() }, Job::unattended())
        .await
}

#[tokio::test]
async fn no_escape_makes_an_identifier_of_an_innocent_text() {
    for (note, description) in [
        (r#"{"email":"n@studio.art"}"#, "Photos by\n@studio.art"),
        (r#"{"token":"nGate_to_the_Northwest_Passage_1980"}"#, "See\nGate_to_the_Northwest_Passage_1980"),
        (r#"{"user_token":"f1c9a527-b644-c0e9-d2a5-e8f001122447"}"#, "x\u{c}1c9a527b644c0e9d2a5e8f001122447"),
        (r#"{"ip":"b::1234:5"}"#, "x\u{8}::1234:5"),
    ] {
        let made = beside(note, description).await;
        assert_eq!(
            made.map(|report| report.metadata.counts.total_artworks).map_err(|e| e.to_string()),
            Ok(1)
        );
    }
    // What is an identifier stays one.
    let report = beside(r#"{"email":"n@studio.art"}"#, "Photos by\n\tn@studio.art").await.unwrap();
    assert_eq!(report.metadata.privacy.redactions.email, 1);
}

#[tokio::test]
async fn what_a_dump_is_made_of_is_no_token() {
    let digest = hex::encode(Sha256::digest(crate::dataset::CC0));
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[12..16],
        &digest[16..20],
        &digest[20..32]
    );
    for token in [
        digest.clone(),
        digest[3..40].to_owned(),
        uuid,
        format!("{ID}-1"),
        format!("{ID}-2"),
        format!("thumbnails/{ID}-2"),
        format!("artwork/{ID}"),
    ] {
        let made = beside(&format!(r#"{{"user_token":"{token}"}}"#), "bronze").await;
        let works = made.map(|report| report.metadata.counts.total_artworks);
        assert_eq!(works.map_err(|e| e.to_string()), Ok(1), "{token}");
    }
}

#[tokio::test]
async fn what_a_visitor_calls_a_token_is_taken_out_of_no_text() {
    let page = "https://www.richmond.ca/culture/howartworks/publicart/collection/PublicArt.aspx?ID=12";
    let slug = "See org/wiki/Public_art_in_Vancouver_2010 and secret_garden_of_the_North_Shore_in_1998";
    for said in [
        "ca/culture/howartworks/publicart/collection/PublicArt",
        "org/wiki/Public_art_in_Vancouver_2010",
        "secret_garden_of_the_North_Shore_in_1998",
    ] {
        for note in [
            serde_json::json!({ "token": said }),
            serde_json::json!({ "user": { "session": [said] }, "cut": "\\ud83d" }),
        ] {
            let description = format!("{page} {slug}");
            let report = submitted(&note.to_string(), None, &description).await.unwrap();
            assert_eq!(report.metadata.privacy.redactions.token, 0, "{note}");
            // Where the platform writes it, it is one.
            let report = submitted("{}", Some(&note.to_string()), &description).await.unwrap();
            assert!(report.metadata.privacy.redactions.token > 0, "{note}");
        }
    }
    // Other identifiers are, whoever writes them.
    let user = "6f1c9a52-7b64-4c0e-9d2a-5e8f00112266";
    let report = submitted(&serde_json::json!({ "user_token": user }).to_string(), None, user).await.unwrap();
    assert_eq!(report.metadata.privacy.redactions.user_id, 1);
}

#[tokio::test]
async fn the_id_of_a_work_stays_public_whatever_a_visitor_calls_himself() {
    for said in [ID.to_owned(), format!("{ID}-1"), format!("photos/thumbnails/{ID}-2")] {
        for member in ["userAgent", "fingerprint"] {
            let made = beside(&serde_json::json!({ member: said }).to_string(), "bronze").await;
            let works = made.map(|report| report.metadata.counts.total_artworks);
            assert_eq!(works.map_err(|e| e.to_string()), Ok(1), "{member} {said}");
        }
    }
}

#[tokio::test]
async fn names_stay_in_also_where_a_text_is_json() {
    let described = |description: &str| {
        let sql = format!(
            "CREATE TABLE artwork (id TEXT, description TEXT, status TEXT);
            INSERT INTO artwork VALUES ('w1', '{description}', 'approved')"
        );
        async move { texts_of(&sql, DataDumpOptions::default()).await }
    };
    let left = described(r#"{"note":"A heron","_submission":{"lat":1},"phone":"604 555 0199"}"#).await;
    assert!(left.contains(r#""description":"{\"note\":\"A heron\"}""#), "{left}");
    let left = described(r#"{"note":"A heron","phone":"604 555 0199"#).await;
    assert!(!left.contains("604 555") && left.contains("VALUE_LEFT_OUT"), "{left}");
    let left = described(r#""{\"note\":\"A heron\",\"phone\":\"604 555 0199"#).await;
    assert!(!left.contains("604 555") && left.contains("VALUE_LEFT_OUT"), "{left}");
    for words in [r#""Heron" stands here"#, "[Untitled]", "{heart} of the city", r#"["A","B"]"#] {
        let left = described(words).await;
        assert!(left.contains(&serde_json::json!(words).to_string()), "{left}");
    }
}

#[tokio::test]
async fn names_stay_in_wherever_a_row_holds_a_text() {
    let json = r#"{"name":"Ann","phone":"604 555 0199"}"#;
    let broken = r#"{"name":"Ben","phone":"604 555 0199"#;
    let sql = "CREATE TABLE artwork (id TEXT, type_id TEXT, tags TEXT, photos TEXT, artist_names TEXT, extra TEXT, status TEXT);
        CREATE TABLE artwork_types (id TEXT, name TEXT); INSERT INTO artwork_types VALUES ('t', J);
        CREATE TABLE artists (id TEXT, name TEXT, aliases TEXT, bio TEXT);
        INSERT INTO artists VALUES ('p1', J, json_array(J, B), J), ('p2', B, '[]', '');
        CREATE TABLE artwork_artists (artwork_id TEXT, artist_id TEXT, role TEXT);
        INSERT INTO artwork_artists VALUES ('w1', 'p1', J), ('w1', 'p2', B);
        INSERT INTO artwork VALUES ('w1', 't', json_object('license', B), NULL, json_array(J, B), NULL, 'pending'),
          ('w2', NULL, json_object('license', B), NULL, NULL, NULL, 'approved'),
          ('w1', 't', json_object('source', J), NULL, json_array(J, B), json_array('bob@x.org' || J, B), 'approved')";
    let sql = sql
        .replace('J', &format!("'{json}'"))
        .replace("B,", &format!("'{broken}',"))
        .replace("B)", &format!("'{broken}')"));
    let options =
        DataDumpOptions { include_fields: vec!["artwork.extra".into()], ..DataDumpOptions::default() };
    let left = texts_of(&sql, options).await;
    assert!(!left.contains("604 555"), "{left}");
    let ann = r#""{\"name\":\"Ann\"}""#;
    for field in ["type", "name", "role", "source", "description"] {
        assert!(left.contains(&format!(r#""{field}":{ann}"#)), "{field} in {left}");
    }
    assert!(left.contains(&format!(r#""aliases":[{ann}]"#)) && left.contains(r#""other": 1"#), "{left}");
    for place in ["artists.name", "artists.aliases", "artwork_artists.role", "artwork.artist_names"] {
        assert!(left.contains(&format!(r#""subject": "{place}""#)), "{place} in {left}");
    }
}

#[tokio::test]
async fn names_stay_in_where_the_items_of_a_list_become_one() {
    let tagged = |tags: &str| {
        let sql = format!(
            "CREATE TABLE artwork (id TEXT, tags TEXT, status TEXT); INSERT INTO artwork VALUES ('w1', '{tags}', 'approved')"
        );
        async move { texts_of(&sql, DataDumpOptions::default()).await }
    };
    let list = r#"[{"type":"phone","value":"604 555 0199"},{"type":"material","value":"bronze"}]"#;
    for tags in [
        list.to_owned(),
        list.replace("type", "title"),
        format!(r#"{{"tags":{list},"version":"1.0.0"}}"#),
        serde_json::json!(list).to_string(),
    ] {
        let left = tagged(&tags).await;
        assert!(!left.contains("604 555") && left.contains(r#""value":"bronze""#), "{tags} as {left}");
    }
    let rows = r#"CREATE TABLE artwork (id TEXT, tags TEXT, status TEXT); CREATE TABLE tags (artwork_id TEXT, label TEXT, value TEXT);
        INSERT INTO artwork VALUES ('w1', '{"type":"phone","value":"604 555 0199"}', 'approved');
        INSERT INTO tags VALUES ('w1', 'type', 'mural'), ('w1', 'height', '2')"#;
    let left = texts_of(rows, DataDumpOptions::default()).await;
    assert!(!left.contains("604 555") && left.contains(r#""height":"2""#), "{left}");
    let left = tagged(r#"[{"b":[["phone","604 555 0199"],["height","2"]]},{"b":"red"}]"#).await;
    assert!(!left.contains("604 555") && left.contains(r#""b":[["height","2"],"red"]"#), "{left}");
}

#[tokio::test]
async fn a_long_label_is_not_repeated_for_thousands_of_values() {
    let members: serde_json::Map<_, _> = (0..3000).map(|n| (n.to_string(), true.into())).collect();
    let tags = serde_json::json!({ "k".repeat(4000): members, "l".repeat(4000): (0..3000).collect::<Vec<_>>(),
        "m".repeat(300): true, "o": { "p": 1 } });
    let sql = format!(
        "CREATE TABLE artwork (id TEXT, tags TEXT, status TEXT); INSERT INTO artwork VALUES ('w1', '{tags}', 'approved')"
    );
    let left = texts_of(&sql, DataDumpOptions::default()).await;
    assert!(left.len() < 200_000, "{} bytes of {}", left.len(), sql.len());
    assert!(left.contains(r#""label":"mmm"#) && left.contains(r#""label":"o.p""#));
    assert!(left.contains("3001 values left out"));
}

/// Tags out of few names and texts, with JSON and identifiers that stand as text.
fn tags() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        "[a\\[\\]{}\":,@.n\\\\\n ]{0,8}",
        proptest::sample::select(vec![
            "phone", "key", "value", "tags", "n@b.co", "{\"phone\":1,", "{phone: 604", "\\u0040b.co",
            "n%40b.co", "@b.co", "b::1", "[\"phone\",\"n@b.co\"]", "{\"a\":\"n@b.co\",\"b\":1}", "bkBiLmNv",
            "\\", "\"",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![text.clone().prop_map(serde_json::Value::from), Just(true.into()), Just(7.into())];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::vec((text.clone(), inner.clone()), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            inner.clone().prop_map(|value| value.to_string().into()),
            (inner, text.clone()).prop_map(|(value, text)| format!("{value}{text}").into()),
        ]
    })
}

proptest! {
    #[test]
    fn tags_that_leave_stop_no_dump_and_are_sound(tags in tags()) {
        let mut values = Values::default();
        for (place, value) in [("users.email", "n@b.co"), ("consent.ip_address", "b::1")] {
            values.add(place, value);
        }
        let filter = crate::privacy::filter::Filter::default();
        let fences = Fences::new(&filter, Redactor::new(&values), false);
        let mut members = serde_json::Map::from_iter([("a".to_owned(), tags.clone())]);
        fences.members(&mut members, "artwork.json", &mut Default::default()).unwrap();
        let mut left = serde_json::Value::Object(members);
        let json = left.to_string();
        let chunk = json.clone().into_bytes().into();
        prop_assert_eq!(Scanner::new(&values, []).json(&chunk), None, "{} as {}", tags, json);
        prop_assert_eq!(Scanner::new(&Values::default(), []).chunk(&chunk), None, "{} as {}", tags, json);
        filter.clean_value(&mut left);
        prop_assert_eq!(left.to_string(), json, "{}", tags);
    }
}

#[tokio::test]
async fn tags_that_no_reader_can_follow_are_told_and_stop_no_later_dump() {
    let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive.sqlite");
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch("CREATE TABLE artwork (id TEXT, tags TEXT, extra TEXT, status TEXT)").unwrap();
    for (id, depth) in [("w1", 127), ("w2", 60)] {
        let cells = [id, &nested(depth), &nested(depth)];
        conn.execute("INSERT INTO artwork VALUES (?1, ?2, ?3, 'approved')", cells).unwrap();
    }
    let dump = |day: &str, previous: Option<PathBuf>| {
        let now = Some(format!("2026-01-{day}T03:04:05Z"));
        let common = CommonOptions { now, ..common(folder.path()) };
        let include_fields = vec!["artwork.extra".to_owned()];
        let options = DataDumpOptions { common, previous, include_fields, ..DataDumpOptions::default() };
        create_data_dump(options, Job::unattended())
    };
    let first = dump("02", None).await.unwrap();
    let Archived::File(path) = &first.archive else { return };
    assert!(crate::verify::verify_archive(path.clone(), Job::unattended()).await.unwrap().ok);
    let second = dump("03", Some(path.clone())).await.unwrap();
    let told = |place: &str| second.warnings.iter().any(|it| it.subject.as_deref() == Some(place));
    assert!(told("artwork.tags") && told("artwork.extra"), "{:?}", second.warnings);
    let left = texts(&second);
    assert!(left.matches(r#""changed": []"#).count() == 2 && left.contains(&nested(60)), "{left}");
}
