//! Values that are too long to come along with their rows, and are fetched in parts.

use super::cell::{Cell, PART_BYTES};
use super::query::{Rows, malformed};
use super::select::{Place, Row, Source};
use crate::error::Result;

/// A value that did not come along, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Long {
    /// The place of its row in the order of the table.
    place: Place,
    /// Its place in the row.
    pub cell: usize,
    is_text: bool,
    /// Its length.
    pub bytes: u64,
}

impl Long {
    /// All that `rows` lack, each with the index of its row. None if a row has no place, without which none of its
    /// values can be asked for by itself.
    pub fn of(source: &Source, rows: &[Row]) -> Option<Vec<(usize, Long)>> {
        let mut found = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            for (cell, value) in row.iter().enumerate() {
                if let Cell::Long { text, bytes } = *value {
                    found.push((nth, Long { place: source.place(row)?, cell, is_text: text, bytes }));
                }
            }
        }
        Some(found)
    }

    /// How many parts the value is fetched in.
    pub fn parts(&self) -> usize {
        usize::try_from(self.bytes.div_ceil(PART_BYTES)).unwrap_or(usize::MAX)
    }

    /// A statement for each part.
    pub fn statements(&self, source: &Source) -> Vec<String> {
        let column = self.cell - source.first_column();
        (0..self.parts() as u64).map(|nth| source.part(&self.place, column, nth * PART_BYTES)).collect()
    }

    /// The value that the answers to these make; None if it is another one by now.
    pub fn value(&self, answers: &[Rows]) -> Result<Option<Cell>> {
        let mut value = Vec::new();
        for rows in answers {
            let part = rows.first().and_then(|row| row.first()).and_then(|part| part.as_str());
            let Some(part) = part else { return Ok(None) };
            value.extend(hex::decode(part).map_err(|_| malformed())?);
        }
        if value.len() as u64 != self.bytes {
            return Ok(None);
        }
        Ok(Some(if self.is_text { Cell::Text(value) } else { Cell::Blob(value) }))
    }
}

/// Takes rows off the end until what is left lacks at most `most` bytes, or is one row; how many it lacks.
pub fn keep_within(rows: &mut Vec<Row>, most: u64) -> u64 {
    let mut bytes = 0;
    let too_many = rows.iter().position(|row| {
        let more = bytes + lacking(row);
        let is_too_much = bytes > 0 && more > most;
        if !is_too_much {
            bytes = more;
        }
        is_too_much
    });
    rows.truncate(too_many.unwrap_or(rows.len()));
    bytes
}

fn lacking(row: &Row) -> u64 {
    let long = row.iter().map(|cell| match cell {
        Cell::Long { bytes, .. } => *bytes,
        _ => 0,
    });
    long.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_as_long_as_their_long_values_are_not_too_much() {
        let long = |bytes| Cell::Long { text: true, bytes };
        for (lengths, most, kept) in [
            (&[0, 0, 0][..], 10, (3, 0)),
            (&[4, 0, 6, 0], 10, (4, 10)),
            (&[4, 0, 7, 0], 10, (2, 4)),
            (&[0, 20, 0, 1], 10, (2, 20)),
            (&[20, 20], 10, (1, 20)),
        ] {
            let mut rows: Vec<Row> = lengths
                .iter()
                .map(|bytes| vec![Cell::Integer(1), if *bytes > 0 { long(*bytes) } else { Cell::Null }])
                .collect();
            let bytes = keep_within(&mut rows, most);
            assert_eq!((rows.len(), bytes), kept, "{lengths:?}");
        }
    }
}
