//! What was decided on names, remembered.

use std::collections::HashMap;

/// How many names are remembered. Rows repeat the same few; hostile ones must not fill the memory.
const NAMES: usize = 10_000;
/// Bytes of the longest that is.
const LONGEST: usize = 200;

/// What was decided on names that were met.
#[derive(Debug)]
pub struct Decided<D>(HashMap<String, D>);

impl<D> Default for Decided<D> {
    fn default() -> Self {
        Decided(HashMap::new())
    }
}

impl<D: Copy> Decided<D> {
    /// What was decided on `name`, if it is remembered.
    pub fn on(&self, name: &str) -> Option<D> {
        self.0.get(name).copied()
    }

    /// Remembers it, while there is room.
    pub fn remember(&mut self, name: &str, decision: D) {
        if self.0.len() < NAMES && name.len() <= LONGEST {
            self.0.insert(name.to_owned(), decision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_do_not_fill_the_memory() {
        let mut decided = Decided::default();
        for name in 0..2 * NAMES {
            decided.remember(&name.to_string(), name);
        }
        decided.remember(&"x".repeat(LONGEST + 1), 0);
        assert_eq!((decided.0.len(), decided.on("7"), decided.on("none")), (NAMES, Some(7), None));
    }
}
