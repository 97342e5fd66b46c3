//! What a thread makes of the rows that it is handed at a time.

use std::ops::Range;

use foldhash::quality::RandomState;
use indexmap::IndexMap;

use crate::data_dump::fences::Toll;
use crate::data_dump::previous::Fingerprints;
use crate::error::Result;

/// What a thread made of a batch.
#[derive(Default)]
pub(super) struct Made {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) fingerprints: Fingerprints,
    pub(super) tags: Tags,
    pub(super) toll: Toll,
}

impl Made {
    pub(super) fn add(&mut self, json: Vec<u8>, compared: bool) -> Result<()> {
        if compared {
            self.fingerprints.add(&json)?;
        }
        self.records.push(json);
        Ok(())
    }
}

/// The tags of some works. A row may repeat each a hundred thousand times: they are held once.
#[derive(Default)]
pub(super) struct Tags {
    /// Each label once, with the last work that has it.
    labels: IndexMap<String, Option<u32>, RandomState>,
    /// One after the other.
    values: String,
    tags: Vec<Tag>,
}

struct Tag {
    /// The place of the label.
    label: usize,
    value: Range<usize>,
    work: u32,
}

impl Tags {
    /// Adds the tags of a work that `add` hands on.
    pub(super) fn add_work<T>(&mut self, work: u32, add: impl FnOnce(&mut dyn FnMut(&str, &str)) -> T) -> T {
        let (start, mut may_repeat) = (self.tags.len(), false);
        let added = add(&mut |label, value| {
            let known = self.labels.get_index_of(label);
            let at = known.unwrap_or_else(|| self.labels.insert_full(label.to_owned(), None).0);
            may_repeat |= self.labels[at].replace(work) == Some(work);
            let from = self.values.len();
            self.values.push_str(value);
            self.tags.push(Tag { label: at, value: from..self.values.len(), work });
        });
        if may_repeat {
            let mut own = self.tags.split_off(start);
            let key = |tag: &Tag| (tag.label, &self.values[tag.value.clone()]);
            own.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
            own.dedup_by(|a, b| key(a) == key(b));
            self.tags.append(&mut own);
        }
        added
    }

    /// Every tag: label, value and the place of the work.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, u32)> {
        self.tags.iter().filter_map(|Tag { label, value, work }| {
            let (label, _) = self.labels.get_index(*label)?;
            Some((label.as_str(), &self.values[value.clone()], *work))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_work_repeats_is_held_once() {
        let mut tags = Tags::default();
        for work in 0..2 {
            tags.add_work(work, |add| {
                for n in 0..1000 {
                    add("style", if n % 2 == 0 { "modern" } else { "old" });
                    add("year", "1998");
                }
            });
        }
        let mut held: Vec<_> = tags.iter().collect();
        held.sort_unstable();
        let of = |label, value| [(label, value, 0), (label, value, 1)];
        assert_eq!(held, [of("style", "modern"), of("style", "old"), of("year", "1998")].concat());
        assert_eq!(tags.labels.len(), 2, "and each label for all");
    }
}
