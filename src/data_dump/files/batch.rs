//! Rows that a thread is handed at a time, and what it makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::data_dump::fences::Toll;
use crate::data_dump::previous::Fingerprints;
use crate::error::Result;
use crate::platform::content::Cell;

/// Rows of a batch, at most.
pub(super) const BATCH_ROWS: usize = 256;
/// Bytes of text after which it is full, however few rows it has.
const BATCH_BYTES: usize = 2 << 20;

/// Some rows, and their places.
pub(super) type Rows = (Range<usize>, Vec<Vec<Cell>>);

/// As many of so many `rows`, from the one at `next` on, as make a batch.
pub(super) fn read(
    next: usize,
    rows: usize,
    row: impl Fn(usize) -> Result<Vec<Cell>>,
) -> Result<Vec<Vec<Cell>>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for at in (next..rows).take(BATCH_ROWS) {
        let cells = row(at)?;
        bytes += cells.iter().map(text_bytes).sum::<usize>();
        batch.push(cells);
        if bytes >= BATCH_BYTES {
            break;
        }
    }
    Ok(batch)
}

fn text_bytes(cell: &Cell) -> usize {
    if let Cell::Text(text) = cell { text.len() } else { 0 }
}

/// What a thread made of a batch.
#[derive(Default)]
pub(super) struct Made {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) fingerprints: Fingerprints,
    /// By label each value, and the place of the work. A row may repeat each a hundred thousand times.
    pub(super) tags: BTreeMap<String, BTreeSet<(Box<str>, u32)>>,
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

    pub(super) fn add_tag(&mut self, label: &str, value: &str, work: u32) {
        let tag = (value.into(), work);
        match self.tags.get_mut(label) {
            Some(values) => drop(values.insert(tag)),
            None => drop(self.tags.insert(label.to_owned(), BTreeSet::from([tag]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_work_repeats_is_held_once() {
        let mut made = Made::default();
        for work in 0..2 {
            for n in 0..1000 {
                made.add_tag("style", if n % 2 == 0 { "modern" } else { "old" }, work);
                made.add_tag("year", "1998", work);
            }
        }
        let held = made.tags.iter().flat_map(|(label, values)| values.iter().map(move |held| (label, held)));
        let held: Vec<_> = held.map(|(label, (value, work))| (&**label, &**value, *work)).collect();
        let of = |label, value| [(label, value, 0), (label, value, 1)];
        assert_eq!(held, [of("style", "modern"), of("style", "old"), of("year", "1998")].concat());
        assert_eq!(made.tags.len(), 2, "and each label for all");
    }
}
