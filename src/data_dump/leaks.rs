//! Fence 4: the finished archive is opened again, and every name, header, comment and text in it is searched.

use std::io::{self, BufReader};
use std::path::Path;

use super::fences::leak;
use super::parallel::in_order;
use crate::archive::{Archive, THUMBNAILS, read_checksums};
use crate::dataset::{LICENSE, schemas};
use crate::error::{Error, Result};
use crate::formats::SUMS;
use crate::job::Job;
use crate::platform::fields::files::{DATA_FILES, OTHER_LICENSES};
use crate::privacy::scan::{Chunk, Chunks, Scanner};

const ADVICE: &str = "the archive was deleted; find the row that holds it, or report it, since the fences before should have seen it";

/// Fails with `PRIVACY_LEAK` when anything in the archive is, or holds, an identifier. `exempt` tells the scanner what
/// was made around public ids.
///
/// Whoever may submit a text may submit what a dump is made of, such as the digest of the licence, as if it were a
/// token. That is looked at only when something was found: else nobody did.
pub fn look_for_all(
    path: &Path,
    mut scanner: Scanner<'_>,
    exempt: impl FnOnce(&mut Scanner<'_>),
    job: &Job,
) -> Result<()> {
    match look_for(path, &scanner, job) {
        Err(Error::PrivacyLeak { .. }) => {}
        outcome => return outcome,
    }
    let mut archive = Archive::open(path, job)?;
    let exempt_digest = |_, sha256: [u8; 32]| {
        scanner.exempt(&hex::encode(sha256));
        true
    };
    read_checksums(BufReader::new(archive.open_entry(SUMS)?), exempt_digest)
        .map_err(|error| unreadable(path, SUMS, error))?;
    exempt(&mut scanner);
    look_for(path, &scanner, job)
}

/// Searches the archive once. Fails with `PRIVACY_LEAK` at the first identifier that the scanner does not exempt.
pub fn look_for(path: &Path, scanner: &Scanner<'_>, job: &Job) -> Result<()> {
    let mut archive = Archive::open(path, job)?;
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    for name in &names {
        job.check()?;
        if let Some(hit) = scanner.name(name) {
            return Err(leak("the name of an entry", &hit, ADVICE));
        }
    }
    for comment in archive.comments()? {
        if let Some(hit) = scanner.chunk(&comment.into()) {
            return Err(leak("a header or a comment", &hit, ADVICE));
        }
    }
    archive.each_gap(|gap| {
        job.check()?;
        match scanner.noise(gap).map_err(|error| unreadable(path, "a header", error))? {
            Some(hit) => Err(leak("a header or a comment", &hit, ADVICE)),
            None => Ok(()),
        }
    })?;
    // Texts that are ours, word for word, and would only be mistaken.
    let ours: Vec<String> = DATA_FILES.into_iter().chain([&OTHER_LICENSES]).map(schemas::name).collect();
    // They hold no text, as was proven when they were written.
    let is_pixels = |name: &str| name.starts_with(THUMBNAILS) && name.ends_with(".jpg");
    let is_searched = |name: &&String| **name != LICENSE && !ours.contains(name) && !is_pixels(name);
    for name in names.iter().filter(is_searched) {
        let mut chunks = Chunks::new(archive.open_entry(name)?);
        let is_json = name.ends_with(".json");
        let look = |chunk: &Chunk| if is_json { scanner.json(chunk) } else { scanner.chunk(chunk) };
        in_order(
            |hand_on| {
                while let Some(chunk) = chunks.next_chunk().map_err(|error| unreadable(path, name, error))? {
                    job.check()?;
                    hand_on(chunk)?;
                }
                Ok(())
            },
            |chunk| Ok(look(&chunk)),
            |hit| hit.map_or(Ok(()), |hit| Err(leak(name, &hit, ADVICE))),
        )?;
    }
    Ok(())
}

fn unreadable(path: &Path, what: &str, error: io::Error) -> Error {
    let problem = format!("{what} cannot be read back; check the disk, or choose another folder");
    Error::corrupt(path, problem, Some(Box::new(error)))
}
