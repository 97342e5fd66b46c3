//! Which stored photos belong together: an original and the smaller copies made of it.
//!
//! The resizer keeps date folder and stem, adds `__<W>x<H>`, may change the extension, and writes copies of what
//! lies in `originals/` and `photos/` to `artworks/`; other folders keep theirs. Older code did the same beside the
//! original, or below `thumbnails/` with or without a size. The stem must match whole: a beginning proves nothing.

use std::collections::BTreeSet;

use crate::photos::key;
use crate::photos::source::{StoredPhoto, find, has_dot_segment};

/// Folders whose photos are the same photo when the rest of the path is.
const ONE_PHOTO: [&str; 3] = ["artworks/", "originals/", "photos/"];
/// Other folders in which an original may lie.
const OTHER_ROOTS: [&str; 3] = ["mass-import-cache/", "mass-import/", "submissions/"];
const THUMBNAILS: &str = "thumbnails/";
/// Longest sides the resizer has made over time.
const SIZES: [u32; 4] = [400, 800, 1024, 1200];

/// The places of all stored photos that belong to `key`, itself left aside, ascending: its smaller copies and,
/// when `key` names such a copy, or one that approval made and that is gone, the original.
pub(super) fn relatives(listing: &[StoredPhoto], key: &str) -> Vec<usize> {
    let (roots, rest) = family(key);
    let wants_original = key::is_variant(key);
    let others = other_originals(listing, key, &roots, rest);
    let mut found = Vec::new();
    if find(listing, key).is_none() {
        found.extend(alternatives(key).filter_map(|alternative| find(listing, &alternative)));
    }
    for root in &roots {
        let stem = format!("{root}{rest}");
        found.extend(with_size(listing, &stem).map(|(at, _)| at));
        if wants_original {
            found.extend(find(listing, &stem));
        }
        if wants_original || *root == THUMBNAILS {
            found.extend(without_size(listing, &stem).map(|(at, _)| at));
        }
    }
    found.retain(|&at| {
        listing
            .get(at)
            .is_some_and(|photo| *photo.key != *key && !others.contains(key::extension(&photo.key)))
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// The keys under which the same photo may lie, as large as it is.
pub(super) fn alternatives(key: &str) -> impl Iterator<Item = String> {
    let split = |root: &&'static str| key.strip_prefix(root).map(|rest| (*root, rest));
    ONE_PHOTO.iter().find_map(split).into_iter().flat_map(|(own, rest)| {
        ONE_PHOTO.into_iter().filter(move |root| *root != own).map(move |root| format!("{root}{rest}"))
    })
}

/// The extensions of stored originals that have `key`'s name and are other photos: `a.png` is not `a.jpg`, nor are its
/// copies. What has no original of its own extension was made from one of another.
fn other_originals<'l>(
    listing: &'l [StoredPhoto],
    key: &str,
    roots: &[&str],
    rest: &str,
) -> BTreeSet<&'l str> {
    let mut originals = BTreeSet::new();
    for root in roots.iter().filter(|root| **root != THUMBNAILS) {
        let stem = format!("{root}{rest}");
        originals.extend(without_size(listing, &stem).map(|(_, key)| key::extension(key)));
    }
    let is_own = originals.remove(key::extension(key));
    if key::is_variant(key) && !is_own {
        originals.clear();
    }
    originals
}

/// Keys under which a store that cannot list may hold what belongs to `key`.
pub(super) fn guesses(key: &str) -> Vec<String> {
    let (roots, rest) = family(key);
    let extension = key::extension(key);
    let mut guesses = Vec::new();
    for root in roots {
        if root == THUMBNAILS || key::is_variant(key) {
            guesses.push(format!("{root}{rest}.{extension}"));
        }
        if root != THUMBNAILS {
            guesses.extend(SIZES.map(|size| format!("{root}{rest}__{size}x{size}.{extension}")));
        }
    }
    // Nothing like that can be asked for, so it would be told as a photo that is missing.
    guesses.retain(|guess| guess != key && !has_dot_segment(guess));
    guesses
}

/// Which of the keys that a reference may mean is the likeliest, where no listing tells: `photos/` before a known
/// folder is a route, and space around a key a slip.
pub(super) fn likeliest(keys: &[String]) -> Option<usize> {
    let is_trimmed = |key: &String| key.trim().len() == key.len();
    let in_folder = |key: &String| {
        is_trimmed(key) && in_known_folder(key) && !key.strip_prefix("photos/").is_some_and(in_known_folder)
    };
    keys.iter().position(in_folder).or_else(|| keys.iter().position(is_trimmed)).or(keys.first().map(|_| 0))
}

/// Whether `key` lies in one of the folders the platform writes photos to.
fn in_known_folder(key: &str) -> bool {
    ONE_PHOTO.iter().chain(&OTHER_ROOTS).chain([&THUMBNAILS]).any(|root| key.starts_with(root))
}

/// What the key of a photo has in common with those of its copies: the rest of the path, below its folder where that
/// is none of those that share photos.
pub(super) fn name(key: &str) -> String {
    let (roots, rest) = family(key);
    match roots.as_slice() {
        [own, _] => format!("{own}{rest}"),
        _ => rest.to_owned(),
    }
}

/// The folders in which relatives of `key` may lie, and the rest of their path without size and extension.
fn family(key: &str) -> (Vec<&str>, &str) {
    let stem = key::stem(key);
    let split = |root| stem.strip_prefix(root).map(|rest| (root, rest));
    let (root, rest) = ONE_PHOTO
        .iter()
        .chain(&OTHER_ROOTS)
        .chain([&THUMBNAILS])
        .find_map(|root| split(*root))
        .unwrap_or_else(|| {
            // Imports may have folders of their own (mass-import-…/); older keys have none and begin with the year.
            let own = stem.starts_with("mass-import").then(|| stem.find('/')).flatten();
            stem.split_at(own.map_or(0, |slash| slash + 1))
        });
    let mut roots = match root {
        THUMBNAILS => [ONE_PHOTO, OTHER_ROOTS].concat(),
        _ if ONE_PHOTO.contains(&root) => ONE_PHOTO.to_vec(),
        _ => vec![root],
    };
    roots.push(THUMBNAILS);
    (roots, rest)
}

/// Stored keys that are `stem`, a size and an extension, each with its place.
fn with_size<'l>(listing: &'l [StoredPhoto], stem: &str) -> impl Iterator<Item = (usize, &'l str)> {
    named(listing, stem, "__").filter(|(_, key)| key::has_size_suffix(key))
}

/// Stored keys that are `stem` and an extension, each with its place.
fn without_size<'l>(listing: &'l [StoredPhoto], stem: &str) -> impl Iterator<Item = (usize, &'l str)> {
    named(listing, stem, ".").filter(|(_, key)| !key::has_size_suffix(key))
}

/// Stored keys that are `stem` followed by `joint` and more, and whose stem is exactly `stem`.
fn named<'l>(listing: &'l [StoredPhoto], stem: &str, joint: &str) -> impl Iterator<Item = (usize, &'l str)> {
    let (stem, start) = (stem.to_owned(), format!("{stem}{joint}"));
    let first = listing.partition_point(|photo| *photo.key < *start);
    let keys = listing.iter().enumerate().skip(first).map(|(at, photo)| (at, &*photo.key));
    keys.take_while(move |(_, key)| key.starts_with(&start)).filter(move |(_, key)| key::stem(key) == stem)
}

#[cfg(test)]
mod tests;
