//! Opens archives that nobody vouches for, within bounds of time and memory.
//!
//! The directory is read here rather than by a crate, since what has to be told is exactly what readers overlook:
//! entries that share bytes, headers that disagree, names that lead elsewhere.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::central::{self, Beside, Central};
use super::contents::EntryContents;
use super::end::End;
use super::format::{Directory, LOCAL_SIGNATURE, Method, ZIP64_END_LEN};
use super::names::{fold, is_safe_path};
use super::reader::open_file;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, counted};
use crate::seal::{BARE_END, COMMENT_PREFIX, END_LEN, END_SIGNATURE};

/// Bytes hashed at a time.
const BUFFER: usize = 1 << 20;
/// Findings of one severity that are kept; more are counted only.
const KEPT: u64 = 1_000;

/// Whether what was found harms the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something cannot be read, or is not what it should be.
    Damaged,
    /// Bytes were changed since the archive was made, and none of them are contents.
    Altered,
}

/// Something wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The entry, if it is about one.
    pub entry: Option<String>,
    /// What, and what to do.
    pub problem: String,
}

/// An entry as the directory has it.
#[derive(Debug, Clone)]
pub struct SurveyedEntry {
    /// Its name: a path below any folder on Linux, macOS and Windows.
    pub name: String,
    /// Bytes, inflated.
    pub size: u64,
    method: Method,
    compressed_size: u64,
    crc32: u32,
    start: u64,
}

/// An archive and what its structure tells.
#[derive(Debug)]
pub struct Survey {
    path: PathBuf,
    file: File,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
    /// Whether every byte is as it was written: the checksum in the comment matches and the end records follow.
    pub is_sealed: bool,
    /// In the order of the directory; only those that can be read without harm.
    pub entries: Vec<SurveyedEntry>,
    /// What is wrong, in the order it was found: the first thousand of each severity.
    pub findings: Vec<Finding>,
    damaged: u64,
    altered: u64,
}

impl Survey {
    /// Reads the directory and every header, then all of the file once. Fails with `ARCHIVE_CORRUPT` when the file
    /// cannot be opened or read, and with `ABORT_ERR`; whatever else is wrong is a finding.
    ///
    /// `meter` hears of the bytes of the file; it expects those of all entries after them.
    pub fn open(path: &Path, job: &Job, meter: &Meter) -> Result<Survey> {
        let mut file = open_file(path)?;
        let size = file.seek(SeekFrom::End(0)).map_err(|error| Error::unopened(path, error))?;
        let mut survey = Survey {
            path: path.to_owned(),
            file,
            size,
            sha256: String::new(),
            is_sealed: false,
            entries: Vec::new(),
            findings: Vec::new(),
            damaged: 0,
            altered: 0,
        };
        let end = survey.read_structure(job)?;
        let all = survey.entries.iter().fold(size, |sum, entry| sum.saturating_add(entry.size));
        meter.expect(Some(survey.entries.len() as u64), Some(all));
        let (sha256, seal) = hash(&mut survey.file, path, size, job, meter)?;
        survey.sha256 = sha256;
        survey.is_sealed = end.is_some_and(|end| end.is_that_of(&seal));
        Ok(survey)
    }

