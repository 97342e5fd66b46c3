//! From what a row says to the key a photo may have.
//!
//! Rows hold plain keys, paths below `/photos/`, and URLs of whatever host served the photos at the time. A leading
//! `photos/` is part of the key or of the route, and percent signs may be encoding or not: every reading is tried,
//! the literal one first.

use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{json, photo_family};
use crate::photos::key::content_type;

/// Keys of R2 have at most this many bytes (R2 limits, "object key length").
const LONGEST_KEY: usize = 1024;
/// Hosts that have served our photos.
const OUR_HOSTS: [&str; 4] =
    ["art-photos.abluestar.com", "photos.publicartregistry.com", "localhost", "127.0.0.1"];
/// R2's S3 host; buckets stand before it or begin the path.
const R2_S3: &str = "r2.cloudflarestorage.com";
/// The end of R2's public hosts.
const R2_PUBLIC: &str = ".r2.dev";
/// Schemes without `//` that no key begins with.
const NO_KEYS: [&str; 6] = ["data:", "blob:", "javascript:", "file:", "about:", "mailto:"];

/// What stands before each part of a path, also within a URL that was encoded.
const SLASHES: [&str; 3] = ["/", "%2F", "%2f"];

/// What a value refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Our store. The keys it may mean, likeliest first: at least one, each once.
    Own(Vec<String>),
    /// Another host, by its name.
    Foreign(String),
    /// Nothing that could be fetched from a store: inline data, other schemes, text that can be no key.
    Unusable,
}

impl Reference {
    /// The key that every spelling of a reference to the same photo of ours has in common.
    pub fn identity(&self) -> Option<&str> {
        match self {
            Reference::Own(keys) => keys.last().map(String::as_str),
            Reference::Foreign(_) | Reference::Unusable => None,
        }
    }

    /// The same that references to its stored copies have in common as well.
    pub fn family(&self) -> Option<String> {
        self.identity().map(photo_family::name)
    }
}

/// Reads one value.
pub fn classify(value: &str) -> Reference {
    let whole = value;
    let value = json::bare(value).trim_end();
    if NO_KEYS.iter().any(|scheme| starts_with_ignoring_case(value, scheme)) {
        return Reference::Unusable;
    }
    let url = if value.starts_with("//") { Cow::from(format!("https:{value}")) } else { value.into() };
    if let Some((scheme, rest)) =
        url.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?', '#']))
    {
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Reference::Unusable;
        }
        return match Url::parse(&url) {
            Ok(parsed) => from_url(&parsed, rest),
            Err(_) => Reference::Unusable,
        };
    }
    let mut keys = Candidates::default();
    keys.add(value);
    if value.starts_with('/') {
        keys.add(path_alone(value));
    }
    keys.into_reference_or_spaced(whole)
}

/// `rest` is what the row has after `://`: parsing would already have changed the path.
fn from_url(url: &Url, rest: &str) -> Reference {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(address) => address.to_string(),
        None => return Reference::Unusable,
    };
    let path = rest.find(['/', '\\', '?', '#']).and_then(|end| rest.get(end..)).map_or("", path_alone);
    let mut keys = Candidates::default();
    if OUR_HOSTS.contains(&host.as_str()) || host.ends_with(R2_PUBLIC) {
        keys.add(path);
    } else if let Some(account) = host.strip_suffix(R2_S3).and_then(|before| before.strip_suffix('.')) {
        // <bucket>.<account>, or <account> alone or with a jurisdiction: then the path begins with the bucket.
        if account.contains('.') {
            keys.add(path);
        }
        if let Some((_bucket, key)) = path.trim_start_matches('/').split_once('/') {
            keys.add(key);
        }
    } else {
        return Reference::Foreign(host);
    }
    keys.into_reference()
}

/// Whether a text is, or begins with a folder as, the place where a photo of ours lies, also in quotes: the tail of a key is what the
/// uploader called the file, and an original has the place where it was taken.
pub fn is_place_of_photo(text: &str) -> bool {
    let text = text.trim().trim_matches('"');
    // Keys of uploads have a date in them; most texts have nothing of the kind.
    let is_begin =
        |at| at == 0 || SLASHES.iter().any(|slash| text.get(..at).is_some_and(|it| it.ends_with(slash)));
    memmem::find_iter(text.as_bytes(), "20").any(is_begin)
        && matches!(classify(text), Reference::Own(keys) if keys.iter().any(|key| is_dated(key)))
}

/// Whether a text is nothing but such a place. Prose that begins with one says more than where a photo lies.
pub fn is_place_alone(text: &str) -> bool {
    let text = text.trim().trim_matches('"');
    let is_one_thing = !text.contains(char::is_whitespace) || content_type(path_alone(text)).is_some();
    is_one_thing && is_place_of_photo(text)
}

