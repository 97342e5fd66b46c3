//! Fence 1: which rows are in a dump. Only content tables are read, only approved rows, only links with both ends out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use foldhash::quality::RandomState;
use rusqlite::Connection;
use serde_json::Value;

use super::fences::{Fences, Toll, of_record};
use super::included::IncludedField;
use super::photos::DumpPhoto;
use super::records::photo_key;
use super::troubles::Trouble;
use crate::database::source::Snapshot;
use crate::error::{Error, Result};
use crate::formats::METADATA;
use crate::platform::content::{Cell, Content, PUBLIC_WORKS, RowKey, has_status};
use crate::platform::licences::OTHER;

mod creators;
mod works;

/// The columns of a work that are read for its record, in this order; those that the operator adds follow.
pub const WORK_COLUMNS: [&str; 9] =
    ["title", "description", "lat", "lon", "type_id", "tags", "artist_names", "created_at", "updated_at"];
/// The columns of a creator that are read for its record, in this order; those that the operator adds follow.
pub const CREATOR_COLUMNS: [&str; 8] =
    ["name", "description", "bio", "website", "aliases", "tags", "created_at", "updated_at"];

/// A work that is in the dump.
#[derive(Debug)]
pub struct Work {
    /// Its id.
    pub id: String,
    /// Where its row is.
    pub key: RowKey,
    /// Its licence, if it is another than CC0.
    pub licence: Option<String>,
    /// Its photos: place in the row's list and credit; their outcomes begin at `first_photo`.
    pub photos: Vec<(u32, Option<String>)>,
    /// The place of its first photo among all.
    pub first_photo: usize,
    /// Tags that stand in rows of their own.
    pub row_tags: Vec<(String, Value)>,
    /// Its creators, by their place in [`Plan::creators`], with their roles; the primary ones first.
    pub creators: Vec<(usize, Option<String>)>,
}

/// A public creator of a work that is in the dump.
#[derive(Debug)]
pub struct Creator {
    /// Its id.
    pub id: String,
    /// Its name; absent when the row has none that may leave.
    pub name: Option<String>,
    /// The table its row is in, by its place in [`Plan::creator_tables`].
    pub table: usize,
    /// Where its row is.
    pub key: RowKey,
    /// Whether it made a work in artwork.json; else it is named in the other file alone.
    pub is_listed: bool,
}

/// A creator's part in a work of artwork.json.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The place of the work in [`Plan::works`].
    pub work: usize,
    /// The place of the creator in [`Plan::creators`].
    pub creator: usize,
    /// What the creator did.
    pub role: Option<String>,
    /// When it was made, as the row has it.
    pub created_at: Option<String>,
    /// The table that its row is in.
    pub table: &'static str,
    /// Columns that the operator added, with their values as JSON: text, as all is here, so that links can be sorted.
    pub extra: Vec<(String, String)>,
}

/// Which rows are in the dump.
#[derive(Debug)]
pub struct Plan {
    /// The table of works.
    pub works_table: Content,
    /// Works in artwork.json, by id.
    pub works: Vec<Work>,
    /// Works in artwork-other-licenses.json, by id; none unless it is asked for.
    pub foreign: Vec<Work>,
    /// Rows that are not in artwork.json, by licence.
    pub excluded_foreign: BTreeMap<String, u64>,
    /// Tables of creators that are there.
    pub creator_tables: Vec<Content>,
    /// Every creator that a record names, by id.
    pub creators: Vec<Creator>,
    /// Links, sorted: as works and creators are, by their ids.
    pub links: Vec<Link>,
    /// Names of the kinds of works, by id.
    pub types: HashMap<String, String>,
    /// The photos to make thumbnails of, work by work.
    pub photos: Vec<DumpPhoto>,
    /// What was found on the way.
    pub toll: Toll,
}

/// What the options say about which rows are in.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'s> {
    /// Whether works under another licence get a file.
    pub separate_foreign: bool,
    /// Whether thumbnails are made.
    pub photos: bool,
    /// Columns that the operator adds and that may leave.
    pub included: &'s [IncludedField],
}

/// Licences that are told apart; what rows call theirs may be any text.
const MAX_LICENCES: usize = 50;
/// Bytes of the longest name of one.
const MAX_LICENCE_NAME: usize = 120;

impl Plan {
    /// One more row that is not in artwork.json.
    fn count_foreign(&mut self, licence: &str) {
        let known = &mut self.excluded_foreign;
        let is_told =
            known.contains_key(licence) || (known.len() < MAX_LICENCES && licence.len() <= MAX_LICENCE_NAME);
        *known.entry(if is_told { licence } else { OTHER }.to_owned()).or_default() += 1;
    }

    /// Reads which rows are in. Fails with `SCHEMA_UNKNOWN` when there is no table of works, or nothing that says
    /// which are approved.
    pub fn read(snapshot: &Snapshot, selection: Selection<'_>, fences: &Fences<'_>) -> Result<Plan> {
        let conn = snapshot.connection();
        let reader = Reader { snapshot, conn, selection, fences };
        let works_table = reader.works_table()?;
        let mut plan = Plan {
            works_table,
            works: Vec::new(),
            foreign: Vec::new(),
            excluded_foreign: BTreeMap::new(),
            creator_tables: Vec::new(),
            creators: Vec::new(),
            links: Vec::new(),
            types: HashMap::new(),
            photos: Vec::new(),
            toll: Toll::default(),
        };
        reader.read_works(&mut plan)?;
        reader.read_row_tags(&mut plan)?;
        reader.read_types(&mut plan)?;
        reader.read_creators(&mut plan)?;
        Ok(plan)
    }

