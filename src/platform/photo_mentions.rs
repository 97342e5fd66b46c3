//! What all rows together say of photos: every reference of an approved row once, with the artworks that show it,
//! and counts of the rest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, Result};
use smallvec::SmallVec;

use super::photo_key::{Reference, classify};
use super::photo_rows::{Kind, PhotoRow, Standing, each_photo_row};
use crate::job::{Warning, counted};

/// How many host names a warning gives.
const EXAMPLES: usize = 3;

/// Places in [`Mentions::artworks`]: as a rule one.
pub(super) type Places = SmallVec<[u32; 2]>;

/// References as they stand in the rows, each with the artworks that show it, ascending.
pub(super) type References = BTreeMap<Box<str>, Places>;

/// Ids of artworks, sorted: as a rule one, which all its photos share.
pub type ArtworkIds = SmallVec<[Arc<str>; 1]>;

/// The references of all approved rows.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// References to our own store.
    pub(super) own: References,
    /// Ids of artworks, in the order they were met.
    pub(super) artworks: Vec<Arc<str>>,
    /// References to other hosts as they stand in the rows.
    pub(super) foreign: HashSet<String>,
    /// How many of these each host has.
    hosts: BTreeMap<String, u64>,
    /// Values that are no reference, by `table.column`.
    unreadable: BTreeMap<&'static str, u64>,
    /// Rows with photos that are not approved.
    waiting: BTreeMap<(Kind, Standing), u64>,
}

impl Mentions {
    pub(super) fn read(conn: &Connection) -> Result<Mentions> {
        let mut mentions = Mentions::default();
        let mut places = HashMap::new();
        each_photo_row(conn, |row| mentions.add(row, &mut places))?;
        mentions.own.values_mut().for_each(|artworks| {
            artworks.sort_unstable();
            artworks.dedup();
        });
        Ok(mentions)
    }

    fn add(&mut self, row: PhotoRow, places: &mut HashMap<Arc<str>, u32>) {
        if row.standing != Standing::Approved {
            *self.waiting.entry((row.kind, row.standing)).or_default() += 1;
            return;
        }
        if row.photos.unreadable {
            *self.unreadable.entry(row.place).or_default() += 1;
        }
        let place = row.artwork_id.map(|id| {
            let next = self.artworks.len() as u32;
            *places.entry(id.into()).or_insert_with_key(|id| {
                self.artworks.push(Arc::clone(id));
                next
            })
        });
        for value in row.photos.values {
            match classify(&value) {
                Reference::Own(_) => self.own.entry(value.into()).or_default().extend(place),
                Reference::Foreign(host) => {
                    if self.foreign.insert(value) {
                        *self.hosts.entry(host).or_default() += 1;
                    }
                }
                Reference::Unusable => *self.unreadable.entry(row.place).or_default() += 1,
            }
        }
    }

    /// The ids of artworks given by their places, sorted, each once.
    pub(super) fn ids(&self, mut places: Places) -> ArtworkIds {
        places.sort_unstable();
        places.dedup();
        let mut ids: ArtworkIds =
            places.into_iter().filter_map(|at| self.artworks.get(at as usize).cloned()).collect();
        ids.sort_unstable();
        ids
    }

