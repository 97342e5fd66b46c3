//! One state of a database that is written while it is read.
//!
//! A small one comes over in a single batch, which is a single transaction. A larger one is read in parts, and then
//! every part is read again: if none has changed, the state between the two readings is what is held. Parts that have
//! changed are read together in one batch, and all others once more: if those have not changed, the state at that batch
//! is what is held. A part that changes all the time, such as the end of a log, needs no more than that batch. What comes
//! and goes may look unchanged, so the batch holds all that refers to what has changed, and all that what has changed
//! refers to, as long as it is not too much. What the batch itself finds changed brings the same along.
//!
//! D1 has no function that would make a digest of a table, so parts are compared here, whole.

use std::collections::BTreeSet;
use std::path::Path;

use super::held::{Encoded, Held};
use super::long;
use super::query::{Answered, Database, HowMuch, QueryError, malformed};
use super::script::Layout;
use super::select::{Range, Source};
use crate::error::{Error, Result};
use crate::job::Meter;

mod batch;

/// Bytes of a whole database that are asked for at once; in hexadecimal they are twice as many.
const MAX_WHOLE_DATABASE: u64 = 1 << 20;
/// Bytes that an answer aims at.
const PAGE_BYTES: usize = 1_500_000;
/// Bytes of long values, which come apart from their rows, in one part: several that change have to fit into one batch.
const MAX_LONG_VALUES: u64 = 1 << 20;
/// Bytes of changed parts that are asked for at once.
const MAX_BATCH_BYTES: usize = 16 << 20;
/// Statements of one batch.
const MAX_STATEMENTS: usize = 50;
/// Rows of the first page of a table, and the most of any.
const FIRST_PAGE_ROWS: usize = 500;
const MAX_PAGE_ROWS: usize = 20_000;
/// How often everything is read again before it is given up.
const MAX_ROUNDS: usize = 6;
/// How often a part is read whose long values change between its rows and theirs.
const MAX_TRIES: usize = 3;

/// A database being read.
pub struct Reading<'a> {
    database: &'a Database<'a>,
    layout: &'a Layout,
    sources: Vec<Source>,
    held: Held,
    meter: &'a Meter,
}

impl<'a> Reading<'a> {
    /// Nothing is read yet. `signed_zero`: whether -0.0 can be told from 0.0.
    pub fn new(
        database: &'a Database<'a>,
        layout: &'a Layout,
        signed_zero: bool,
        work: &Path,
        meter: &'a Meter,
    ) -> Result<Self> {
        let sources = layout.tables.iter().map(|table| Source::new(table.clone(), signed_zero)).collect();
        Ok(Reading { database, layout, sources, held: Held::new(work)?, meter })
    }

    /// Reads one state; `size` is that of the whole database, where it is known.
    pub async fn take(mut self, size: Option<u64>) -> Result<Held> {
        if size.is_some_and(|size| size <= MAX_WHOLE_DATABASE) && self.whole().await? {
            return Ok(self.held);
        }
        self.held.clear();
        for table in 0..self.sources.len() {
            self.pages(table).await?;
        }
        let (mut busy, mut together) = (BTreeSet::new(), BTreeSet::new());
        let (mut last, mut related) = (None, true);
        for _ in 0..MAX_ROUNDS {
            let changed = self.read_again(&together).await?;
            let Some(first) = changed.first().copied() else { return Ok(self.held) };
            last = Some(first);
            busy.extend(changed);
            together = self.with_busy(&mut busy, &mut related).await?;
        }
        let name = last.map(|part| &self.sources[self.held.parts[part].table].table.name);
        Err(changed(&format!("the table {}", name.map_or("", String::as_str)), "it is written all the time"))
    }

