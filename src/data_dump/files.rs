//! The data files on their way into the workspace: records are made on every core and written in order.

use super::fences::{Toll, of_record};
use super::labels::each_tag;
use super::parallel::{BATCH_ITEMS, in_batches};
use super::plan::{Creator, Work};
use super::previous::Fingerprints;
use super::read::Read;
use super::records::Records;
use super::troubles::Trouble;
use crate::archive::{Deflated, Deflater, Workspace};
use crate::database::source::Snapshot;
use crate::dataset::record::{Record, RecordWriter};
use crate::dataset::tag_index::TagIndex;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Phase, cores};
use crate::platform::content::{Cell, Content, RowKey, Spare};
use crate::platform::fields::files::{ARTWORK, CREATORS, DataFile, LINKS, OTHER_LICENSES, TAGS};

mod batch;

use batch::Made;

/// A data file as it lies in the workspace.
#[derive(Debug)]
pub struct WrittenFile {
    /// Which of the data files it is.
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
    /// Works by their content; none unless there is a dump to compare with.
    pub works: Fingerprints,
    /// Creators by their content; none unless there is a dump to compare with.
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

impl<'w> Writing<'w> {
    /// Works in their order, and their tags into the index.
    fn works(
        &mut self,
        file: &'static DataFile,
        works: &[Work],
        tags: Option<&mut TagIndex<'w>>,
    ) -> Result<(WrittenFile, Fingerprints)> {
        let mut out = Out { tags, ..self.open(file)? };
        let (records, snapshot) = (self.records, self.snapshot);
        let row =
            |at: usize, cells: &mut _| fetch(snapshot, &records.plan.works_table, &works[at].key, cells);
        self.write(&mut out, works.len(), row, |at, cells, batch| {
            let work = &works[at];
            let record = records.work(work, cells, &mut batch.toll);
            let record = record.map_err(|error| of_record(error, &work.id))?;
            let passed = batch.tags.add_work(at as u32, |add| {
                each_tag(&record.tags, &mut |label, value| {
                    // Names that were fit apart may spell something together.
                    if !label.contains('.') || !records.fences.holds(label) {
                        add(label, value);
                    }
                })
            });
            (0..passed).for_each(|_| batch.toll.troubles.add(Trouble::LongLabel, TAGS.name));
            Ok(record.json)
        })?;
        self.close(out)
    }

    fn creators(&mut self) -> Result<(WrittenFile, Fingerprints)> {
        let mut out = self.open(&CREATORS)?;
        let (records, snapshot) = (self.records, self.snapshot);
        let plan = records.plan;
        let listed: Vec<_> = plan.creators.iter().filter(|creator| creator.is_listed).collect();
        let row = |at: usize, cells: &mut _| {
            let Creator { table, key, .. } = listed[at];
            fetch(snapshot, &plan.creator_tables[*table], key, cells)
        };
        self.write(&mut out, listed.len(), row, |at, cells, batch| {
            let json = records.creator(listed[at], cells, &mut batch.toll);
            json.map_err(|error| of_record(error, &listed[at].id))
        })?;
        self.close(out)
    }

    /// Writes the records of so many rows: `row` reads each, by its place, and `make` makes a record of it, on
    /// whichever core is free.
    fn write(
        &self,
        out: &mut Out<'_, 'w>,
        rows: usize,
        row: impl Fn(usize, &mut Vec<Cell>) -> Result<()>,
        make: impl Fn(usize, &[Cell], &mut Made) -> Result<Vec<u8>> + Sync,
    ) -> Result<()> {
        let (compared, spare) = (self.compared, Spare::default());
        in_batches(
            |hand_on| {
                for at in 0..rows {
                    self.job.check()?;
                    let mut cells = spare.take();
                    row(at, &mut cells)?;
                    let bytes = cells.iter().map(Cell::text_bytes).sum();
                    hand_on((at, cells), bytes)?;
                }
                Ok(())
            },
            |rows: Vec<(usize, Vec<Cell>)>| {
                let mut batch = Made::default();
                for (at, cells) in &rows {
                    let json = make(*at, cells, &mut batch)?;
                    batch.add(json, compared)?;
                }
                spare.give(rows.into_iter().map(|(_, cells)| cells));
                Ok(batch)
            },
            |batch| {
                out.take(&batch)?;
                self.meter.add(batch.records.len() as u64, 0);
                Ok(())
            },
        )
    }

