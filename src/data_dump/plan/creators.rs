//! Creators and links: only public creators of works that are out, only links whose two ends are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use foldhash::quality::RandomState;
use indexmap::IndexSet;

use super::{CREATOR_COLUMNS, Creator, Link, Place, Plan, Reader, into_text, public_id, text_of};
use crate::data_dump::fences::of_record;
use crate::data_dump::records::value_of;
use crate::data_dump::troubles::{Column, Trouble};
use crate::error::Result;
use crate::platform::content::{Cell, PUBLIC_ARTISTS, has_status};
use crate::platform::fields::files::{CREATORS, LINKS};
use crate::platform::licences::{Licence, licence_of_cell};
use crate::platform::times::instant;

impl Reader<'_> {
    /// Creators of works that are out, and the links to them.
    pub(super) fn read_creators(&self, plan: &mut Plan) -> Result<()> {
        let Links { ids, mut links } = self.read_links(plan)?;
        plan.creators = self.read_linked(&ids, plan)?.into_values().collect();
        plan.creators.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for creator in &mut plan.creators {
            let table = plan.creator_tables.get(creator.table).map_or("creators", |table| table.name);
            if let Some(name) = creator.name.take() {
                let clean = self.fences.clean(&name, Column(table, "name"), CREATORS.name, &mut plan.toll);
                let clean = clean.map_err(|error| of_record(error, &creator.id))?;
                creator.name = clean.map(Cow::into_owned);
            }
        }
        let mut places = vec![None; ids.len()];
        for (at, creator) in plan.creators.iter().enumerate() {
            if let Some(id) = ids.get_index_of(&creator.id) {
                places[id] = Some(at);
            }
        }
        // Numbers are looked up, not ids: most creators are named by several links.
        links.retain_mut(|read| places[read.link.creator].map(|at| read.link.creator = at).is_some());
        for ReadLink { link, is_foreign, unreadable } in &mut links {
            unreadable.drain(..).for_each(|place| plan.toll.troubles.add(Trouble::Unreadable, place));
            if let Some(role) = link.role.take().filter(|_| self.fences.leaves("role")) {
                let clean = self.fences.clean(&role, Column(link.table, "role"), LINKS.name, &mut plan.toll);
                let works = if *is_foreign { &plan.foreign } else { &plan.works };
                let id = works.get(link.work).map_or("", |work| &work.id);
                link.role = clean.map_err(|error| of_record(error, id))?.map(Cow::into_owned);
            }
        }
        plan.take_links(links);
        Ok(())
    }

    /// The public ones of the creators that links name, by id, each with its name as the row has it; and their tables.
    fn read_linked(&self, linked: &Ids, plan: &mut Plan) -> Result<HashMap<String, Creator>> {
        let mut found: HashMap<String, Creator> = HashMap::new();
        // Who is not public in one table is not public in the other, which may know no status.
        let mut kept_in: HashSet<String> = HashSet::new();
        let allows = |name: &str| self.fences.allows(name);
        for name in ["artists", "creators"] {
            let Some(table) = self.find(name, &["id", "name", "tags", "status"])? else { continue };
            let condition = has_status(&table, &PUBLIC_ARTISTS);
            let at = plan.creator_tables.len();
            self.each(&table, "", |key, cells| {
                let [id_cell, name_cell, tag_cell, status] = cells.as_slice() else { return Ok(()) };
                let Some(id) = id_cell.id().filter(|id| linked.contains(&**id)) else { return Ok(()) };
                if condition.is_some()
                    && !text_of(status).is_some_and(|status| PUBLIC_ARTISTS.contains(&status))
                {
                    kept_in.insert(id.into_owned());
                    return Ok(());
                }
                let id = public_id(id_cell, self.fences);
                let Some(id) = plan.toll.troubles.found(id, name) else { return Ok(()) };
                if let Licence::Foreign(name) = licence_of_cell(tag_cell, &[], &allows) {
                    let name = self.licence_name(&name, &id, &mut plan.toll)?;
                    plan.count_foreign(&name);
                    kept_in.insert(id);
                    return Ok(());
                }
                if found.contains_key(&id) {
                    plan.toll.troubles.add(Trouble::SameId, name);
                    return Ok(());
                }
                let name = text_of(name_cell).filter(|_| self.fences.leaves("name")).map(str::to_owned);
                found.insert(id.clone(), Creator { id, name, table: at, key, is_listed: false });
                Ok(())
            })?;
            let columns = CREATOR_COLUMNS.into_iter().map(|column| self.fences.column(name, column));
            let columns: Vec<&str> = columns.chain(self.included(name)).collect();
            plan.creator_tables.extend(self.find(name, &columns)?.map(|table| table.only(condition)));
        }
        // What stays in is no leak, and nothing to count.
        found.retain(|id, _| !kept_in.contains(id));
        Ok(found)
    }

    /// Links to works that are out.
    fn read_links(&self, plan: &Plan) -> Result<Links> {
        let places = plan.places::<&str>();
        let mut read = Links::default();
        for (name, creator) in [("artwork_artists", "artist_id"), ("artwork_creators", "creator_id")] {
            let extra: Vec<&str> = self.included(name);
            let columns: Vec<&str> = ["artwork_id", creator, "role", "created_at"]
                .into_iter()
                .chain(extra.iter().copied())
                .collect();
            let Some(table) = self.find(name, &columns)? else { continue };
            self.each(&table, "", |_, cells| {
                let [artwork, creator, role, created_at, extra_cells @ ..] = cells.as_mut_slice() else {
                    return Ok(());
                };
                let (Some(artwork_id), Some(creator_id)) = (artwork.id(), creator.id()) else {
                    return Ok(());
                };
                let Some(Place { is_foreign, at }) = places.get(&*artwork_id).copied() else { return Ok(()) };
                let mut unreadable = Vec::new();
                let mut miss = |column: &str| unreadable.push(format!("{name}.{column}"));
                let role = into_text(std::mem::take(role));
                let created_at = match std::mem::take(created_at) {
                    Cell::Text(text) => Some(text),
                    Cell::Integer(number) => Some(number.to_string()),
                    Cell::Real(number) => Some(number.to_string()),
                    Cell::Null => None,
                    Cell::Unreadable(_) => {
                        miss("created_at");
                        None
                    }
                };
                let mut added = Vec::new();
                for (column, cell) in extra.iter().zip(extra_cells) {
                    match value_of(cell) {
                        Some(value) => added.push(((*column).to_owned(), value.to_string())),
                        None if *cell == Cell::Null => {}
                        None => miss(column),
                    }
                }
                let creator = read.number(&creator_id);
                let link = Link { work: at, creator, role, created_at, table: name, extra: added };
                read.links.push(ReadLink { link, is_foreign, unreadable });
                Ok(())
            })?;
        }
        Ok(read)
    }
}

