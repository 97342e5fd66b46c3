//! Works: approved ones, by licence, each id once.

use std::collections::{HashMap, HashSet};

use foldhash::quality::RandomState;
use serde_json::{Map, Value};

use super::{Plan, Reader, Work, public_id, text_of};
use crate::data_dump::fences::Fences;
use crate::data_dump::parallel::in_batches;
use crate::data_dump::photos::DumpPhoto;
use crate::data_dump::troubles::Trouble;
use crate::error::Result;
use crate::platform::content::{Cell, PUBLIC_WORKS, RowKey, Spare, has_status};
use crate::platform::licences::{Licence, OSM, licence, licence_of_cell, may_be_foreign};
use crate::platform::photo_list::PhotoList;
use crate::platform::tag_values::{Adding, PHOTOS, tags};

/// What the rows of works have said so far.
#[derive(Default)]
struct Rows {
    /// Ids of works.
    seen: HashSet<String, RandomState>,
    /// The photos of works in artwork.json, by the work's id.
    photos: HashMap<String, Vec<DumpPhoto>, RandomState>,
    /// Photos that a row says are licensed, by family: that is true in every row that has the photo, or a copy of it.
    /// The licence of a row is that of its photos too, save OpenStreetMap's, which is one of data alone; where a row
    /// names it, no other licence of the row is known.
    licensed: HashSet<String>,
}

/// What the row of an approved work says by itself.
struct ReadWork {
    key: RowKey,
    /// Its id, or why it may not leave.
    id: std::result::Result<String, Trouble>,
    list: PhotoList,
    licence: Licence,
}

impl ReadWork {
    /// From the columns that [`Reader::read_works`] names.
    fn of(key: RowKey, cells: &[Cell], fences: &Fences<'_>, with_photos: bool) -> Option<ReadWork> {
        let [id, tags, photos, license, licence] = cells else { return None };
        let columns = [("license", license), ("licence", licence)];
        let columns: Vec<_> =
            columns.into_iter().filter_map(|(name, cell)| Some((name, cell.said()?))).collect();
        Some(ReadWork {
            key,
            id: public_id(id, fences),
            list: if with_photos { photo_list(photos, tags) } else { PhotoList::default() },
            licence: licence_of_cell(tags, &columns, &|name| fences.allows(name)),
        })
    }
}

