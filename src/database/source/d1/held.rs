//! What has been read so far: the rows of every range, as SQL, in a private file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use blake3::Hash;
use rusqlite::types::ValueRef;

use super::select::{Place, Range, Row, Source};
use crate::database::quoted;
use crate::database::sql::literal;
use crate::error::{Error, Result};

/// Rows of one INSERT, and bytes after which no more are added.
const INSERT_ROWS: usize = 100;
const INSERT_BYTES: usize = 50_000;

/// A part of a table that is read, and read again, as a whole.
pub struct Part {
    /// The table, by its index.
    pub table: usize,
    /// Which rows.
    pub range: Range,
    /// About the bytes that its answer had.
    pub answer: usize,
    hash: Hash,
    from: u64,
    length: u64,
}

/// Everything that is held.
pub struct Held {
    file: Arc<File>,
    end: u64,
    /// Table by table, each from its first row to its last.
    pub parts: Vec<Part>,
    folder: Box<Path>,
}

impl Held {
    /// Nothing yet.
    pub fn new(work: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(work).map_err(|error| Error::output(work, error))?;
        Ok(Held { file: Arc::new(file), end: 0, parts: Vec::new(), folder: work.into() })
    }

    /// Adds a part behind all others.
    pub fn add(&mut self, table: usize, range: Range, read: &Encoded) -> Result<()> {
        let from = self.write(read)?;
        let (length, hash, answer) = (read.sql.len() as u64, read.hash(), read.answer);
        self.parts.push(Part { table, range, answer, hash, from, length });
        Ok(())
    }

    /// Takes what was read again of a part; whether it is something else than before.
    pub fn renew(&mut self, part: usize, read: &Encoded) -> Result<bool> {
        if self.parts[part].hash == read.hash() {
            return Ok(false);
        }
        let from = self.write(read)?;
        let part = &mut self.parts[part];
        (part.from, part.length, part.hash, part.answer) =
            (from, read.sql.len() as u64, read.hash(), read.answer);
        Ok(true)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// Bytes of SQL that are held.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.length).sum()
    }

    /// The rows of a table, as a script.
    pub fn rows_of(&self, table: usize) -> impl Read + '_ {
        let parts = self.parts.iter().filter(move |part| part.table == table);
        Rows { file: &self.file, left: parts.map(|part| (part.from, part.length)).collect(), next: 0 }
    }

    fn write(&mut self, read: &Encoded) -> Result<u64> {
        let from = self.end;
        let mut file = &*self.file;
        let written = file.seek(SeekFrom::Start(from)).and_then(|_| file.write_all(&read.sql));
        written.map_err(|error| Error::output(&self.folder, error))?;
        self.end += read.sql.len() as u64;
        Ok(from)
    }
}

struct Rows<'a> {
    file: &'a File,
    left: Vec<(u64, u64)>,
    next: usize,
}

impl Read for Rows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((from, length)) = self.left.get_mut(self.next) {
            if *length == 0 {
                self.next += 1;
                continue;
            }
            let most = usize::try_from(*length).unwrap_or(usize::MAX).min(buffer.len());
            let mut file = self.file;
            file.seek(SeekFrom::Start(*from))?;
            let read = file.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *from += read as u64;
            *length -= read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}

/// Rows as SQL.
pub struct Encoded {
    sql: Vec<u8>,
    /// Bytes of the texts among the values.
    texts: usize,
    /// How many rows there are.
    pub rows: usize,
    /// The place of the last row; None where there is no row, or rows have no place.
    pub last: Option<Place>,
    /// About the bytes that the answer had.
    pub answer: usize,
}

impl Encoded {
    /// Writes rows; None if a value of them did not come along.
    pub fn new(source: &Source, rows: &[Row], answer: usize) -> Option<Self> {
        let columns = source.table.names().join(",");
        let head = format!("INSERT INTO {}({columns})VALUES\n", quoted(&source.table.name));
        let mut sql = Vec::new();
        let (mut in_statement, mut began, mut texts) = (0, 0, 0);
        for row in rows {
            if in_statement == INSERT_ROWS || in_statement > 0 && sql.len() - began > INSERT_BYTES {
                sql.extend_from_slice(b";\n");
                in_statement = 0;
            }
            if in_statement == 0 {
                began = sql.len();
                sql.extend_from_slice(head.as_bytes());
            } else {
                sql.extend_from_slice(b",\n");
            }
            in_statement += 1;
            for (nth, cell) in row.iter().enumerate() {
                sql.push(if nth == 0 { b'(' } else { b',' });
                let value = cell.value()?;
                if let ValueRef::Text(text) = value {
                    texts += text.len();
                }
                literal::write(&mut sql, value);
            }
            sql.push(b')');
        }
        if in_statement > 0 {
            sql.extend_from_slice(b";\n");
        }
        let last = rows.last().and_then(|row| source.place(row));
        Some(Encoded { sql, texts, rows: rows.len(), last, answer })
    }

    /// About the bytes of an answer with these rows, where texts are in hexadecimal, as BLOBs are in SQL.
    pub fn as_answer(&self) -> usize {
        self.sql.len() + self.texts
    }

    fn hash(&self) -> Hash {
        blake3::hash(&self.sql)
    }
}
