//! The rows that show photos, and whether they are approved.
//!
//! Approved are artworks and artists by their own status, log entries by theirs and that of the artwork they belong
//! to. A table without a status column knows no moderation: all its rows count as approved.

use std::borrow::Cow;
use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

use super::content::{PUBLIC_ARTISTS, PUBLIC_WORKS};
use super::photo_values::PhotoValues;
use super::tables::Table;

/// What shows a photo, in the words and the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Artwork,
    LogEntry,
    Submission,
    Artist,
}

/// Whether a row's photos belong to what the site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Approved,
    /// Not approved, with the status where it is one the platform knows, else `other`.
    Waiting(&'static str),
    /// Approved itself, but its artwork is not.
    WithoutArtwork,
}

/// A row that shows at least one photo, or something unreadable in its place.
#[derive(Debug)]
pub(super) struct PhotoRow {
    pub(super) kind: Kind,
    pub(super) standing: Standing,
    /// The artwork it is or belongs to.
    pub(super) artwork_id: Option<String>,
    pub(super) photos: PhotoValues,
    /// `table.column`, by the platform's names.
    pub(super) place: &'static str,
}

/// Whether any of the platform's tables is there.
pub(super) fn is_platform(conn: &Connection) -> Result<bool> {
    for name in ["artwork", "submissions", "logbook", "artists"] {
        if Table::find(conn, name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Hands every such row to `visit`, one at a time.
pub(super) fn each_photo_row(conn: &Connection, mut visit: impl FnMut(PhotoRow)) -> Result<()> {
    // Kept on the way, as digests: a subquery would read all artworks once more, and sort them.
    let mut artworks: HashSet<Digest> = HashSet::new();
    if let Some(table) = Table::find(conn, "artwork")? {
        let place = Place { kind: Kind::Artwork, column: "artwork.photos", approved: &PUBLIC_WORKS };
        let keep = |id: Option<Cow<[u8]>>, standing| {
            artworks.extend(id.filter(|_| standing == Standing::Approved).map(|id| digest(&id)));
            true
        };
        read(conn, &select(&table, "id", "'artwork'", "tags"), &place, keep, &mut visit)?;
    }
    let of_artwork = |id: Option<Cow<[u8]>>, _| id.is_some_and(|id| artworks.contains(&digest(&id)));
    if let Some(table) = Table::find(conn, "submissions")? {
        let place = Place { kind: Kind::Submission, column: "submissions.photos", approved: &["approved"] };
        let kind = table.column_or_null("submission_type");
        read(conn, &select(&table, "artwork_id", &kind, ""), &place, of_artwork, &mut visit)?;
    }
    if let Some(table) = Table::find(conn, "logbook")? {
        let place = Place { kind: Kind::LogEntry, column: "logbook.photos", approved: &["approved"] };
        read(conn, &select(&table, "artwork_id", "'logbook_entry'", ""), &place, of_artwork, &mut visit)?;
    }
    if let Some(table) = Table::find(conn, "artists")? {
        let place = Place { kind: Kind::Artist, column: "artists.photos", approved: &PUBLIC_ARTISTS };
        read(conn, &select(&table, "", "'artist'", ""), &place, |_, _| true, &mut visit)?;
    }
    Ok(())
}

/// A column of photos.
struct Place {
    kind: Kind,
    /// By the platform's names, with the table.
    column: &'static str,
    /// What a status says of what the site shows.
    approved: &'static [&'static str],
}

/// Columns: artwork id, status, kind, photos, tags.
fn select(table: &Table, id: &str, kind: &str, tags: &str) -> String {
    let status = table.column("status").unwrap_or_else(|| "'approved'".into());
    let (id, photos, tags) =
        (table.column_or_null(id), table.column_or_null("photos"), table.column_or_null(tags));
    // NOT INDEXED: a broken index hides no row.
    format!("SELECT {id}, {status}, {kind}, {photos}, {tags} FROM main.{} NOT INDEXED", table.quoted())
}

/// `belongs` hears of every row, with or without photos, the artwork id and the standing by its status, and says
/// whether the row belongs to what the site shows.
fn read(
    conn: &Connection,
    sql: &str,
    place: &Place,
    mut belongs: impl FnMut(Option<Cow<[u8]>>, Standing) -> bool,
    visit: &mut impl FnMut(PhotoRow),
) -> Result<()> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let status = status(row.get_ref(1)?, place.approved);
        let belongs = belongs(id(row.get_ref(0)?), status);
        if let Some(row) = photo_row(row, place, status, belongs)? {
            visit(row);
        }
    }
    Ok(())
}

