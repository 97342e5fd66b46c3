//! What an archive ends with: the end record, and the ZIP64 records before it where there are any.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::format::{Directory, ZIP64_END_LEN};
use crate::error::{Error, Result};
use crate::seal::{BARE_END, COMMENT_PREFIX, END_LEN};

/// What a file ends with.
pub(super) struct End {
    /// What stands before the end record, as far as ZIP64 records would.
    pub(super) before: Vec<u8>,
    /// The end record with its comment.
    pub(super) record: Vec<u8>,
}

impl End {
    /// What an archive of ours ends with, and how many bytes stand before its end record, all of which the checksum in
    /// it covers. Fails with `ARCHIVE_CORRUPT` when the file does not end like that, or cannot be read.
    pub(super) fn read(file: &mut File, path: &Path) -> Result<(End, u64)> {
        let unreadable = |error| Error::unopened(path, error);
        let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let covered = size.checked_sub(END_LEN as u64).ok_or_else(|| {
            Error::corrupt(path, "it is too short to be an archive of ours; take another copy", None)
        })?;
        let mut before = vec![0; covered.min(ZIP64_END_LEN as u64) as usize];
        let mut record = vec![0; END_LEN];
        file.seek(SeekFrom::Start(covered - before.len() as u64)).map_err(unreadable)?;
        file.read_exact(&mut before).map_err(unreadable)?;
        file.read_exact(&mut record).map_err(unreadable)?;
        let end = End { before, record };
        if !end.comment().starts_with(COMMENT_PREFIX.as_bytes()) {
            let problem = "it does not end with our checksum: it was cut short, changed or packed anew, or is not ours; \
                           take another copy, or let verify say what is left";
            return Err(Error::corrupt(path, problem, None));
        }
        Ok((end, covered))
    }

    /// The comment, which holds the checksum.
    pub(super) fn comment(&self) -> &[u8] {
        &self.record[BARE_END..]
    }

    /// Where it says that the directory is.
    pub(super) fn directory(&self) -> Option<Directory> {
        Directory::parse(&self.before, &self.record)
    }

    /// Where it says that the directory is; none when its own records contradict each other.
    pub(super) fn sound_directory(&self) -> Option<Directory> {
        self.directory().filter(|directory| self.before.ends_with(&directory.zip64_end()))
    }

    /// Whether it is what an archive of ours ends with whose other bytes have this SHA-256.
    pub(super) fn is_that_of(&self, seal: &str) -> bool {
        self.record.len() == END_LEN
            && self.sound_directory().is_some_and(|directory| directory.end(seal) == self.record)
    }
}