    /// The contents of an entry, to be read inflated from its start. Reading fails at the end when they are not what
    /// the directory says.
    pub fn contents(&self, entry: &SurveyedEntry) -> io::Result<EntryContents<'_>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(entry.start))?;
        let stored = BufReader::with_capacity(64 << 10, file.take(entry.compressed_size));
        Ok(EntryContents::new(stored, entry.method, entry.size, entry.crc32))
    }

    /// The entry of that name.
    pub fn entry(&self, name: &str) -> Option<&SurveyedEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// How many findings of that severity are not listed.
    pub fn unlisted(&self, severity: Severity) -> u64 {
        let found = match severity {
            Severity::Damaged => self.damaged,
            Severity::Altered => self.altered,
        };
        found.saturating_sub(KEPT)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn find(&mut self, severity: Severity, entry: Option<&str>, problem: impl Into<String>) {
        let found = match severity {
            Severity::Damaged => &mut self.damaged,
            Severity::Altered => &mut self.altered,
        };
        *found += 1;
        if *found <= KEPT {
            let entry = entry.map(str::to_owned);
            self.findings.push(Finding { severity, entry, problem: problem.into() });
        }
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::unopened(&self.path, error)
    }

    /// What the file ends with, if it ends as a ZIP.
    fn read_structure(&mut self, job: &Job) -> Result<Option<End>> {
        let Some(end) = self.find_end().map_err(|error| self.unreadable(error))? else { return Ok(None) };
        let Some(directory) = self.find_directory(&end) else { return Ok(Some(end)) };
        match central::read(&mut self.file, directory.start, directory.size) {
            Ok(headers) => {
                if headers.len() as u64 != directory.entries {
                    let says =
                        format!("its end says {} entries and there are {}", directory.entries, headers.len());
                    self.find(Severity::Altered, None, says);
                }
                self.take_entries(headers, directory.start, job)?;
            }
            Err(central::Failure::Io(error)) => return Err(self.unreadable(error)),
            Err(central::Failure::Malformed(problem)) => {
                self.find(Severity::Damaged, None, format!("its directory is damaged: {problem}"));
            }
        }
        Ok(Some(end))
    }

    fn begins_as_zip(&mut self) -> io::Result<bool> {
        let signature = LOCAL_SIGNATURE.to_le_bytes();
        let mut begin = Vec::with_capacity(signature.len());
        self.file.rewind()?;
        (&mut self.file).take(signature.len() as u64).read_to_end(&mut begin)?;
        Ok(begin == signature)
    }

    fn find_end(&mut self) -> io::Result<Option<End>> {
        let reach = self.size.min((BARE_END + usize::from(u16::MAX) + ZIP64_END_LEN) as u64);
        self.file.seek(SeekFrom::Start(self.size - reach))?;
        let mut tail = vec![0; reach as usize];
        self.file.read_exact(&mut tail)?;
        let is_end = |at: &usize| {
            tail[*at..].starts_with(&END_SIGNATURE.to_le_bytes())
                && tail.get(at + 20..at + BARE_END).is_some_and(|length| {
                    usize::from(u16::from_le_bytes([length[0], length[1]])) == tail.len() - at - BARE_END
                })
        };
        let last = tail.len().checked_sub(BARE_END);
        let Some(at) = last.and_then(|last| (0..=last).rev().find(is_end)) else {
            let problem = if self.size == 0 {
                "the file is empty; take another copy"
            } else if self.begins_as_zip()? {
                "it does not end as an archive does: it was cut short, or bytes were added; take another copy"
            } else {
                "it is no ZIP: it neither begins nor ends as one; take another copy"
            };
            self.find(Severity::Damaged, None, problem);
            return Ok(None);
        };
        let record = tail.split_off(at);
        Ok(Some(End { before: tail, record }))
    }

    /// Where the directory is. Ours stands right before the end records; any other place is damage.
    fn find_directory(&mut self, end: &End) -> Option<Directory> {
        let directory = end.directory();
        if !end.record[BARE_END..].starts_with(COMMENT_PREFIX.as_bytes()) {
            self.find(Severity::Altered, None, "its comment is not the checksum that this package writes");
        }
        if directory.is_some_and(|found| found.is_too_large()) {
            let problem =
                "it has more entries than any archive of ours; they were not read, do not extract it";
            self.find(Severity::Damaged, None, problem);
            return None;
        }
        let zip64 = directory.map_or(0, |found| found.zip64_end().len() as u64);
        let fits = |found: &Directory| {
            found.start.checked_add(found.size) == (self.size - end.record.len() as u64).checked_sub(zip64)
        };
        let directory = directory.filter(fits);
        if directory.is_none() {
            self.find(Severity::Damaged, None, "its directory is not where it should be; take another copy");
        }
        directory
    }

    fn take_entries(&mut self, headers: Vec<Central>, end: u64, job: &Job) -> Result<()> {
        let mut by_place: Vec<usize> = (0..headers.len()).collect();
        by_place.sort_by_key(|at| headers[*at].offset);
        let mut starts = vec![None; headers.len()];
        let (mut place, mut others) = (0, 0);
        for at in by_place {
            job.check()?;
            let header = &headers[at];
            if header.offset < place {
                let problem = "it shares bytes with another entry, as bombs do; it was not read";
                self.find(Severity::Damaged, Some(&header.shown()), problem);
                continue;
            }
            if header.offset > place {
                self.find(Severity::Altered, None, "there are bytes between entries that belong to none");
            }
            let local =
                central::local(&mut self.file, header, end).map_err(|error| self.unreadable(error))?;
            let Some(local) = local else {
                self.find(Severity::Damaged, Some(&header.shown()), "it is not where the directory says");
                continue;
            };
            if !local.agrees {
                let problem = "its two headers disagree on its name, date or flags";
                self.find(Severity::Altered, Some(&header.shown()), problem);
            }
            place = local.start + header.compressed_size;
            match header.beside.max(local.beside) {
                Beside::Ours => {}
                Beside::Other => others += 1,
                Beside::Renaming => {
                    let problem =
                        "a field of its header gives it another name, or makes it a link: do not extract it";
                    self.find(Severity::Damaged, Some(&header.shown()), problem);
                    continue;
                }
            }
            starts[at] = Some(local.start);
        }
        if place != end && !headers.is_empty() {
            self.find(
                Severity::Altered,
                None,
                "there are bytes before the directory that belong to no entry",
            );
        }
        if others > 0 {
            let headers =
                counted(others, "entry has a comment or a field", "entries have comments or fields");
            self.find(Severity::Altered, None, format!("{headers} in the header that ours never have"));
        }
        let mut names = HashSet::new();
        for (header, start) in headers.into_iter().zip(starts) {
            let shown = header.shown();
            match acceptable(&header, &mut names) {
                Err(problem) => self.find(Severity::Damaged, Some(&shown), problem),
                Ok((name, method)) => self.entries.extend(start.map(|start| SurveyedEntry {
                    name,
                    size: header.size,
                    method,
                    compressed_size: header.compressed_size,
                    crc32: header.crc32,
                    start,
                })),
            }
        }
        Ok(())
    }
}

