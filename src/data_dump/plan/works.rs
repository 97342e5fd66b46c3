//! Works: approved ones, by licence, each id once.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Plan, Reader, Work, text_of};
use crate::data_dump::photos::DumpPhoto;
use crate::data_dump::troubles::Trouble;
use crate::error::Result;
use crate::platform::content::{Cell, has_status};
use crate::platform::licences::{Licence, licence, licence_of_cell, may_be_foreign};
use crate::platform::photo_list::PhotoList;
use crate::platform::tag_values::tags;

impl Reader<'_> {
    /// Approved works, and the photos of those in artwork.json.
    pub(super) fn read_works(&self, plan: &mut Plan) -> Result<()> {
        let columns = ["id", "tags", "photos", "license", "licence"];
        let Some(table) = self.find("artwork", &columns)? else { return Ok(()) };
        let approved = has_status(&table, &["approved"]).unwrap_or_else(|| "FALSE".into());
        let mut seen = HashSet::new();
        let mut photos: HashMap<String, Vec<DumpPhoto>> = HashMap::new();
        self.each(&table, &approved, |key, cells| {
            let [id, tag_cell, photo_cell, license, licence_cell] = cells.as_slice() else { return Ok(()) };
            let Some(id) = self.public_id(id, "artwork", &mut plan.toll) else { return Ok(()) };
            if !seen.insert(id.clone()) {
                plan.toll.troubles.add(Trouble::SameId, "artwork");
                return Ok(());
            }
            let column = [license, licence_cell].into_iter().find_map(text_of);
            let legacy = matches!(tag_cell, Cell::Text(text) if text.contains("_photos"));
            let known = if legacy { tags(tag_cell).unwrap_or_default() } else { Map::new() };
            let licence = licence_of_cell(tag_cell, column);
            let licence = match licence {
                Licence::Own => None,
                Licence::Foreign(name) => {
                    let name = self.licence_name(&name, &mut plan.toll)?;
                    plan.count_foreign(&name);
                    if !self.wishes.separate_foreign {
                        return Ok(());
                    }
                    Some(name)
                }
            };
            let mut work = Work {
                id,
                key,
                licence,
                photos: Vec::new(),
                first_photo: 0,
                row_tags: Vec::new(),
                creators: Vec::new(),
            };
            if work.licence.is_some() {
                plan.foreign.push(work);
                return Ok(());
            }
            if self.wishes.photos {
                let list = PhotoList::read(photo_cell, &known);
                if list.unreadable {
                    plan.toll.troubles.add(Trouble::Unreadable, "artwork.photos");
                }
                let mut of_work = Vec::new();
                for photo in list.photos {
                    work.photos.push((photo.n, photo.credit));
                    let artwork_id = work.id.clone();
                    let (n, reference, is_licensed) = (photo.n, photo.reference, photo.is_licensed);
                    of_work.push(DumpPhoto { artwork_id, n, reference, is_licensed });
                }
                if !of_work.is_empty() {
                    photos.insert(work.id.clone(), of_work);
                }
            }
            plan.works.push(work);
            Ok(())
        })?;
        plan.works.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        plan.foreign.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for work in &mut plan.works {
            work.first_photo = plan.photos.len();
            plan.photos.extend(photos.remove(&work.id).unwrap_or_default());
        }
        share_licences(&mut plan.photos);
        Ok(())
    }

    /// Tags of the first schema, a row each. Those of log entries are users' own.
    pub(super) fn read_row_tags(&self, plan: &mut Plan) -> Result<()> {
        let Some(table) = self.find("tags", &["artwork_id", "logbook_id", "label", "value"])? else {
            return Ok(());
        };
        let places = plan.places();
        self.each(&table, "", |_, cells| {
            let [artwork_id, Cell::Null, label, value] = cells.as_slice() else { return Ok(()) };
            let place = artwork_id.id().and_then(|id| places.get(&id));
            let (Some(place), Some(label)) = (place, text_of(label)) else { return Ok(()) };
            let value = match value {
                Cell::Null => return Ok(()),
                Cell::Text(text) => Value::String(text.clone()),
                Cell::Integer(number) => Value::from(*number),
                Cell::Real(number) if number.is_finite() => Value::from(*number),
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
        let mut parted = HashSet::new();
        for mut work in std::mem::take(&mut plan.works) {
            let Licence::Foreign(name) = row_licence(&work.row_tags) else {
                own.push(work);
                continue;
            };
            let name = self.licence_name(&name, &mut plan.toll)?;
            plan.count_foreign(&name);
            parted.insert(work.id.clone());
            if self.wishes.separate_foreign {
                work.licence = Some(name);
                work.photos.clear();
                plan.foreign.push(work);
            }
        }
        plan.works = own;
        if parted.is_empty() {
            return Ok(());
        }
        plan.foreign.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        plan.photos.retain(|photo| !parted.contains(&photo.artwork_id));
        let mut first_photo = 0;
        for work in &mut plan.works {
            work.first_photo = first_photo;
            first_photo += work.photos.len();
        }
        Ok(())
    }
}

/// What one row says of a photo's licence is true in every row that has the photo.
fn share_licences(photos: &mut [DumpPhoto]) {
    let key = |photo: &DumpPhoto| photo.reference.identity().map(str::to_owned);
    let licensed: HashSet<String> = photos.iter().filter(|photo| photo.is_licensed).filter_map(key).collect();
    if licensed.is_empty() {
        return;
    }
    for photo in photos {
        photo.is_licensed |= key(photo).is_some_and(|key| licensed.contains(&key));
    }
}

/// The licence that tags in rows of their own name.
fn row_licence(row_tags: &[(String, Value)]) -> Licence {
    let may_matter = |(label, value): &&(String, Value)| {
        may_be_foreign(label) || value.as_str().is_some_and(may_be_foreign)
    };
    let tags = row_tags.iter().filter(may_matter).cloned().collect();
    licence(&Value::Object(tags), None)
}
