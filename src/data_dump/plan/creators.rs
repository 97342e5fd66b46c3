//! Creators and links: only public creators of works that are out, only links whose two ends are.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{CREATOR_COLUMNS, Creator, Link, Place, Plan, Reader, text_of};
use crate::data_dump::records::value_of;
use crate::data_dump::troubles::Trouble;
use crate::error::Result;
use crate::formats::METADATA;
use crate::platform::content::{Cell, PUBLIC_ARTISTS, has_status};
use crate::platform::fields::files::{CREATORS, LINKS};
use crate::platform::licences::{Licence, licence_of_cell};

impl Reader<'_> {
    /// Creators of works that are out, and the links to them.
    pub(super) fn read_creators(&self, plan: &mut Plan) -> Result<()> {
        let mut links = self.read_links(plan)?;
        let linked: HashSet<&str> = links.iter().map(|(_, link)| link.creator_id.as_str()).collect();
        let mut found: BTreeMap<String, Creator> = BTreeMap::new();
        // Who is not public in one table is not public in the other, which may know no status.
        let mut kept_in: HashSet<String> = HashSet::new();
        for name in ["artists", "creators"] {
            let Some(table) = self.find(name, &["id", "name", "tags", "status"])? else { continue };
            let condition = has_status(&table, &PUBLIC_ARTISTS);
            let at = plan.creator_tables.len();
            let mut waiting = HashSet::new();
            self.each(&table, "", |key, cells| {
                let [id_cell, name_cell, tag_cell, status] = cells.as_slice() else { return Ok(()) };
                let Some(id) = id_cell.id().filter(|id| linked.contains(id.as_str())) else { return Ok(()) };
                if condition.is_some()
                    && !text_of(status).is_some_and(|status| PUBLIC_ARTISTS.contains(&status))
                {
                    waiting.insert(id);
                    return Ok(());
                }
                if kept_in.contains(&id) {
                    return Ok(());
                }
                let Some(id) = self.public_id(id_cell, name, &mut plan.toll) else { return Ok(()) };
                if let Licence::Foreign(name) = licence_of_cell(tag_cell, None) {
                    let name = self.clean(&name, METADATA, &mut plan.toll)?;
                    plan.count_foreign(&name);
                    return Ok(());
                }
                if found.contains_key(&id) {
                    plan.toll.troubles.add(Trouble::SameId, name);
                    return Ok(());
                }
                let name = text_of(name_cell).filter(|_| self.fences.leaves("name"));
                let name = name.map(|name| self.clean(name, CREATORS.name, &mut plan.toll));
                let name = name.transpose()?;
                found.insert(id.clone(), Creator { id, name, table: at, key, is_listed: false });
                Ok(())
            })?;
            let columns = CREATOR_COLUMNS.into_iter().map(|column| self.fences.column(column));
            let columns: Vec<&str> = columns.chain(self.included(name)).collect();
            plan.creator_tables.extend(self.find(name, &columns)?.map(|table| table.only(condition)));
            kept_in.extend(waiting);
        }
        // What stays in is no leak, and nothing to count.
        links.retain(|(_, link)| found.contains_key(&link.creator_id));
        for (_, link) in &mut links {
            let role = link.role.take().filter(|_| self.fences.leaves("role"));
            link.role = role.map(|role| self.clean(&role, LINKS.name, &mut plan.toll)).transpose()?;
        }
        plan.creators = found.into_values().collect();
        plan.take_links(links);
        Ok(())
    }

    /// Links to works that are out, with the place of the work.
    fn read_links(&self, plan: &Plan) -> Result<Vec<(Place, Link)>> {
        let places = plan.places();
        let mut links = Vec::new();
        for (name, creator) in [("artwork_artists", "artist_id"), ("artwork_creators", "creator_id")] {
            let extra: Vec<&str> = self.included(name);
            let columns: Vec<&str> = ["artwork_id", creator, "role", "created_at"]
                .into_iter()
                .chain(extra.iter().copied())
                .collect();
            let Some(table) = self.find(name, &columns)? else { continue };
            self.each(&table, "", |_, cells| {
                let [artwork, creator, role, created_at, extra_cells @ ..] = cells.as_slice() else {
                    return Ok(());
                };
                let (Some(artwork_id), Some(creator_id)) = (artwork.id(), creator.id()) else {
                    return Ok(());
                };
                let Some(place) = places.get(&artwork_id) else { return Ok(()) };
                let role = text_of(role).map(str::to_owned);
                let created_at = match created_at {
                    Cell::Text(text) => Some(text.clone()),
                    Cell::Integer(number) => Some(number.to_string()),
                    Cell::Real(number) => Some(number.to_string()),
                    Cell::Null | Cell::Unreadable(_) => None,
                };
                let extra = extra
                    .iter()
                    .zip(extra_cells)
                    .filter_map(|(name, cell)| Some(((*name).to_owned(), value_of(cell)?.to_string())))
                    .collect();
                links.push((*place, Link { artwork_id, creator_id, role, created_at, extra }));
                Ok(())
            })?;
        }
        Ok(links)
    }
}

impl Plan {
    /// Gives each work its creators, and takes the links to those that are public.
    fn take_links(&mut self, links: Vec<(Place, Link)>) {
        let order: HashMap<String, usize> =
            self.creators.iter().enumerate().map(|(at, creator)| (creator.id.clone(), at)).collect();
        for (place, link) in links {
            let Some(&at) = order.get(&link.creator_id) else { continue };
            let role = link.role.clone();
            if let Some(work) = self.work_mut(place) {
                work.creators.push((at, role));
            }
            if !place.is_foreign {
                if let Some(creator) = self.creators.get_mut(at) {
                    creator.is_listed = true;
                }
                self.links.push(link);
            }
        }
        self.links.sort_unstable();
        self.links.dedup_by(|a, b| {
            (&a.artwork_id, &a.creator_id, &a.role) == (&b.artwork_id, &b.creator_id, &b.role)
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