/// Whether the first time is known and the second is not, or is later.
fn is_earlier(one: &Option<String>, other: &Option<String>) -> bool {
    let [one, other] = [one, other].map(|time| instant(&time.clone().map_or(Cell::Null, Cell::Text)));
    one.is_some_and(|one| other.is_none_or(|other| one < other))
}

/// Ids of creators, each once.
type Ids = IndexSet<String, RandomState>;

/// Links to works that are out.
#[derive(Default)]
struct Links {
    /// What creators they name.
    ids: Ids,
    links: Vec<ReadLink>,
}

impl Links {
    /// The place of an id among those of creators.
    fn number(&mut self, id: &str) -> usize {
        self.ids.get_index_of(id).unwrap_or_else(|| self.ids.insert_full(id.to_owned()).0)
    }
}

/// A link as it was read.
struct ReadLink {
    /// Until the creators are known, each is the place of an id.
    link: Link,
    /// Whether the work is one of [`Plan::foreign`].
    is_foreign: bool,
    /// Columns whose values are none of the shapes that are known, as `table.column`.
    unreadable: Vec<String>,
}

impl Plan {
    /// Gives each work its creators, and takes the links to those that are public.
    fn take_links(&mut self, links: Vec<ReadLink>) {
        self.links.reserve(links.len());
        for ReadLink { link, is_foreign, .. } in links {
            let role = link.role.clone();
            if let Some(work) = self.work_mut(Place { is_foreign, at: link.work }) {
                work.creators.push((link.creator, role));
            }
            if !is_foreign {
                if let Some(creator) = self.creators.get_mut(link.creator) {
                    creator.is_listed = true;
                }
                self.links.push(link);
            }
        }
        self.links.sort_unstable();
        self.links.dedup_by(|link, kept| {
            let is_same = (link.work, link.creator, &link.role) == (kept.work, kept.creator, &kept.role);
            // Of several rows the earliest time counts that can be read.
            if is_same && is_earlier(&link.created_at, &kept.created_at) {
                std::mem::swap(link, kept);
            }
            is_same
        });
        for work in self.works.iter_mut().chain(&mut self.foreign) {
            work.creators.sort_by(|a, b| {
                let rank = |(at, role): &(usize, Option<String>)| (role.as_deref() != Some("primary"), *at);
                rank(a).cmp(&rank(b)).then_with(|| a.1.cmp(&b.1))
            });
            work.creators.dedup();
        }
    }
}