    /// A work of either file.
    fn work_mut(&mut self, place: Place) -> Option<&mut Work> {
        if place.is_foreign { self.foreign.get_mut(place.at) } else { self.works.get_mut(place.at) }
    }

    /// Where each work is, by its id.
    fn places<'p, I: From<&'p str> + Hash + Eq>(&'p self) -> HashMap<I, Place, RandomState> {
        let files = [(&self.works, false), (&self.foreign, true)].into_iter();
        let numbered = files.flat_map(|(works, is_foreign)| {
            let numbered = works.iter().enumerate();
            numbered.map(move |(at, work)| (work.id.as_str().into(), Place { is_foreign, at }))
        });
        let mut places =
            HashMap::with_capacity_and_hasher(self.works.len() + self.foreign.len(), RandomState::default());
        places.extend(numbered);
        places
    }
}

#[derive(Clone, Copy)]
struct Place {
    is_foreign: bool,
    at: usize,
}

struct Reader<'r> {
    snapshot: &'r Snapshot,
    conn: &'r Connection,
    selection: Selection<'r>,
    fences: &'r Fences<'r>,
}

/// What a visit of rows may fail with.
pub(super) enum Failure {
    Sql(rusqlite::Error),
    Job(Error),
}

impl Failure {
    /// As an error of the job that reads `snapshot`.
    pub(super) fn of(self, snapshot: &Snapshot) -> Error {
        match self {
            Failure::Sql(error) => snapshot.failure(&error),
            Failure::Job(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sql(error)
    }
}

impl Reader<'_> {
    fn works_table(&self) -> Result<Content> {
        let unknown =
            |problem: &str| Error::SchemaUnknown { what: "the database".into(), problem: problem.into() };
        let columns = WORK_COLUMNS.into_iter().map(|column| self.fences.column("artwork", column));
        let columns = columns.chain(self.included("artwork"));
        let table =
            Content::find(self.conn, "artwork", columns).map_err(|error| self.snapshot.failure(&error))?;
        let table =
            table.ok_or_else(|| unknown("a data dump needs the table artwork; is it the right database?"))?;
        if !table.has("id") || !table.has("status") {
            return Err(unknown(
                "its table artwork has no id or no status, so that nobody can say which works are approved",
            ));
        }
        let approved = has_status(&table, &PUBLIC_WORKS);
        Ok(table.only(approved))
    }

    /// Columns of a table that the operator adds.
    fn included(&self, table: &str) -> Vec<&str> {
        let fields = self.selection.included.iter().filter(|field| field.table == table);
        fields.map(|field| field.column.as_str()).collect()
    }

    fn each(
        &self,
        table: &Content,
        condition: &str,
        mut visit: impl FnMut(RowKey, &mut Vec<Cell>) -> Result<()>,
    ) -> Result<()> {
        let visited =
            table.each::<Failure>(self.conn, condition, |key, cells| visit(key, cells).map_err(Failure::Job));
        visited.map_err(|failure| failure.of(self.snapshot))
    }

    fn find(&self, name: &'static str, columns: &[&str]) -> Result<Option<Content>> {
        Content::find(self.conn, name, columns.iter().copied()).map_err(|error| self.snapshot.failure(&error))
    }

    fn read_types(&self, plan: &mut Plan) -> Result<()> {
        let Some(table) = self.find("artwork_types", &["id", "name"])? else { return Ok(()) };
        self.each(&table, "", |_, cells| {
            if let [id, name] = cells.as_slice()
                && let (Some(id), Some(name)) = (id.id(), text_of(name))
            {
                plan.types.insert(id.into_owned(), name.to_owned());
            }
            Ok(())
        })
    }

    /// The name of a licence that is not ours, as metadata.json may repeat it, from the row with that id.
    fn licence_name(&self, name: &str, id: &str, toll: &mut Toll) -> Result<String> {
        let clean = self.fences.words(name, METADATA, &mut toll.counts);
        let clean = clean.map_err(|error| of_record(error, id))?;
        Ok(clean.map_or_else(|| OTHER.to_owned(), Cow::into_owned))
    }
}

/// An id that may leave; else why it may not.
fn public_id(id: &Cell, fences: &Fences<'_>) -> std::result::Result<String, Trouble> {
    let id = id.id().ok_or(Trouble::NoId)?;
    // A work's id is also what its photos are called.
    match fences.holds(&id) || fences.holds_around(&photo_key(&id, 1)) {
        true => Err(Trouble::PrivateId),
        false => Ok(id.into_owned()),
    }
}

/// The text of a cell; None of a blank one, and of what is no text.
pub fn text_of(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        _ => None,
    }
}

/// The text of a cell, as [`text_of`] gives it, to be kept.
fn into_text(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}