    /// Everything in one batch; the schema is looked at again after it. False if that is too much.
    async fn whole(&mut self) -> Result<bool> {
        let ranges = vec![Range::default(); self.sources.len()];
        let wanted: Vec<(usize, &Range)> = ranges.iter().enumerate().collect();
        let Some(read) = self.read_at_once(&wanted).await? else { return Ok(false) };
        for (table, read) in read.iter().enumerate() {
            self.held.add(table, Range::default(), read)?;
        }
        self.check_schema().await?;
        Ok(true)
    }

    /// A table, page by page.
    async fn pages(&mut self, table: usize) -> Result<()> {
        self.meter.item(&self.sources[table].table.name);
        let (mut after, mut size, mut tries) = (None, FIRST_PAGE_ROWS, 0);
        loop {
            self.database.job().check()?;
            let source = &self.sources[table];
            let limit = source.has_places().then_some(size);
            let range = Range { after: after.clone(), upto: None };
            let divisible = limit.is_some() && size > 1;
            let how_much = if divisible { HowMuch::Several } else { HowMuch::Least };
            let answered = match self.database.read(&source.statements(&range, limit), how_much).await {
                Ok(answered) => answered,
                Err(QueryError::TooMuch(_)) if divisible => {
                    size = (size / 4).max(1);
                    continue;
                }
                Err(error) => return Err(self.failure(error).await),
            };
            let Answered { rows, bytes: short } = answered;
            let mut rows = source.rows(&rows).ok_or_else(malformed)?;
            let came = rows.len();
            let long = long::keep_within(&mut rows, if limit.is_some() { MAX_LONG_VALUES } else { u64::MAX })
                as usize;
            if !self.complete(table, &mut rows).await? {
                tries += 1;
                if tries == MAX_TRIES {
                    return Err(self.restless(table));
                }
                continue;
            }
            tries = 0;
            let source = &self.sources[table];
            // Hexadecimal doubles what was fetched.
            let bytes = short * rows.len() / came.max(1) + long * 2;
            let read = Encoded::new(source, &rows, bytes).ok_or_else(malformed)?;
            let full = read.rows < came || limit.is_some_and(|limit| read.rows >= limit);
            let upto = if full { Some(read.last.clone().ok_or_else(malformed)?) } else { None };
            // A page that leads nowhere would be asked for again for ever.
            if full && upto == after {
                return Err(malformed());
            }
            self.held.add(table, Range { after, upto: upto.clone() }, &read)?;
            self.meter.add(read.rows as u64, bytes as u64);
            let Some(upto) = upto else { return Ok(()) };
            after = Some(upto);
            let fit =
                (came * PAGE_BYTES / short.max(1)).min(read.rows * MAX_LONG_VALUES as usize / long.max(1));
            size = fit.clamp((size / 4).max(1), size.saturating_mul(4)).min(MAX_PAGE_ROWS);
        }
    }

    /// Reads every part again but those in `except`; the ones that have changed, which are held as they are now.
    async fn read_again(&mut self, except: &BTreeSet<usize>) -> Result<Vec<usize>> {
        let parts: Vec<usize> = (0..self.held.parts.len()).filter(|part| !except.contains(part)).collect();
        let mut changed = Vec::new();
        for batch in self.batches(&parts) {
            changed.extend(self.renew(&batch).await?);
        }
        self.check_schema().await?;
        Ok(changed)
    }

    /// Reads `busy` in one batch, with what is `related` unless that was too much once: D1 may take minutes to say so.
    /// What changed within the batch becomes busy too. The parts of the last batch that D1 gave.
    async fn with_busy(&mut self, busy: &mut BTreeSet<usize>, related: &mut bool) -> Result<BTreeSet<usize>> {
        let mut together = BTreeSet::new();
        loop {
            let wanted = if *related { self.with_related(busy) } else { busy.clone() };
            if wanted.is_subset(&together) {
                return Ok(together);
            }
            match self.at_once(&wanted).await? {
                Some(changed) => {
                    busy.extend(changed);
                    together = wanted;
                }
                None if !together.is_empty() => return Ok(together),
                None if *related => *related = false,
                None => busy.clear(),
            }
        }
    }