/// What stands for an id: a fifth of the memory, and no two ids have the same.
type Digest = [u8; 16];

fn digest(id: &[u8]) -> Digest {
    let digest: [u8; 32] = blake3::hash(id).into();
    *digest.first_chunk().unwrap_or(&[0; 16])
}

/// An id, the same for a number and its digits.
fn id(value: ValueRef) -> Option<Cow<[u8]>> {
    match value {
        ValueRef::Text(id) => Some(Cow::Borrowed(id)),
        ValueRef::Integer(id) => Some(Cow::Owned(id.to_string().into_bytes())),
        _ => None,
    }
}

fn photo_row(row: &Row, place: &Place, status: Standing, belongs: bool) -> Result<Option<PhotoRow>> {
    let mut photos = PhotoValues::default();
    match row.get_ref(3)? {
        ValueRef::Null => {}
        ValueRef::Text(column) | ValueRef::Blob(column) => photos.add_photos(column),
        ValueRef::Integer(_) | ValueRef::Real(_) => photos.unreadable = true,
    }
    if let ValueRef::Text(column) | ValueRef::Blob(column) = row.get_ref(4)? {
        photos.add_tags(column);
    }
    if photos == PhotoValues::default() {
        return Ok(None);
    }
    let is_log_entry = matches!(row.get_ref(2)?, ValueRef::Text(b"logbook_entry"));
    let kind = if place.kind == Kind::Submission && is_log_entry { Kind::LogEntry } else { place.kind };
    let standing = match (status, kind) {
        // The photos of other approved submissions are those of the artwork or artist they became.
        (Standing::Approved, Kind::Submission) => return Ok(None),
        (Standing::Approved, _) if !belongs => Standing::WithoutArtwork,
        (standing, _) => standing,
    };
    let artwork_id = id(row.get_ref(0)?).map(|id| String::from_utf8_lossy(&id).into_owned());
    Ok(Some(PhotoRow { kind, standing, artwork_id, photos, place: place.column }))
}

