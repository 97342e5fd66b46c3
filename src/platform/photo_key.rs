//! From what a row says to the key a photo may have.
//!
//! Rows hold plain keys, paths below `/photos/`, and URLs of whatever host served the photos at the time. A leading
//! `photos/` is part of the key or of the route, and percent signs may be encoding or not: every reading is tried,
//! the literal one first.

use std::borrow::Cow;

use memchr::{memchr2, memmem};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{json, photo_family};
use crate::photos::key::content_type;

/// Keys of R2 have at most this many bytes (R2 limits, "object key length").
const MAX_KEY: usize = 1024;
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

    /// What a reference has in common with those to stored copies of its photo; None of what is not ours.
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

/// Whether a text is, or begins with a folder as, the place where a photo of ours lies, also in quotes: the tail of a
/// key is what the uploader called the file, and an original has the place where it was taken.
pub fn is_place_of_photo(text: &str) -> bool {
    // Keys of uploads have a date in them, in folders; most texts have nothing of the kind.
    if memchr2(b'/', b'%', text.as_bytes()).is_none() {
        return false;
    }
    let text = text.trim().trim_matches('"');
    let is_begin =
        |at| at == 0 || SLASHES.iter().any(|slash| text.get(..at).is_some_and(|it| it.ends_with(slash)));
    memmem::find_iter(text.as_bytes(), "20").any(is_begin)
        && matches!(classify(text), Reference::Own(keys) if keys.iter().any(|key| is_dated(key)))
}

/// Whether a text is nothing but such a place. Prose that begins with one says more than where a photo lies.
pub fn is_place_alone(text: &str) -> bool {
    let text = text.trim().trim_matches('"');
    let is_one_thing = || !text.contains(char::is_whitespace) || content_type(path_alone(text)).is_some();
    is_place_of_photo(text) && is_one_thing()
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
        let possible = !key.is_empty() && key.len() <= MAX_KEY && !key.contains('\0');
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
mod tests;
