//! How every archive of this package ends, by which it is told from other files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The archive's comment is this and the SHA-256, in hex, of all bytes before the end record.
pub const COMMENT_PREFIX: &str = "sha256:";
/// Length of the end record without its comment, which may have 65,535 bytes (APPNOTE.TXT 6.3.10, 4.3.16).
pub const BARE_END: usize = 22;
/// Length of the end-of-central-directory record with that comment.
pub const END_LEN: usize = BARE_END + COMMENT_PREFIX.len() + 64;
/// Signature of the end-of-central-directory record.
pub const END_SIGNATURE: u32 = 0x0605_4b50;

/// Whether the file at `path` ends as every archive of ours does: with an end record that holds a checksum. Fails if it
/// cannot be read.
pub fn is_own_archive(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let Some(start) = file.metadata()?.len().checked_sub(END_LEN as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(start))?;
    let mut end = [0; END_LEN];
    file.read_exact(&mut end)?;
    let (record, comment) = end.split_at(BARE_END);
    let checksum = comment.strip_prefix(COMMENT_PREFIX.as_bytes());
    Ok(record.starts_with(&END_SIGNATURE.to_le_bytes())
        && checksum.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_archive_is_known_by_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let end = |hex: &str| {
            let comment = format!("{COMMENT_PREFIX}{hex}");
            [b"PK\x05\x06".as_slice(), &[0; 16], &[71, 0], comment.as_bytes()].concat()
        };
        let is_own = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            is_own_archive(&path).unwrap()
        };
        let whole = end(&"0a".repeat(32));
        assert!(is_own(&whole));
        assert!(is_own(&[b"abc", whole.as_slice()].concat()));
        assert!(!is_own(&whole[1..]));
        assert!(!is_own(&[whole.as_slice(), b"abc"].concat()));
        assert!(!is_own(&end(&"0 ".repeat(32))));
        assert!(!is_own(b""));
    }
}
