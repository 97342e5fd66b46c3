//! Reads archives that this package wrote, and finds any that were altered since.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::read::{ArchiveOffset, Config, ZipFile};
use zip::{CompressionMethod, ZipArchive};

use super::central::{self, Beside};
use super::end::End;
use super::format::Directory;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Metered, hash_all};

/// An archive whose every byte is as it was written.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    /// Opens an archive and reads all of it once: the SHA-256 in its comment must be that of the bytes before the
    /// end record, and the end records must be those that follow from these bytes.
    ///
    /// Fails with `ARCHIVE_CORRUPT` if not, or if it cannot be read, and with `ABORT_ERR`. That somebody who can
    /// write the file has not made up another archive, checksum included, cannot be known here.
    pub fn open(path: &Path, job: &Job) -> Result<Archive> {
        Archive::open_metered(path, job, &Meter::silent())
    }

    /// Opens an archive as [`Archive::open`] does; `meter` hears of every byte, and of the entries once they are known.
    pub fn open_metered(path: &Path, job: &Job, meter: &Meter) -> Result<Archive> {
        let (file, end, covered) = open_sealed(path, job, meter)?;
        let archive = Archive::with_directory(path, file, covered, end.directory())?;
        meter.add(archive.entries() as u64, 0);
        Ok(archive)
    }

    /// Reads all of an archive once, as [`Archive::open`] does, and keeps of it only what [`Archive::seal`] is. Fails as
    /// that does, but for what is wrong with the directory itself.
    pub fn check_seal(path: &Path, job: &Job) -> Result<Vec<u8>> {
        open_sealed(path, job, &Meter::silent()).map(|(_, end, _)| end.comment().to_vec())
    }

    /// Opens an archive by its directory alone, for one whose other bytes are looked at elsewhere. Fails as
    /// [`Archive::open`] does, but for what the SHA-256 finds.
    pub fn open_unhashed(path: &Path) -> Result<Archive> {
        let mut file = open_file(path)?;
        let (end, covered) = End::read(&mut file, path)?;
        Archive::with_directory(path, file, covered, end.sound_directory())
    }

    fn with_directory(
        path: &Path,
        mut file: File,
        covered: u64,
        directory: Option<Directory>,
    ) -> Result<Archive> {
        let corrupt = |problem, source| Error::corrupt(path, problem, source);
        let directory = directory.ok_or_else(|| unsealed(path))?;
        let zip64_len = directory.zip64_end().len() as u64;
        if directory.is_too_large() {
            return Err(corrupt("it has more entries than any archive of ours; do not use it", None));
        }
        if directory.start.checked_add(directory.size) != covered.checked_sub(zip64_len) {
            return Err(corrupt("its directory is not where it should be; take another copy", None));
        }
        refuse_headers(&mut file, directory, path)?;
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(config, BufReader::new(file))
            .map_err(|e| corrupt("its directory cannot be read; take another copy", Some(e.into())))?;
        if zip.has_duplicate_names() {
            return Err(corrupt("two entries have the same name; take another copy", None));
        }
        Ok(Archive { path: path.to_owned(), zip })
    }

    /// How many entries there are.
    pub fn entries(&self) -> usize {
        self.zip.len()
    }

    /// The names of all entries, in their order; those that are not UTF-8 are left out.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names_raw().filter_map(|name| str::from_utf8(name).ok())
    }

    /// Whether there is an entry of that name.
    pub fn holds(&self, name: &str) -> bool {
        self.zip.index_for_name_raw(name.as_bytes()).is_some()
    }

    /// Reads an entry of at most `limit` bytes, inflated where it is deflated. Fails with `ARCHIVE_CORRUPT` when it
    /// is missing, larger, or not what its CRC-32 says.
    pub fn read_bytes(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let path = self.path.clone();
        let damaged = |problem: &str, error| damaged(&path, name, problem, error);
        let entry = self.entry(name)?;
        let mut bytes = Vec::new();
        entry
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| damaged("it cannot be read", Some(e)))?;
        if bytes.len() as u64 > limit {
            return Err(too_long(&path, name, limit));
        }
        Ok(bytes)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its comment, which holds the SHA-256 of all that stands before.
    pub fn seal(&self) -> &[u8] {
        self.zip.comment()
    }

    /// Bytes of an entry once it is inflated, as the directory says.
    pub fn size_of(&mut self, name: &str) -> Result<u64> {
        self.entry(name).map(|entry| entry.size())
    }

    /// Opens an entry, to be read inflated from its start. Reading fails at the end when the bytes do not have its
    /// CRC-32.
    pub fn open_entry(&mut self, name: &str) -> Result<impl Read> {
        self.entry(name)
    }

    /// The comments of the file and of its entries, as they stand there.
    pub fn comments(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut comments = vec![self.zip.comment().to_vec()];
        for index in 0..self.zip.len() {
            let entry =
                self.zip.by_index_raw(index).map_err(|error| Error::unopened(&self.path, error.into()))?;
            comments.push(entry.comment().as_bytes().to_vec());
        }
        comments.retain(|comment| !comment.is_empty());
        Ok(comments)
    }

    /// Hands every part of the file that is not the contents of an entry to `visit`, in their order: headers with the
    /// names and extra fields in them, comments, and whatever else there may be.
    pub fn each_gap(&mut self, mut visit: impl FnMut(&mut dyn Read) -> Result<()>) -> Result<()> {
        let path = self.path.clone();
        let unreadable = |error| Error::unopened(&path, error);
        let mut contents = Vec::with_capacity(self.zip.len());
        for index in 0..self.zip.len() {
            let entry = self.zip.by_index_raw(index).map_err(|error| unreadable(error.into()))?;
            let start = entry.data_start().unwrap_or_else(|| entry.header_start());
            contents.push(start..start.saturating_add(entry.compressed_size()));
        }
        contents.sort_unstable_by_key(|range| range.start);
        let mut file = BufReader::new(File::open(&path).map_err(unreadable)?);
        let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let mut from = 0;
        for range in contents.into_iter().chain(std::iter::once(size..size)) {
            if range.start > from {
                file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
                visit(&mut (&mut file).take(range.start - from))?;
            }
            from = range.end.max(from);
        }
        Ok(())
    }

    /// An entry that is stored as it is, to be copied. Fails with `ARCHIVE_CORRUPT` when it is missing or is not
    /// stored.
    pub fn open_stored(&mut self, name: &str) -> Result<StoredEntry<'_>> {
        let path = self.path.clone();
        let entry = self.entry(name)?;
        if entry.compression() != CompressionMethod::Stored || entry.size() != entry.compressed_size() {
            return Err(damaged(&path, name, "it is not stored as it is, as photos are", None));
        }
        Ok(StoredEntry { size: entry.size(), crc32: entry.crc32(), reader: entry })
    }

    /// Size and SHA-256 of an entry that is stored as it is. Fails as [`Archive::open_stored`] does, and with
    /// `ABORT_ERR`.
    pub fn hash_stored(&mut self, name: &str, job: &Job) -> Result<(u64, [u8; 32])> {
        let path = self.path.clone();
        let mut stored = self.open_stored(name)?;
        let size = stored.size;
        Ok((size, hash(&mut stored, size, &path, job)?))
    }

    fn entry(&mut self, name: &str) -> Result<ZipFile<'_, BufReader<File>>> {
        let path = &self.path;
        let missing = || damaged(path, name, "it is missing", None);
        let index = self.zip.index_for_name_raw(name.as_bytes()).ok_or_else(missing)?;
        self.zip.by_index(index).map_err(|e| damaged(path, name, "it cannot be read", Some(e.into())))
    }
}

