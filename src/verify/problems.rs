//! The list of what is wrong, which a hostile archive cannot make endless.

use crate::job::{Warning, counted};

/// More are counted only.
const LISTED: usize = 1_000;

/// What is wrong, in the order it was found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    listed: Vec<Warning>,
    more: u64,
}

impl Problems {
    /// Contents that cannot be read or are not what they should be.
    pub(super) fn damaged(&mut self, entry: Option<&str>, problem: &str) {
        self.add("ARCHIVE_CORRUPT", entry, problem);
    }

    /// Bytes that were changed and are no contents.
    pub(super) fn altered(&mut self, entry: Option<&str>, problem: &str) {
        self.add("ARCHIVE_ALTERED", entry, problem);
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
        if self.more > 0 {
            let message =
                format!("{} not listed here", counted(self.more, "more problem is", "more problems are"));
            self.listed.push(Warning::new("ARCHIVE_CORRUPT", message));
        }
        self.listed
    }

    fn add(&mut self, code: &str, entry: Option<&str>, problem: &str) {
        if self.listed.len() == LISTED {
            self.more += 1;
            return;
        }
        self.listed.push(match entry {
            Some(entry) => Warning::about(code, entry, problem),
            None => Warning::new(code, problem),
        });
    }
}