/// What may be read, and extracted by whoever extracts it.
fn acceptable(header: &Central, names: &mut HashSet<String>) -> Result<(String, Method), &'static str> {
    let name = str::from_utf8(&header.name).map_err(|_| "its name is not Unicode")?;
    // Folders first: `zip` and 7-Zip enter each, and the name of none is that of a file.
    if !header.is_plain_file() {
        return Err("it is a link, a folder or a device; ours hold files alone");
    }
    if !is_safe_path(name) {
        return Err(
            "its name could lead outside the folder it is extracted into, or cannot be a file everywhere",
        );
    }
    if !names.insert(fold(name)) {
        return Err("another entry has the same name, or one that differs only in case or Unicode form");
    }
    if header.is_encrypted() {
        return Err("it is encrypted, which no archive of ours is");
    }
    let method = header.method().ok_or("it is compressed in a way that ours are not")?;
    if method == Method::Stored && header.size != header.compressed_size {
        return Err("its sizes contradict each other");
    }
    Ok((name.to_owned(), method))
}

/// SHA-256 of the whole file and of all that stands before our end record, in hex.
fn hash(file: &mut File, path: &Path, size: u64, job: &Job, meter: &Meter) -> Result<(String, String)> {
    let unreadable = |error| Error::unopened(path, error);
    let mut hasher = Sha256::new();
    let mut seal = String::new();
    let mut left = size;
    let covered = size.saturating_sub(END_LEN as u64);
    let mut buffer = vec![0; BUFFER];
    file.rewind().map_err(unreadable)?;
    while left > 0 {
        job.check()?;
        let before_seal = (size - left < covered).then(|| covered - (size - left));
        let bytes = &mut buffer[..before_seal.unwrap_or(left).min(BUFFER as u64) as usize];
        file.read_exact(bytes).map_err(unreadable)?;
        if before_seal.is_none() && seal.is_empty() {
            seal = hex::encode(hasher.clone().finalize());
        }
        hasher.update(&*bytes);
        left -= bytes.len() as u64;
        meter.add(0, bytes.len() as u64);
    }
    Ok((hex::encode(hasher.finalize()), seal))
}
