//! Opens archives that nobody vouches for, within bounds of time and memory.
//!
//! The directory is read here rather than by a crate, since what has to be told is exactly what readers overlook:
//! entries that share bytes, headers that disagree, names that lead elsewhere.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::contents::EntryContents;
use super::format::Method;
use super::reader::open_file;
use crate::error::{Error, Result};
use crate::job::{Job, Meter};
use crate::seal::END_LEN;

mod structure;

/// Bytes hashed at a time.
const BUFFER: usize = 1 << 20;
/// Findings of one severity that are kept; more are counted only.
const MAX_FINDINGS: u64 = 1_000;

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

impl SurveyedEntry {
    /// Whether it stands in the archive as it is.
    pub fn is_stored(&self) -> bool {
        self.method == Method::Stored
    }
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
        found.saturating_sub(MAX_FINDINGS)
    }

    /// Notes a finding.
    fn note(&mut self, severity: Severity, entry: Option<&str>, problem: impl Into<String>) {
        let found = match severity {
            Severity::Damaged => &mut self.damaged,
            Severity::Altered => &mut self.altered,
        };
        *found += 1;
        if *found <= MAX_FINDINGS {
            let entry = entry.map(str::to_owned);
            self.findings.push(Finding { severity, entry, problem: problem.into() });
        }
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::unopened(&self.path, error)
    }
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
