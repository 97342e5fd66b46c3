//! Turns the tags of works, which come work by work, into works by label and value.
//!
//! What does not fit into a buffer is sorted and goes to files of the workspace, which are merged at the end: memory
//! does not grow with the number of tags.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use indexmap::IndexSet;

use crate::archive::Workspace;
use crate::error::{Error, Result};

/// Bytes of labels and values that are held before they are sorted and written.
const BUFFER: usize = 16 << 20;

/// A label and value of one work. Ordered by label, value, work.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    label: Vec<u8>,
    value: Vec<u8>,
    work: u32,
}

/// The place of an entry in the buffer.
struct Place {
    /// The number of the label.
    label: u32,
    /// The first bytes of the value: most of any two differ in these.
    prefix: u64,
    start: usize,
    length: u32,
    work: u32,
}

/// Collects tags.
pub struct TagIndex<'w> {
    workspace: &'w Workspace,
    limit: usize,
    /// Each label once, at its number.
    labels: IndexSet<String>,
    /// Values, one after the other.
    values: Vec<u8>,
    places: Vec<Place>,
    /// Bytes of labels and values, and what is kept of each.
    held: usize,
    runs: Vec<String>,
}

impl<'w> TagIndex<'w> {
    /// An empty index whose files go to `workspace`.
    pub fn new(workspace: &'w Workspace) -> TagIndex<'w> {
        TagIndex {
            workspace,
            limit: BUFFER,
            labels: IndexSet::new(),
            values: Vec::new(),
            places: Vec::new(),
            held: 0,
            runs: Vec::new(),
        }
    }

    /// Adds a tag of the work with that number.
    pub fn add(&mut self, label: &str, value: &str, work: u32) -> Result<()> {
        let too_long = || Error::Internal { problem: "a tag has more than 4 GiB".into() };
        u32::try_from(label.len()).map_err(|_| too_long())?;
        let place = Place {
            label: self.number(label),
            prefix: prefix(value.as_bytes()),
            start: self.values.len(),
            length: u32::try_from(value.len()).map_err(|_| too_long())?,
            work,
        };
        self.values.extend_from_slice(value.as_bytes());
        self.places.push(place);
        self.held += value.len() + size_of::<Place>();
        if self.held >= self.limit { self.spill() } else { Ok(()) }
    }

    fn number(&mut self, label: &str) -> u32 {
        if let Some(number) = self.labels.get_index_of(label) {
            return number as u32;
        }
        // Twice: the index makes room ahead.
        self.held += 2 * (label.len() + size_of::<(String, u32)>());
        self.labels.insert_full(label.to_owned()).0 as u32
    }

    /// Gives each label and value once, sorted bytewise, with its works in ascending order.
    pub fn each(mut self, mut visit: impl FnMut(&str, &str, &[u32]) -> Result<()>) -> Result<()> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        let mut group = Group::default();
        if self.runs.is_empty() {
            self.sort();
            for place in &self.places {
                group.add(self.entry(place), &mut visit)?;
            }
        } else {
            (self.values, self.places) = (Vec::new(), Vec::new());
            let mut runs = BinaryHeap::new();
            for name in &self.runs {
                let mut run = Run::open(self.workspace, name)?;
                if run.advance()? {
                    runs.push(Reverse(run));
                }
            }
            while let Some(mut least) = runs.peek_mut() {
                let Reverse(run) = &mut *least;
                group.add((&run.entry.label, &run.entry.value, run.entry.work), &mut visit)?;
                if !run.advance()? {
                    PeekMut::pop(least);
                }
            }
        }
        group.end(&mut visit)
    }

    fn entry(&self, place: &Place) -> (&[u8], &[u8], u32) {
        let label = self.labels.get_index(place.label as usize).map_or(&[][..], String::as_bytes);
        (label, self.value(place), place.work)
    }

    fn value(&self, place: &Place) -> &[u8] {
        self.values.get(place.start..place.start + place.length as usize).unwrap_or_default()
    }