    /// These parts, and all of the tables that refer to theirs or that theirs refer to.
    fn with_related(&self, parts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let table = |part: usize| self.held.parts[part].table;
        let tables: BTreeSet<usize> = parts.iter().map(|part| table(*part)).collect();
        let is_related =
            |part: usize| tables.iter().any(|changed| self.layout.are_related(*changed, table(part)));
        let all = 0..self.held.parts.len();
        all.filter(|part| parts.contains(part) || is_related(*part)).collect()
    }

    /// Reads parts in one batch, whatever they have become; the ones that have changed. None if that is too much.
    async fn at_once(&mut self, parts: &BTreeSet<usize>) -> Result<Option<Vec<usize>>> {
        let bytes: usize = parts.iter().map(|part| self.held.parts[*part].answer).sum();
        if bytes > MAX_BATCH_BYTES {
            return Ok(None);
        }
        let parts: Vec<usize> = parts.iter().copied().collect();
        let Some(read) = self.read_at_once(&self.wanted(&parts)).await? else { return Ok(None) };
        let mut changed = Vec::new();
        for (part, read) in parts.into_iter().zip(&read) {
            if self.held.renew(part, read)? {
                changed.push(part);
            }
        }
        Ok(Some(changed))
    }

    /// Reads parts again, if need be each on its own; the ones that have changed.
    async fn renew(&mut self, parts: &[usize]) -> Result<Vec<usize>> {
        let mut changed = Vec::new();
        if let Some(read) = self.read(&self.wanted(parts)).await? {
            for (part, read) in parts.iter().zip(&read) {
                self.meter.add(0, read.answer as u64);
                if self.held.renew(*part, read)? {
                    changed.push(*part);
                }
            }
            return Ok(changed);
        }
        for part in parts {
            let read = match self.ask(&self.wanted(&[*part])).await {
                Ok(read) => read,
                Err(error) => return Err(self.failure(error).await),
            };
            for read in &read {
                if self.held.renew(*part, read)? {
                    changed.push(*part);
                }
            }
        }
        Ok(changed)
    }

    fn wanted(&self, parts: &[usize]) -> Vec<(usize, &Range)> {
        parts.iter().map(|part| (self.held.parts[*part].table, &self.held.parts[*part].range)).collect()
    }

    /// Parts in groups that make one answer each.
    fn batches(&self, parts: &[usize]) -> Vec<Vec<usize>> {
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let (mut bytes, mut statements) = (0, 0);
        for &part in parts {
            let held = &self.held.parts[part];
            let width = self.sources[held.table].width();
            match batches.last_mut() {
                Some(last) if bytes + held.answer <= PAGE_BYTES && statements + width <= MAX_STATEMENTS => {
                    last.push(part)
                }
                _ => {
                    (bytes, statements) = (0, 0);
                    batches.push(vec![part]);
                }
            }
            bytes += held.answer;
            statements += width;
        }
        batches
    }

    async fn check_schema(&self) -> Result<()> {
        let (objects, _) = self.database.schema().await?;
        match self.layout.is_that_of(&objects) {
            true => Ok(()),
            false => Err(changed("the schema", "a migration was run")),
        }
    }

    fn restless(&self, table: usize) -> Error {
        let table = &self.sources[table].table.name;
        changed(&format!("the table {table}"), "its longest values are written all the time")
    }

    /// A failure for good. That SQL is refused by now may be because what it names is no longer there.
    async fn failure(&self, error: QueryError) -> Error {
        let error = match error {
            QueryError::Job(error) => return error,
            QueryError::TooMuch(error) | QueryError::Api(error) => error,
        };
        if error.is_of_sql()
            && let Err(changed @ Error::SourceChanged { .. }) = self.check_schema().await
        {
            return changed;
        }
        self.database.failure(error)
    }
}

fn changed(what: &str, why: &str) -> Error {
    let problem = format!("{why}; try again at a quieter time");
    Error::SourceChanged { what: what.to_owned(), problem }
}
