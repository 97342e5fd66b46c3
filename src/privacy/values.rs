//! Fence 3: the identifiers of this platform's users, as a set to look candidates up in.
//!
//! Only keys are kept, some 16 bytes for each: 200,000 users with a token, an address and a network address take
//! about 20 MB. (An automaton over every value in every encoding would take gigabytes.)

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::shape::Key;
use crate::platform::identifiers::{Author, Class, lets_in};

mod identified;

pub use identified::{Finds, Identified, PublicId};

/// An index into the list of places.
type PlaceIndex = u16;

/// Known identifiers.
#[derive(Debug, Default)]
pub struct Values {
    known: HashMap<Key, Known, BuildHasherDefault<AsIs>>,
    /// What stands behind the `@` of the addresses among them.
    domains: HashSet<Key, BuildHasherDefault<AsIs>>,
    /// Whether one of them has letters beyond ASCII.
    has_other_letters: bool,
    /// Each one once.
    places: Vec<Place>,
    /// In longer runs of characters every part that has the shape of a token is looked up.
    token_shapes: BTreeSet<TokenShape>,
}

/// What is known of one identifier.
#[derive(Debug)]
struct Known {
    class: Class,
    place: PlaceIndex,
}

/// Where identifiers stand.
#[derive(Debug)]
struct Place {
    /// `table.column`.
    name: String,
    /// Whether what stands there lets somebody in.
    lets_in: bool,
}

/// What tokens look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenShape {
    /// How long they are.
    pub length: usize,
    /// Whether they are hexadecimal.
    pub is_hex: bool,
}

/// How many different lengths of tokens are told apart; the rest are found between boundaries alone.
const MAX_TOKEN_LENGTHS: usize = 64;
/// How many different lengths are told apart of tokens that let somebody in, which visitors cannot crowd out.
const MAX_CREDENTIAL_LENGTHS: usize = 96;

impl Values {
    /// Adds a value of the platform from `place`, a `table.column`, as far as it is [`Identified`].
    pub fn add(&mut self, place: &str, value: &str) {
        Identified::each(place, value, Author::Platform, |one| {
            let place = self.place_index(place);
            self.add_identified(place, one);
        });
    }

