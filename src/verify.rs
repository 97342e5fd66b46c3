//! Whether an archive is whole: by anyone, with nothing but the file.
//!
//! Nothing in the file is believed before it was compared with something else in it: the structure of the ZIP, the
//! CRC of each entry, SHA256SUMS, metadata.json against what is there, the rows against their digests.

use std::path::{Path, PathBuf};

use crate::archive::{Severity, Survey};
use crate::error::Result;
use crate::formats::backup::MAIN;
use crate::formats::opening::{Head, METADATA_LIMIT};
use crate::formats::{self, Age, METADATA};
use crate::job::{Job, Phase, Warning, blocking_deep};

mod backup;
mod contents;
mod dump;
mod problems;

use contents::Contents;
use problems::Problems;

/// What was found.
#[derive(Debug, Clone)]
pub struct VerifyReport {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// What it is, as far as its metadata.json tells.
    pub kind: Option<Kind>,
    /// Entries that its directory lists and that can be read without harm.
    pub entries: u64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
    /// `ARCHIVE_CORRUPT`: contents are damaged. `ARCHIVE_ALTERED`: bytes were changed and the contents are sound.
    /// `FORMAT_NEWER`: another version wrote it. `PRIVACY_LEAK`: a dump holds what may not be public.
    pub problems: Vec<Warning>,
}

/// The kinds of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Private: rows as SQL, and photos.
    Backup,
    /// Public: records and thumbnails.
    DataDump,
}

/// Checks all of an archive. Memory grows with the number of entries only; time with the size of what is inside.
/// Writes nothing but a scratch database in the system's folder for temporary files, which is gone at the end.
///
/// Fails with `ARCHIVE_CORRUPT` only when the file cannot be opened or read, with `DISK_FULL` or `OUTPUT_UNWRITABLE`
/// when there is no room to load the rows, and with `ABORT_ERR`. Whatever else is wrong is in the report.
pub async fn verify_archive(path: PathBuf, job: Job) -> Result<VerifyReport> {
    blocking_deep(move || verify(&path, &job)).await
}

fn verify(path: &Path, job: &Job) -> Result<VerifyReport> {
    job.check()?;
    let meter = job.meter(Phase::Verify, None, None);
    let survey = Survey::open(path, job, &meter)?;
    let mut problems = Problems::default();
    for finding in &survey.findings {
        let entry = finding.entry.as_deref();
        match finding.severity {
            Severity::Damaged => problems.damaged(entry, &finding.problem),
            Severity::Altered => problems.altered(entry, &finding.problem),
        }
    }
    problems.more(survey.unlisted(Severity::Damaged), survey.unlisted(Severity::Altered));
    let contents = Contents::read(&survey, &mut problems, job, &meter)?;
    // Of a file whose structure cannot be read, nothing more can be said: what it lacks would be blamed on it wrongly.
    let is_unreadable = survey.entries.is_empty() && !problems.is_empty();
    let kind = if is_unreadable { None } else { kind(&contents, &mut problems) };
    match kind {
        Some(Kind::Backup) => {
            meter.item(MAIN);
            backup::check(&contents, &mut problems, job)?;
        }
        Some(Kind::DataDump) => dump::check(&contents, &mut problems, job)?,
        None => {}
    }
    if !survey.is_sealed && problems.is_empty() {
        let problem = "bytes were changed since it was made, none of them contents: everything inside is as it was \
                       written; prefer a copy that verifies if there is one";
        problems.altered(None, problem);
    }
    meter.finish();
    Ok(VerifyReport {
        ok: problems.is_empty(),
        kind,
        entries: survey.entries.len() as u64,
        bytes: survey.size,
        sha256: survey.sha256.clone(),
        problems: problems.into_warnings(),
    })
}

/// What the archive is; None where its metadata.json does not tell, which is a problem then.
fn kind(contents: &Contents<'_>, problems: &mut Problems) -> Option<Kind> {
    let head: Head = contents.json(METADATA, METADATA_LIMIT, problems)?;
    let (kind, version) = match head.format.as_str() {
        formats::backup::FORMAT => (Kind::Backup, formats::backup::FORMAT_VERSION),
        formats::dump::FORMAT => (Kind::DataDump, formats::dump::FORMAT_VERSION),
        _ => {
            problems.damaged(Some(METADATA), "it names a format that is none of ours");
            return None;
        }
    };
    match formats::age(&head.format_version, version) {
        Age::Known => return Some(kind),
        Age::Newer => problems.newer(&format!(
            "it is of a newer format version than {version}, which this version of the package reads; use the one that \
             made it, or a newer one"
        )),
        Age::Unheard => problems.damaged(Some(METADATA), "it names a format version that there never was"),
    }
    None
}