impl Reader<'_> {
    /// Approved works, and the photos of those in artwork.json.
    pub(super) fn read_works(&self, plan: &mut Plan) -> Result<()> {
        let columns = ["id", "tags", "photos", "license", "licence"];
        let Some(table) = self.find("artwork", &columns)? else { return Ok(()) };
        let approved = has_status(&table, &PUBLIC_WORKS).unwrap_or_else(|| "FALSE".into());
        let mut rows = Rows::default();
        let (fences, with_photos) = (self.fences, self.selection.photos);
        let spare = Spare::default();
        in_batches(
            |hand_on| {
                self.each(&table, &approved, |key, cells| {
                    let bytes = cells.iter().map(Cell::text_bytes).sum();
                    hand_on((key, std::mem::replace(cells, spare.take())), bytes)
                })
            },
            |batch: Vec<(RowKey, Vec<Cell>)>| {
                let read =
                    |(key, cells): (_, Vec<_>)| (ReadWork::of(key, &cells, fences, with_photos), cells);
                let (works, rows): (Vec<_>, Vec<_>) = batch.into_iter().map(read).unzip();
                spare.give(rows);
                Ok(works)
            },
            |batch| batch.into_iter().flatten().try_for_each(|work| self.add_work(work, &mut rows, plan)),
        )?;
        sort_by_id(&mut plan.works);
        sort_by_id(&mut plan.foreign);
        for work in &mut plan.works {
            work.first_photo = plan.photos.len();
            plan.photos.extend(rows.photos.remove(&work.id).unwrap_or_default());
        }
        mark_licensed(&mut plan.photos, &rows.licensed);
        Ok(())
    }

    fn add_work(&self, read: ReadWork, rows: &mut Rows, plan: &mut Plan) -> Result<()> {
        let ReadWork { key, id, list, licence } = read;
        let Some(id) = plan.toll.troubles.found(id, "artwork") else { return Ok(()) };
        if !rows.seen.insert(id.clone()) {
            plan.toll.troubles.add(Trouble::SameId, "artwork");
            return Ok(());
        }
        let licensed = list.photos.iter().filter(|photo| photo.is_licensed);
        rows.licensed.extend(licensed.filter_map(|photo| photo.reference.family()));
        let mut work = Work {
            id,
            key,
            licence: None,
            photos: Vec::new(),
            first_photo: 0,
            row_tags: Vec::new(),
            creators: Vec::new(),
        };
        if let Licence::Foreign(name) = licence {
            if name != OSM {
                rows.licensed.extend(list.photos.iter().filter_map(|photo| photo.reference.family()));
            }
            let name = self.licence_name(&name, &work.id, &mut plan.toll)?;
            plan.count_foreign(&name);
            if self.selection.separate_foreign {
                plan.foreign.push(Work { licence: Some(name), ..work });
            }
            return Ok(());
        }
        if list.unreadable {
            plan.toll.troubles.add(Trouble::Unreadable, "artwork.photos");
        }
        let mut photos = Vec::new();
        for photo in list.photos {
            work.photos.push((photo.n, photo.credit));
            let artwork_id = work.id.clone();
            let (n, reference, is_licensed) = (photo.n, photo.reference, photo.is_licensed);
            photos.push(DumpPhoto { artwork_id, n, reference, is_licensed });
        }
        if !photos.is_empty() {
            rows.photos.insert(work.id.clone(), photos);
        }
        plan.works.push(work);
        Ok(())
    }

    /// Tags of the first schema, a row each. Those of log entries are users' own.
    pub(super) fn read_row_tags(&self, plan: &mut Plan) -> Result<()> {
        let Some(table) = self.find("tags", &["artwork_id", "logbook_id", "label", "value"])? else {
            return Ok(());
        };
        let places = plan.places::<String>();
        self.each(&table, "", |_, cells| {
            let [artwork_id, log_entry, label, value] = cells.as_slice() else { return Ok(()) };
            if log_entry.said().is_some() {
                return Ok(());
            }
            let place = artwork_id.id().and_then(|id| places.get(&*id));
            let (Some(place), Some(label)) = (place, text_of(label)) else { return Ok(()) };
            let value = match value {
                Cell::Null => return Ok(()),
                Cell::Text(text) => Value::String(text.clone()),
                Cell::Integer(number) => Value::from(*number),
                Cell::Real(number) if number.is_finite() => Value::from(*number),
                // A licence counts in bytes too.
                Cell::Unreadable(text) if may_be_foreign(label) => Value::String(text.clone()),
                Cell::Real(_) | Cell::Unreadable(_) => {
                    plan.toll.troubles.add(Trouble::Unreadable, "tags.value");
                    return Ok(());
                }
            };
            let label = label.to_owned();
            if let Some(work) = plan.work_mut(*place) {
                work.row_tags.push((label, value));
            }
            Ok(())
        })?;
        for work in plan.works.iter_mut().chain(&mut plan.foreign) {
            work.row_tags.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.to_string().cmp(&b.1.to_string())));
        }
        self.part_foreign(plan)
    }

    /// Takes out the works that are foreign by a tag in a row of its own, and their photos.
    fn part_foreign(&self, plan: &mut Plan) -> Result<()> {
        let mut own = Vec::with_capacity(plan.works.len());
        let (mut parted, mut licensed) = (HashSet::new(), HashSet::new());
        for mut work in std::mem::take(&mut plan.works) {
            let Licence::Foreign(name) = self.row_licence(&work.row_tags) else {
                own.push(work);
                continue;
            };
            if name != OSM {
                let photos = plan.photos.iter().skip(work.first_photo).take(work.photos.len());
                licensed.extend(photos.filter_map(|photo| photo.reference.family()));
            }
            let name = self.licence_name(&name, &work.id, &mut plan.toll)?;
            plan.count_foreign(&name);
            parted.insert(work.id.clone());
            if self.selection.separate_foreign {
                work.licence = Some(name);
                work.photos.clear();
                plan.foreign.push(work);
            }
        }
        plan.works = own;
        if parted.is_empty() {
            return Ok(());
        }
        sort_by_id(&mut plan.foreign);
        plan.photos.retain(|photo| !parted.contains(&photo.artwork_id));
        mark_licensed(&mut plan.photos, &licensed);
        let mut first_photo = 0;
        for work in &mut plan.works {
            work.first_photo = first_photo;
            first_photo += work.photos.len();
        }
        Ok(())
    }

    /// The licence that tags in rows of their own name: any of several of one label.
    fn row_licence(&self, row_tags: &[(String, Value)]) -> Licence {
        let mut tags = Map::new();
        let mut adding = Adding::to(&mut tags);
        for (label, value) in row_tags {
            if may_be_foreign(label) || value.as_str().is_some_and(may_be_foreign) {
                adding.add(label, value.clone());
            }
        }
        licence(&Value::Object(tags), &[], &|name| self.fences.allows(name))
    }
}

/// Sorts works by their ids, each of which lies somewhere else in memory: their first bytes, which part nearly all of
/// them, are looked at once, and then compared as numbers.
fn sort_by_id(works: &mut [Work]) {
    works.sort_by_cached_key(|work| {
        let mut start = [0; 8];
        start.iter_mut().zip(work.id.bytes()).for_each(|(byte, of_id)| *byte = of_id);
        u64::from_be_bytes(start)
    });
    works.sort_unstable_by(|a, b| a.id.cmp(&b.id));
}

/// Marks the photos of licensed families.
fn mark_licensed(photos: &mut [DumpPhoto], licensed: &HashSet<String>) {
    if licensed.is_empty() {
        return;
    }
    for photo in photos {
        let family = photo.reference.family();
        photo.is_licensed |= family.is_some_and(|family| licensed.contains(&family));
    }
}

/// The photos of a row, where both schemas keep them.
fn photo_list(photos: &Cell, tag_cell: &Cell) -> PhotoList {
    let is_legacy = matches!(tag_cell, Cell::Text(text) if text.contains(PHOTOS));
    let known = if is_legacy { tags(tag_cell).unwrap_or_default() } else { Map::new() };
    PhotoList::read(photos, &known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(id: String) -> Work {
        Work {
            id,
            key: RowKey::Number(1),
            licence: None,
            photos: Vec::new(),
            first_photo: 0,
            row_tags: Vec::new(),
            creators: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn works_are_sorted_by_all_of_their_ids(mut ids in proptest::collection::vec("[\0abé]{0,12}", 0..20)) {
            let mut works: Vec<Work> = ids.iter().cloned().map(work).collect();
            sort_by_id(&mut works);
            ids.sort_unstable();
            prop_assert!(works.iter().map(|work| &work.id).eq(&ids));
        }
    }
}