    /// Adds what was found in columns of one table, of which `place` gives the `table.column`.
    pub fn extend<'p>(
        &mut self,
        found: impl IntoIterator<Item = (usize, Identified)>,
        place: impl Fn(usize) -> &'p str,
    ) {
        let mut known = Vec::new();
        for (column, one) in found {
            if known.len() <= column {
                known.resize(column + 1, None);
            }
            let place = *known[column].get_or_insert_with(|| self.place_index(place(column)));
            self.add_identified(place, one);
        }
    }

    fn add_identified(
        &mut self,
        place: PlaceIndex,
        Identified { class, key, token_shape, domain }: Identified,
    ) {
        let is_credential = self.is_credential(place);
        let lengths = if is_credential { MAX_CREDENTIAL_LENGTHS } else { MAX_TOKEN_LENGTHS };
        if self.token_shapes.len() < lengths {
            self.token_shapes.extend(token_shape);
        }
        if let Some((domain, has_other_letters)) = domain {
            self.domains.insert(domain);
            self.has_other_letters |= has_other_letters;
        }
        match self.known.entry(key) {
            Entry::Occupied(_) if !is_credential => {}
            entry => drop(entry.insert_entry(Known { class, place })),
        }
    }

    /// Takes out what is public for other reasons: the id of a work, an artist or a log entry. What lets somebody in
    /// stays, whatever else it is.
    pub fn exempt(&mut self, id: PublicId) {
        let PublicId(key) = id;
        if self.known.get(&key).is_some_and(|known| !self.is_credential(known.place)) {
            self.known.remove(&key);
        }
    }

    /// How many identifiers are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The class of a known key, and the `table.column` that it stands in.
    pub fn get(&self, key: Key) -> Option<(Class, &str)> {
        let known = self.known.get(&key)?;
        Some((known.class, &self.places.get(usize::from(known.place))?.name))
    }

    /// Whether a known address ends with `@` and this domain.
    pub fn has_domain(&self, domain: Key) -> bool {
        self.domains.contains(&domain)
    }

    /// Whether a known address has letters beyond ASCII.
    pub fn has_other_letters(&self) -> bool {
        self.has_other_letters
    }

    /// The shapes that known tokens have.
    pub fn token_shapes(&self) -> impl Iterator<Item = TokenShape> + use<'_> {
        self.token_shapes.iter().copied()
    }

    fn place_index(&mut self, place: &str) -> PlaceIndex {
        if let Some(at) = self.places.iter().rposition(|known| known.name == place) {
            return at as PlaceIndex;
        }
        if self.places.len() <= usize::from(PlaceIndex::MAX) {
            self.places.push(Place { name: place.to_owned(), lets_in: lets_in(place) });
        }
        (self.places.len() - 1) as PlaceIndex
    }

    fn is_credential(&self, place: PlaceIndex) -> bool {
        self.places.get(usize::from(place)).is_some_and(|place| place.lets_in)
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
    use crate::privacy::redact::Redactor;
    use crate::privacy::shape;

    const ID: &str = "3f1c9a52-7b64-4c0e-9d2a-5e8f00112233";

    #[test]
    fn what_has_no_shape_is_not_known_and_what_is_public_is_taken_out() {
        let mut values = Values::default();
        values.add("audit_log.user_token", ID);
        values.add("consent.ip_address", "unknown");
        values.add("users.email", "Ann@example.org");
        values.add("submissions.email", "ann@example.org");
        assert_eq!(values.len(), 2);
        let (_, key) = shape::identify("ann@EXAMPLE.org").unwrap();
        assert_eq!(values.get(key), Some((Class::Email, "users.email")));
        values.exempt(PublicId::of(&ID.to_uppercase()).unwrap());
        assert_eq!(values.len(), 1);
    }

    #[test]
    fn lists_of_addresses_are_known_by_each_of_them() {
        let knows = |value: &str, address: &str| {
            let mut values = Values::default();
            values.add("magic_links.ip_address", value);
            shape::identify(address).is_some_and(|(_, key)| values.get(key).is_some())
        };
        for value in [
            "203.0.113.50, 10.0.0.1",
            "unknown, 203.0.113.50",
            "203.0.113.50:443",
            "10.0.0.1 203.0.113.50",
            "[2001:db8::1]:443;203.0.113.50",
        ] {
            assert!(knows(value, "203.0.113.50"), "{value}");
        }
        for value in ["[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1,10.0.0.1"] {
            assert!(knows(value, "2001:db8::1"), "{value}");
        }
        for value in ["Ann <ann@example.org>", "bob@example.org; ann@example.org", "mailto:ann@example.org"] {
            assert!(knows(value, "ann@example.org"), "{value}");
        }
        // Numbers in a sentence, and what is no address, are none.
        assert!(!knows("release 1.2.3.4 of May", "1.2.3.4"));
        let mut values = Values::default();
        values.add("audit_log.user_token", &format!("{ID}, {ID}"));
        assert!(values.is_empty());
    }

    #[test]
    fn what_lets_somebody_in_stays_though_a_public_row_has_the_same_id() {
        for places in [["users.uuid", "audit_log.user_token"], ["audit_log.user_token", "Users.uuid"]] {
            let mut values = Values::default();
            places.into_iter().for_each(|place| values.add(place, ID));
            values.exempt(PublicId::of(ID).unwrap());
            assert_eq!(values.len(), 1, "{places:?}");
        }
    }

    #[test]
    fn a_token_of_letters_alone_is_known_where_it_lets_somebody_in() {
        let token = "qRtYuIoPaSdFgHjKlZxCvBnM_qWeRtYu=";
        for (place, count) in [("magic_links.token", 1), ("submissions.user_token", 0), ("users.email", 0)] {
            let mut values = Values::default();
            values.add(place, token);
            assert_eq!(values.len(), count, "{place}");
            let is_found = Redactor::new(&values).holds(&format!("see {token}")).is_some();
            assert_eq!(is_found, count == 1, "{place}");
        }
    }

    #[test]
    fn tokens_longer_than_any_digest_cost_no_look_at_every_place() {
        let mut values = Values::default();
        for length in [128, 129, 100_000] {
            values.add("submissions.submitter_name", &"1".repeat(length));
        }
        assert_eq!(values.token_shapes().collect::<Vec<_>>(), [TokenShape { length: 128, is_hex: true }]);
        assert_eq!(values.len(), 3);
    }

    #[test]
    fn visitors_do_not_crowd_out_the_lengths_of_tokens_that_let_somebody_in() {
        let mut values = Values::default();
        for length in 40..60 {
            values.add("visits.session", &"a1".repeat(length));
        }
        values.add("magic_links.token", &"Zk3x-Qw9_L".repeat(4));
        assert!(values.token_shapes().any(|shape| shape == TokenShape { length: 40, is_hex: false }));
    }
}
