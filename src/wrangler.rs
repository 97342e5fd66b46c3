//! The names that wrangler's local state has, as miniflare computes them from ids.
//!
//! A Durable Object holds each database and bucket; its file is named by the object's id, which is an HMAC of the
//! name it was asked for (workerd, `actor-id-impl.c++`; the same since miniflare 3).

use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Below wrangler's folder, where none is named.
pub const DEFAULT_STATE: &str = ".wrangler/state/v3";
/// The class of objects that hold databases.
const D1: &str = "miniflare-D1DatabaseObject";
/// The class of objects that hold what buckets know of their photos.
const R2: &str = "miniflare-R2BucketObject";
/// Bytes of each half of an object's id.
const HALF: usize = 16;
/// Bytes that SHA-256 works on at a time.
const BLOCK: usize = 64;

/// The file of a D1 database.
pub fn database_file(state: &Path, id: &str) -> PathBuf {
    state.join("d1").join(D1).join(format!("{}.sqlite", object_id(D1, id)))
}

/// The file of what an R2 bucket knows of its objects.
pub fn bucket_file(state: &Path, bucket: &str) -> PathBuf {
    state.join("r2").join(R2).join(format!("{}.sqlite", object_id(R2, bucket)))
}

/// The folder of a bucket's bodies.
pub fn bodies_folder(state: &Path, bucket: &str) -> PathBuf {
    state.join("r2").join(folder_name(bucket)).join("blobs")
}

/// The files of databases beside one that is not there: their names say nothing, but their number does.
pub fn neighbours(file: &Path) -> Vec<String> {
    let Some(entries) = file.parent().and_then(|folder| folder.read_dir().ok()) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> =
        names.filter(|name| name.ends_with(".sqlite") && name != "metadata.sqlite").collect();
    names.sort_unstable();
    names
}

fn object_id(class: &str, name: &str) -> String {
    let key: [u8; 32] = Sha256::digest(class).into();
    let first = hmac(&key, name.as_bytes());
    let second = hmac(&key, &first);
    hex::encode(first) + &hex::encode(second)
}

/// The first half of an HMAC-SHA256.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; HALF] {
    // A key is followed by zeros up to a whole block anyway (RFC 2104), and one of that length is never refused.
    let mut block = [0; BLOCK];
    block[..key.len()].copy_from_slice(key);
    let whole: [u8; 32] =
        Hmac::<Sha256>::new(&block.into()).chain_update(message).finalize().into_bytes().into();
    let mut half = [0; HALF];
    half.copy_from_slice(&whole[..HALF]);
    half
}

/// A bucket's name as miniflare makes a folder of it. Names that R2 takes are unchanged.
fn folder_name(bucket: &str) -> String {
    let is_odd = |c: char| c.is_control() || r#"/\:*?"<>|'^"#.contains(c);
    let name: String = bucket.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    if name.chars().all(|c| c == '.') { "_".into() } else { name.chars().take(255).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_miniflare_makes() {
        // Read off states that wrangler 4 and miniflare 4 had made.
        for (id, half) in [
            ("3f1c9a52-7b64-4c0e-9d2a-5e8f00112233", "7429dc3a17b65e3b58914392a5be122b"),
            ("prev-id", "50aa4d1dd387989b097293da3015aecb"),
        ] {
            assert!(object_id(D1, id).starts_with(half), "{id}");
        }
        assert_eq!(
            object_id(R2, "photos-bucket"),
            "e484bdb1ade690282ac2e942d65a28444e91c0e524550b01922d14e9e4e12646"
        );
        let file = bucket_file(Path::new("state"), "photos-bucket");
        assert!(file.starts_with("state/r2/miniflare-R2BucketObject"));
        assert_eq!(bodies_folder(Path::new("s"), "photos-bucket"), Path::new("s/r2/photos-bucket/blobs"));
    }
}
