//! Rows packed into INSERT statements of a size that wrangler and D1 like.

use std::io::{self, Write};

use rusqlite::types::ValueRef;

use super::{d1, literal, shell};
use crate::database::lexer::comment_end;
use crate::database::quoted;
use crate::job::Meter;

/// A statement grows to about this: wrangler's time per statement is quadratic in its length (16 kB: 16 ms,
/// 95 kB: 668 ms).
const TARGET_STATEMENT: usize = 16_000;
/// A row of more bytes is a long one: D1 takes at most 100,000 bytes a statement
/// (<https://developers.cloudflare.com/d1/platform/limits/>); the rest is room for what surrounds the values.
const MAX_ROW_IN_STATEMENT: usize = 96_000;
/// Bytes of a long value in one statement: hexadecimal doubles them.
const PIECE_BYTES: usize = 7_900;
/// A literal of no more bytes, which every number is, is about as short as the expression that reads a value from the
/// scratch table.
const MAX_SHORT_LITERAL: usize = 200;

/// Statements on their way into one file.
pub struct Script<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
    pieces: Pieces,
    meter: &'a Meter,
}

/// The scratch table in which values too long for one statement are put together.
struct Pieces {
    name: String,
    made: bool,
}

impl<'a> Script<'a> {
    /// A script whose scratch table, if it needs one, is called `pieces`; `meter` hears of every byte.
    pub fn new(out: &'a mut dyn Write, pieces: String, meter: &'a Meter) -> Self {
        Script { out, bytes: 0, pieces: Pieces { name: quoted(&pieces), made: false }, meter }
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends one statement, without its semicolon.
    pub fn statement(&mut self, sql: &str) -> io::Result<()> {
        self.write(sql.as_bytes())?;
        self.write(b";\n")
    }

    /// Appends a CREATE text so that the semicolon behind it really ends it, and nothing before that.
    pub fn create(&mut self, sql: &str) -> io::Result<()> {
        let sql = shell::guarded(sql);
        self.statement(&format!("{sql}{}", comment_end(&sql)))
    }

    /// Keeps a CREATE text that cannot be run for whoever can make something of it.
    pub fn comment(&mut self, sql: &str) -> io::Result<()> {
        self.statement(&format!("/* {} */\nSELECT 1", sql.replace("*/", "* /")))
    }

    /// Drops the scratch table, where there is one. No value can be long after this.
    pub fn drop_pieces(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.pieces.made) {
            self.statement(&format!("DROP TABLE {}", self.pieces.name))?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.meter.add(0, bytes.len() as u64);
        Ok(())
    }

    /// Puts a value of this kind into the scratch table and returns the expression that reads it from there.
    fn long_value(&mut self, number: usize, bytes: &[u8], kind: &str) -> io::Result<String> {
        if !std::mem::replace(&mut self.pieces.made, true) {
            self.statement(&format!(
                "CREATE TABLE {} (value INTEGER, part INTEGER, bytes BLOB, PRIMARY KEY (value, part))",
                self.pieces.name
            ))?;
        }
        let mut statement = Vec::with_capacity(TARGET_STATEMENT);
        for (part, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
            statement.clear();
            write!(statement, "INSERT INTO {} VALUES ({number}, {part}, ", self.pieces.name)?;
            literal::write_blob(&mut statement, piece);
            statement.extend_from_slice(b");\n");
            self.write(&statement)?;
        }
        Ok(format!(
            "(SELECT CAST(group_concat(bytes, '') AS {kind}) FROM (SELECT bytes FROM {} WHERE value = {number} ORDER BY part))",
            self.pieces.name
        ))
    }
}

/// Packs the rows of one table.
///
/// Rowids that are 1, 2, 3… come back of themselves; from the first other one on they are written.
pub struct Insert<'s, 'a> {
    script: &'s mut Script<'a>,
    /// `INSERT INTO "t" ("a", "b")`.
    head: String,
    /// The name under which the rowid is written, where it is not one of the columns.
    rowid: Option<String>,
    /// The rowid that the next row gets if none is written; none once they are.
    implied: Option<i64>,
    table: String,
    columns: Vec<String>,
    statement: Vec<u8>,
    row: Vec<u8>,
}

impl<'s, 'a> Insert<'s, 'a> {
    /// Rows of `columns` of a table that is empty so far if `fresh`; `rowid` names the rowid, where it is to be kept
    /// and is no column.
    pub fn new(
        script: &'s mut Script<'a>,
        table: &str,
        rowid: Option<&str>,
        columns: &[String],
        fresh: bool,
    ) -> Self {
        let mut insert = Insert {
            script,
            head: String::new(),
            implied: (fresh && rowid.is_some()).then_some(1),
            rowid: rowid.map(str::to_owned),
            table: quoted(table),
            columns: columns.iter().map(|name| quoted(name)).collect(),
            statement: Vec::with_capacity(TARGET_STATEMENT * 2),
            row: Vec::new(),
        };
        insert.begin();
        insert
    }

