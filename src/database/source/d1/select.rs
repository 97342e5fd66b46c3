//! The statements that read a table: all of its columns, from one row to another, in the order of its key.

use super::cell::{self, Cell};
use super::query::Rows;
use crate::database::quoted;
use crate::database::schema::{Key, Table, Term};
use crate::database::sql::literal;

/// Columns of one statement: D1 gives back at most 100.
const MAX_COLUMNS: usize = 90;
/// Bytes of the expressions of one statement: D1 takes 100,000 in all.
const MAX_EXPRESSIONS: usize = 60_000;

/// A row as it came: the rowid, where the table has one that is no column, then the columns.
pub type Row = Vec<Cell>;

/// The place of a row in the order of its table: the key, as SQL writes it.
pub type Place = Vec<String>;

/// The rows behind one place and up to another; None: from the first, to the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// The row before the first.
    pub after: Option<Place>,
    /// The last row.
    pub upto: Option<Place>,
}

/// A table, and how it is asked for.
pub struct Source {
    /// The table.
    pub table: Table,
    /// Expressions by statement: a table of many columns takes more than one.
    groups: Vec<Vec<String>>,
}

impl Source {
    /// Prepares the statements of a table.
    pub fn new(table: Table, signed_zero: bool) -> Self {
        let mut groups: Vec<Vec<String>> = vec![Vec::new()];
        let mut length = 0;
        if let Key::Rowid(alias) = &table.key {
            groups[0].push(format!("'i'||{alias}"));
        }
        for column in &table.columns {
            let expression = cell::expression(&quoted(column), signed_zero, is_in_key(&table, column));
            let full = groups.last().is_some_and(|last| {
                last.len() >= MAX_COLUMNS || length + expression.len() > MAX_EXPRESSIONS && !last.is_empty()
            });
            if full {
                groups.push(Vec::new());
                length = 0;
            }
            length += expression.len();
            if let Some(last) = groups.last_mut() {
                last.push(expression);
            }
        }
        Source { table, groups }
    }

    /// The statements for the rows of a range, the first `limit` of them; they have to run in one transaction.
    pub fn statements(&self, range: &Range, limit: Option<usize>) -> Vec<String> {
        let (table, order) = (quoted(&self.table.name), self.order());
        let conditions: Vec<String> = [(&range.after, true), (&range.upto, false)]
            .into_iter()
            .filter_map(|(place, behind)| Some(self.condition(place.as_ref()?, behind)))
            .collect();
        let condition = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let limit = limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
        // What has no order has the same one in every statement, whichever columns an index has.
        let source = if self.has_places() { "" } else { " NOT INDEXED" };
        self.groups
            .iter()
            .map(|group| {
                // Names of our own: two columns of one name would be one in an object.
                let terms: Vec<String> =
                    group.iter().enumerate().map(|(nth, term)| format!("{term} AS c{nth}")).collect();
                format!("SELECT {} FROM {table} AS t{source}{condition}{order}{limit}", terms.join(", "))
            })
            .collect()
    }

    /// How many statements a range takes.
    pub fn width(&self) -> usize {
        self.groups.len()
    }

    /// Puts the answers of [`Source::statements`] together; None if they do not fit.
    pub fn rows(&self, answers: &[Rows]) -> Option<Vec<Row>> {
        let count = answers.first()?.len();
        if answers.len() != self.groups.len() || answers.iter().any(|rows| rows.len() != count) {
            return None;
        }
        (0..count)
            .map(|nth| {
                let mut row = Row::with_capacity(self.table.columns.len() + 1);
                for (answer, group) in answers.iter().zip(&self.groups) {
                    if answer[nth].len() != group.len() {
                        return None;
                    }
                    for value in &answer[nth] {
                        row.push(cell::decode(value)?);
                    }
                }
                Some(row)
            })
            .collect()
    }

    /// Where the columns begin in a row.
    pub fn first_column(&self) -> usize {
        usize::from(matches!(self.table.key, Key::Rowid(_)))
    }

    /// Whether its rows have places: without, it can only be read whole.
    pub fn has_places(&self) -> bool {
        self.table.key != Key::Hidden
    }

