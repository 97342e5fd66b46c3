#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::platform::photo_plan::tests::stored;

fn relatives_of<'l>(key: &str, listing: &'l [StoredPhoto]) -> Vec<&'l str> {
    relatives(listing, key).into_iter().map(|at| &*listing[at].key).collect()
}

#[test]
fn a_photo_of_another_extension_keeps_its_copies() {
    let listing = stored(&[
        "artworks/a__400x400.jpg", "artworks/a__400x400.png", "artworks/a__400x400.webp", "originals/a.jpg",
        "originals/a.png", "thumbnails/a.jpg", "thumbnails/a.png",
    ]);
    let jpg = ["artworks/a__400x400.jpg", "artworks/a__400x400.webp", "thumbnails/a.jpg"];
    assert_eq!(relatives_of("originals/a.jpg", &listing), jpg);
    assert_eq!(
        relatives_of("artworks/a__400x400.png", &listing),
        ["artworks/a__400x400.webp", "originals/a.png", "thumbnails/a.png"]
    );
    assert_eq!(relatives_of("artworks/a__400x400.webp", &listing).len(), 6, "it may be of either");
}

#[test]
fn copies_lie_beside_the_original_or_in_folders_that_share_photos() {
    let listing = stored(&[
        "artworks/2025/a__1024x1024.jpg",
        "artworks/2025/a__400x400.webp",
        "artworks/2025/a.jpg",
        "artworks/2026/a__400x400.jpg",
        "originals/2025/a.jpg",
        "originals/2025/a__800x800.jpg",
        "photos/2025/a__400x400.jpg",
        "submissions/2025/a__400x400.jpg",
        "thumbnails/2025/a.jpg",
        "thumbnails/2025/a__400x400.png",
    ]);
    let expected = [
        "artworks/2025/a__1024x1024.jpg",
        "artworks/2025/a__400x400.webp",
        "originals/2025/a__800x800.jpg",
        "photos/2025/a__400x400.jpg",
        "thumbnails/2025/a.jpg",
        "thumbnails/2025/a__400x400.png",
    ];
    assert_eq!(relatives_of("originals/2025/a.jpg", &listing), expected);
    assert_eq!(
        relatives_of("submissions/2025/a.jpg", &listing),
        ["submissions/2025/a__400x400.jpg", "thumbnails/2025/a.jpg", "thumbnails/2025/a__400x400.png"],
    );
}

#[test]
fn a_beginning_in_common_proves_nothing() {
    let listing = stored(&[
        "artworks/a-2__400x400.jpg",
        "artworks/a2.jpg",
        "artworks/a__400x400.bak.jpg",
        "artworks/a__400x400__800x800.jpg",
        "artworks/a__400x400/b.jpg",
        "artworks/a__b__400x400.jpg",
        "artworks/a__pending.jpg",
        "artworks/aa__400x400.jpg",
        "thumbnails/a.b.jpg",
    ]);
    assert_eq!(relatives_of("artworks/a.jpg", &listing), [""; 0]);
}

#[test]
fn a_copy_leads_to_its_original_and_the_other_copies() {
    let listing = stored(&[
        "artworks/a__400x400.jpg", "artworks/a__800x800.jpg", "mass-import-x/b.heic",
        "mass-import-x/b__400x400.jpg", "originals/a.png", "originals/a2.png",
    ]);
    let expected = ["artworks/a__800x800.jpg", "originals/a.png"];
    assert_eq!(relatives_of("artworks/a__400x400.jpg", &listing), expected);
    assert_eq!(
        relatives_of("thumbnails/a.jpg", &listing),
        ["artworks/a__400x400.jpg", "artworks/a__800x800.jpg", "originals/a.png"]
    );
    assert_eq!(relatives_of("mass-import-x/b__400x400.jpg", &listing), ["mass-import-x/b.heic"]);
}

#[test]
fn what_approval_copied_and_is_gone_is_found_where_it_was_copied_from() {
    let listing = stored(&["originals/a.jpg", "originals/a.png", "originals/ab.jpg"]);
    assert_eq!(relatives_of("artworks/a.jpg", &listing), ["originals/a.jpg"]);
    let held = stored(&["artworks/a.jpg", "originals/a.jpg"]);
    assert_eq!(relatives_of("artworks/a.jpg", &held), [""; 0]);
    assert_eq!(relatives_of("submissions/a.jpg", &held), [""; 0]);
}

#[test]
fn keys_without_a_known_folder_have_relatives_beside_them() {
    let listing = stored(&[
        "2025/a.jpg", "2025/a__400x400.jpg", "artworks/2025/a__400x400.jpg", "thumbnails/2025/a.jpg",
    ]);
    assert_eq!(relatives_of("2025/a.jpg", &listing), ["2025/a__400x400.jpg", "thumbnails/2025/a.jpg"]);
}

#[test]
fn a_photo_and_its_copies_have_one_name() {
    for key in
        ["originals/2025/a.jpg", "artworks/2025/a__1024x1024.webp", "thumbnails/2025/a.jpg", "2025/a.jpg"]
    {
        assert_eq!(name(key), "2025/a", "{key}");
    }
    assert_eq!(name("mass-import-x/1.jpg"), name("mass-import-x/1__400x400.jpg"));
    for other in ["mass-import-y/1.jpg", "mass-import/1.jpg", "originals/1.jpg"] {
        assert_ne!(name(other), name("mass-import-x/1.jpg"), "{other}");
    }
}

#[test]
fn guesses_are_the_sizes_the_resizer_has_made() {
    let found = guesses("submissions/a.jpg");
    assert_eq!(found.first().map(String::as_str), Some("submissions/a__400x400.jpg"));
    assert_eq!(found.last().map(String::as_str), Some("thumbnails/a.jpg"));
    assert_eq!(found.len(), 5);
    assert!(guesses("artworks/a__800x800.jpg").contains(&"originals/a.jpg".to_owned()));
}

#[test]
fn nothing_is_guessed_that_no_url_can_carry() {
    for key in ["../a.jpg", "originals/../a.jpg", "artworks/./a__800x800.jpg"] {
        assert_eq!(guesses(key), <[String; 0]>::default(), "{key}");
    }
}

proptest! {
    #[test]
    fn relatives_share_the_whole_stem(
        keys in proptest::collection::btree_set("(artworks/|originals/|thumbnails/|)[ab_]{1,3}(__4x4)?\\.(a|b)", 0..30),
        key in "(artworks/|originals/|thumbnails/|)[ab_]{1,3}(__4x4)?\\.(a|b)",
    ) {
        let listing = stored(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        let (_, rest) = family(&key);
        for relative in relatives_of(&key, &listing) {
            prop_assert_eq!(family(relative).1, rest);
            prop_assert!(relative != key);
        }
    }
}