/// `originals/2025/09/04/…`, in any of the folders that the platform has had for uploads and copies of them. The oldest
/// have none: what they are called tells them from a date.
fn is_dated(key: &str) -> bool {
    const FOLDERS: [&str; 5] = ["originals", "artworks", "submissions", "photos", "thumbnails"];
    const DATE: [usize; 3] = [4, 2, 2];
    let in_folder = key.split_once('/').filter(|(folder, _)| FOLDERS.contains(folder));
    let mut parts = in_folder.map_or(key, |(_, rest)| rest).split('/');
    let is_number =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    DATE.iter().all(|length| parts.next().is_some_and(|part| is_number(part, *length)))
        && (in_folder.is_some() || content_type(key).is_some())
}

fn path_alone(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or(text)
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[derive(Default)]
struct Candidates(Vec<String>);

impl Candidates {
    /// The path as it stands, then decoded; each first whole, then without `photos/`.
    fn add(&mut self, path: &str) {
        self.add_both(path);
        if let Ok(decoded) = percent_decode_str(path).decode_utf8() {
            self.add_both(&decoded);
        }
    }

    fn add_both(&mut self, path: &str) {
        let key = path.trim_start_matches('/');
        self.push(key);
        if let Some(shorter) = key.strip_prefix("photos/") {
            self.push(shorter.trim_start_matches('/'));
        }
    }

    fn push(&mut self, key: &str) {
        let possible = !key.is_empty() && key.len() <= LONGEST_KEY && !key.contains('\0');
        if possible && !self.0.iter().any(|known| known == key) {
            self.0.push(key.to_owned());
        }
    }

    /// A key may begin or end in space: that is the literal reading.
    fn into_reference_or_spaced(self, whole: &str) -> Reference {
        let mut keys = Candidates::default();
        if !self.0.is_empty() {
            keys.add(whole);
        }
        self.0.iter().for_each(|key| keys.push(key));
        keys.into_reference()
    }

    fn into_reference(self) -> Reference {
        if self.0.is_empty() { Reference::Unusable } else { Reference::Own(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(value: &str) -> Vec<String> {
        match classify(value) {
            Reference::Own(keys) => keys,
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn plain_keys_are_taken_as_they_stand() {
        assert_eq!(own("originals/2025/a.jpg"), ["originals/2025/a.jpg"]);
        assert_eq!(own(" originals/a b.jpg "), [" originals/a b.jpg ", "originals/a b.jpg"]);
        assert_eq!(
            own("originals/a.jpg%20 "),
            ["originals/a.jpg%20 ", "originals/a.jpg  ", "originals/a.jpg%20", "originals/a.jpg "]
        );
        assert_eq!(own("photos/2025/a.jpg"), ["photos/2025/a.jpg", "2025/a.jpg"]);
        assert_eq!(own("a%20b.jpg"), ["a%20b.jpg", "a b.jpg"]);
        assert_eq!(own("a/100%.jpg"), ["a/100%.jpg"]);
        assert_eq!(own("a?b#c.jpg"), ["a?b#c.jpg"], "a key may hold what ends a URL's path");
        assert_eq!(own("12:30.jpg"), ["12:30.jpg"]);
        assert_eq!(own("\u{feff}a.jpg"), ["\u{feff}a.jpg", "a.jpg"]);
        assert_eq!(own("\u{feff}https://localhost/a.jpg"), ["a.jpg"]);
        assert_eq!(own("a/http://x.jpg"), ["a/http://x.jpg"]);
    }

    #[test]
    fn a_text_that_only_says_where_a_photo_lies_is_known() {
        for place in [
            "originals/2025/09/04/20250904-143022-0a1b2c3d-jane.jpg",
            " https://photos.publicartregistry.com/artworks/2025/09/04/a__400x400.jpg ",
            "/photos/originals/2025/09/04/a.jpg",
            "https://localhost/photos/2025%2F09%2F04%2Fa.jpg",
            "https://photos.publicartregistry.com/photos/originals%2F2025%2F09%2F04%2Fjane.jpg",
            "originals%2f2025%2f09%2f04%2fa.jpg",
            "2025/09/04/jane.jpg",
            "https://art-photos.abluestar.com/2025/09/04/jane.jpg",
        ] {
            assert!(is_place_of_photo(place) && is_place_alone(place), "{place}");
        }
        for (text, is_alone) in [
            ("originals/2025/09/04/jane doe.jpg", true),
            ("\"originals/2025/09/04/jane doe.jpg?w=400\"", true),
            ("originals/2025/09/04/jane.jpg shows the bronze", false),
        ] {
            assert_eq!((is_place_of_photo(text), is_place_alone(text)), (true, is_alone), "{text}");
        }
        for other in [
            "https://city.example/originals/2025/09/04/a.jpg",
            "see originals/2025/09/04/a.jpg",
            "originals/2025/a.jpg",
            "09/04/2025",
            "2025/09/04",
            "2025/09/04/12 at noon",
            "2025/09/04/12. and later",
        ] {
            assert!(!is_place_of_photo(other), "{other}");
        }
    }

    #[test]
    fn paths_lose_their_slashes_and_query() {
        assert_eq!(own("/photos/originals/a.jpg"), ["photos/originals/a.jpg", "originals/a.jpg"]);
        assert_eq!(own("/originals/a.jpg?v=1"), ["originals/a.jpg?v=1", "originals/a.jpg"]);
    }

    #[test]
    fn our_own_hosts_are_known_whatever_the_port() {
        for host in [
            "https://art-photos.abluestar.com",
            "HTTPS://Photos.PublicArtRegistry.com:443",
            "http://localhost:8787",
            "http://127.0.0.1:1",
            "https://user@localhost",
            "//photos.publicartregistry.com",
            "https://pub-0123.r2.dev",
            "https://bucket.0123456789abcdef.r2.cloudflarestorage.com",
            "https://photos.publicartregistry.com.",
        ] {
            assert_eq!(own(&format!("{host}/originals/a.jpg?x=1#y"))[0], "originals/a.jpg", "{host}");
        }
        assert_eq!(own("http://localhost:8787/photos/a/b.jpg"), ["photos/a/b.jpg", "a/b.jpg"]);
    }

    #[test]
    fn the_bucket_may_begin_the_path() {
        assert_eq!(own("https://0123.r2.cloudflarestorage.com/bucket/a/b.jpg"), ["a/b.jpg"]);
        assert_eq!(own("https://0123.eu.r2.cloudflarestorage.com/bucket/a.jpg"), ["bucket/a.jpg", "a.jpg"]);
        assert_eq!(classify("https://0123.r2.cloudflarestorage.com/bucket"), Reference::Unusable);
    }

    #[test]
    fn the_path_of_a_url_is_tried_raw_before_it_is_decoded() {
        let url = "https://photos.publicartregistry.com/originals/caf%C3%A9%20é.jpg";
        assert_eq!(own(url), ["originals/caf%C3%A9%20é.jpg", "originals/café é.jpg"]);
        assert_eq!(own("http://localhost/photos/%ff.jpg"), ["photos/%ff.jpg", "%ff.jpg"]);
    }

    #[test]
    fn other_hosts_are_foreign() {
        let foreign = |value| match classify(value) {
            Reference::Foreign(host) => host,
            other => format!("{other:?}"),
        };
        assert_eq!(foreign("https://opendata.vancouver.ca/a.jpg"), "opendata.vancouver.ca");
        assert_eq!(foreign("https://imagedelivery.net/acc/hash/w=800"), "imagedelivery.net");
        assert_eq!(
            foreign("http://photos.publicartregistry.com.evil.example/a.jpg"),
            "photos.publicartregistry.com.evil.example"
        );
        assert_eq!(foreign("http://evilr2.dev/a.jpg"), "evilr2.dev");
        assert_eq!(foreign("http://xr2.cloudflarestorage.com/a/b.jpg"), "xr2.cloudflarestorage.com");
        assert_eq!(foreign("http://localhost@evil.example/a.jpg"), "evil.example");
        assert_eq!(foreign("http://10.0.0.1/a.jpg"), "10.0.0.1");
    }

    #[test]
    fn what_no_store_could_hold_is_unusable() {
        let long = "k".repeat(LONGEST_KEY + 1);
        for value in [
            "",
            " ",
            "/",
            "data:image/png;base64,AAAA",
            "BLOB:http://x/y",
            "ftp://x/y",
            "https://",
            "http://[/x",
            "https://localhost",
            "https://localhost/",
            "photos/\0",
            long.as_str(),
        ] {
            assert_eq!(classify(value), Reference::Unusable, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_found_behind_every_host(key in "[a-zé][a-zé0-9_.-]{0,10}(/[a-zé0-9_. -]{1,10}){0,3}[a-z]") {
            for value in [
                key.clone(),
                format!("/{key}"),
                format!("/photos/{key}"),
                format!("http://localhost:8787/photos/{key}?w=1"),
                format!("https://photos.publicartregistry.com/{key}"),
                format!("https://acc.r2.cloudflarestorage.com/bucket/{key}#x"),
            ] {
                prop_assert!(own(&value).contains(&key), "{}", value);
            }
        }

        #[test]
        fn any_value_is_taken(value in "(http://|https://|//|/|photos/|data:)?[ -~é\\\\\\x00]{0,30}") {
            if let Reference::Own(keys) = classify(&value) {
                prop_assert!(!keys.is_empty());
                prop_assert!(keys.iter().all(|k| !k.is_empty() && !k.starts_with('/') && k.len() <= LONGEST_KEY));
            }
        }
    }
}
