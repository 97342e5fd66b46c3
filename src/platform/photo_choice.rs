//! Which stored photo a thumbnail is made of: the original, or when it is gone the largest copy of it.

use std::collections::BTreeSet;

use super::photo_family::{alternatives, guesses, likeliest, relatives};
use crate::photos::key::is_variant;
use crate::photos::source::{StoredPhoto, find};

/// Keys to try, in this order; each is tried only when the store denies holding those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Keys of the original.
    pub originals: Vec<String>,
    /// Keys of its stored copies, the largest first.
    pub copies: Vec<String>,
}

/// Chooses for a row that refers to one of `keys`, in the order in which they are looked for. A store that cannot list
/// is asked for what it may hold.
pub fn choose(keys: &[String], listing: Option<&[StoredPhoto]>) -> Choice {
    match listing {
        Some(listing) => among(keys, listing),
        None => guess(keys),
    }
}

fn among(keys: &[String], listing: &[StoredPhoto]) -> Choice {
    let held = keys.iter().find(|key| find(listing, key).is_some());
    // What is held says which key was meant; else copies tell.
    let meant = held.map_or(keys, std::slice::from_ref);
    let of_key = |key: &String| find(listing, key).into_iter().chain(relatives(listing, key));
    let places: BTreeSet<usize> = meant.iter().flat_map(of_key).collect();
    let mut photos: Vec<&StoredPhoto> = places.into_iter().filter_map(|at| listing.get(at)).collect();
    // What the row names is the original, unless its name says that it is a copy.
    let rank = |photo: &StoredPhoto| {
        (
            is_variant(&photo.key),
            held.is_none_or(|held| **held != *photo.key),
            !photo.key.starts_with("originals/"),
            u64::MAX - photo.size,
        )
    };
    photos.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key)));
    let (copies, originals) =
        photos.into_iter().map(|photo| photo.key.to_string()).partition(|key: &String| is_variant(key));
    let mut choice = Choice { originals, copies };
    choice.copies.sort_by_key(|key| {
        let size = find(listing, key).and_then(|at| listing.get(at)).map_or(0, |photo| photo.size);
        (u64::MAX - size, key.clone())
    });
    choice
}

fn guess(keys: &[String]) -> Choice {
    let mut choice = Choice::default();
    let likeliest = likeliest(keys).and_then(|at| keys.get(at));
    let guesses = likeliest.into_iter().flat_map(|key| alternatives(key).chain(guesses(key)));
    for key in likeliest.into_iter().chain(keys).cloned().chain(guesses) {
        let known = choice.originals.contains(&key) || choice.copies.contains(&key);
        match is_variant(&key) {
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
    use crate::platform::photo_key::{Reference, classify};
    use crate::platform::photo_plan::tests::stored;

    fn chosen(key: &str, held: &[&str]) -> Vec<String> {
        let Choice { originals, copies } = choose(&[key.to_owned()], Some(&stored(held)));
        originals.into_iter().chain(["-".into()]).chain(copies).collect()
    }

    #[test]
    fn the_original_comes_before_its_copies() {
        let held = [
            "artworks/a__1024x1024.jpg", "artworks/a__400x400.jpg", "originals/a.jpg", "originals/ab.jpg",
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
    fn copies_tell_which_key_was_meant() {
        let chosen = |reference: &str, copy: &str| {
            let Reference::Own(keys) = classify(reference) else { return Choice::default() };
            choose(&keys, Some(&stored(&[copy, "artworks/b__400x400.jpg"])))
        };
        let encoded = chosen("originals/caf%C3%A9.jpg", "artworks/café__400x400.jpg");
        assert_eq!(encoded.copies, ["artworks/café__400x400.jpg"]);
        for (reference, original, copy) in [
            ("/photos/originals/2025/a.jpg", "originals/2025/a.jpg", "artworks/2025/a__1024x1024.jpg"),
            ("http://localhost:8787/photos/originals/a.jpg", "originals/a.jpg", "artworks/a__1024x1024.jpg"),
            (" originals/a b.jpg ", "originals/a b.jpg", "thumbnails/a b.jpg"),
        ] {
            let Choice { originals, copies } = chosen(reference, copy);
            assert_eq!((originals, copies), (vec![], vec![copy.to_owned()]), "{reference}");
            let Reference::Own(keys) = classify(reference) else { continue };
            let Choice { originals, copies } = choose(&keys, None);
            assert_eq!(originals.first().map(String::as_str), Some(original), "{reference}");
            assert!(copies.iter().any(|guess| guess == copy), "{copies:?}");
            assert!(keys.iter().all(|key| originals.contains(key)), "{reference}");
        }
    }

    #[test]
    fn a_store_that_cannot_list_is_asked_for_the_largest_copy_first() {
        let Choice { originals, copies } = choose(&["originals/a.jpg".into()], None);
        assert_eq!(originals, ["originals/a.jpg", "artworks/a.jpg", "photos/a.jpg"]);
        assert!(copies[0].contains("__1200x1200"), "{copies:?}");
        assert!(copies.contains(&"thumbnails/a.jpg".to_owned()));
    }
}