    fn sort(&mut self) {
        let mut places = std::mem::take(&mut self.places);
        let mut ranks = vec![0; self.labels.len()];
        let mut sorted: Vec<_> = self.labels.iter().enumerate().collect();
        sorted.sort_unstable_by_key(|(_, label)| *label);
        sorted.into_iter().enumerate().for_each(|(rank, (number, _))| ranks[number] = rank);
        places.sort_unstable_by(|a, b| {
            let first = |place: &Place| (ranks[place.label as usize], place.prefix);
            let rest = |place| (self.value(place), place.work);
            first(a).cmp(&first(b)).then_with(|| rest(a).cmp(&rest(b)))
        });
        self.places = places;
    }

    fn spill(&mut self) -> Result<()> {
        self.sort();
        let name = format!("tags-{}", self.runs.len());
        let path = self.workspace.path(&name);
        let mut file = BufWriter::new(self.workspace.create_file(&name)?);
        for place in &self.places {
            let (label, value, work) = self.entry(place);
            let numbers = [label.len() as u32, place.length, work].map(u32::to_le_bytes);
            [numbers.as_flattened(), label, value]
                .iter()
                .try_for_each(|part| file.write_all(part))
                .map_err(|error| Error::output(&path, error))?;
        }
        file.flush().map_err(|error| Error::output(&path, error))?;
        self.labels.clear();
        self.values.clear();
        self.places.clear();
        self.held = 0;
        self.runs.push(name);
        Ok(())
    }
}

/// The first bytes of a value as a number of the same order.
fn prefix(value: &[u8]) -> u64 {
    let mut prefix = [0; 8];
    let length = value.len().min(prefix.len());
    prefix[..length].copy_from_slice(&value[..length]);
    u64::from_be_bytes(prefix)
}

/// A sorted file, read from its start. Ordered by the entry that it is at.
struct Run {
    path: PathBuf,
    file: BufReader<File>,
    /// The entry that it is at; its memory is used again.
    entry: Entry,
}

impl Run {
    fn open(workspace: &Workspace, name: &str) -> Result<Run> {
        let file = BufReader::new(workspace.open_file(name)?);
        Ok(Run { path: workspace.path(name), file, entry: Entry::default() })
    }

    /// Goes on to the next entry, if there is one.
    fn advance(&mut self) -> Result<bool> {
        self.read().map_err(|error| Error::output(&self.path, error))
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut numbers = [[0; 4]; 3];
        match self.file.read_exact(numbers.as_flattened_mut()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        let [label, value, work] = numbers.map(u32::from_le_bytes);
        let entry = &mut self.entry;
        entry.label.resize(label as usize, 0);
        entry.value.resize(value as usize, 0);
        entry.work = work;
        self.file.read_exact(&mut entry.label)?;
        self.file.read_exact(&mut entry.value)?;
        Ok(true)
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        self.entry.cmp(&other.entry)
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.entry == other.entry
    }
}

impl Eq for Run {}

/// The works of the label and value that came last.
#[derive(Default)]
struct Group {
    label: Vec<u8>,
    value: Vec<u8>,
    works: Vec<u32>,
}

impl Group {
    fn add(
        &mut self,
        (label, value, work): (&[u8], &[u8], u32),
        visit: &mut impl FnMut(&str, &str, &[u32]) -> Result<()>,
    ) -> Result<()> {
        if label != self.label || value != self.value {
            self.end(visit)?;
            self.label.clear();
            self.label.extend_from_slice(label);
            self.value.clear();
            self.value.extend_from_slice(value);
        }
        if self.works.last() != Some(&work) {
            self.works.push(work);
        }
        Ok(())
    }

    fn end(&mut self, visit: &mut impl FnMut(&str, &str, &[u32]) -> Result<()>) -> Result<()> {
        if self.works.is_empty() {
            return Ok(());
        }
        let text = |bytes| {
            str::from_utf8(bytes).map_err(|_| Error::Internal { problem: "a tag came back changed".into() })
        };
        visit(text(&self.label)?, text(&self.value)?, &self.works)?;
        self.works.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