    fn links(&mut self) -> Result<WrittenFile> {
        let mut out = self.open(&LINKS)?;
        for batch in self.records.plan.links.chunks(BATCH_ITEMS) {
            self.job.check()?;
            for link in batch {
                let json = self.records.link(link, &mut out.toll);
                let work = self.records.plan.works.get(link.work);
                let json = json.map_err(|error| of_record(error, work.map_or("", |work| &work.id)));
                out.write(&json?)?;
            }
            self.meter.add(batch.len() as u64, 0);
        }
        Ok(self.close(out)?.0)
    }

    fn tags(&mut self, tags: TagIndex<'_>) -> Result<WrittenFile> {
        let mut out = self.open(&TAGS)?;
        let ids = Ids::new(&self.records.plan.works)?;
        let job = self.job;
        tags.each(|label, value, places| {
            job.check()?;
            let mut record = Record::new(TAGS.fields);
            record.put("label", label)?;
            record.put("value", value)?;
            record.put("count", &places.len())?;
            record.put_list("artwork_ids", places.iter().filter_map(|at| ids.get(*at as usize)))?;
            out.write(&record.finish()?)
        })?;
        Ok(self.close(out)?.0)
    }

    fn open<'t>(&self, file: &'static DataFile) -> Result<Out<'t, 'w>> {
        self.meter.item(file.name);
        let threads = cores();
        let target = self.workspace.create_file(file.name)?;
        let deflater = Deflater::new(target, self.workspace.path(file.name), self.level, threads)?;
        let (writer, fingerprints) = (RecordWriter::new(deflater), Fingerprints::default());
        Ok(Out { file, writer, fingerprints, tags: None, toll: Toll::default() })
    }

    fn close(&mut self, out: Out<'_, '_>) -> Result<(WrittenFile, Fingerprints)> {
        let Out { file, writer, fingerprints, toll, .. } = out;
        self.toll.merge(&toll);
        let records = writer.count();
        let path = writer.get_ref().path().to_owned();
        let deflater = writer.finish().map_err(|error| Error::output(&path, error))?;
        Ok((WrittenFile { file, records, deflated: deflater.finish()? }, fingerprints))
    }
}

/// The ids of works as JSON, in one piece: each is written as often as its work has tags.
struct Ids {
    json: Vec<u8>,
    ends: Vec<usize>,
}

impl Ids {
    fn new(works: &[Work]) -> Result<Ids> {
        let mut ids = Ids { json: Vec::new(), ends: Vec::with_capacity(works.len()) };
        for work in works {
            let written = serde_json::to_writer(&mut ids.json, &work.id);
            written.map_err(|error| Error::Internal { problem: format!("the id of a work: {error}") })?;
            ids.ends.push(ids.json.len());
        }
        Ok(ids)
    }

    /// The id of the work at that place.
    fn get(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.json.get(start..*self.ends.get(at)?)
    }
}

fn fetch(snapshot: &Snapshot, table: &Content, key: &RowKey, cells: &mut Vec<Cell>) -> Result<()> {
    match table.fetch(snapshot.connection(), key, cells).map_err(|error| snapshot.failure(&error))? {
        true => Ok(()),
        false => Err(Error::Internal { problem: format!("a row of {} was not found again", table.name) }),
    }
}

/// A data file while it is written.
struct Out<'t, 'w> {
    file: &'static DataFile,
    writer: RecordWriter<Deflater>,
    /// Its records by their content, where there is a dump to compare with.
    fingerprints: Fingerprints,
    /// What receives the tags of its records.
    tags: Option<&'t mut TagIndex<'w>>,
    /// What was found on the way.
    toll: Toll,
}

impl Out<'_, '_> {
    /// Adds what a thread made.
    fn take(&mut self, batch: &Made) -> Result<()> {
        batch.records.iter().try_for_each(|json| self.write(json))?;
        self.fingerprints.extend(&batch.fingerprints);
        self.toll.merge(&batch.toll);
        let Some(tags) = &mut self.tags else { return Ok(()) };
        batch.tags.iter().try_for_each(|(label, value, work)| tags.add(label, value, work))
    }

    fn write(&mut self, json: &[u8]) -> Result<()> {
        self.writer.write(json).map_err(|error| Error::output(self.writer.get_ref().path(), error))
    }
}
