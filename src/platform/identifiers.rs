//! What identifies the platform's users, and where the platform keeps it.
//!
//! Places are found by the names of columns, in whatever tables there are: a form of the schema that nobody has seen
//! gives its identifiers all the same. Whether a value is one, its shape decides, see `privacy::shape`.

use bstr::ByteSlice;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

use self::inside::{Names, inside};
use super::content::{PUBLIC_ARTISTS, PUBLIC_WORKS};
use super::fields::blacklist::identifies;
use super::fields::names::{matches, normal};
use super::fields::tables::content;
use super::json;
use super::tables::Table;

mod inside;

/// The classes of identifiers that are hunted, as metadata.json counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A user's UUID or Clerk id (`user_…`). On this platform it is the secret that logs the user in.
    UserId,
    /// An e-mail address.
    Email,
    /// A network address that is not private.
    IpAddress,
    /// A secret or its hash: 32 or more characters of hexadecimal or base64url.
    Token,
}

impl Class {
    /// Every class, in the order of metadata.json.
    pub const ALL: [Class; 4] = [Class::Email, Class::UserId, Class::IpAddress, Class::Token];

    /// The word in metadata.json.
    pub fn word(self) -> &'static str {
        match self {
            Class::UserId => "user_id",
            Class::Email => "email",
            Class::IpAddress => "ip_address",
            Class::Token => "token",
        }
    }
}

/// Names of columns that hold identifiers, beside those that the blacklist keeps in as such.
const PLACES: [&str; 3] = ["*_by", "identifier", "*_identifier"];

/// Tables that hold what lets somebody in. On this platform a user's id does too.
const DOORS: [&str; 4] = ["auth_sessions", "sessions", "magic_links", "users"];
/// The columns of such a table that do; in the others visitors may write what they like.
const KEYS: [&str; 7] = ["id", "uuid", "*_uuid", "user_id", "*_user_id", "*token", "*_hash"];

/// Tables whose ids are public, or are at least no user's.
const PUBLIC_IDS: [&str; 7] =
    ["artwork", "artists", "creators", "logbook", "submissions", "artwork_artists", "artwork_creators"];

/// Whether what stands in `place`, a `table.column`, lets somebody in.
pub fn lets_in(place: &str) -> bool {
    place.split_once('.').is_some_and(|(table, column)| {
        let form = normal(column);
        DOORS.iter().any(|known| known.eq_ignore_ascii_case(table))
            && KEYS.iter().any(|pattern| matches(pattern, &form))
    })
}

/// Hands every text that stands where the platform keeps identifiers to `visit`, with its `table.column`. JSON in the
/// private tables is looked into.
pub fn each_private_value<E: From<rusqlite::Error>>(
    conn: &Connection,
    mut visit: impl FnMut(&str, &str) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut names = Names::default();
    for name in table_names(conn)? {
        let Some(table) = Table::find(conn, &name)? else { continue };
        // JSON in content is published, or is not, by the names in it: the second fence.
        let is_content = content(&name).is_some();
        let places = table.columns().iter().map(|column| {
            let place = format!("{name}.{column}");
            let is_place = is_place(&place, column);
            (column, place, is_place)
        });
        let places: Vec<_> = places.filter(|(_, _, is_place)| !is_content || *is_place).collect();
        if places.is_empty() {
            continue;
        }
        let list: Vec<_> = places.iter().map(|(column, ..)| table.column_or_null(column)).collect();
        // NOT INDEXED: a broken index hides no row.
        let sql = format!("SELECT {} FROM main.{} NOT INDEXED", list.join(", "), table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for (at, (_, place, is_place)) in places.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at)? else { continue };
                // One broken letter hides nothing that stands beside it.
                let text = bytes.to_str_lossy();
                if *is_place {
                    visit(place, &text)?;
                }
                if json::may_be(&text) {
                    inside(&text, *is_place, &mut names, &mut |value| visit(place, value))?;
                }
            }
        }
    }
    Ok(())
}