/// The bytes of an entry that is stored as it is. Reading fails at the end when they do not have the entry's CRC-32.
pub struct StoredEntry<'a> {
    /// Bytes.
    pub size: u64,
    /// CRC-32 of the bytes.
    pub crc32: u32,
    reader: ZipFile<'a, BufReader<File>>,
}

impl Read for StoredEntry<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

fn damaged(path: &Path, name: &str, problem: &str, error: Option<io::Error>) -> Error {
    Error::corrupt(path, format!("the entry {name}: {problem}; take another copy"), error.map(Into::into))
}

/// That an entry has more than `limit` bytes, which are all that it may have.
pub fn too_long(path: &Path, name: &str, limit: u64) -> Error {
    damaged(path, name, &format!("it has more than {limit} bytes, which is more than it may have"), None)
}

/// Opens the file of an archive. Opening a pipe would wait for somebody to write into it, for ever.
pub(super) fn open_file(path: &Path) -> Result<File> {
    let open = || match path.metadata()? {
        found if found.is_file() => File::open(path),
        found if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::ErrorKind::NotSeekable.into()),
    };
    open().map_err(|error| Error::unopened(path, error))
}

/// Opens an archive whose bytes before the end record are those that it names, and says how many these are.
fn open_sealed(path: &Path, job: &Job, meter: &Meter) -> Result<(File, End, u64)> {
    let mut file = open_file(path)?;
    let (end, covered) = End::read(&mut file, path)?;
    meter.expect(None, Some(covered));
    file.rewind().map_err(|error| Error::unopened(path, error))?;
    let sha256 = hash(&mut Metered::new(&mut file, meter), covered, path, job)?;
    match end.is_that_of(&hex::encode(sha256)) {
        true => Ok((file, end, covered)),
        false => Err(unsealed(path)),
    }
}

fn unsealed(path: &Path) -> Error {
    Error::corrupt(path, "its checksum does not match; take another copy", None)
}

/// The SHA-256 of the next `length` bytes of what lies at `path`.
fn hash(reader: &mut impl Read, length: u64, path: &Path, job: &Job) -> Result<[u8; 32]> {
    let mut bytes = reader.take(length);
    let sha256 = hash_all(&mut bytes, job)?.map_err(|error| Error::unopened(path, error))?;
    match bytes.limit() {
        0 => Ok(sha256),
        _ => Err(Error::unopened(path, io::ErrorKind::UnexpectedEof.into())),
    }
}

/// Fails unless the directory consists of as many headers as the end record says, which no hash covers and a reader
/// would believe if it said fewer, and where one gives its entry another name than it is read by.
fn refuse_headers(file: &mut File, directory: Directory, path: &Path) -> Result<()> {
    let (mut entries, mut is_renamed) = (0, false);
    let read = central::each(file, directory.start, directory.size, |header| {
        entries += 1;
        is_renamed |= header.beside == Beside::Renaming;
    });
    match read {
        Err(central::Failure::Io(error)) => Err(Error::unopened(path, error)),
        Ok(()) if is_renamed => Err(Error::corrupt(
            path,
            "its headers have fields that give entries other names; do not extract it",
            None,
        )),
        Ok(()) if entries == directory.entries => Ok(()),
        _ => Err(Error::corrupt(path, "its directory is not whole; take another copy", None)),
    }
}

#[cfg(test)]
mod tests;
