//! Which name a photo's key gets inside the archive.
//!
//! An entry has its exact key for a name wherever every common system can extract that; else a name made from the
//! key's hash. No two keys of a set share a name, not even on a disk that ignores case or Unicode form, and what a
//! key is called does not depend on the order in which keys are met.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Longest file name that ext4, APFS and NTFS all take, in bytes.
pub const MAX_SEGMENT: usize = 255;
/// Longest key that keeps its name, in bytes: macOS takes paths of 1,024 bytes (`PATH_MAX`), of which some belong
/// to `photos/thumbnails/` and to the folder it is extracted into.
const MAX_KEY: usize = 900;
/// Names that Windows keeps for devices, also with an extension ("Naming Files, Paths, and Namespaces", Microsoft).
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// The folder of photos as they were uploaded.
pub const ORIGINALS: &str = "photos/originals/";
/// The folder of their smaller copies.
pub const THUMBNAILS: &str = "photos/thumbnails/";
/// The folder of hashed names.
const HASHED: &str = "_";

/// The names of a set of keys. Holds 32 bytes for each of the few keys that clash, nothing for the others.
#[derive(Debug, Default)]
pub struct EntryNames {
    clashing: HashSet<Fingerprint>,
}

/// 128 bits stand for a text: half the memory, and no two texts are met that share them.
pub(super) type Fingerprint = [u8; 16];

impl EntryNames {
    /// Looks at every key once to find those that cannot be extracted side by side: keys that differ only in case
    /// or Unicode form, all of which are hashed, and a key that is also a folder of another (`x` beside `x/y`),
    /// which is hashed while the other keeps its name. A key that comes twice is one key.
    pub fn for_keys<'k>(keys: impl Iterator<Item = &'k str>) -> EntryNames {
        let mut files: HashMap<Fingerprint, Fingerprint> = HashMap::new();
        let mut folders = HashSet::new();
        let mut clashing = HashSet::new();
        for key in keys.filter(|key| is_portable(key)) {
            let folded = fold(key);
            folders.extend(folded.match_indices('/').map(|(at, _)| fingerprint(&folded[..at])));
            let (place, key) = (fingerprint(&folded), fingerprint(key));
            if files.insert(place, key).is_some_and(|other| other != key) {
                clashing.insert(place);
            }
        }
        clashing.extend(files.into_keys().filter(|place| folders.contains(place)));
        EntryNames { clashing }
    }

    /// The name of one of the keys: the key itself, or `_/<first 16 hex of the key's SHA-256>.<extension>`, where
    /// the extension is that of the key, lower-cased, if it is 1 to 8 ASCII letters and digits.
    pub fn get(&self, key: &str) -> String {
        if is_portable(key) && !self.clashing.contains(&fingerprint(&fold(key))) {
            return key.to_owned();
        }
        hashed(key)
    }
}

/// Whether `path` is one that a photo with this key may have: the key, or the name that is made of it, in one of the
/// two folders.
pub fn is_place_of(path: &str, key: &str) -> bool {
    let name = [ORIGINALS, THUMBNAILS].iter().find_map(|folder| path.strip_prefix(folder));
    name.is_some_and(|name| name == key || name == hashed(key))
}

fn hashed(key: &str) -> String {
    let hash = hex::encode(&Sha256::digest(key)[..8]);
    match extension(key) {
        Some(extension) => format!("{HASHED}/{hash}.{}", extension.to_ascii_lowercase()),
        None => format!("{HASHED}/{hash}"),
    }
}

/// Whether the name of an entry leads nowhere but below the folder it is extracted into, on Linux, macOS and Windows.
pub(super) fn is_safe_path(name: &str) -> bool {
    // A folder of ours stands before the longest key.
    name.len() <= MAX_KEY + 64 && name.split('/').all(is_portable_segment)
}

/// Whether a key, by itself, can be a path below any folder on Linux, macOS and Windows.
fn is_portable(key: &str) -> bool {
    let mut segments = key.split('/');
    key.len() <= MAX_KEY
        // Else a key could pass itself off as the hashed name of another.
        && segments.clone().next() != Some(HASHED)
        && segments.all(is_portable_segment)
}

/// Whether a segment of a path can be the name of a file or a folder on Linux, macOS and Windows.
pub fn is_portable_segment(segment: &str) -> bool {
    let allowed = |c: char| !c.is_control() && !matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    !segment.is_empty()
        && segment.len() <= MAX_SEGMENT
        && segment.chars().all(allowed)
        // Windows drops them, which also rules out `.` and `..`.
        && !segment.ends_with(['.', ' '])
        && !is_device(segment)
}

/// Whether Windows takes a file name for a device.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    DEVICES.contains(&stem.as_str())
        || numbered.is_some_and(|number| {
            matches!(number, "¹" | "²" | "³") || matches!(number.as_bytes(), [b'1'..=b'9'])
        })
}

