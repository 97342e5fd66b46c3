//! What identifies the platform's users, and where the platform keeps it.
//!
//! Places are found by the names of columns, in whatever tables there are: a form of the schema that nobody has seen
//! gives its identifiers all the same. Whether a value is one, its shape decides, see `privacy::shape`.

use bstr::ByteSlice;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

use self::inside::{Names, inside};
use super::fields::blacklist::identifies;
use super::fields::names::{matches, normal};
use super::fields::tables::content;
use super::json;
use super::tables::Table;

mod inside;

/// The classes of identifiers that are hunted.
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
    /// Every class.
    pub const ALL: [Class; 4] = [Class::Email, Class::UserId, Class::IpAddress, Class::Token];
}

/// Names of columns that hold identifiers, beside those that the blacklist keeps in as such.
const PLACES: [&str; 3] = ["*_by", "identifier", "*_identifier"];

/// Names of columns, and of members of their JSON, that hold visitors' own words, or their browsers'.
const SAID: [&str; 21] = [
    "note", "notes", "tags", "old_data", "new_data", "field_value_*", "title", "description", "message",
    "body", "comment", "name", "*_name", "username", "user_agent", "useragent", "referer", "referer_*",
    "referrer", "referrer_*", "device_info",
];

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

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The platform.
    Platform,
    /// A visitor, in their own words: what they call a token lets nobody in.
    Visitor,
}

/// Hands every text that stands where the platform keeps identifiers to `visit`, with its `table.column` and who wrote
/// it. JSON in the private tables is looked into.
pub fn each_private_value<E: From<rusqlite::Error>>(
    conn: &Connection,
    mut visit: impl FnMut(&str, &str, Author) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut names = Names::default();
    for name in table_names(conn)? {
        let Some(table) = Table::find(conn, &name)? else { continue };
        // JSON in content is published, or is not, by the names in it: the second fence.
        let is_content = content(&name).is_some();
        let places = table.columns().iter().map(|column| {
            let place = format!("{name}.{column}");
            let around = Around::column(&place, column);
            (column, place, around)
        });
        let places: Vec<_> = places.filter(|(_, _, around)| !is_content || around.is_named).collect();
        if places.is_empty() {
            continue;
        }
        let list: Vec<_> = places.iter().map(|(column, ..)| table.column_or_null(column)).collect();
        // NOT INDEXED: a broken index hides no row.
        let sql = format!("SELECT {} FROM main.{} NOT INDEXED", list.join(", "), table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for (at, (_, place, around)) in places.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at)? else { continue };
                // One broken letter hides nothing that stands beside it.
                let text = bytes.to_str_lossy();
                if around.is_named {
                    visit(place, &text, around.author)?;
                }
                if json::may_be(&text) {
                    inside(&text, *around, &mut names, &mut |value, author| visit(place, value, author))?;
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

/// What is known of values by the names around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Around {
    /// Whether they are identifiers.
    is_named: bool,
    author: Author,
}

impl Around {
    /// What stands in a column, of which `place` is the `table.column`.
    fn column(place: &str, column: &str) -> Around {
        Around { is_named: lets_in(place), author: Author::Platform }.under(Naming::of(column))
    }

    /// What stands under a name there.
    fn under(self, naming: Naming) -> Around {
        Around {
            is_named: naming.is_named.unwrap_or(self.is_named),
            author: if naming.is_said { Author::Visitor } else { self.author },
        }
    }
}

/// What a name says of the values under it.
#[derive(Debug, Clone, Copy)]
struct Naming {
    /// Whether they are identifiers; None when they are what stands around them.
    is_named: Option<bool>,
    /// Whether they are a visitor's own words.
    is_said: bool,
}

impl Naming {
    fn of(name: &str) -> Naming {
        let form = normal(name);
        let is_one = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &form));
        let is_named = match &*form {
            // What a browser says of itself would be hunted in public texts.
            "user_agent" | "useragent" => Some(false),
            _ => (identifies(name) || is_one(&PLACES)).then_some(true),
        };
        Naming { is_named, is_said: is_one(&SAID) }
    }
}

/// Ordinary tables; shadow tables of virtual ones are among them.
fn table_names(conn: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests;