    /// Appends one row.
    pub fn row(&mut self, rowid: Option<i64>, values: &[ValueRef<'_>]) -> io::Result<()> {
        let rowid = self.written_rowid(rowid)?;
        self.row.clear();
        for value in rowid.iter().chain(values) {
            self.row.push(if self.row.is_empty() { b'(' } else { b',' });
            literal::write(&mut self.row, *value);
        }
        self.row.push(b')');
        if self.head.len() + self.row.len() > MAX_ROW_IN_STATEMENT {
            self.flush()?;
            let values: Vec<ValueRef<'_>> = rowid.iter().chain(values).copied().collect();
            return self.long_row(&values);
        }
        // D1 takes more than a hundred values only in a statement of one row.
        let packed = values.len() + usize::from(rowid.is_some()) <= d1::MAX_COLUMNS;
        if !packed || self.head.len() + self.statement.len() + self.row.len() > TARGET_STATEMENT {
            self.flush()?;
        }
        let lead: &[u8] = if self.statement.is_empty() { b" VALUES\n" } else { b",\n" };
        self.statement.extend_from_slice(lead);
        self.statement.extend_from_slice(&self.row);
        Ok(())
    }

    /// Writes what is packed. Must be called after the last row.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.statement.is_empty() {
            return Ok(());
        }
        self.statement.extend_from_slice(b";\n");
        self.script.write(self.head.as_bytes())?;
        self.script.write(&self.statement)?;
        self.statement.clear();
        Ok(())
    }

    /// The rowid as a value to write; none where it comes of itself.
    fn written_rowid(&mut self, rowid: Option<i64>) -> io::Result<Option<ValueRef<'static>>> {
        let Some(rowid) = rowid.filter(|_| self.rowid.is_some()) else { return Ok(None) };
        if let Some(implied) = self.implied {
            if implied == rowid {
                self.implied = Some(implied + 1);
                return Ok(None);
            }
            self.flush()?;
            self.implied = None;
            self.begin();
        }
        Ok(Some(ValueRef::Integer(rowid)))
    }

    fn begin(&mut self) {
        let rowid = self.rowid.as_deref().filter(|_| self.implied.is_none());
        let columns: Vec<&str> = rowid.into_iter().chain(self.columns.iter().map(String::as_str)).collect();
        self.head = format!("INSERT INTO {} ({})", self.table, columns.join(", "));
    }

    /// A row over the limit reaches the table in one statement all the same, its longest values by way of the
    /// scratch table: no CHECK, UNIQUE or generated column ever sees a part of a value.
    fn long_row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let lengths: Vec<usize> = values.iter().map(|value| self.literal_length(*value)).collect();
        let mut longest: Vec<usize> = (0..values.len()).collect();
        longest.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
        let mut left = self.head.len() + lengths.iter().sum::<usize>();
        let mut expressions = vec![None; values.len()];
        for index in longest {
            if left <= MAX_ROW_IN_STATEMENT || lengths[index] <= MAX_SHORT_LITERAL {
                break;
            }
            let expression = match values[index] {
                ValueRef::Text(bytes) => self.script.long_value(index, bytes, "TEXT")?,
                ValueRef::Blob(bytes) => self.script.long_value(index, bytes, "BLOB")?,
                ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => continue,
            };
            left = left - lengths[index] + expression.len() + 1;
            expressions[index] = Some(expression);
        }
        let mut statement = self.head.clone().into_bytes();
        for (index, (value, expression)) in values.iter().zip(&expressions).enumerate() {
            statement.extend_from_slice(if index == 0 { b" VALUES (" } else { b"," });
            match expression {
                Some(expression) => statement.extend_from_slice(expression.as_bytes()),
                None => literal::write(&mut statement, *value),
            }
        }
        statement.extend_from_slice(b");\n");
        self.script.write(&statement)?;
        match self.script.pieces.made {
            true => self.script.statement(&format!("DELETE FROM {}", self.script.pieces.name)),
            false => Ok(()),
        }
    }

    /// With the comma.
    fn literal_length(&mut self, value: ValueRef<'_>) -> usize {
        self.row.clear();
        literal::write(&mut self.row, value);
        self.row.len() + 1
    }
}

#[cfg(test)]
mod tests;
