//! What one batch gives, and the long values of its rows: after it, or in one batch with them.

use super::super::held::Encoded;
use super::super::long::Long;
use super::super::query::{HowMuch, QueryError, Rows, malformed};
use super::super::select::{Range, Row};
use super::{MAX_BATCH_BYTES, MAX_TRIES, Reading};
use crate::error::Result;

impl Reading<'_> {
    /// Reads ranges of tables in one batch; long values come after it. None if that is too much.
    pub(super) async fn read(&self, wanted: &[(usize, &Range)]) -> Result<Option<Vec<Encoded>>> {
        match self.ask(wanted).await {
            Ok(read) => Ok(Some(read)),
            Err(QueryError::TooMuch(_)) => Ok(None),
            Err(error) => Err(self.failure(error).await),
        }
    }

    pub(super) async fn ask(&self, wanted: &[(usize, &Range)]) -> Result<Vec<Encoded>, QueryError> {
        'again: for _ in 0..MAX_TRIES {
            let (mut read, _) = self.batch(wanted, Vec::new()).await?;
            for ((table, _), rows) in wanted.iter().zip(&mut read) {
                if !self.complete(*table, rows).await? {
                    continue 'again;
                }
            }
            return self.encoded(wanted, &read);
        }
        Err(self.restless(wanted.first().map_or(0, |(table, _)| *table)).into())
    }

    /// Reads ranges of tables, and their long values, in one batch. None if that is too much, or new long values come
    /// in all the time.
    pub(super) async fn read_at_once(&self, wanted: &[(usize, &Range)]) -> Result<Option<Vec<Encoded>>> {
        match self.ask_at_once(wanted).await {
            Ok(read) => Ok(read),
            Err(QueryError::TooMuch(_)) => Ok(None),
            Err(error) => Err(self.failure(error).await),
        }
    }

    /// Which values are long is seen in one batch, and these are asked for in the next one.
    async fn ask_at_once(&self, wanted: &[(usize, &Range)]) -> Result<Option<Vec<Encoded>>, QueryError> {
        let source = |nth: usize| &self.sources[wanted[nth].0];
        let mut expected: Vec<(usize, Long)> = Vec::new();
        for _ in 0..=MAX_TRIES {
            let bytes: u64 = expected.iter().map(|(_, long)| long.bytes).sum();
            if bytes * 2 > MAX_BATCH_BYTES as u64 {
                return Ok(None);
            }
            let parts = expected.iter().flat_map(|(nth, long)| long.statements(source(*nth))).collect();
            let (mut read, parts) = self.batch(wanted, parts).await?;
            let (mut found, mut rows_of_found) = (Vec::new(), Vec::new());
            for (nth, rows) in read.iter().enumerate() {
                for (row, long) in Long::of(source(nth), rows).ok_or_else(malformed)? {
                    found.push((nth, long));
                    rows_of_found.push(row);
                }
            }
            if found != expected {
                expected = found;
                continue;
            }
            let mut answers = parts.as_slice();
            for ((nth, long), row) in found.iter().zip(rows_of_found) {
                let (own, others) = answers.split_at_checked(long.parts()).ok_or_else(malformed)?;
                answers = others;
                read[*nth][row][long.cell] = long.value(own)?.ok_or_else(malformed)?;
            }
            return self.encoded(wanted, &read).map(Some);
        }
        Ok(None)
    }

    /// The rows of ranges, and the answers to further statements, of one batch.
    async fn batch(
        &self,
        wanted: &[(usize, &Range)],
        further: Vec<String>,
    ) -> Result<(Vec<Vec<Row>>, Vec<Rows>), QueryError> {
        if wanted.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        self.database.job().check()?;
        let how_much = if wanted.len() == 1 { HowMuch::Least } else { HowMuch::Several };
        let ranges = wanted.iter().flat_map(|(table, range)| self.sources[*table].statements(range, None));
        let statements: Vec<String> = ranges.chain(further).collect();
        let mut answers = self.database.read(&statements, how_much).await?.rows;
        let mut read = Vec::new();
        for (table, _) in wanted {
            let source = &self.sources[*table];
            let others = answers.split_off(source.width().min(answers.len()));
            read.push(source.rows(&answers).ok_or_else(malformed)?);
            answers = others;
        }
        Ok((read, answers))
    }

    fn encoded(&self, wanted: &[(usize, &Range)], read: &[Vec<Row>]) -> Result<Vec<Encoded>, QueryError> {
        let encoded = wanted.iter().zip(read).map(|((table, _), rows)| {
            // Shares of an answer are not told.
            let mut one = Encoded::new(&self.sources[*table], rows, 0)?;
            one.answer = one.as_answer();
            Some(one)
        });
        Ok(encoded.collect::<Option<_>>().ok_or_else(malformed)?)
    }

    /// Fetches the values that did not come along. False if one is another by now.
    pub(super) async fn complete(&self, table: usize, rows: &mut [Row]) -> Result<bool> {
        let source = &self.sources[table];
        for (row, long) in Long::of(source, rows).ok_or_else(malformed)? {
            let answers = self.database.parts(&long.statements(source)).await?;
            match long.value(&answers)? {
                Some(value) => rows[row][long.cell] = value,
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
