//! Cells made into fields: what is none of the known shapes is left out and told.

use serde_json::{Number, Value};

use super::Records;
use crate::data_dump::fences::Toll;
use crate::data_dump::included::IncludedField;
use crate::data_dump::plan::text_of;
use crate::data_dump::troubles::{Column, Trouble};
use crate::dataset::record::Record;
use crate::error::Result;
use crate::platform::content::Cell;
use crate::platform::times::{instant, rfc3339};
use crate::platform::{json, tag_values};

impl Records<'_> {
    pub(super) fn put_text(
        &self,
        record: &mut Record,
        field: &str,
        cell: &Cell,
        place: Column,
        entry: &str,
        toll: &mut Toll,
    ) -> Result<()> {
        if !self.fences.leaves(field) {
            return Ok(());
        }
        let number = match cell {
            Cell::Integer(number) => Some(number.to_string()),
            Cell::Real(number) if number.is_finite() => Some(number.to_string()),
            Cell::Real(_) | Cell::Unreadable(_) => {
                toll.troubles.add(Trouble::Unreadable, place);
                None
            }
            Cell::Null | Cell::Text(_) => None,
        };
        let Some(text) = text_of(cell).or(number.as_deref()) else { return Ok(()) };
        let text = self.fences.clean(text, place, entry, toll)?;
        record.put_some(field, text.as_deref())
    }

    pub(super) fn put_number(
        &self,
        record: &mut Record,
        field: &str,
        cell: &Cell,
        place: Column,
        toll: &mut Toll,
    ) -> Result<()> {
        if !self.fences.leaves(field) {
            return Ok(());
        }
        let number = match cell {
            Cell::Null => return Ok(()),
            Cell::Integer(number) => return record.put(field, number),
            Cell::Real(number) => Some(*number),
            Cell::Text(text) if text.trim().is_empty() => return Ok(()),
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Unreadable(_) => None,
        };
        match number {
            Some(number) if number.is_finite() => record.put(field, &number),
            Some(_) => {
                toll.troubles.add(Trouble::NotFinite, place);
                Ok(())
            }
            None => {
                toll.troubles.add(Trouble::Unreadable, place);
                Ok(())
            }
        }
    }

    pub(super) fn put_instant(
        &self,
        record: &mut Record,
        field: &str,
        cell: &Cell,
        place: Column,
        toll: &mut Toll,
    ) -> Result<()> {
        if !self.fences.leaves(field) {
            return Ok(());
        }
        match instant(cell) {
            Some(instant) => record.put(field, &rfc3339(instant)),
            None => {
                if !matches!(cell, Cell::Null) && !matches!(cell, Cell::Text(text) if text.trim().is_empty())
                {
                    toll.troubles.add(Trouble::Unreadable, place);
                }
                Ok(())
            }
        }
    }

    /// Columns that the operator adds come in the order of the options.
    pub(super) fn put_extra(
        &self,
        record: &mut Record,
        table: &str,
        cells: &[Cell],
        entry: &str,
        toll: &mut Toll,
    ) -> Result<()> {
        let fields = self.included.iter().filter(|field| field.table == table);
        for (field, cell) in fields.zip(cells) {
            let Some(mut value) = value_of(cell) else {
                if *cell != Cell::Null {
                    toll.troubles.add(Trouble::Unreadable, field.place());
                }
                continue;
            };
            self.put_included(record, field, &mut value, entry, toll)?;
        }
        Ok(())
    }

    /// Adds the value of a column that the operator adds, as far as it may leave.
    pub(super) fn put_included(
        &self,
        record: &mut Record,
        field: &IncludedField,
        value: &mut Value,
        entry: &str,
        toll: &mut Toll,
    ) -> Result<()> {
        self.fences.value(value, entry, &mut toll.counts)?;
        if value.is_null() {
            toll.troubles.add(Trouble::Unreadable, field.place());
            return Ok(());
        }
        record.put_extra(&field.field, value)
    }
}

/// The names in a column; what is none is told.
pub(super) fn names(cell: &Cell, place: Column, toll: &mut Toll) -> Vec<String> {
    let (names, is_all) = tag_values::names(cell);
    if !is_all {
        toll.troubles.add(Trouble::Unreadable, place);
    }
    names
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
