//! Fences 2 and 3 as records pass them: names that may not leave, and identifiers in what leaves.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};

use super::troubles::{Column, Trouble, Troubles};
use crate::error::{Error, Result};
use crate::platform::fields::files::{ARTWORK, CREATORS, LINKS, WORK_CREATOR, WORK_PHOTO};
use crate::platform::fields::tables::{Decision, content};
use crate::platform::json;
use crate::platform::photo_key::is_place_alone;
use crate::privacy::filter::Filter;
use crate::privacy::redact::{Counts, Hit, REDACTED, Redactor};

/// What was found on the way, within one part of the work.
#[derive(Debug, Default, Clone)]
pub struct Toll {
    /// Identifiers that were redacted.
    pub counts: Counts,
    /// What could not be read.
    pub troubles: Troubles,
}

impl Toll {
    /// Adds what another part of the work found.
    pub fn merge(&mut self, other: &Toll) {
        self.counts.merge(&other.counts);
        self.troubles.merge(&other.troubles);
    }
}

/// Both fences.
pub struct Fences<'v> {
    filter: &'v Filter,
    redactor: Redactor<'v>,
    /// Whether an identifier ends the job.
    fail: bool,
    /// Fields that the operator's blacklist keeps in.
    dropped: Vec<&'static str>,
}

