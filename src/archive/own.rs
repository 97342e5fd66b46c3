//! Telling our own archives from other files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::format::{COMMENT_PREFIX, END_LEN, END_SIGNATURE};

/// Whether the file at `path` ends as every archive of ours does: with an end record that holds a checksum.
///
/// # Errors
/// The file cannot be read.
pub fn is_own_archive(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let Some(start) = file.metadata()?.len().checked_sub(END_LEN as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(start))?;
    let mut end = [0; END_LEN];
    file.read_exact(&mut end)?;
    let (record, comment) = end.split_at(22);
    let checksum = comment.strip_prefix(COMMENT_PREFIX.as_bytes());
    Ok(record.starts_with(&END_SIGNATURE.to_le_bytes())
        && checksum.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::archive::format::Directory;

    #[test]
    fn an_archive_is_known_by_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let end = Directory { entries: 0, start: 3, size: 0 }.end(&"0a".repeat(32));
        let is_own = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            is_own_archive(&path).unwrap()
        };
        assert!(is_own(&end));
        assert!(is_own(&[b"abc", end.as_slice()].concat()));
        assert!(!is_own(&end[1..]));
        assert!(!is_own(&[end.as_slice(), b"abc"].concat()));
        assert!(!is_own(&Directory { entries: 0, start: 3, size: 0 }.end(&"0 ".repeat(32))));
        assert!(!is_own(b""));
    }
}
