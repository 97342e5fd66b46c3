//! The data files on their way into the workspace: records are made on every core and written in order.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::ops::Range;

use super::fences::{Toll, of_record};
use super::labels::each_tag;
use super::parallel::in_order;
use super::plan::Work;
use super::previous::Fingerprints;
use super::read::Read;
use super::records::Records;
use super::troubles::Trouble;
use crate::archive::{Deflated, Deflater, Workspace};
use crate::database::source::Snapshot;
use crate::dataset::record::{Record, RecordWriter};
use crate::dataset::tag_index::TagIndex;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Phase};
use crate::platform::content::{Cell, Content, RowKey};
use crate::platform::fields::files::{ARTWORK, CREATORS, DataFile, LINKS, OTHER_LICENSES, TAGS};

/// Rows handed to a thread at a time, at most.
const BATCH: usize = 256;
/// Bytes of text after which a batch is full, however few rows it has.
const BATCH_BYTES: usize = 2 << 20;

/// A data file as it lies in the workspace.
#[derive(Debug)]
pub struct WrittenFile {
    /// Which one.
    pub file: &'static DataFile,
    /// Its records.
    pub records: u64,
    /// Its text, deflated.
    pub deflated: Deflated,
}

/// The data files.
#[derive(Debug)]
pub struct Written {
    /// In the order of the archive.
    pub files: Vec<WrittenFile>,
    /// Works and creators by their content, where there is a dump to compare with.
    pub works: Fingerprints,
    /// The same of creators.
    pub creators: Fingerprints,
    /// What was found on the way.
    pub toll: Toll,
}

/// Writes every data file, deflated at `level`; the phase `database`.
pub fn write(
    records: &Records<'_>,
    read: &Read,
    workspace: &Workspace,
    level: u32,
    job: &Job,
) -> Result<Written> {
    let plan = records.plan;
    let listed = plan.creators.iter().filter(|creator| creator.is_listed).count();
    let total = plan.works.len() + plan.foreign.len() + listed + plan.links.len();
    let meter = job.meter(Phase::Database, Some(total as u64), None);
    let mut writing = Writing {
        records,
        snapshot: &read.snapshot,
        workspace,
        level,
        compared: read.previous.is_some(),
        job,
        meter,
        toll: Toll::default(),
    };
    let mut tags = TagIndex::new(workspace);
    let (artwork, works) = writing.works(&ARTWORK, &plan.works, Some(&mut tags))?;
    let (creators_file, creators) = writing.creators()?;
    let links = writing.links()?;
    let tags = writing.tags(tags)?;
    let mut files = vec![artwork, creators_file, links, tags];
    if !plan.foreign.is_empty() {
        files.push(writing.works(&OTHER_LICENSES, &plan.foreign, None)?.0);
    }
    writing.meter.finish();
    Ok(Written { files, works, creators, toll: writing.toll })
}

struct Writing<'w> {
    records: &'w Records<'w>,
    snapshot: &'w Snapshot,
    workspace: &'w Workspace,
    level: u32,
    /// Whether there is a dump to compare with.
    compared: bool,
    job: &'w Job,
    meter: Meter,
    toll: Toll,
}

