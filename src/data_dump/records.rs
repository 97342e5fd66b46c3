//! Rows made into records: read in any of their shapes, passed through fences 2 and 3, written field by field.

use std::collections::HashSet;

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use self::cells::names;
pub use self::cells::value_of;
use super::fences::{Fences, Toll};
use super::included::IncludedField;
use super::photos::Thumbnails;
use super::plan::{Creator, Link, Plan, Work, text_of};
use super::troubles::{Column, Trouble};
use crate::archive::{EntryNames, THUMBNAILS};
use crate::dataset::record::Record;
use crate::error::Result;
use crate::http::SEGMENT;
use crate::platform::content::Cell;
use crate::platform::fields::files::{ARTWORK, CREATORS, LINKS, WORK_CREATOR, WORK_PHOTO};
use crate::platform::tag_values::{self, Adding};
use crate::privacy::scan::Scanner;

mod cells;

/// The licence of every record in artwork.json.
const CC0: &str = "CC0-1.0";

/// Makes records. Shared by threads: what is found on the way goes to the caller's [`Toll`].
pub struct Records<'r> {
    /// Which rows there are.
    pub plan: &'r Plan,
    /// What may leave.
    pub fences: Fences<'r>,
    /// The publisher's site.
    pub site: Option<&'r str>,
    /// What became of the photos.
    pub thumbnails: &'r Thumbnails,
    /// What the thumbnails are called.
    pub names: &'r EntryNames,
    /// Columns that the operator adds.
    pub included: &'r [IncludedField],
}

/// A work's record, and its tags as they left.
pub struct WorkRecord {
    /// One line of JSON.
    pub json: Vec<u8>,
    /// Its tags.
    pub tags: Map<String, Value>,
}

