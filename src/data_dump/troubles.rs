//! What rows could not be read or let out, counted by place: a database full of it makes a handful of warnings.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::job::{Warning, counted};

/// A column of a content table: what its values are told by.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static str, pub &'static str);

impl From<Column> for Cow<'static, str> {
    fn from(Column(table, column): Column) -> Self {
        format!("{table}.{column}").into()
    }
}

/// Something about a row that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A value is none of the shapes that are known.
    Unreadable,
    /// A tag has several values and a label too long to be repeated for each.
    LongLabel,
    /// A row has no id.
    NoId,
    /// Another row has its id.
    SameId,
    /// Its id is, or holds, something private.
    PrivateId,
    /// A coordinate is no finite number.
    NotFinite,
}

impl Trouble {
    fn code(self) -> &'static str {
        match self {
            Trouble::Unreadable | Trouble::NotFinite | Trouble::LongLabel => "VALUE_LEFT_OUT",
            Trouble::NoId | Trouble::SameId | Trouble::PrivateId => "ROW_LEFT_OUT",
        }
    }

    fn message(self, count: u64) -> String {
        let (values, rows) = (counted(count, "value", "values"), counted(count, "row", "rows"));
        match self {
            Trouble::Unreadable => {
                format!("{values} left out: none of the shapes that are known, or the key of a photo")
            }
            Trouble::NotFinite => format!("{values} left out: no finite number"),
            Trouble::LongLabel => format!("{values} left out: the label is too long; artwork.json has them"),
            Trouble::NoId => format!("{rows} left out: without an id"),
            Trouble::SameId => format!("{rows} left out: an earlier row has the same id"),
            Trouble::PrivateId => {
                format!("{rows} left out: the id is an identifier of a person, or holds one")
            }
        }
    }
}

/// Troubles by kind and place.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Troubles(BTreeMap<(Trouble, Cow<'static, str>), u64>);

impl Troubles {
    /// One more at `place`, a table or `table.column`.
    pub fn add(&mut self, trouble: Trouble, place: impl Into<Cow<'static, str>>) {
        *self.0.entry((trouble, place.into())).or_default() += 1;
    }

    /// What was found at `place`; if it is a trouble instead, that is one more.
    pub fn found<T>(&mut self, found: Result<T, Trouble>, place: &'static str) -> Option<T> {
        found.map_err(|trouble| self.add(trouble, place)).ok()
    }

    /// Those of another part of the work too.
    pub fn merge(&mut self, other: &Troubles) {
        for (key, count) in &other.0 {
            *self.0.entry(key.clone()).or_default() += count;
        }
    }

    /// A warning for each kind and place.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.0.iter().map(|((trouble, place), count)| {
            Warning::about(trouble.code(), place.as_ref(), trouble.message(*count))
        })
    }
}
