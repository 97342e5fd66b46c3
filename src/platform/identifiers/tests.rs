#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn each_value(conn: &Connection, mut visit: impl FnMut(&str, &str, Author)) {
    let mut names = Names::default();
    each_private_text::<rusqlite::Error>(conn, |texts| {
        texts.each_value(&mut names, |column, value, author| visit(texts.place(column), value, author));
        Ok(())
    })
    .unwrap();
}

fn found(sql: &str) -> Vec<String> {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(sql).unwrap();
    let mut found = Vec::new();
    each_value(&conn, |place, value, _| found.push(format!("{place}={value}")));
    found
}

#[test]
fn places_are_known_by_name_in_any_table_and_in_json() {
    assert_eq!(
        found(
            r#"CREATE TABLE users (uuid, Email, note); INSERT INTO users VALUES ('u', 'e', 'n');
            CREATE TABLE strange (entity_id, "granted_by", data);
            INSERT INTO strange VALUES ('x', 'g', '{"a":[{"user_token":"t","artwork_id":"x"}],"old":"{\"created_by\":\"o\"}"}'),
              ('x', 'h', '"[{\"email\":\"i\"}]"');
            CREATE TABLE auth_sessions (id); INSERT INTO auth_sessions VALUES ('s');
            CREATE TABLE artwork (id, created_by, tags);
            INSERT INTO artwork VALUES ('a', 'c', '{"email":"e"}')"#
        ),
        [
            "artwork.created_by=c", "auth_sessions.id=s", "strange.granted_by=g", "strange.data=t",
            "strange.data=o", "strange.granted_by=h", "strange.data=i", "users.uuid=u", "users.Email=e"
        ]
    );
}

#[test]
fn the_id_of_a_user_is_one_whatever_its_column_is_called() {
    let sql = "CREATE TABLE Users (ID, name); INSERT INTO Users VALUES ('u', 'n');
         CREATE TABLE badges (id); INSERT INTO badges VALUES ('b')";
    assert_eq!(found(sql), ["Users.ID=u"]);
}

#[test]
fn the_id_of_a_user_is_one_whatever_its_table_is_called_now() {
    let sql =
        "CREATE TABLE users (uuid TEXT PRIMARY KEY, nick TEXT UNIQUE); INSERT INTO users VALUES ('u', 'n');
         CREATE TABLE lists (owner_user_id REFERENCES users, item REFERENCES users (nick));
         CREATE TABLE user_flags (user_work REFERENCES artwork (id), user_gone REFERENCES nowhere);
         CREATE TABLE artwork (id, title); INSERT INTO artwork VALUES ('a', 't');
         ALTER TABLE users RENAME TO \"Member's\"; ALTER TABLE \"Member's\" RENAME COLUMN uuid TO Id";
    assert_eq!(found(sql), ["Member's.Id=u"]);
}

#[test]
fn the_words_of_a_browser_are_no_identifiers_wherever_they_stand() {
    let sql = r#"CREATE TABLE auth_sessions (useragent, user_agent, device_info);
        INSERT INTO auth_sessions VALUES ('a', 'b', '{"userAgent":"c","ip":"i","useragent":{"name":"d","token":"t"}}'),
          ('a', 'b', '{"userAgent":"c","ip":"j",')"#;
    let data = |value| format!("auth_sessions.device_info={value}");
    let mut found: Vec<_> = found(sql).into_iter().filter(|found| found.len() == data("i").len()).collect();
    found.dedup();
    assert_eq!(found, ["i", "t", "j"].map(data));
}

#[test]
fn what_visitors_say_is_told_from_what_the_platform_writes() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        r#"CREATE TABLE invites (referral_token, referrer_token); INSERT INTO invites VALUES ('p', 'v');
        CREATE TABLE submissions (user_token, submitter_name, notes, new_data, other);
        INSERT INTO submissions VALUES ('p', 'v', '{"token":"v","user":{"token":"v"}}', '{"tags":"{\"ip\":\"v\"}"',
          '{"token":"p","user":{"name":"v","id":"p"},"metadata":{"old_data":{"user_token":"v"},"session":"p"}}')"#,
    )
    .unwrap();
    let mut count = 0;
    each_value(&conn, |place, value, author| {
        let expected = match value {
            "p" => Author::Platform,
            "v" => Author::Visitor,
            _ => return,
        };
        assert_eq!(author, expected, "{place}");
        count += 1;
    });
    // What does not parse is visited twice.
    assert_eq!(count, 13);
}