    /// The place of a row; None if it has none, or one that is no value.
    pub fn place(&self, row: &Row) -> Option<Place> {
        let first = self.first_column();
        let written = |index: usize| {
            let mut out = Vec::new();
            literal::write(&mut out, row.get(index)?.value()?);
            String::from_utf8(out).ok()
        };
        match &self.table.key {
            Key::Hidden => None,
            Key::Rowid(_) => Some(vec![written(0)?]),
            Key::Column(index) => Some(vec![written(first + index)?]),
            Key::Primary(terms) => terms
                .iter()
                .map(|term| {
                    let index = self.table.columns.iter().position(|column| *column == term.column)?;
                    written(first + index)
                })
                .collect(),
        }
    }

    /// The statement for a part of a value that is too long to come along.
    pub fn part(&self, place: &Place, column: usize, from: u64) -> String {
        format!(
            "SELECT hex(substr(CAST({} AS BLOB), {}, {})) AS part FROM {} AS t WHERE {}",
            quoted(&self.table.columns[column]),
            from + 1,
            cell::PART_BYTES,
            quoted(&self.table.name),
            self.is_at(place)
        )
    }

    fn rowid(&self) -> Option<String> {
        self.table.rowid().map(|rowid| format!("t.{rowid}"))
    }

    fn terms(&self) -> Vec<Term> {
        match &self.table.key {
            Key::Primary(terms) => terms.clone(),
            _ => Vec::new(),
        }
    }

    fn is_at(&self, place: &Place) -> String {
        match self.rowid() {
            Some(rowid) => format!("{rowid} = {}", place.join("")),
            None => {
                let equal: Vec<String> = self
                    .terms()
                    .iter()
                    .zip(place)
                    .map(|(term, value)| format!("{} = {value}", collated(term)))
                    .collect();
                equal.join(" AND ")
            }
        }
    }

    /// `behind` a place, or up to it.
    fn condition(&self, place: &Place, behind: bool) -> String {
        let operator = |descending: bool| match (behind, descending) {
            (true, false) => ">",
            (true, true) => "<",
            (false, false) => "<=",
            (false, true) => ">=",
        };
        if let Some(rowid) = self.rowid() {
            return format!("{rowid} {} {}", operator(false), place.join(""));
        }
        let terms = self.terms();
        let first = terms.first().is_some_and(|term| term.descending);
        if terms.iter().all(|term| term.descending == first && term.is_own) {
            let names: Vec<String> = terms.iter().map(collated).collect();
            return format!("({}) {} ({})", names.join(", "), operator(first), place.join(", "));
        }
        // Rows compare as a whole in one direction only, and by no index if a term has a COLLATE: spelt out, term by term.
        let last = terms.len().saturating_sub(1);
        let ways: Vec<String> = (0..terms.len())
            .map(|at| {
                let mut all: Vec<String> =
                    (0..at).map(|nth| format!("{} = {}", collated(&terms[nth]), place[nth])).collect();
                let descending = terms[at].descending;
                let operator = match operator(descending) {
                    // Up to the place itself is what the last term says.
                    "<=" if at < last => "<",
                    ">=" if at < last => ">",
                    as_it_is => as_it_is,
                };
                all.push(format!("{} {operator} {}", collated(&terms[at]), place[at]));
                format!("({})", all.join(" AND "))
            })
            .collect();
        // Where SQLite begins, or ends: it sees none in what stands behind OR.
        let bound = match operator(first) {
            ">" => ">=",
            "<" => "<=",
            as_it_is => as_it_is,
        };
        format!("{} {bound} {} AND ({})", collated(&terms[0]), place[0], ways.join(" OR "))
    }

    fn order(&self) -> String {
        if let Some(rowid) = self.rowid() {
            return format!(" ORDER BY {rowid}");
        }
        let terms: Vec<String> =
            self.terms().iter().map(|term| term.written(&name(&term.column), &term.collation)).collect();
        if terms.is_empty() { String::new() } else { format!(" ORDER BY {}", terms.join(", ")) }
    }
}

/// A column, not a result of ours that happens to have its name: those come first in ORDER BY.
fn name(column: &str) -> String {
    format!("t.{}", quoted(column))
}

/// What a condition compares by. SQLite takes no index for rows of values with a COLLATE.
fn collated(term: &Term) -> String {
    match term.is_own {
        true => name(&term.column),
        false => format!("{} COLLATE {}", name(&term.column), quoted(&term.collation)),
    }
}

fn is_in_key(table: &Table, column: &str) -> bool {
    matches!(&table.key, Key::Primary(terms) if terms.iter().any(|term| term.column == column))
}

#[cfg(test)]
mod tests;
