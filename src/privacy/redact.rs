//! Fence 3 at work: takes identifiers out of free text that leaves.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use super::find::{Found, search};
use super::values::Values;
use crate::platform::identifiers::Class;

/// What stands for an identifier.
pub const REDACTED: &str = "[redacted]";
/// How often a text is cleaned before all of it is taken out: nobody writes one by chance that takes more than two.
const MAX_ROUNDS: usize = 8;

/// An identifier where none may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The class of identifiers that it belongs to.
    pub class: Class,
    /// The `table.column` that it stands in; None for an e-mail address that nobody knows.
    pub place: Option<String>,
}

impl From<Found<'_>> for Hit {
    fn from(found: Found<'_>) -> Self {
        Hit { class: found.class, place: found.place.map(str::to_owned) }
    }
}

/// How many identifiers of each class were taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts([u64; Class::ALL.len()]);

impl Counts {
    /// Of one class.
    pub fn get(&self, class: Class) -> u64 {
        self.0.get(class as usize).copied().unwrap_or_default()
    }

    /// One more.
    pub fn add(&mut self, class: Class) {
        if let Some(count) = self.0.get_mut(class as usize) {
            *count += 1;
        }
    }

    /// Those of another part.
    pub fn merge(&mut self, other: &Counts) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

/// Takes known identifiers, and whatever looks like an e-mail address, out of text.
#[derive(Debug, Clone, Copy)]
pub struct Redactor<'v> {
    values: &'v Values,
}

impl<'v> Redactor<'v> {
    /// Hunts `values`.
    pub fn new(values: &'v Values) -> Self {
        Redactor { values }
    }

    /// The text with [`REDACTED`] for each identifier in it, in whatever encoding it stands there.
    pub fn text<'t>(&self, text: &'t str, counts: &mut Counts) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        // What is taken out may have been what kept something else from being an identifier.
        for _ in 0..MAX_ROUNDS {
            match self.once(&clean, counts) {
                Some(cleaner) => clean = Cow::Owned(cleaner),
                None => return clean,
            }
        }
        Cow::Borrowed(REDACTED)
    }

    /// The text without what is found in it as it stands; none when nothing is.
    fn once(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let mut hits: Vec<(Range<usize>, Class)> = Vec::new();
        let _ = search(text.as_bytes(), self.values, &mut |found| {
            hits.push((found.range, found.class));
            ControlFlow::Continue(())
        });
        if hits.is_empty() {
            return None;
        }
        hits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for (range, class) in hits {
            if range.end <= from {
                continue;
            }
            if range.start >= from {
                clean.push_str(&text[text.ceil_char_boundary(from)..text.floor_char_boundary(range.start)]);
                clean.push_str(REDACTED);
                counts.add(class);
            }
            from = range.end;
        }
        clean.push_str(&text[text.ceil_char_boundary(from)..]);
        Some(clean)
    }

    /// An identifier in the text, if there is one.
    pub fn holds(&self, text: &str) -> Option<Hit> {
        self.first(text, |_| true)
    }

    /// The first identifier in a text that was made around what is public: there a token that may be any text is none.
    pub fn holds_around(&self, text: &str) -> Option<Hit> {
        self.first(text, |found| !found.may_be_any_text())
    }

    fn first(&self, text: &str, counts: impl Fn(&Found<'v>) -> bool) -> Option<Hit> {
        let mut hit = None;
        let _ = search(text.as_bytes(), self.values, &mut |found| {
            if !counts(&found) {
                return ControlFlow::Continue(());
            }
            hit = Some(found.into());
            ControlFlow::Break(())
        });
        hit
    }
}
