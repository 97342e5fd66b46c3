//! What identifies the platform's users, and where the platform keeps it.
//!
//! Places are found by the names of columns, in whatever tables there are, and by the foreign keys of those: a form of
//! the schema that nobody has seen gives its identifiers all the same. Whether a value is one, its shape decides, see
//! `privacy::shape`.

use std::sync::Arc;

use bstr::ByteSlice;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

pub use self::inside::Names;
use self::inside::inside;
use self::referred::Referred;
use super::fields::blacklist::identifies;
use super::fields::names::{matches, normal};
use super::fields::tables::content;
use super::json;
use super::tables::Table;

mod inside;
mod referred;

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

/// Bytes of texts and ids, with what is kept of each, after which a batch of them is full.
const BATCH_BYTES: usize = 256 << 10;

/// Texts of a table that are identifiers by their place, or JSON that may hold some.
#[derive(Debug)]
pub struct PrivateTexts {
    columns: Arc<[Column]>,
    /// One after the other.
    texts: String,
    /// The column of each, and where it ends.
    ends: Vec<(usize, usize)>,
    /// Ids of works, artists and log entries, one after the other.
    ids: String,
    /// Where each of them ends.
    id_ends: Vec<usize>,
    /// Bytes that all this takes.
    held: usize,
}

#[derive(Debug)]
struct Column {
    /// Its `table.column`.
    place: String,
    around: Around,
}

impl PrivateTexts {
    fn of(columns: &Arc<[Column]>) -> PrivateTexts {
        PrivateTexts {
            columns: Arc::clone(columns),
            texts: String::with_capacity(BATCH_BYTES),
            ends: Vec::new(),
            ids: String::new(),
            id_ends: Vec::new(),
            held: 0,
        }
    }

    /// The `table.column` of a column.
    pub fn place(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |column| &column.place)
    }

    /// Hands every text that stands where the platform keeps identifiers to `visit`, with its column and who wrote it.
    pub fn each_value(&self, names: &mut Names, mut visit: impl FnMut(usize, &str, Author)) {
        let mut start = 0;
        for (at, end) in &self.ends {
            let text = self.texts.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default();
            let Some(Column { around, .. }) = self.columns.get(*at) else { continue };
            if around.is_named {
                visit(*at, text, around.author);
            }
            if json::may_be(text) {
                inside(text, *around, names, &mut |value, author| visit(*at, value, author));
            }
        }
    }

    /// Ids of works, artists and log entries: whatever else they may be, they are public.
    pub fn public_ids(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.id_ends.iter().filter_map(move |end| self.ids.get(std::mem::replace(&mut start, *end)..*end))
    }

    fn add(&mut self, column: usize, bytes: &[u8]) {
        // One broken letter hides nothing that stands beside it.
        let start = self.texts.len();
        bytes.to_str_lossy_into(&mut self.texts);
        self.ends.push((column, self.texts.len()));
        self.held += self.texts.len() - start + size_of::<(usize, usize)>();
    }

    fn add_id(&mut self, id: &str) {
        self.ids.push_str(id);
        self.id_ends.push(self.ids.len());
        self.held += id.len() + size_of::<usize>();
    }
}

/// Hands the texts of all tables to `visit`, in batches that can be looked through apart.
pub fn each_private_text<E: From<rusqlite::Error>>(
    conn: &Connection,
    mut visit: impl FnMut(PrivateTexts) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let referred = Referred::read(conn)?;
    for name in table_names(conn)? {
        let Some(table) = Table::find(conn, &name)? else { continue };
        // JSON in content is published, or is not, by the names in it: the second fence.
        let is_content = content(&name).is_some();
        let (mut columns, mut list) = (Vec::new(), Vec::new());
        for column in table.columns() {
            let place = format!("{name}.{column}");
            let mut around = Around::column(&place, column);
            around.is_named |= referred.has(&name, column);
            if !is_content || around.is_named {
                columns.push(Column { place, around });
                list.push(table.column_or_null(column));
            }
        }
        let id = table.column("id").filter(|_| has_public_ids(&name));
        list.extend(id);
        if list.is_empty() {
            continue;
        }
        let columns: Arc<[Column]> = columns.into();
        // NOT INDEXED: a broken index hides no row.
        let sql = format!("SELECT {} FROM main.{} NOT INDEXED", list.join(", "), table.quoted());
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut batch = PrivateTexts::of(&columns);
        while let Some(row) = rows.next()? {
            for (at, Column { around, .. }) in columns.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at)? else { continue };
                if !bytes.is_empty() && (around.is_named || json::may_be(bytes)) {
                    batch.add(at, bytes);
                }
            }
            if list.len() > columns.len()
                && let ValueRef::Text(bytes) = row.get_ref(columns.len())?
                && let Ok(id) = str::from_utf8(bytes)
            {
                batch.add_id(id);
            }
            if batch.held >= BATCH_BYTES {
                visit(std::mem::replace(&mut batch, PrivateTexts::of(&columns)))?;
            }
        }
        visit(batch)?;
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

/// Whether the ids of a table are public, or are at least no user's.
fn has_public_ids(table: &str) -> bool {
    PUBLIC_IDS.iter().any(|known| known.eq_ignore_ascii_case(table))
}

/// Ordinary tables; shadow tables of virtual ones are among them.
fn table_names(conn: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests;