#[test]
fn identifiers_that_are_names_of_members_are_found() {
    let found = found(
        r#"CREATE TABLE audit_log (data); INSERT INTO audit_log VALUES
          ('{"users":{"u1":{"role":"admin"}},"works":{"w1":{"user_token":"t"}}}'),
          ('{"permissions_by_user":{"u2":["moderator"]},"works":{"w1":1},')"#,
    );
    for id in ["u1", "u2"] {
        assert!(found.contains(&format!("audit_log.data={id}")), "{found:?}");
    }
    assert!(!found.contains(&"audit_log.data=w1".to_owned()), "{found:?}");
}

#[test]
fn what_lets_somebody_in_is_a_column_of_keys_in_a_table_of_doors() {
    for place in
        ["users.uuid", "Users.ID", "auth_sessions.token_hash", "magic_links.token", "users.clerk_user_id"]
    {
        assert!(lets_in(place), "{place}");
    }
    for place in [
        "auth_sessions.device_info", "auth_sessions.user_agent", "magic_links.ip_address",
        "users.profile_name", "users", "audit_log.user_token",
    ] {
        assert!(!lets_in(place), "{place}");
    }
}

#[test]
fn json_that_does_not_parse_hides_nothing() {
    for data in [
        r#"{"metadata":{"userAgent":"Mozilla \ud83d","ip":"i","user_token":"t"}}"#,
        r#"{"old":"{\"note\":\"\\ud83d\",\"ip\":\"i\"}","user_token":"t"}"#,
        r#"{"note":1e400,"ip":"i","user_token":"t"}"#,
        r#"{"old":"{\"note\":1e400,\"ip\":\"i\"}","more":{"user_token":"t"},"cut":"off"#,
        r#"{"ip":"i"} {"user_token":"t"}"#,
        "\u{feff}{\"ip\":\"i\",\"user_token\":\"t\"}",
        r#"{"note":"line
            end","admin":{"ip":["i"]},"x":["y"],"user":{"name":"t"}} trailing"#,
    ] {
        let sql = format!("CREATE TABLE audit_log (data); INSERT INTO audit_log VALUES ('{data}')");
        let found = found(&sql);
        for value in ["audit_log.data=i", "audit_log.data=t"] {
            assert!(found.iter().any(|found| found == value), "{value} of {data}");
        }
        assert!(!found.iter().any(|found| found.ends_with("=y")), "{data}");
    }
    let nested = (0..7).fold(r#"{"ip":"i","n":1e400}"#.to_owned(), |inner, _| {
        serde_json::json!({ "a": inner }).to_string().replace('}', r#","n":1e400}"#)
    });
    let nested = format!("CREATE TABLE audit_log (data); INSERT INTO audit_log VALUES ('{nested}')");
    let visits = found(&nested).len();
    assert!((1..=2).contains(&visits), "{visits}: each level is visited once");
    let broken = "CREATE TABLE audit_log (data); INSERT INTO audit_log VALUES (CAST(X'7b226970223a2269222c2278223a22c3227d' AS TEXT))";
    assert_eq!(found(broken), ["audit_log.data=i"]);
}

#[test]
fn public_ids_are_those_of_works_artists_and_log_entries() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE Artwork (id); INSERT INTO artwork VALUES ('a'), (1), (x'ff');
         CREATE TABLE artists (Id TEXT); INSERT INTO artists VALUES ('b');
         CREATE TABLE logbook (id); INSERT INTO logbook VALUES ('l');
         CREATE TABLE users (id); INSERT INTO users VALUES ('u')",
    )
    .unwrap();
    let mut ids = Vec::new();
    each_private_text::<rusqlite::Error>(&conn, |texts| {
        ids.extend(texts.public_ids().map(str::to_owned));
        Ok(())
    })
    .unwrap();
    assert_eq!(ids, ["a", "b", "l"]);
}

#[test]
fn batches_are_of_so_many_bytes_of_ids_too() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE logbook (id); WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 8)
         INSERT INTO logbook SELECT printf('%0100000d', i) FROM n",
    )
    .unwrap();
    let mut batches = Vec::new();
    each_private_text::<rusqlite::Error>(&conn, |texts| {
        batches.push(texts.public_ids().count());
        Ok(())
    })
    .unwrap();
    assert_eq!(batches, [3, 3, 2]);
}

proptest::proptest! {
    #[test]
    fn bytes_may_be_json_as_the_text_of_them_may(
        before in "[ \t\n\u{b}\u{85}\u{a0}\u{2028}\u{feff}\u{1f}]{0,3}",
        bytes in proptest::collection::vec(proptest::sample::select(b"{[\"a \xef\xbb\xbf\xff\xc2".to_vec()), 0..5),
    ) {
        let bytes = [before.as_bytes(), &bytes].concat();
        proptest::prop_assert_eq!(json::may_be(&bytes), json::may_be(&*bytes.to_str_lossy()));
    }
}
