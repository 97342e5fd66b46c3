//! Fence 3: the identifiers of this platform's users, as a set to look candidates up in.
//!
//! Only keys are kept, some 16 bytes for each: 200,000 users with a token, an address and a network address take
//! about 20 MB. (An automaton over every value in every encoding would take gigabytes.)

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::shape::{self, Key};
use crate::platform::identifiers::Class;

/// An index into the list of places.
type PlaceIndex = u16;

/// Known identifiers.
#[derive(Debug, Default)]
pub struct Values {
    known: HashMap<Key, (Class, PlaceIndex), BuildHasherDefault<AsIs>>,
    /// Each `table.column` once.
    places: Vec<String>,
    /// Lengths of the tokens, and whether they are hexadecimal: in longer runs of characters every part of such a
    /// length is looked up.
    token_shapes: BTreeSet<(usize, bool)>,
}

/// How many different lengths of tokens are told apart; the rest are found between boundaries alone.
const LENGTHS: usize = 8;

impl Values {
    /// Adds a value from `place`, a `table.column`, if the whole of it has a shape.
    pub fn add(&mut self, place: &str, value: &str) {
        let Some((class, key)) = shape::identify(value) else { return };
        if class == Class::Token && self.token_shapes.len() < LENGTHS {
            let token = value.trim().trim_end_matches('=');
            self.token_shapes.insert((token.len(), token.bytes().all(|byte| byte.is_ascii_hexdigit())));
        }
        let place = self.place_index(place);
        self.known.entry(key).or_insert((class, place));
    }

    /// Takes out what is public for other reasons: the id of a work, an artist or a log entry.
    pub fn spare(&mut self, id: &str) {
        if let Some((_, key)) = shape::identify(id) {
            self.known.remove(&key);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The class of a known key, and the `table.column` that it stands in.
    pub fn get(&self, key: Key) -> Option<(Class, &str)> {
        let (class, place) = self.known.get(&key)?;
        Some((*class, self.places.get(usize::from(*place))?))
    }

    /// The lengths that known tokens have, and whether those are hexadecimal.
    pub fn token_shapes(&self) -> impl Iterator<Item = (usize, bool)> + use<'_> {
        self.token_shapes.iter().copied()
    }

    fn place_index(&mut self, place: &str) -> PlaceIndex {
        // Rows of one column come one after another.
        if let Some(at) = self.places.iter().rposition(|known| known == place) {
            return at as PlaceIndex;
        }
        if self.places.len() <= usize::from(PlaceIndex::MAX) {
            self.places.push(place.to_owned());
        }
        (self.places.len() - 1) as PlaceIndex
    }
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_has_no_shape_is_not_known_and_what_is_public_is_taken_out() {
        let mut values = Values::default();
        values.add("users.uuid", "3f1c9a52-7b64-4c0e-9d2a-5e8f00112233");
        values.add("consent.ip_address", "unknown");
        values.add("users.email", "Ann@example.org");
        values.add("submissions.email", "ann@example.org");
        assert_eq!(values.len(), 2);
        let (_, key) = shape::identify("ann@EXAMPLE.org").unwrap();
        assert_eq!(values.get(key), Some((Class::Email, "users.email")));
        values.spare("3F1C9A52-7b64-4c0e-9d2a-5e8f00112233");
        assert_eq!(values.len(), 1);
    }
}