/// Hands every id of a work, an artist or a log entry to `visit`, and whether its page shows it to everybody. Whatever
/// else it may be, it is no secret of a user's, unless nobody can read it and it lets somebody in.
pub fn each_public_id<E: From<rusqlite::Error>>(
    conn: &Connection,
    mut visit: impl FnMut(&str, bool) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for name in PUBLIC_IDS {
        let Some(table) = Table::find(conn, name)? else { continue };
        let Some(id) = table.column("id") else { continue };
        let is_shown = match name {
            "artwork" => table.has_status(&PUBLIC_WORKS).unwrap_or_else(|| "FALSE".into()),
            "artists" => table.has_status(&PUBLIC_ARTISTS).unwrap_or_else(|| "TRUE".into()),
            _ => "FALSE".into(),
        };
        let sql = format!("SELECT {id}, {is_shown} IS TRUE FROM main.{} NOT INDEXED", table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let ValueRef::Text(bytes) = row.get_ref(0)?
                && let Ok(id) = str::from_utf8(bytes)
            {
                visit(id, row.get(1)?)?;
            }
        }
    }
    Ok(())
}

fn is_place(place: &str, column: &str) -> bool {
    lets_in(place) || Naming::of(column) == Naming::Identifier
}

/// What a name says of the values under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// They are identifiers.
    Identifier,
    /// They are a visitor's browser's own words, which would be hunted in public texts.
    Browser,
    /// Nothing: they are what stands around them.
    Nothing,
}

impl Naming {
    fn of(name: &str) -> Naming {
        let form = normal(name);
        match form.as_str() {
            "user_agent" | "useragent" => Naming::Browser,
            _ if identifies(name) || PLACES.iter().any(|pattern| matches(pattern, &form)) => {
                Naming::Identifier
            }
            _ => Naming::Nothing,
        }
    }
}

/// Ordinary tables; shadow tables of virtual ones are among them.
fn table_names(conn: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn found(sql: &str) -> Vec<String> {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        let mut found = Vec::new();
        each_private_value::<rusqlite::Error>(&conn, |place, value| {
            found.push(format!("{place}={value}"));
            Ok(())
        })
        .unwrap();
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
                "artwork.created_by=c",
                "auth_sessions.id=s",
                "strange.granted_by=g",
                "strange.data=t",
                "strange.data=o",
                "strange.granted_by=h",
                "strange.data=i",
                "users.uuid=u",
                "users.Email=e"
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
    fn the_words_of_a_browser_are_no_identifiers_wherever_they_stand() {
        let sql = r#"CREATE TABLE auth_sessions (useragent, user_agent, device_info);
            INSERT INTO auth_sessions VALUES ('a', 'b', '{"userAgent":"c","ip":"i","useragent":{"name":"d","token":"t"}}'),
              ('a', 'b', '{"userAgent":"c","ip":"j",')"#;
        let data = |value| format!("auth_sessions.device_info={value}");
        let mut found: Vec<_> = found(sql).into_iter().filter(|found| !found.contains('{')).collect();
        found.dedup();
        assert_eq!(found, ["i", "t", "j"].map(data));
    }

    #[test]
    fn what_lets_somebody_in_is_a_column_of_keys_in_a_table_of_doors() {
        for place in
            ["users.uuid", "Users.ID", "auth_sessions.token_hash", "magic_links.token", "users.clerk_user_id"]
        {
            assert!(lets_in(place), "{place}");
        }
        for place in [
            "auth_sessions.device_info",
            "auth_sessions.user_agent",
            "magic_links.ip_address",
            "users.profile_name",
            "users",
            "audit_log.user_token",
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
        let ids = |sql: &str| {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(sql).unwrap();
            let mut ids = Vec::new();
            each_public_id::<rusqlite::Error>(&conn, |id, is_shown| {
                ids.push(format!("{id}{}", if is_shown { "" } else { "?" }));
                Ok(())
            })
            .unwrap();
            ids
        };
        let sql = "CREATE TABLE artwork (id, Status);
             INSERT INTO artwork VALUES ('a', 'approved'), (1, 'approved'), (x'ff', 'approved'), ('p', 'pending'), ('n', NULL);
             CREATE TABLE artists (Id TEXT); INSERT INTO artists VALUES ('b');
             CREATE TABLE logbook (id, status); INSERT INTO logbook VALUES ('l', 'approved');
             CREATE TABLE users (id); INSERT INTO users VALUES ('u')";
        assert_eq!(ids(sql), ["a", "p?", "n?", "b", "l?"]);
        let sql = "CREATE TABLE artwork (id); INSERT INTO artwork VALUES ('a');
             CREATE TABLE artists (id, status); INSERT INTO artists VALUES ('b', 'active'), ('c', 'rejected')";
        assert_eq!(ids(sql), ["a?", "b", "c?"]);
    }
}