    /// What the operator should know of references that lead nowhere.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if !self.foreign.is_empty() {
            let mut hosts: Vec<_> = self.hosts.iter().collect();
            hosts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let examples: Vec<_> = hosts.iter().take(EXAMPLES).map(|(host, _)| host.as_str()).collect();
            let more = if hosts.len() > EXAMPLES { ", …" } else { "" };
            warnings.push(Warning::new(
                "PHOTO_FOREIGN",
                format!(
                    "{} ({}{more}) and cannot be had from there; import into the store what the backup should hold",
                    counted(
                        self.foreign.len() as u64,
                        "referenced photo lies on another host",
                        "referenced photos lie on other hosts"
                    ),
                    examples.join(", "),
                ),
            ));
        }
        warnings.extend(self.unreadable.iter().map(|(place, count)| {
            let message = format!(
                "{} be read as a photo reference; correct the rows to have their photos in the backup",
                counted(*count, "value cannot", "values cannot"),
            );
            Warning::about("PHOTO_REFERENCE_UNREADABLE", *place, message)
        }));
        warnings
    }

    /// What a backup of approved photos leaves out, in words.
    pub(super) fn not_included(&self) -> Vec<String> {
        let line = |(&(kind, standing), &count): (&(Kind, Standing), &u64)| {
            let (one, many) = match kind {
                Kind::Artwork => ("artwork", "artworks"),
                Kind::LogEntry => ("log entry", "log entries"),
                Kind::Submission => ("submission", "submissions"),
                Kind::Artist => ("artist", "artists"),
            };
            let (before, after) = match standing {
                Standing::Approved => return None,
                Standing::Waiting("other") => (String::new(), " of another status"),
                Standing::Waiting(status) => (format!("{status} "), ""),
                Standing::WithoutArtwork => ("approved ".into(), " whose artwork is not approved"),
            };
            let rows = counted(count, &format!("{before}{one}"), &format!("{before}{many}"));
            Some(format!("photos of {rows}{after}"))
        };
        self.waiting.iter().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn mentions(rows: &str) -> Mentions {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE artwork (id, status, photos); CREATE TABLE logbook (artwork_id, status, photos)",
        )
        .unwrap();
        conn.execute_batch(rows).unwrap();
        Mentions::read(&conn).unwrap()
    }

    #[test]
    fn a_reference_is_kept_once_with_all_its_artworks() {
        let found = mentions(
            r#"INSERT INTO artwork VALUES ('w2', 'approved', '["a","b"]'), ('w1', 'approved', '["a"]');
               INSERT INTO logbook VALUES ('w2', 'approved', '["a"]')"#,
        );
        assert!(found.artworks.iter().map(|id| &**id).eq(["w2", "w1"]));
        let own: Vec<_> = found.own.iter().map(|(v, artworks)| (&**v, artworks.as_slice())).collect();
        assert_eq!(own, [("a", [0, 1].as_slice()), ("b", [0].as_slice())]);
        assert!(found.warnings().is_empty() && found.not_included().is_empty());
    }

    #[test]
    fn a_foreign_photo_counts_once_and_the_commonest_hosts_are_named() {
        let found = mentions(
            r#"INSERT INTO artwork VALUES (1, 'approved', '["http://b/1","http://b/2","http://c/1","http://a/1","http://d/1"]'),
                 (2, 'approved', '["http://d/1"]')"#,
        );
        assert_eq!(found.foreign.len(), 5);
        let warnings = found.warnings();
        assert_eq!(warnings[0].code, "PHOTO_FOREIGN");
        assert!(
            warnings[0].message.starts_with("5 referenced photos lie on other hosts (b, a, c, …)"),
            "{warnings:?}"
        );
    }

    #[test]
    fn values_that_are_no_reference_are_counted_by_column_and_never_shown() {
        let found = mentions(
            r#"INSERT INTO artwork VALUES (1, 'approved', '["data:secret","blob:secret"]'), (2, 'approved', '{secret')"#,
        );
        let warnings = found.warnings();
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].subject.as_deref(), Some("artwork.photos"));
        assert!(warnings[0].message.starts_with("3 values ") && !warnings[0].message.contains("secret"));
    }

    #[test]
    fn what_is_left_out_is_said_in_words() {
        let found = mentions(
            "INSERT INTO artwork VALUES (1, 'pending', 'a'), (2, 'pending', 'b'), (3, 'rejected', 'c'), (4, 'x', 'd');
             INSERT INTO artwork VALUES (5, 'pending', '[]');
             INSERT INTO logbook VALUES (1, 'approved', 'e'), (1, 'approved', 'f'), (1, 'pending', 'g')",
        );
        let expected = [
            "photos of 1 artwork of another status",
            "photos of 2 pending artworks",
            "photos of 1 rejected artwork",
            "photos of 1 pending log entry",
            "photos of 2 approved log entries whose artwork is not approved",
        ];
        assert_eq!(found.not_included(), expected);
    }
}
