//! What was decided on names, remembered.

use std::collections::HashMap;

use foldhash::quality::RandomState;

/// How many names are remembered before all are forgotten. Rows repeat the same few; hostile ones must neither fill the
/// memory nor keep those out.
const MAX_NAMES: usize = 10_000;
/// Bytes of the longest that is.
const MAX_NAME: usize = 200;

/// What was decided on names that were met.
#[derive(Debug)]
pub struct Decided<D>(HashMap<String, D, RandomState>);

impl<D> Default for Decided<D> {
    fn default() -> Self {
        Decided(HashMap::default())
    }
}

impl<D: Copy> Decided<D> {
    /// What was decided on `name`, if it is remembered.
    pub fn on(&self, name: &str) -> Option<D> {
        self.0.get(name).copied()
    }

    /// Remembers it, unless the name is longer than any that rows repeat.
    pub fn remember(&mut self, name: &str, decision: D) {
        if name.len() > MAX_NAME {
            return;
        }
        if self.0.len() >= MAX_NAMES {
            self.0.clear();
        }
        self.0.insert(name.to_owned(), decision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_neither_fill_the_memory_nor_keep_others_out() {
        let mut decided = Decided::default();
        for name in 0..2 * MAX_NAMES {
            decided.remember(&name.to_string(), name);
        }
        assert_eq!((decided.0.len(), decided.on("7"), decided.on("10007")), (MAX_NAMES, None, Some(10_007)));
        let long = "x".repeat(MAX_NAME + 1);
        decided.remember("material", 0);
        decided.remember(&long, 1);
        assert_eq!((decided.on("material"), decided.on(&long)), (Some(0), None));
    }
}
