//! What identifies the platform's users, and where the platform keeps it.
//!
//! Places are found by the names of columns, in whatever tables there are: a form of the schema that nobody has seen
//! gives its identifiers all the same. Whether a value is one, its shape decides, see `privacy::shape`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::blacklist::{identifies, matches, normal};
use super::fields::tables::content;
use super::tables::Table;

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

/// Tables whose very `id` lets somebody in.
const SESSIONS: [&str; 3] = ["auth_sessions", "sessions", "magic_links"];
/// The table whose identifiers do: on this platform a user's id is what logs them in.
const USERS: &str = "users";

/// Tables whose ids are public, or are at least no user's.
const PUBLIC_IDS: [&str; 7] =
    ["artwork", "artists", "creators", "logbook", "submissions", "artwork_artists", "artwork_creators"];

/// Whether what stands in `place`, a `table.column`, lets somebody in.
pub fn lets_in(place: &str) -> bool {
    let table = place.split_once('.').map_or(place, |(table, _)| table);
    SESSIONS.iter().chain([&USERS]).any(|known| known.eq_ignore_ascii_case(table))
}

/// What JSON begins with that may hold identifiers; a text may hold more of it.
const OF_JSON: [char; 3] = ['{', '[', '"'];
/// JSON text within JSON text is followed this deep.
const DEPTH: u32 = 8;

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
        let columns: Vec<_> =
            table.columns().iter().filter(|column| !is_content || is_place(&name, column)).collect();
        if columns.is_empty() {
            continue;
        }
        let list: Vec<_> = columns.iter().map(|column| table.column_or_null(column)).collect();
        // NOT INDEXED: a broken index hides no row.
        let sql = format!("SELECT {} FROM main.{} NOT INDEXED", list.join(", "), table.quoted());
        let places: Vec<_> =
            columns.iter().map(|column| (format!("{name}.{column}"), is_place(&name, column))).collect();
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for (at, (place, is_place)) in places.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at)? else { continue };
                let Ok(text) = str::from_utf8(bytes) else { continue };
                if *is_place {
                    visit(place, text)?;
                }
                if text.trim_start().starts_with(OF_JSON) {
                    inside(text, *is_place, &mut names, &mut |value| visit(place, value))?;
                }
            }
        }
    }
    Ok(())
}

/// Hands every id of a work, an artist or a log entry to `visit`: whatever else it may be, it is public.
pub fn each_public_id<E: From<rusqlite::Error>>(
    conn: &Connection,
    mut visit: impl FnMut(&str) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for name in PUBLIC_IDS {
        let Some(table) = Table::find(conn, name)? else { continue };
        let Some(id) = table.column("id") else { continue };
        let sql = format!("SELECT {id} FROM main.{} NOT INDEXED", table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let ValueRef::Text(bytes) = row.get_ref(0)?
                && let Ok(id) = str::from_utf8(bytes)
            {
                visit(id)?;
            }
        }
    }
    Ok(())
}

/// Hands every text under a name of identifiers to `visit`, at any depth of JSON text. Nothing is built: there may be
/// more of it than of all else. What does not parse is free text: no place.
fn inside<E>(
    json: &str,
    named: bool,
    names: &mut Names,
    visit: &mut dyn FnMut(&str) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut failure = None;
    let mut hand_on = |text: &str| {
        if failure.is_none() {
            failure = visit(text).err();
        }
    };
    let walk = Walk { named, names, visit: &mut hand_on, depth: DEPTH };
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_str(json));
    failure.map_or(Ok(()), Err)
}

/// What was decided on names that were met: rows repeat the same few.
#[derive(Default)]
struct Names(HashMap<String, bool>);

impl Names {
    /// Hostile rows must not fill the memory.
    const REMEMBERED: usize = 10_000;

    fn is_named(&mut self, name: &str) -> bool {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        let decided = is_named(name);
        if self.0.len() < Self::REMEMBERED {
            self.0.insert(name.to_owned(), decided);
        }
        decided
    }
}

/// A walk through JSON.
struct Walk<'w> {
    named: bool,
    names: &'w mut Names,
    visit: &'w mut dyn FnMut(&str),
    /// How much further JSON text within JSON text is followed.
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<(), E> {
        let Walk { named, names, visit, depth } = self;
        if named {
            visit(text);
        }
        if let Some(depth) = depth.checked_sub(1)
            && text.trim_start().starts_with(OF_JSON)
        {
            let walk = Walk { named, names, visit, depth };
            let _ = walk.deserialize(&mut serde_json::Deserializer::from_str(text));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        let Walk { named, names, visit, depth } = self;
        while items.next_element_seed(Walk { named, names, visit, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        let Walk { named, names, visit, depth } = self;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let named = named || names.is_named(&name);
            members.next_value_seed(Walk { named, names, visit, depth })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }
}

fn is_place(table: &str, column: &str) -> bool {
    let opens = SESSIONS.iter().any(|known| known.eq_ignore_ascii_case(table));
    is_named(column) || (opens && column.eq_ignore_ascii_case("id"))
}

fn is_named(name: &str) -> bool {
    let form = normal(name);
    // Whatever a visitor's browser says of itself would be hunted in public texts.
    if form == "user_agent" {
        return false;
    }
    identifies(name) || PLACES.iter().any(|pattern| matches(pattern, &form))
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
    fn public_ids_are_those_of_works_artists_and_log_entries() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE artwork (id); INSERT INTO artwork VALUES ('a'), (1), (x'ff');
             CREATE TABLE artists (Id TEXT); INSERT INTO artists VALUES ('b');
             CREATE TABLE users (id); INSERT INTO users VALUES ('u')",
        )
        .unwrap();
        let mut ids = Vec::new();
        each_public_id::<rusqlite::Error>(&conn, |id| {
            ids.push(id.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(ids, ["a", "b"]);
    }
}
