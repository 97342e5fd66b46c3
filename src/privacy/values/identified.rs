//! What is known of a value by itself, before it is one of the [`Values`](super::Values).

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::{AsIs, TokenShape};
use crate::platform::identifiers::{Author, Class, lets_in};
use crate::privacy::shape::{self, Key};

/// Characters of the longest token that is looked for within longer runs; the digits of SHA-512. A run is read again
/// for each length, and a visitor may have written either.
const MAX_TOKEN: usize = 128;

/// An identifier, with all that [`Values`](super::Values) keeps of it.
#[derive(Debug, Clone, Copy)]
pub struct Identified {
    pub(super) class: Class,
    pub(super) key: Key,
    /// The shape of a token that is looked for within longer runs.
    pub(super) token_shape: Option<TokenShape>,
    /// What stands behind the `@` of an address, and whether that has letters beyond ASCII.
    pub(super) domain: Option<(Key, bool)>,
}

/// What is public for other reasons than that nobody hunts it.
#[derive(Debug, Clone, Copy)]
pub struct PublicId(pub(super) Key);

impl PublicId {
    /// A public id, if it has the shape of an identifier.
    pub fn of(id: &str) -> Option<PublicId> {
        shape::identify(id).map(|(_, key)| PublicId(key))
    }
}

impl Identified {
    /// Hands what a value from `place`, a `table.column`, is to `found`, if the whole of it has a shape, or is a list of
    /// addresses. A visitor has written no token: any run of letters may be called one, such as the path of a page that
    /// public texts link to.
    pub fn each(place: &str, value: &str, author: Author, mut found: impl FnMut(Identified)) {
        let mut is = |value: &str, class, key| found(Identified::new(value, class, key));
        match shape::identify(value) {
            Some((Class::Token, _)) if author == Author::Visitor => {}
            Some((class, key)) => is(value, class, key),
            // Where it lets somebody in, it is no word, of whatever letters it is.
            None if shape::is_run(value.trim().as_bytes()) && lets_in(place) => {
                is(value, Class::Token, shape::token(value.trim().as_bytes()));
            }
            None => shape::each_address(value, is),
        }
    }

    fn new(value: &str, class: Class, key: Key) -> Identified {
        let token = value.trim().trim_end_matches('=');
        let is_hunted = class == Class::Token && token.len() <= MAX_TOKEN;
        let token_shape =
            || TokenShape { length: token.len(), is_hex: token.bytes().all(|byte| byte.is_ascii_hexdigit()) };
        let domain = value.trim().split_once('@').filter(|_| class == Class::Email);
        Identified {
            class,
            key,
            token_shape: is_hunted.then(token_shape),
            domain: domain.map(|(_, domain)| (shape::domain(domain.as_bytes()), !value.is_ascii())),
        }
    }
}

/// A column, and the domain of the address that was found in it.
type Find = (usize, Option<(Key, bool)>);

/// Identifiers that were found in columns of one table, each with its column. What comes again in the column that it
/// was last found in is left out, as adding it again changes nothing: rows of one visitor stand close together.
#[derive(Debug, Default)]
pub struct Finds {
    found: Vec<(usize, Identified)>,
    /// The column that each was last found in, and how its domain was written there.
    last: HashMap<Key, Find, BuildHasherDefault<AsIs>>,
}

impl Finds {
    /// Adds one.
    pub fn add(&mut self, column: usize, one: Identified) {
        let find = (column, one.domain);
        if self.last.insert(one.key, find) != Some(find) {
            self.found.push((column, one));
        }
    }

    /// All of them, in their order.
    pub fn into_found(self) -> Vec<(usize, Identified)> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Values;
    use super::*;

    const TABLE: [&str; 3] = ["users.uuid", "users.user_token", "users.notes_by"];
    const WRITTEN: [&str; 6] = [
        "3f1c9a52-7b64-4c0e-9d2a-5e8f00112233",
        "ann@example.org",
        "Ann@Example.org",
        "ann@\u{ff45}xample.org",
        "203.0.113.9",
        "qRtYuIoPaSdFgHjKlZxCvBnM_qWeRtYu=",
    ];

    proptest! {
        #[test]
        fn what_is_left_out_of_finds_changes_nothing(
            rows in proptest::collection::vec((0..TABLE.len(), 0..WRITTEN.len()), 0..30),
        ) {
            let (mut finds, mut all) = (Finds::default(), Vec::new());
            for (column, value) in rows {
                Identified::each(TABLE[column], WRITTEN[value], Author::Platform, |one| {
                    finds.add(column, one);
                    all.push((column, one));
                });
            }
            let keys: Vec<Key> = all.iter().map(|(_, one)| one.key).collect();
            let [few, many] = [finds.into_found(), all].map(|found| {
                let mut values = Values::default();
                values.extend(found, |column| TABLE[column]);
                values
            });
            for key in keys {
                prop_assert_eq!(few.get(key), many.get(key));
            }
            prop_assert_eq!(few.len(), many.len());
            prop_assert!(few.token_shapes().eq(many.token_shapes()));
            prop_assert_eq!(few.has_other_letters(), many.has_other_letters());
        }
    }
}
