//! Rows made into records: read in any of their shapes, passed through fences 2 and 3, written field by field.

use std::collections::HashSet;

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use self::draft::Draft;
pub use self::draft::value_of;
use super::fences::{Fences, Toll};
use super::included::IncludedField;
use super::photos::Thumbnails;
use super::plan::{Creator, Link, Plan, Work, text_of};
use crate::archive::{EntryNames, THUMBNAILS};
use crate::dataset::record::Record;
use crate::error::{Error, Result};
use crate::http::SEGMENT;
use crate::platform::content::Cell;
use crate::platform::fields::files::{ARTWORK, CREATORS, LINKS, WORK_CREATOR, WORK_PHOTO};
use crate::platform::tag_values::Adding;
use crate::privacy::scan::Scanner;

mod draft;

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
    pub fn exempt_made(&self, scanner: &mut Scanner<'_>) {
        let plan = self.plan;
        for photo in &plan.photos {
            let id = &photo.artwork_id;
            scanner.exempt_around(&photo_name(self.names, id, photo.n), id);
        }
        let Some(site) = self.site else { return };
        let works = plan.works.iter().chain(&plan.foreign).map(|work| ("artwork", &work.id));
        let creators = plan.creators.iter().map(|creator| ("artist", &creator.id));
        for (kind, id) in works.chain(creators) {
            scanner.exempt_around(&page(site, kind, id), id);
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
            return Err(short_row());
        };
        let mut draft = Draft::new(self, &ARTWORK, "artwork", toll);
        let mut tags = draft.tags(tag_cell, work.row_tags.is_empty());
        let mut adding = Adding::to(&mut tags);
        for (label, value) in &work.row_tags {
            adding.add(label, value.clone());
        }
        self.fences.members(&mut tags, ARTWORK.name, &mut draft.toll.counts)?;
        let kind = type_id.id().and_then(|id| self.plan.types.get(&*id)).map(String::as_str);
        let said = |label: &str| tags.get(label)?.as_str().filter(|text| !text.trim().is_empty());
        let kind = kind.or_else(|| said("artwork_type"));

        draft.record.put("id", &work.id)?;
        draft.put_text("title", title, "title")?;
        draft.put_text("description", description, "description")?;
        draft.put_number("lat", lat)?;
        draft.put_number("lon", lon)?;
        if let Some(kind) = kind.filter(|_| self.fences.leaves("type")) {
            let kind = draft.clean(kind, "type_id")?;
            draft.record.put_some("type", kind.as_deref())?;
        }
        draft.record.put("tags", &tags)?;
        let creators = self.work_creators(work, artist_names, &mut draft)?;
        draft.record.put_list("creators", &creators)?;
        let photos = self.work_photos(work, &mut draft)?;
        draft.record.put_list("photos", &photos)?;
        draft.record.put("license", work.licence.as_deref().unwrap_or(CC0))?;
        draft.record.put_some("source", said("source").filter(|_| self.fences.leaves("source")))?;
        draft.put_page("artwork", &work.id)?;
        draft.put_instant("created_at", created_at)?;
        draft.put_instant("updated_at", updated_at)?;
        draft.put_extra(extra)?;
        Ok(WorkRecord { json: draft.record.finish()?, tags })
    }

    /// The record of a creator from its columns, see [`super::plan::CREATOR_COLUMNS`].
    pub fn creator(&self, creator: &Creator, cells: &[Cell], toll: &mut Toll) -> Result<Vec<u8>> {
        let [_, description, bio, website, aliases, tag_cell, created_at, updated_at, extra @ ..] = cells
        else {
            return Err(short_row());
        };
        let table = self.plan.creator_tables.get(creator.table).map_or("creators", |table| table.name);
        let mut draft = Draft::new(self, &CREATORS, table, toll);
        let mut tags = draft.tags(tag_cell, true);
        if let Some(site) = text_of(website).filter(|_| !tags.contains_key("website")) {
            tags.insert("website".into(), site.into());
        }
        self.fences.members(&mut tags, CREATORS.name, &mut draft.toll.counts)?;
        let aliases = draft.names(aliases, "aliases");
        let mut clean = Vec::with_capacity(aliases.len());
        for alias in &aliases {
            clean.extend(draft.clean(alias, "aliases")?);
        }

        draft.record.put("id", &creator.id)?;
        draft.record.put_some("name", creator.name.as_ref())?;
        match text_of(description) {
            Some(_) => draft.put_text("description", description, "description")?,
            None => draft.put_text("description", bio, "bio")?,
        }
        draft.record.put("aliases", &clean)?;
        draft.record.put("tags", &tags)?;
        draft.put_page("artist", &creator.id)?;
        draft.put_instant("created_at", created_at)?;
        draft.put_instant("updated_at", updated_at)?;
        draft.put_extra(extra)?;
        draft.record.finish()
    }

    /// The record of a link.
    pub fn link(&self, link: &Link, toll: &mut Toll) -> Result<Vec<u8>> {
        let mut draft = Draft::new(self, &LINKS, link.table, toll);
        let (work, creator) = (self.plan.works.get(link.work), self.plan.creators.get(link.creator));
        draft.record.put_some("artwork_id", work.map(|work| &work.id))?;
        draft.record.put_some("creator_id", creator.map(|creator| &creator.id))?;
        draft.record.put_some("role", link.role.as_ref())?;
        draft.put_instant("created_at", &link.created_at.clone().map_or(Cell::Null, Cell::Text))?;
        for (column, json) in &link.extra {
            let mut of_table = self.included.iter().filter(|field| field.table == link.table);
            let field = of_table.find(|field| field.column == *column);
            if let (Some(field), Ok(value)) = (field, serde_json::from_str(json)) {
                draft.put_included(field, value)?;
            }
        }
        draft.record.finish()
    }

    /// Creators with a record of their own, then names that were never linked to one.
    fn work_creators(&self, work: &Work, artist_names: &Cell, draft: &mut Draft<'_>) -> Result<Vec<Vec<u8>>> {
        if !self.fences.allows("name") {
            return Ok(Vec::new());
        }
        let linked = || {
            let creators = work.creators.iter();
            creators.filter_map(|(at, role)| {
                let creator = self.plan.creators.get(*at)?;
                Some((creator, creator.name.as_deref()?, role))
            })
        };
        let mut records = Vec::with_capacity(work.creators.len());
        for (creator, name, role) in linked() {
            let mut record = Record::new(WORK_CREATOR);
            if creator.is_listed {
                record.put("id", &creator.id)?;
            }
            record.put("name", name)?;
            record.put_some("role", role.as_ref())?;
            records.push(record.finish()?);
        }
        let unlinked = draft.names(artist_names, "artist_names");
        if unlinked.is_empty() {
            return Ok(records);
        }
        let mut named: HashSet<&str> = linked().map(|(_, name, _)| name).collect();
        for name in unlinked.iter().filter(|name| named.insert(name.as_str())) {
            let Some(name) = draft.clean(name, "artist_names")? else { continue };
            let mut record = Record::new(WORK_CREATOR);
            record.put("name", &*name)?;
            records.push(record.finish()?);
        }
        Ok(records)
    }

    /// Those of its photos that a thumbnail was made of.
    fn work_photos(&self, work: &Work, draft: &mut Draft<'_>) -> Result<Vec<Vec<u8>>> {
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
                let credit = draft.clean(credit, "photos")?;
                record.put_some("credit", credit.as_deref())?;
            }
            records.push(record.finish()?);
        }
        Ok(records)
    }
}

/// A row of fewer columns than were asked for.
fn short_row() -> Error {
    Error::Internal { problem: "a row lacks columns that were asked for".into() }
}

/// The page of a work or a creator.
fn page(site: &str, kind: &str, id: &str) -> String {
    format!("{site}/{kind}/{}", utf8_percent_encode(id, SEGMENT))
}

/// What a thumbnail is called in the archive.
pub fn photo_name(names: &EntryNames, id: &str, n: u32) -> String {
    format!("{THUMBNAILS}{}", names.get(&photo_key(id, n)))
}

/// What the name of a thumbnail is made of: `<id>-<n>.jpg`.
pub fn photo_key(id: &str, n: u32) -> String {
    format!("{id}-{n}.jpg")
}