impl<'v> Fences<'v> {
    /// Fences that redact, or fail at the first identifier.
    pub fn new(filter: &'v Filter, redactor: Redactor<'v>, fail: bool) -> Fences<'v> {
        let fields = [ARTWORK.fields, CREATORS.fields, LINKS.fields, WORK_CREATOR, WORK_PHOTO];
        // What every record has is what records are known and joined by.
        let mut dropped: Vec<_> = fields.into_iter().flatten().filter(|field| !field.required).collect();
        dropped.retain(|field| !filter.allows(field.name));
        Fences { filter, redactor, fail, dropped: dropped.into_iter().map(|field| field.name).collect() }
    }

    /// Whether a field of a record may leave.
    pub fn leaves(&self, field: &str) -> bool {
        !self.dropped.contains(&field)
    }

    /// Whether the blacklist lets members of that name leave.
    pub fn allows(&self, name: &str) -> bool {
        self.filter.allows(name)
    }

    /// The column of a content table, or the name of one that no table can have, unless it is decided that it is
    /// published, and no blacklist keeps it in.
    pub fn column<'c>(&self, table: &str, column: &'c str) -> &'c str {
        let decision = content(table).and_then(|table| table.decision(column));
        let is_published = matches!(decision, Some(Decision::Published(_)));
        if is_published && self.filter.allows(column) { column } else { "\0" }
    }

    /// Whether there is an identifier in the text.
    pub fn holds(&self, text: &str) -> bool {
        self.redactor.holds(text).is_some()
    }

    /// Whether there is an identifier in a text that was made around a public id.
    pub fn holds_around(&self, text: &str) -> bool {
        self.redactor.holds_around(text).is_some()
    }

    /// A text without a name in it, as it may leave in `entry`.
    fn text<'t>(&self, text: &'t str, entry: &str, counts: &mut Counts) -> Result<Cow<'t, str>> {
        if self.fail
            && let Some(hit) = self.redactor.holds(text)
        {
            let problem = "onLeak is 'fail'; correct the row, or let identifiers be redacted";
            return Err(leak(entry, &hit, problem));
        }
        Ok(self.redactor.text(text, counts))
    }

    /// A text of a row as it may leave in `entry`. It may be JSON as a whole, as forms leave it: names in it stay in.
    /// None when nobody can say which of it may leave, or it is nothing but the key of a photo of ours.
    pub fn words<'t>(&self, text: &'t str, entry: &str, counts: &mut Counts) -> Result<Option<Cow<'t, str>>> {
        if is_place_alone(text) {
            return Ok(None);
        }
        if !json::may_be(text) {
            return self.text(text, entry, counts).map(Some);
        }
        let mut value = Value::String(text.to_owned());
        self.value(&mut value, entry, counts)?;
        Ok(match value {
            Value::String(text) => Some(Cow::Owned(text)),
            _ => None,
        })
    }

    /// A text of `place` as [`words`](Fences::words) lets it leave in `entry`; that it may not is noted in `toll`.
    pub fn clean<'t>(
        &self,
        text: &'t str,
        place: Column,
        entry: &str,
        toll: &mut Toll,
    ) -> Result<Option<Cow<'t, str>>> {
        let clean = self.words(text, entry, &mut toll.counts)?;
        if clean.is_none() {
            toll.troubles.add(Trouble::Unreadable, place);
        }
        Ok(clean)
    }

    /// JSON as a row has it, without what stands under names that may not leave.
    pub fn public(&self, mut json: Value) -> Value {
        self.filter.clean_value(&mut json);
        json
    }

    /// Makes members fit to leave in `entry`, at every depth: names that may not leave are gone, and so are those
    /// that hold an identifier and those that say nothing.
    pub fn members(&self, members: &mut Map<String, Value>, entry: &str, counts: &mut Counts) -> Result<()> {
        self.filter.clean(members);
        let before = counts.clone();
        self.redact_members(members, entry, counts)?;
        if *counts != before {
            // What was taken out may have been what kept a text from being JSON.
            self.filter.clean(members);
        }
        Ok(())
    }

    /// Makes a value fit to leave in `entry`, as [`members`](Fences::members) does; `null` where nothing of it may.
    pub fn value(&self, value: &mut Value, entry: &str, counts: &mut Counts) -> Result<()> {
        self.filter.clean_value(value);
        let before = counts.clone();
        self.redact(value, entry, counts)?;
        if *counts != before {
            // As in `members`.
            self.filter.clean_value(value);
        }
        Ok(())
    }

    fn redact_members(
        &self,
        members: &mut Map<String, Value>,
        entry: &str,
        counts: &mut Counts,
    ) -> Result<()> {
        let mut unfit = HashSet::new();
        for (name, value) in members.iter_mut() {
            if value.is_null() || matches!(self.text(name, entry, counts)?, Cow::Owned(_)) {
                unfit.insert(name.clone());
            } else {
                self.redact(value, entry, counts)?;
            }
        }
        if !unfit.is_empty() {
            members.retain(|name, _| !unfit.contains(name));
        }
        Ok(())
    }

    fn redact(&self, value: &mut Value, entry: &str, counts: &mut Counts) -> Result<()> {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.text(text, entry, counts)? {
                    *text = self.json_text(text, entry)?.unwrap_or(redacted);
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.redact(item, entry, counts)),
            Value::Object(members) => self.redact_members(members, entry, counts),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// A text with an identifier in it that is JSON, redacted member by member: no name in it may become another.
    fn json_text(&self, text: &str, entry: &str) -> Result<Option<String>> {
        let Some(mut value) = json::within(text) else { return Ok(None) };
        // The text was counted as it stood.
        self.redact(&mut value, entry, &mut Counts::default())?;
        let redacted = value.to_string();
        Ok(Some(if self.holds(&redacted) { REDACTED.into() } else { redacted }))
    }
}

/// Adds to an error the id of the record that it is about. It is public, and says where to look.
pub fn of_record(error: Error, id: &str) -> Error {
    match error {
        Error::PrivacyLeak { entry, place, problem } => {
            Error::PrivacyLeak { entry: format!("{entry}, record {id}"), place, problem }
        }
        error => error,
    }
}

/// An identifier that would leave in `entry`.
pub fn leak(entry: &str, hit: &Hit, problem: &str) -> Error {
    let place = hit.place.clone().unwrap_or_else(|| "no known column, an e-mail address".into());
    Error::PrivacyLeak { entry: entry.into(), place, problem: problem.into() }
}