impl Writing<'_> {
    /// Works in their order, and their tags into the index.
    fn works(
        &mut self,
        file: &'static DataFile,
        works: &[Work],
        mut tags: Option<&mut TagIndex<'_>>,
    ) -> Result<(WrittenFile, Fingerprints)> {
        self.meter.item(file.name);
        let mut out = self.open(file)?;
        let mut fingerprints = Fingerprints::default();
        let (table, records, compared) = (&self.records.plan.works_table, self.records, self.compared);
        let (mut next, mut toll) = (0, Toll::default());
        in_order(
            || {
                let rows = self.read(works.len() - next, |at| self.fetch(table, &works[next + at].key))?;
                let places = next..next + rows.len();
                next = places.end;
                Ok((!rows.is_empty()).then_some((places, rows)))
            },
            |(places, rows): Rows| {
                let mut batch = Made::default();
                for (at, cells) in places.zip(&rows) {
                    let record = records.work(&works[at], cells, &mut batch.toll);
                    let record = record.map_err(|error| of_record(error, &works[at].id))?;
                    let passed = each_tag(&record.tags, &mut |label, value| {
                        // Names that were fit apart may spell something together.
                        let is_fit = !label.contains('.') || !records.fences.holds(label);
                        if is_fit {
                            batch.add_tag(label, value, at as u32);
                        }
                        Ok(())
                    })?;
                    (0..passed).for_each(|_| batch.toll.troubles.add(Trouble::LongLabel, TAGS.name));
                    batch.add(record.json, compared)?;
                }
                Ok(batch)
            },
            |batch| {
                batch.write(&mut out, &mut fingerprints)?;
                if let Some(tags) = &mut tags {
                    for (label, values) in &batch.tags {
                        values.iter().try_for_each(|(value, work)| tags.add(label, value, *work))?;
                    }
                }
                self.meter.add(batch.records.len() as u64, 0);
                toll.merge(&batch.toll);
                Ok(())
            },
        )?;
        self.toll.merge(&toll);
        Ok((self.close(file, out)?, fingerprints))
    }

    fn creators(&mut self) -> Result<(WrittenFile, Fingerprints)> {
        let file = &CREATORS;
        self.meter.item(file.name);
        let mut out = self.open(file)?;
        let mut fingerprints = Fingerprints::default();
        let (records, compared) = (self.records, self.compared);
        let plan = records.plan;
        let listed: Vec<_> = plan.creators.iter().filter(|creator| creator.is_listed).collect();
        let (mut rest, mut toll) = (listed.as_slice(), Toll::default());
        in_order(
            || {
                let rows = self.read(rest.len(), |at| {
                    let table = plan.creator_tables.get(rest[at].table);
                    table.map_or(Ok(Vec::new()), |table| self.fetch(table, &rest[at].key))
                })?;
                let (batch, others) = rest.split_at(rows.len());
                rest = others;
                Ok((!rows.is_empty()).then_some((batch, rows)))
            },
            |(creators, rows)| {
                let mut batch = Made::default();
                for (creator, cells) in creators.iter().zip(&rows) {
                    let json = records.creator(creator, cells, &mut batch.toll);
                    let json = json.map_err(|error| of_record(error, &creator.id))?;
                    batch.add(json, compared)?;
                }
                Ok(batch)
            },
            |batch| {
                batch.write(&mut out, &mut fingerprints)?;
                self.meter.add(batch.records.len() as u64, 0);
                toll.merge(&batch.toll);
                Ok(())
            },
        )?;
        self.toll.merge(&toll);
        Ok((self.close(file, out)?, fingerprints))
    }

    fn links(&mut self) -> Result<WrittenFile> {
        let file = &LINKS;
        self.meter.item(file.name);
        let mut out = self.open(file)?;
        for batch in self.records.plan.links.chunks(BATCH) {
            self.job.check()?;
            for link in batch {
                let json = self.records.link(link, &mut self.toll);
                let json = json.map_err(|error| of_record(error, &link.artwork_id))?;
                out.write(&json).map_err(|error| unwritable(&out, error))?;
            }
            self.meter.add(batch.len() as u64, 0);
        }
        self.close(file, out)
    }

    fn tags(&mut self, tags: TagIndex<'_>) -> Result<WrittenFile> {
        let file = &TAGS;
        self.meter.item(file.name);
        let mut out = self.open(file)?;
        let works = &self.records.plan.works;
        let job = self.job;
        tags.each(|label, value, places| {
            job.check()?;
            let ids: Vec<&str> =
                places.iter().filter_map(|at| works.get(*at as usize)).map(|work| work.id.as_str()).collect();
            let mut record = Record::new(file.fields);
            record.put("label", label)?;
            record.put("value", value)?;
            record.put("count", &ids.len())?;
            record.put("artwork_ids", &ids)?;
            out.write(&record.finish()?).map_err(|error| unwritable(&out, error))
        })?;
        self.close(file, out)
    }

    /// As many of the next rows, of which there are `left`, as make a batch.
    fn read(&self, left: usize, row: impl Fn(usize) -> Result<Vec<Cell>>) -> Result<Vec<Vec<Cell>>> {
        self.job.check()?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < left.min(BATCH) && bytes < BATCH_BYTES {
            let cells = row(rows.len())?;
            bytes += cells.iter().map(text_bytes).sum::<usize>();
            rows.push(cells);
        }
        Ok(rows)
    }

    fn fetch(&self, table: &Content, key: &RowKey) -> Result<Vec<Cell>> {
        let fetched = table.fetch(self.snapshot.connection(), key);
        fetched.map_err(|error| self.snapshot.failure(&error))?.ok_or_else(|| Error::Internal {
            problem: format!("a row of {} was not found again", table.name),
        })
    }

    fn open(&self, file: &DataFile) -> Result<Out> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let target = self.workspace.create_file(file.name)?;
        let deflater = Deflater::new(target, self.workspace.path(file.name), self.level, threads)?;
        Ok(RecordWriter::new(deflater))
    }

    fn close(&self, file: &'static DataFile, out: Out) -> Result<WrittenFile> {
        let records = out.count();
        let path = out.get_ref().path().to_owned();
        let deflater = out.finish().map_err(|error| Error::output(&path, error))?;
        Ok(WrittenFile { file, records, deflated: deflater.finish()? })
    }
}

type Out = RecordWriter<Deflater>;
/// Some works, by their places, with their rows.
type Rows = (Range<usize>, Vec<Vec<Cell>>);

fn text_bytes(cell: &Cell) -> usize {
    if let Cell::Text(text) = cell { text.len() } else { 0 }
}

fn unwritable(out: &Out, error: std::io::Error) -> Error {
    Error::output(out.get_ref().path(), error)
}

/// What a thread made of a batch.
#[derive(Default)]
struct Made {
    records: Vec<Vec<u8>>,
    fingerprints: Fingerprints,
    /// By label each value, and the place of the work. A row may repeat each a hundred thousand times.
    tags: BTreeMap<String, BTreeSet<(Box<str>, u32)>>,
    toll: Toll,
}

impl Made {
    fn add(&mut self, json: Vec<u8>, compared: bool) -> Result<()> {
        if compared {
            self.fingerprints.add(&json)?;
        }
        self.records.push(json);
        Ok(())
    }

    fn add_tag(&mut self, label: &str, value: &str, work: u32) {
        let tag = (value.into(), work);
        match self.tags.get_mut(label) {
            Some(values) => drop(values.insert(tag)),
            None => drop(self.tags.insert(label.to_owned(), BTreeSet::from([tag]))),
        }
    }

    fn write(&self, out: &mut Out, fingerprints: &mut Fingerprints) -> Result<()> {
        for json in &self.records {
            out.write(json).map_err(|error| unwritable(out, error))?;
        }
        fingerprints.extend(&self.fingerprints);
        Ok(())
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
