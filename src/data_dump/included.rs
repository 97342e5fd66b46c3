//! Columns that nobody has decided on and that leave because the operator says so.

use crate::error::{Error, Result};
use crate::platform::fields::files::{ARTWORK, CREATORS, DataFile, LINKS};
use crate::platform::fields::tables::{Decision, content};
use crate::privacy::filter::Filter;

/// One such column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludedField {
    /// The content table.
    pub table: &'static str,
    /// The column, as the operator writes it.
    pub column: String,
    /// The field that it becomes: the column's name, unless the file has a field of that name.
    pub field: String,
    /// Why it is left out all the same, where the built-in list says so.
    pub withheld: Option<&'static str>,
}

impl IncludedField {
    /// Reads `table.column` names. Those that are published anyway are passed over.
    pub fn check(names: &[String]) -> Result<Vec<IncludedField>> {
        let mut included: Vec<IncludedField> = Vec::new();
        for name in names {
            if let Some(field) = read(name)?
                && !included.iter().any(|known| known.is(field.table, &field.column))
            {
                included.push(field);
            }
        }
        Ok(included)
    }

    /// Whether it is this column of this table.
    pub fn is(&self, table: &str, column: &str) -> bool {
        self.table.eq_ignore_ascii_case(table) && self.column.eq_ignore_ascii_case(column)
    }

    /// Whether it leaves: neither the built-in decisions nor a blacklist keep it in.
    pub fn leaves(&self, filter: &Filter) -> bool {
        self.withheld.is_none() && filter.allows(&self.column)
    }

    /// `table.column`, as warnings name it.
    pub fn place(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }
}

/// The file that the rows of a content table become, whose name is written in any case.
pub fn file_of(table: &str) -> Option<&'static DataFile> {
    match content(table)?.name {
        "artwork" => Some(&ARTWORK),
        "artists" | "creators" => Some(&CREATORS),
        "artwork_artists" | "artwork_creators" => Some(&LINKS),
        _ => None,
    }
}

fn read(name: &str) -> Result<Option<IncludedField>> {
    let invalid = |problem: &str| Error::invalid(format!("includeFields holds {name:?}: {problem}"));
    let Some((table, column)) = name.split_once('.').filter(|(_, column)| !column.is_empty()) else {
        return Err(invalid("it takes table.column"));
    };
    let Some((table, file)) = content(table).and_then(|table| Some((table, file_of(table.name)?))) else {
        return Err(invalid(
            "columns can be had of artwork, artists, creators, artwork_artists and artwork_creators, no other table \
             is ever read for output",
        ));
    };
    let decision = table.decision(column);
    if matches!(decision, Some(Decision::Published(_))) {
        return Ok(None);
    }
    let field = if file.has_field(column) { format!("{}.{column}", table.name) } else { column.to_owned() };
    let withheld = decision.and_then(|decision| match decision {
        Decision::Withheld(reason) => Some(reason),
        Decision::Published(_) => None,
    });
    Ok(Some(IncludedField { table: table.name, column: column.to_owned(), field, withheld }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn check(name: &str) -> Result<Vec<IncludedField>> {
        IncludedField::check(&[name.to_owned()])
    }

    #[test]
    fn columns_of_content_tables_can_be_had() {
        let found = check("Artwork.height_m").unwrap();
        let height = ("artwork", "height_m", "height_m", None);
        let parts = |f: &IncludedField| (f.table, f.column.clone(), f.field.clone(), f.withheld);
        assert_eq!(parts(&found[0]), (height.0, height.1.into(), height.2.into(), height.3));
        assert!(check("artwork.status").unwrap()[0].withheld.is_some());
        assert_eq!(
            check("artists.url").unwrap()[0].field,
            "artists.url",
            "creators.json has a field of that name"
        );
        assert_eq!(check("artwork.Title").unwrap(), []);
        let twice = ["artwork.a".to_owned(), "ARTWORK.A".to_owned()];
        assert_eq!(IncludedField::check(&twice).unwrap().len(), 1);
    }

    #[test]
    fn neither_a_decision_nor_a_blacklist_is_overruled() {
        let filter = Filter::new(["diary"]);
        for (name, leaves) in [
            ("artwork.height_m", true),
            ("artists.photos", false),
            ("artwork.status", false),
            ("artwork.donor_email", false),
            ("artwork.Diary", false),
        ] {
            assert_eq!(check(name).unwrap()[0].leaves(&filter), leaves, "{name}");
        }
    }

    #[test]
    fn nothing_else_can() {
        for name in ["users.email", "letters.body", "tags.colour", "artwork", "artwork.", ""] {
            assert_eq!(check(name).map_err(|error| error.code()), Err("INVALID_OPTIONS"), "{name}");
        }
    }
}