impl Records<'_> {
    /// Tells the last fence what was made around public ids: names of thumbnails, pages.
    pub fn spare_made(&self, scanner: &mut Scanner<'_>) {
        let plan = self.plan;
        for photo in &plan.photos {
            let id = &photo.artwork_id;
            scanner.spare_around(&photo_name(self.names, id, photo.n), id);
        }
        let Some(site) = self.site else { return };
        let works = plan.works.iter().chain(&plan.foreign).map(|work| ("artwork", &work.id));
        let creators = plan.creators.iter().map(|creator| ("artist", &creator.id));
        for (kind, id) in works.chain(creators) {
            scanner.spare_around(&page(site, kind, id), id);
        }
    }

    /// The record of a work from its columns, see [`super::plan::WORK_COLUMNS`].
    pub fn work(&self, work: &Work, cells: &[Cell], toll: &mut Toll) -> Result<WorkRecord> {
        let [
            title,
            description,
            lat,
            lon,
            type_id,
            tag_cell,
            artist_names,
            created_at,
            updated_at,
            extra @ ..,
        ] = cells
        else {
            return Ok(WorkRecord { json: b"{}".to_vec(), tags: Map::new() });
        };
        let entry = ARTWORK.name;
        let is_all = work.row_tags.is_empty();
        let mut tags = self.tags(tag_cell, is_all, Column("artwork", "tags"), toll);
        let mut adding = Adding::to(&mut tags);
        for (label, value) in &work.row_tags {
            adding.add(label, value.clone());
        }
        self.fences.members(&mut tags, entry, &mut toll.counts)?;
        let kind = type_id.id().and_then(|id| self.plan.types.get(&id)).map(String::as_str);
        let said = |label: &str| tags.get(label)?.as_str().filter(|text| !text.trim().is_empty());
        let kind = kind.or_else(|| said("artwork_type")).map(str::to_owned);
        let of = |column| Column("artwork", column);
        let source = said("source").map(str::to_owned);

        let mut record = Record::new(ARTWORK.fields);
        record.put("id", &work.id)?;
        self.put_text(&mut record, "title", title, of("title"), entry, toll)?;
        self.put_text(&mut record, "description", description, of("description"), entry, toll)?;
        self.put_number(&mut record, "lat", lat, of("lat"), toll)?;
        self.put_number(&mut record, "lon", lon, of("lon"), toll)?;
        if let Some(kind) = kind.filter(|_| self.fences.leaves("type")) {
            let kind = self.fences.clean(&kind, of("type_id"), entry, toll)?;
            record.put_some("type", kind.as_deref())?;
        }
        record.put("tags", &tags)?;
        record.put_objects("creators", &self.work_creators(work, artist_names, toll)?)?;
        record.put_objects("photos", &self.work_photos(work, toll)?)?;
        record.put("license", work.licence.as_deref().unwrap_or(CC0))?;
        record.put_some("source", source.filter(|_| self.fences.leaves("source")).as_ref())?;
        self.put_page(&mut record, "artwork", &work.id)?;
        self.put_instant(&mut record, "created_at", created_at, of("created_at"), toll)?;
        self.put_instant(&mut record, "updated_at", updated_at, of("updated_at"), toll)?;
        self.put_extra(&mut record, "artwork", extra, entry, toll)?;
        Ok(WorkRecord { json: record.finish()?, tags })
    }

    /// The record of a creator from its columns, see [`super::plan::CREATOR_COLUMNS`].
    pub fn creator(&self, creator: &Creator, cells: &[Cell], toll: &mut Toll) -> Result<Vec<u8>> {
        let [_, description, bio, website, aliases, tag_cell, created_at, updated_at, extra @ ..] = cells
        else {
            return Ok(b"{}".to_vec());
        };
        let table = self.plan.creator_tables.get(creator.table).map_or("creators", |table| table.name);
        let of = |column| Column(table, column);
        let entry = CREATORS.name;
        let mut tags = self.tags(tag_cell, true, of("tags"), toll);
        if let Some(site) = text_of(website).filter(|_| !tags.contains_key("website")) {
            tags.insert("website".into(), site.into());
        }
        self.fences.members(&mut tags, entry, &mut toll.counts)?;
        let aliases = names(aliases, of("aliases"), toll);
        let mut clean = Vec::with_capacity(aliases.len());
        for alias in &aliases {
            clean.extend(self.fences.clean(alias, of("aliases"), entry, toll)?);
        }

        let mut record = Record::new(CREATORS.fields);
        record.put("id", &creator.id)?;
        record.put_some("name", creator.name.as_ref())?;
        let (about, place) = match text_of(description) {
            Some(_) => (description, of("description")),
            None => (bio, of("bio")),
        };
        self.put_text(&mut record, "description", about, place, entry, toll)?;
        record.put("aliases", &clean)?;
        record.put("tags", &tags)?;
        self.put_page(&mut record, "artist", &creator.id)?;
        self.put_instant(&mut record, "created_at", created_at, of("created_at"), toll)?;
        self.put_instant(&mut record, "updated_at", updated_at, of("updated_at"), toll)?;
        self.put_extra(&mut record, table, extra, entry, toll)?;
        record.finish()
    }

    /// The record of a link.
    pub fn link(&self, link: &Link, toll: &mut Toll) -> Result<Vec<u8>> {
        let mut record = Record::new(LINKS.fields);
        record.put("artwork_id", &link.artwork_id)?;
        record.put("creator_id", &link.creator_id)?;
        record.put_some("role", link.role.as_ref())?;
        let created_at = link.created_at.clone().map_or(Cell::Null, Cell::Text);
        self.put_instant(&mut record, "created_at", &created_at, Column(link.table, "created_at"), toll)?;
        for (column, json) in &link.extra {
            let mut of_links = self.included.iter().filter(|field| field.is_of(&LINKS));
            let field = of_links.find(|field| field.column == *column);
            if let (Some(field), Ok(mut value)) = (field, serde_json::from_str(json)) {
                self.put_included(&mut record, field, &mut value, LINKS.name, toll)?;
            }
        }
        record.finish()
    }

    /// The tags in a column. `is_all`: whether no others join them that may be a name or a value.
    fn tags(&self, cell: &Cell, is_all: bool, place: Column, toll: &mut Toll) -> Map<String, Value> {
        let read = tag_values::in_cell(cell).and_then(|json| {
            // As most are: they are looked at with the record.
            if is_all && tag_values::is_plain(&json) {
                return tag_values::of_json(json);
            }
            // Before items of a list, or tags of several places, become one: what stands together in one of them may
            // be a name and its value.
            let is_empty = json.is_null();
            let json = self.fences.public(json);
            // What nobody can clean is as good as unreadable.
            if json.is_null() && !is_empty { Err(tag_values::Unreadable) } else { tag_values::of_json(json) }
        });
        read.unwrap_or_else(|_| {
            toll.troubles.add(Trouble::Unreadable, place);
            Map::new()
        })
    }

    /// Creators with a record of their own, then names that were never linked to one.
    fn work_creators(&self, work: &Work, artist_names: &Cell, toll: &mut Toll) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        if !self.fences.allows("name") {
            return Ok(records);
        }
        let mut named = HashSet::new();
        for (at, role) in &work.creators {
            let Some(creator) = self.plan.creators.get(*at) else { continue };
            let Some(name) = &creator.name else { continue };
            let mut record = Record::new(WORK_CREATOR);
            if creator.is_listed {
                record.put("id", &creator.id)?;
            }
            record.put("name", name)?;
            record.put_some("role", role.as_ref())?;
            records.push(record.finish()?);
            named.insert(name.as_str());
        }
        let place = Column("artwork", "artist_names");
        let unlinked = names(artist_names, place, toll);
        for name in unlinked.iter().filter(|name| !named.contains(name.as_str())) {
            let Some(name) = self.fences.clean(name, place, ARTWORK.name, toll)? else { continue };
            let mut record = Record::new(WORK_CREATOR);
            record.put("name", &*name)?;
            records.push(record.finish()?);
        }
        Ok(records)
    }

    fn work_photos(&self, work: &Work, toll: &mut Toll) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        for (at, (n, credit)) in work.photos.iter().enumerate() {
            let Some(Ok(made)) = self.thumbnails.outcomes.get(work.first_photo + at) else { continue };
            let mut record = Record::new(WORK_PHOTO);
            record.put("file", &photo_name(self.names, &work.id, *n))?;
            record.put("width", &made.width)?;
            record.put("height", &made.height)?;
            record.put("bytes", &made.bytes)?;
            record.put("sha256", &hex::encode(made.sha256))?;
            if let Some(credit) = credit.as_deref().filter(|_| self.fences.leaves("credit")) {
                let credit = self.fences.clean(credit, Column("artwork", "photos"), ARTWORK.name, toll)?;
                record.put_some("credit", credit.as_deref())?;
            }
            records.push(record.finish()?);
        }
        Ok(records)
    }

    fn put_page(&self, record: &mut Record, kind: &str, id: &str) -> Result<()> {
        match self.site {
            Some(site) if self.fences.leaves("url") => record.put("url", &page(site, kind, id)),
            _ => Ok(()),
        }
    }
}

/// The page of a work or a creator.
fn page(site: &str, kind: &str, id: &str) -> String {
    format!("{site}/{kind}/{}", utf8_percent_encode(id, SEGMENT))
}

/// What a thumbnail is called in the archive.
pub fn photo_name(names: &EntryNames, id: &str, n: u32) -> String {
    format!("{THUMBNAILS}{}", names.get(&photo_key(id, n)))
}

/// What its name is made of.
pub fn photo_key(id: &str, n: u32) -> String {
    format!("{id}-{n}.jpg")
}
