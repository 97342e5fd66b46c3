//! The list of what is wrong, which a hostile archive cannot make endless.

use std::collections::BTreeMap;

use crate::job::{Warning, counted, excerpt};

/// Contents are damaged.
const CORRUPT: &str = "ARCHIVE_CORRUPT";
/// The contents are sound.
const ALTERED: &str = "ARCHIVE_ALTERED";
/// More are counted only.
const MAX_LISTED: usize = 1_000;

/// What is wrong, in the order it was found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    listed: Vec<Warning>,
    /// By code.
    more: BTreeMap<&'static str, u64>,
}

impl Problems {
    /// Contents that cannot be read or are not what they should be.
    pub(super) fn damaged(&mut self, entry: Option<&str>, problem: &str) {
        self.add(CORRUPT, entry, problem);
    }

    /// Bytes that were changed and are no contents.
    pub(super) fn altered(&mut self, entry: Option<&str>, problem: &str) {
        self.add(ALTERED, entry, problem);
    }

    /// What is known by number alone.
    pub(super) fn more(&mut self, damaged: u64, altered: u64) {
        for (code, more) in [(CORRUPT, damaged), (ALTERED, altered)] {
            if more > 0 {
                *self.more.entry(code).or_default() += more;
            }
        }
    }

    /// What may not be public.
    pub(super) fn leak(&mut self, entry: &str, problem: &str) {
        self.add("PRIVACY_LEAK", Some(entry), problem);
    }

    /// A format that this version cannot judge.
    pub(super) fn newer(&mut self, problem: &str) {
        self.add("FORMAT_NEWER", None, problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub(super) fn into_warnings(mut self) -> Vec<Warning> {
        for (code, more) in self.more {
            let message =
                format!("{} not listed here", counted(more, "more problem is", "more problems are"));
            self.listed.push(Warning::new(code, message));
        }
        self.listed
    }

    fn add(&mut self, code: &'static str, entry: Option<&str>, problem: &str) {
        if self.listed.len() == MAX_LISTED {
            *self.more.entry(code).or_default() += 1;
            return;
        }
        let problem = excerpt(problem);
        self.listed.push(match entry {
            Some(entry) => Warning::about(code, entry, problem),
            None => Warning::new(code, problem),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_keeps_its_code() {
        let mut problems = Problems::default();
        for _ in 0..MAX_LISTED + 2 {
            problems.altered(None, "its date was changed");
        }
        problems.more(0, 3);
        let told = problems.into_warnings();
        assert_eq!(told.len(), MAX_LISTED + 1);
        assert!(told.iter().all(|problem| problem.code == ALTERED));
        assert_eq!(told[MAX_LISTED].message, "5 more problems are not listed here");
    }

    #[test]
    fn damage_is_told_however_much_was_altered() {
        let mut problems = Problems::default();
        for _ in 0..MAX_LISTED {
            problems.altered(None, "its date was changed");
        }
        problems.damaged(Some("a"), "it cannot be read");
        assert!(problems.into_warnings().iter().any(|problem| problem.code == CORRUPT));
    }

    #[test]
    fn a_problem_that_quotes_the_archive_is_not_told_at_any_length() {
        let mut problems = Problems::default();
        problems.leak("schema", &format!("it lets out {:?}", "\u{fc}".repeat(70_000)));
        let told = problems.into_warnings();
        assert!(told[0].message.starts_with("it lets out") && told[0].message.len() < 1_000);
    }
}
