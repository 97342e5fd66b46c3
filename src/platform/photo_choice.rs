//! Which stored photo a thumbnail is made of: the original, or when it is gone the largest copy of it.

use super::photo_family::{guesses, relatives};
use crate::photos::key;
use crate::photos::source::{StoredPhoto, find};

/// Keys to try, in this order; each is tried only when the store denies holding those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Keys of the original.
    pub originals: Vec<String>,
    /// Keys of its stored copies, the largest first.
    pub copies: Vec<String>,
}

/// Chooses for a row that refers to one of `keys`, of which the likeliest comes first. A store that cannot list is
/// asked for what it may hold.
pub fn choose(keys: &[String], listing: Option<&[StoredPhoto]>) -> Choice {
    match listing {
        Some(listing) => among(keys, listing),
        None => guess(keys),
    }
}

fn among(keys: &[String], listing: &[StoredPhoto]) -> Choice {
    let held = keys.iter().find(|key| find(listing, key).is_some());
    let Some(named) = held.or(keys.first()) else { return Choice::default() };
    let places = find(listing, named).into_iter().chain(relatives(listing, named));
    let mut photos: Vec<&StoredPhoto> = places.filter_map(|at| listing.get(at)).collect();
    // What the row names is the original, unless its name says that it is a copy.
    let rank = |photo: &StoredPhoto| {
        (
            key::is_variant(&photo.key),
            photo.key != *named,
            !photo.key.starts_with("originals/"),
            u64::MAX - photo.size,
        )
    };
    photos.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key)));
    let (copies, originals) =
        photos.into_iter().map(|photo| photo.key.clone()).partition(|key: &String| key::is_variant(key));
    let mut choice = Choice { originals, copies };
    choice.copies.sort_by_key(|key| {
        let size = find(listing, key).and_then(|at| listing.get(at)).map_or(0, |photo| photo.size);
        (u64::MAX - size, key.clone())
    });
    choice
}

fn guess(keys: &[String]) -> Choice {
    let mut choice = Choice::default();
    for key in keys.iter().cloned().chain(keys.first().into_iter().flat_map(|key| guesses(key))) {
        let known = choice.originals.contains(&key) || choice.copies.contains(&key);
        match key::is_variant(&key) {
            _ if known => {}
            true => choice.copies.push(key),
            false => choice.originals.push(key),
        }
    }
    choice.copies.sort_by_key(|key| std::cmp::Reverse(longest_side(key)));
    choice
}

/// What the name of a copy says of its size; of one that says nothing, nothing.
fn longest_side(key: &str) -> u32 {
    let size = key.rsplit_once("__").and_then(|(_, size)| size.split(['x', '.']).next()?.parse().ok());
    size.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::photo_plan::tests::stored;

    fn chosen(key: &str, held: &[&str]) -> Vec<String> {
        let Choice { originals, copies } = choose(&[key.to_owned()], Some(&stored(held)));
        originals.into_iter().chain(["-".into()]).chain(copies).collect()
    }

    #[test]
    fn the_original_comes_before_its_copies() {
        let held = [
            "artworks/a__1024x1024.jpg",
            "artworks/a__400x400.jpg",
            "originals/a.jpg",
            "originals/ab.jpg",
            "thumbnails/a.jpg",
        ];
        let copies = ["-", "artworks/a__1024x1024.jpg", "artworks/a__400x400.jpg", "thumbnails/a.jpg"];
        for named in ["originals/a.jpg", "artworks/a__400x400.jpg"] {
            assert_eq!(chosen(named, &held)[0], "originals/a.jpg");
            assert_eq!(chosen(named, &held)[1..], copies, "{named}");
        }
        let gone = ["artworks/a__400x400.jpg", "originals/ab.jpg"];
        assert_eq!(chosen("originals/a.jpg", &gone), ["-", "artworks/a__400x400.jpg"]);
        assert_eq!(chosen("originals/c.jpg", &held), ["-"]);
    }

    #[test]
    fn a_store_that_cannot_list_is_asked_for_the_largest_copy_first() {
        let Choice { originals, copies } = choose(&["originals/a.jpg".into()], None);
        assert_eq!(originals, ["originals/a.jpg"]);
        assert!(copies[0].contains("__1200x1200"), "{copies:?}");
        assert!(copies.contains(&"thumbnails/a.jpg".to_owned()));
    }
}
