//! A record while it is made: cells become fields, and what is none of the known shapes is left out and told.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::{Records, page};
use crate::data_dump::fences::Toll;
use crate::data_dump::included::IncludedField;
use crate::data_dump::plan::text_of;
use crate::data_dump::troubles::{Column, Trouble};
use crate::dataset::record::Record;
use crate::error::Result;
use crate::platform::content::Cell;
use crate::platform::fields::files::DataFile;
use crate::platform::times::{instant, rfc3339};
use crate::platform::{json, tag_values};

/// A record that is being made of a row.
pub(super) struct Draft<'d> {
    records: &'d Records<'d>,
    /// The file that receives it.
    file: &'static DataFile,
    /// The content table that its row is in.
    table: &'static str,
    /// The fields so far.
    pub(super) record: Record,
    /// What was found on the way.
    pub(super) toll: &'d mut Toll,
}

impl<'d> Draft<'d> {
    /// A record of `file` without a field, of a row of `table`.
    pub(super) fn new(
        records: &'d Records<'d>,
        file: &'static DataFile,
        table: &'static str,
        toll: &'d mut Toll,
    ) -> Self {
        Draft { records, file, table, record: Record::new(file.fields), toll }
    }

    /// Adds a text or a number as text.
    pub(super) fn put_text(&mut self, field: &str, cell: &Cell, column: &'static str) -> Result<()> {
        if !self.records.fences.leaves(field) {
            return Ok(());
        }
        let number = match cell {
            Cell::Integer(number) => Some(number.to_string()),
            Cell::Real(number) if number.is_finite() => Some(number.to_string()),
            Cell::Real(_) | Cell::Unreadable(_) => {
                self.miss(column);
                None
            }
            Cell::Null | Cell::Text(_) => None,
        };
        let Some(text) = text_of(cell).or(number.as_deref()) else { return Ok(()) };
        let text = self.clean(text, column)?;
        self.record.put_some(field, text.as_deref())
    }

    /// Adds a number, whose field is called like its column.
    pub(super) fn put_number(&mut self, field: &'static str, cell: &Cell) -> Result<()> {
        if !self.records.fences.leaves(field) {
            return Ok(());
        }
        let number = match cell {
            Cell::Null => return Ok(()),
            Cell::Integer(number) => return self.record.put(field, number),
            Cell::Real(number) => Some(*number),
            Cell::Text(text) if text.trim().is_empty() => return Ok(()),
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Unreadable(_) => None,
        };
        match number {
            Some(number) if number.is_finite() => self.record.put(field, &number),
            Some(_) => {
                self.toll.troubles.add(Trouble::NotFinite, self.place(field));
                Ok(())
            }
            None => {
                self.miss(field);
                Ok(())
            }
        }
    }

    /// Adds a time, whose field is called like its column.
    pub(super) fn put_instant(&mut self, field: &'static str, cell: &Cell) -> Result<()> {
        if !self.records.fences.leaves(field) {
            return Ok(());
        }
        if let Some(instant) = instant(cell) {
            return self.record.put(field, &rfc3339(instant));
        }
        let says_nothing = match cell {
            Cell::Null => true,
            Cell::Text(text) => text.trim().is_empty(),
            Cell::Integer(_) | Cell::Real(_) | Cell::Unreadable(_) => false,
        };
        if !says_nothing {
            self.miss(field);
        }
        Ok(())
    }

    /// Adds the address of the page that the publisher's site has of the record.
    pub(super) fn put_page(&mut self, kind: &str, id: &str) -> Result<()> {
        match self.records.site {
            Some(site) if self.records.fences.leaves("url") => self.record.put("url", &page(site, kind, id)),
            _ => Ok(()),
        }
    }

    /// Adds the columns that the operator adds, in the order of the options. They come after all other fields.
    pub(super) fn put_extra(&mut self, cells: &[Cell]) -> Result<()> {
        let (included, table) = (self.records.included, self.table);
        let fields = included.iter().filter(|field| field.table == table);
        for (field, cell) in fields.zip(cells) {
            match value_of(cell) {
                Some(value) => self.put_included(field, value)?,
                None if *cell == Cell::Null => {}
                None => self.toll.troubles.add(Trouble::Unreadable, field.place()),
            }
        }
        Ok(())
    }

    /// Adds the value of a column that the operator adds, as far as it may leave.
    pub(super) fn put_included(&mut self, field: &IncludedField, mut value: Value) -> Result<()> {
        self.records.fences.value(&mut value, self.file.name, &mut self.toll.counts)?;
        if value.is_null() {
            self.toll.troubles.add(Trouble::Unreadable, field.place());
            return Ok(());
        }
        self.record.put_extra(&field.field, &value)
    }

    /// A text of a column as it may leave, if any of it may.
    pub(super) fn clean<'t>(&mut self, text: &'t str, column: &'static str) -> Result<Option<Cow<'t, str>>> {
        self.records.fences.clean(text, self.place(column), self.file.name, self.toll)
    }

    /// The tags in the column `tags`. `is_all`: whether no others join them that may be a name or a value.
    pub(super) fn tags(&mut self, cell: &Cell, is_all: bool) -> Map<String, Value> {
        let read = tag_values::in_cell(cell).and_then(|json| {
            // As most are: they are looked at with the record.
            if is_all && tag_values::is_plain(&json) {
                return tag_values::of_json(json);
            }
            // Before items of a list, or tags of several places, become one: what stands together in one of them may
            // be a name and its value.
            let is_empty = json.is_null();
            let json = self.records.fences.public(json);
            // What nobody can clean is as good as unreadable.
            if json.is_null() && !is_empty { Err(tag_values::Unreadable) } else { tag_values::of_json(json) }
        });
        read.unwrap_or_else(|_| {
            self.miss("tags");
            Map::new()
        })
    }

    /// The names in a column.
    pub(super) fn names(&mut self, cell: &Cell, column: &'static str) -> Vec<String> {
        let (names, is_all) = tag_values::names(cell);
        if !is_all {
            self.miss(column);
        }
        names
    }

    fn place(&self, column: &'static str) -> Column {
        Column(self.table, column)
    }

    /// Notes that a value of the column is none of the shapes that are known.
    fn miss(&mut self, column: &'static str) {
        self.toll.troubles.add(Trouble::Unreadable, self.place(column));
    }
}

/// A value of a column that nobody has decided on; JSON in it is JSON.
pub fn value_of(cell: &Cell) -> Option<Value> {
    match cell {
        Cell::Null | Cell::Unreadable(_) => None,
        Cell::Integer(number) => Some(Value::from(*number)),
        Cell::Real(number) => Number::from_f64(*number).map(Value::Number),
        Cell::Text(text) => {
            // What looks like JSON and is none may hold any name: nobody can tell which of it may leave.
            let looks_like_json = json::bare(text).starts_with(['{', '[']);
            json::within(text).or_else(|| (!looks_like_json).then(|| Value::String(text.clone())))
        }
    }
}