/// A status may hold any text: only words that the platform itself uses are repeated in reports.
fn status(value: ValueRef, approved: &[&str]) -> Standing {
    let ValueRef::Text(word) = value else { return Standing::Waiting("other") };
    if approved.iter().any(|known| known.as_bytes() == word) {
        return Standing::Approved;
    }
    let known =
        ["pending", "rejected", "removed", "inactive"].into_iter().find(|known| known.as_bytes() == word);
    Standing::Waiting(known.unwrap_or("other"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Whether it is the platform's, and every row as `kind standing artwork-id photos`.
    fn rows(sql: &str) -> (bool, Vec<String>) {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        let mut rows = Vec::new();
        each_photo_row(&conn, |row| {
            let photos: Vec<_> = row.photos.values.iter().map(String::as_str).collect();
            let id = row.artwork_id.as_deref().unwrap_or("-");
            let unreadable = if row.photos.unreadable { " unreadable" } else { "" };
            rows.push(format!("{:?} {:?} {id} {}{unreadable}", row.kind, row.standing, photos.join(",")));
        })
        .unwrap();
        (is_platform(&conn).unwrap(), rows)
    }

    #[test]
    fn rows_of_the_newest_generation_stand_as_their_status_says() {
        let (platform, rows) = rows(
            "CREATE TABLE artwork (id TEXT PRIMARY KEY, status TEXT, tags TEXT, photos TEXT);
             CREATE TABLE artists (id TEXT PRIMARY KEY, status TEXT, photos TEXT);
             CREATE TABLE submissions (id TEXT, submission_type TEXT, artwork_id TEXT, status TEXT, photos TEXT);
             INSERT INTO artwork VALUES ('w1', 'approved', '{\"_photos\":[\"t\"]}', '[\"a\"]'), ('w2', 'pending', NULL, '[\"b\"]'),
               ('w3', 'approved', '{}', NULL), ('w4', 'secret words', NULL, 'c'), ('w5', NULL, NULL, 'd');
             INSERT INTO artists VALUES ('p1', 'approved', '[\"e\"]'), ('p2', 'active', 'f'), ('p3', 'inactive', 'g');
             INSERT INTO submissions VALUES ('s1', 'logbook_entry', 'w1', 'approved', '[\"h\"]'),
               ('s2', 'logbook_entry', 'w2', 'approved', '[\"i\"]'), ('s3', 'logbook_entry', 'w1', 'pending', '[\"j\"]'),
               ('s4', 'new_artwork', 'w1', 'approved', '[\"k\"]'), ('s5', 'new_artwork', NULL, 'rejected', '[\"l\"]'),
               ('s6', 'logbook_entry', NULL, 'approved', '[\"m\"]');",
        );
        assert!(platform);
        let expected = [
            "Artwork Approved w1 a,t",
            "Artwork Waiting(\"pending\") w2 b",
            "Artwork Waiting(\"other\") w4 c",
            "Artwork Waiting(\"other\") w5 d",
            "LogEntry Approved w1 h",
            "LogEntry WithoutArtwork w2 i",
            "LogEntry Waiting(\"pending\") w1 j",
            "Submission Waiting(\"rejected\") - l",
            "LogEntry WithoutArtwork - m",
            "Artist Approved - e",
            "Artist Approved - f",
            "Artist Waiting(\"inactive\") - g",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_of_the_first_generation_stand_as_their_status_says() {
        let (platform, rows) = rows(
            "CREATE TABLE artwork (id TEXT PRIMARY KEY, type_id TEXT, status TEXT, tags TEXT);
             CREATE TABLE logbook (id TEXT PRIMARY KEY, artwork_id TEXT, user_token TEXT, photos TEXT, status TEXT);
             INSERT INTO artwork VALUES ('w1', 'mural', 'approved', '{\"tags\":{\"_photos\":[\"a\"]}}'),
               ('w2', 'mural', 'removed', '{\"_photos\":[\"b\"]}');
             INSERT INTO logbook VALUES ('l1', 'w1', 'x', '[\"c\"]', 'approved'), ('l2', 'w2', 'x', '[\"d\"]', 'approved');",
        );
        assert!(platform);
        let expected = [
            "Artwork Approved w1 a",
            "Artwork Waiting(\"removed\") w2 b",
            "LogEntry Approved w1 c",
            "LogEntry WithoutArtwork w2 d",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_broken_index_hides_no_photo() {
        let (_, rows) = rows(
            "CREATE TABLE artists (id TEXT, status TEXT, photos TEXT);
             INSERT INTO artists VALUES ('p1', 'approved', '[\"a\"]');
             CREATE INDEX i ON artists (status, photos); CREATE TABLE empty (a, b); CREATE INDEX e ON empty (a, b);
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'e') WHERE name = 'i';
             DELETE FROM sqlite_schema WHERE name = 'e'; PRAGMA writable_schema = RESET",
        );
        assert_eq!(rows, ["Artist Approved - a"]);
    }

    #[test]
    fn absent_tables_and_columns_and_odd_values_are_no_errors() {
        assert_eq!(rows("CREATE TABLE t (x)"), (false, vec![]));
        assert_eq!(rows("CREATE TABLE artwork (x); INSERT INTO artwork VALUES (1)"), (true, vec![]));
        assert_eq!(
            rows("CREATE TABLE logbook (photos); INSERT INTO logbook VALUES ('a')").1,
            ["LogEntry WithoutArtwork - a"]
        );
        let (_, odd) = rows(
            "CREATE TABLE \"ARTWORK\" (Id INTEGER PRIMARY KEY, PHOTOS);
             INSERT INTO artwork VALUES (1, X'5B2261225D'), (2, 7), (3, 1.5), (4, X'FF'), (5, CAST(X'FF' AS TEXT));",
        );
        let expected = ["1 a", "2  unreadable", "3  unreadable", "4  unreadable", "5  unreadable"];
        assert_eq!(odd, expected.map(|row| format!("Artwork Approved {row}")));
    }
}
