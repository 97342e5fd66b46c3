//! What every listing that comes in pages is held to.

use std::collections::HashSet;

use blake3::{Hash, hash};
use serde::Deserialize;

/// The largest object that any store takes: S3's 50 TB.
const MAX_OBJECT: u64 = 50 << 40;

/// Bytes of a listed object. Nothing that claims more than a store takes is a listing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Size(pub u64);

impl TryFrom<u64> for Size {
    type Error = &'static str;

    fn try_from(bytes: u64) -> Result<Self, Self::Error> {
        if bytes > MAX_OBJECT { Err("an object is larger than any") } else { Ok(Size(bytes)) }
    }
}

/// The pages of one listing so far: one that goes in circles would never end.
#[derive(Default)]
pub(crate) struct Pages {
    first_keys: HashSet<Hash>,
    places: HashSet<Hash>,
    /// Pages without a key since the last that had one.
    empty: usize,
}

/// Stores may give a page on which every object was deleted meanwhile; so many in a row are none of a listing.
const MAX_EMPTY_PAGES: usize = 1000;

impl Pages {
    /// Where the listing goes on after a page that begins with `first_key`; None at its end. No two pages begin with
    /// the same key, and none goes on where another did.
    pub(crate) fn turn(
        &mut self,
        first_key: Option<&str>,
        next: Next<'_>,
    ) -> Result<Option<String>, &'static str> {
        let place = match next {
            Next::End => return Ok(None),
            Next::Nowhere => return Err("it says that its listing goes on, and not where; try again later"),
            Next::At(place) => place,
        };
        self.empty = if first_key.is_some() { 0 } else { self.empty + 1 };
        if self.empty == MAX_EMPTY_PAGES {
            return Err("its listing goes on and on without an object; try again later");
        }
        let is_new = first_key.is_none_or(|key| self.first_keys.insert(hash(key.as_bytes())))
            && self.places.insert(hash(place.as_bytes()));
        if !is_new {
            return Err("its listing goes on where it was before; try again later");
        }
        Ok(Some(place.to_owned()))
    }
}

/// How a page says that its listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// It does not.
    End,
    /// There.
    At(&'a str),
    /// It does, and the page does not say where.
    Nowhere,
}

impl<'a> Next<'a> {
    /// Whether a listing goes on may be left unsaid; then it does when there is a place.
    pub(crate) fn of(goes_on: Option<bool>, place: Option<&'a str>) -> Self {
        match (goes_on, place.filter(|place| !place.is_empty())) {
            (Some(false), _) | (None, None) => Next::End,
            (_, Some(place)) => Next::At(place),
            (Some(true), None) => Next::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_listing_that_goes_in_circles_is_noticed() {
        let mut pages = Pages::default();
        assert_eq!(pages.turn(Some("a"), Next::At("1")), Ok(Some("1".into())));
        assert_eq!(pages.turn(None, Next::At("2")), Ok(Some("2".into())));
        assert_eq!(pages.turn(None, Next::At("a")), Ok(Some("a".into())));
        assert_eq!(pages.turn(Some("b"), Next::End), Ok(None));
        assert!(pages.turn(Some("c"), Next::At("1")).is_err(), "a place");
        assert!(pages.turn(Some("a"), Next::At("3")).is_err(), "a key");
        assert!(pages.turn(Some("d"), Next::Nowhere).is_err());
        let empty = (0..MAX_EMPTY_PAGES).map(|page| pages.turn(None, Next::At(&format!("empty {page}"))));
        assert!(empty.last().is_some_and(|last| last.is_err()), "for ever");
    }

    #[test]
    fn it_goes_on_where_it_says_also_unless_it_says_that_it_ends() {
        assert_eq!(Next::of(Some(true), Some("x")), Next::At("x"));
        assert_eq!(Next::of(None, Some("x")), Next::At("x"));
        assert_eq!(Next::of(Some(true), Some("")), Next::Nowhere);
        assert_eq!(Next::of(Some(false), Some("x")), Next::End);
        assert_eq!(Next::of(None, Some("")), Next::End);
    }

    #[test]
    fn no_object_is_larger_than_a_store_takes() {
        assert_eq!(serde_json::from_str::<Size>("54975581388800").unwrap().0, MAX_OBJECT);
        assert!(serde_json::from_str::<Size>("54975581388801").is_err());
    }
}