fn extension(key: &str) -> Option<&str> {
    let name = key.rsplit(['/', '\\']).next()?;
    let (_, extension) = name.rsplit_once('.')?;
    let plain = (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then_some(extension)
}

/// One text for all spellings that some file system takes for the same name. Upper-casing first makes `ß` and `ss`
/// one as well: a hashed name too many does no harm.
pub fn fold(text: &str) -> String {
    text.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfd().collect()
}

pub(super) fn fingerprint(text: &str) -> Fingerprint {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(keys: &[&str]) -> Vec<String> {
        let names = EntryNames::for_keys(keys.iter().copied());
        keys.iter().map(|key| names.get(key)).collect()
    }

    #[test]
    fn a_photo_lies_where_its_key_puts_it() {
        let hashed = EntryNames::default().get("../a.JPG");
        assert!(is_place_of("photos/originals/a/b.jpg", "a/b.jpg"));
        assert!(is_place_of(&format!("photos/thumbnails/{hashed}"), "../a.JPG"));
        for (path, key) in [
            ("photos/originals/a.jpg", "b.jpg"),
            ("photos/originals/a.jpg", "../../evil.jpg"),
            ("a.jpg", "a.jpg"),
            ("photos/a.jpg", "a.jpg"),
        ] {
            assert!(!is_place_of(path, key), "{path} of {key}");
        }
    }

    #[test]
    fn ordinary_keys_keep_their_names() {
        let long = "x".repeat(MAX_SEGMENT);
        for key in
            ["originals/2025/09/04/a b.JPG", "ü/日本.jpg", ".hidden", "a..b", "com10.txt", "__/a", &long]
        {
            assert_eq!(names(&[key]), [key]);
        }
    }

    #[test]
    fn keys_that_some_system_cannot_extract_are_hashed() {
        let long_segment = "x".repeat(MAX_SEGMENT + 1);
        let long_key = "x/".repeat(MAX_KEY / 2) + "x";
        for key in [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "C:/a", "a\\b", "a\0b", "a\nb",
            "a\u{7f}", "a*", "a?", "a\"", "a<", "a>", "a|", "a.", "a ", "a./b", "a /b", "CON", "con.jpg",
            "x/NUL .txt", "com1", "LPT9.a.b", "com¹", "CONIN$", "_", "_/0123456789abcdef.jpg", &long_segment,
            &long_key,
        ] {
            let name = &names(&[key])[0];
            assert!(
                name.starts_with("_/") && is_portable(&name[2..]) && name != key,
                "{key:?} became {name:?}"
            );
        }
    }

    #[test]
    fn a_hashed_name_is_a_function_of_the_key() {
        // printf '../A.JPG' | sha256sum
        assert_eq!(names(&["../A.JPG"]), ["_/b38fe8f1c4a1036d.jpg"]);
        assert_eq!(names(&["../a.b/c"])[0].len(), 18);
        assert_eq!(
            names(&["../a.toolongext", "../a.j-g"]).iter().map(String::len).collect::<Vec<_>>(),
            [18, 18]
        );
    }

    #[test]
    fn all_members_of_a_clash_are_hashed_and_nobody_else() {
        let found = names(&["a/X.jpg", "A/x.jpg", "a/y.jpg", "\u{e9}", "e\u{301}", "a/y.jpg"]);
        let hashed: Vec<bool> = found.iter().map(|name| name.starts_with("_/")).collect();
        assert_eq!(hashed, [true, true, false, true, true, false]);
    }

    #[test]
    fn a_key_that_is_also_a_folder_is_hashed() {
        for keys in [["x", "x/y"], ["X", "x/y"], ["a/b", "a/B/c/d"]] {
            let found = names(&keys);
            assert!(found[0].starts_with("_/") && found[1] == keys[1], "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn names_are_distinct_on_any_disk_whatever_the_order(
            keys in proptest::collection::hash_set("[aAbBéÉ./_ \\\\:]{0,5}", 0..60)
        ) {
            let forwards = EntryNames::for_keys(keys.iter().map(String::as_str));
            let mut reversed: Vec<&str> = keys.iter().map(String::as_str).collect();
            reversed.sort();
            let backwards = EntryNames::for_keys(reversed.into_iter());
            let mut places = HashSet::new();
            for key in &keys {
                let name = forwards.get(key);
                prop_assert_eq!(&name, &backwards.get(key));
                prop_assert!(name.split('/').all(is_portable_segment), "{}", name);
                prop_assert!(places.insert(fold(&name)), "{} is taken", name);
            }
            for place in &places {
                let folders = place.match_indices('/').map(|(at, _)| place[..at].to_owned());
                prop_assert!(folders.into_iter().all(|folder| !places.contains(&folder)), "{}", place);
            }
        }
    }
}
