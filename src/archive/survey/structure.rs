//! What the structure of an archive tells: its end, its directory, and the header before each entry.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use super::{Severity, Survey, SurveyedEntry};
use crate::archive::central::{self, Beside, Central, Local};
use crate::archive::end::End;
use crate::archive::format::{Directory, LOCAL_SIGNATURE, Method, ZIP64_END_LEN};
use crate::archive::names::{fold, is_safe_path};
use crate::error::Result;
use crate::job::{Job, counted};
use crate::seal::{BARE_END, COMMENT_PREFIX, END_SIGNATURE};

impl Survey {
    /// What the file ends with, if it ends as a ZIP.
    pub(super) fn read_structure(&mut self, job: &Job) -> Result<Option<End>> {
        let Some(end) = self.find_end().map_err(|error| self.unreadable(error))? else { return Ok(None) };
        let Some(directory) = self.find_directory(&end) else { return Ok(Some(end)) };
        match central::read(&mut self.file, directory.start, directory.size) {
            Ok(headers) => {
                if headers.len() as u64 != directory.entries {
                    let says =
                        format!("its end says {} entries and there are {}", directory.entries, headers.len());
                    self.note(Severity::Altered, None, says);
                }
                self.take_entries(headers, directory.start, job)?;
            }
            Err(central::Failure::Io(error)) => return Err(self.unreadable(error)),
            Err(central::Failure::Malformed(problem)) => {
                self.note(Severity::Damaged, None, format!("its directory is damaged: {problem}"));
            }
        }
        Ok(Some(end))
    }

    /// Whether it begins with the header of an entry.
    fn begins_as_zip(&mut self) -> io::Result<bool> {
        let signature = LOCAL_SIGNATURE.to_le_bytes();
        let mut begin = Vec::with_capacity(signature.len());
        self.file.rewind()?;
        (&mut self.file).take(signature.len() as u64).read_to_end(&mut begin)?;
        Ok(begin == signature)
    }

    /// The end record, looked for as far back as the longest comment reaches.
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
            self.note(Severity::Damaged, None, problem);
            return Ok(None);
        };
        let record = tail.split_off(at);
        Ok(Some(End { before: tail, record }))
    }

    /// Where the directory is. Ours stands right before the end records; any other place is damage.
    fn find_directory(&mut self, end: &End) -> Option<Directory> {
        let directory = end.directory();
        if !end.record[BARE_END..].starts_with(COMMENT_PREFIX.as_bytes()) {
            self.note(Severity::Altered, None, "its comment is not the checksum that this package writes");
        }
        if directory.is_some_and(|found| found.is_too_large()) {
            let problem =
                "it has more entries than any archive of ours; they were not read, do not extract it";
            self.note(Severity::Damaged, None, problem);
            return None;
        }
        let zip64 = directory.map_or(0, |found| found.zip64_end().len() as u64);
        let fits = |found: &Directory| {
            found.start.checked_add(found.size) == (self.size - end.record.len() as u64).checked_sub(zip64)
        };
        let directory = directory.filter(fits);
        if directory.is_none() {
            self.note(Severity::Damaged, None, "its directory is not where it should be; take another copy");
        }
        directory
    }

    /// Takes the entries that can be read without harm, in the order of the directory, which begins at `end`.
    fn take_entries(&mut self, headers: Vec<Central>, end: u64, job: &Job) -> Result<()> {
        let starts = self.locate(&headers, end, job)?;
        let (mut names, mut folders) = (HashSet::new(), 0);
        for (header, start) in headers.into_iter().zip(starts) {
            if is_bare_folder(&header, &mut names) {
                folders += 1;
                continue;
            }
            let shown = header.shown();
            match acceptable(&header, &mut names) {
                Err(problem) => self.note(Severity::Damaged, Some(&shown), problem),
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
        if folders > 0 {
            let folders =
                counted(folders, "folder has an entry of its own", "folders have entries of their own");
            self.note(Severity::Altered, None, format!("{folders}, as ours never have: it was packed anew"));
        }
        Ok(())
    }

    /// Where the bytes of each entry begin; None where they cannot be read without harm. The directory begins at `end`.
    fn locate(&mut self, headers: &[Central], end: u64, job: &Job) -> Result<Vec<Option<u64>>> {
        let mut by_place: Vec<usize> = (0..headers.len()).collect();
        by_place.sort_by_key(|at| headers[*at].offset);
        let mut starts = vec![None; headers.len()];
        let (mut place, mut gaps, mut others) = (0, 0, 0);
        for at in by_place {
            job.check()?;
            let header = &headers[at];
            if header.offset < place {
                let problem = "it shares bytes with another entry, as bombs do; it was not read";
                self.note(Severity::Damaged, Some(&header.shown()), problem);
                continue;
            }
            gaps += u64::from(header.offset > place);
            let Some(local) = self.local_of(header, end)? else { continue };
            place = local.start + header.compressed_size;
            match header.beside.max(local.beside) {
                Beside::Renaming => {
                    let problem =
                        "a field of its header gives it another name, or makes it a link: do not extract it";
                    self.note(Severity::Damaged, Some(&header.shown()), problem);
                    continue;
                }
                beside => others += u64::from(beside == Beside::Other),
            }
            starts[at] = Some(local.start);
        }
        if gaps > 0 {
            let places = counted(gaps, "place", "places");
            let problem = format!("there are bytes between entries that belong to none, in {places}");
            self.note(Severity::Altered, None, problem);
        }
        if place != end && !headers.is_empty() {
            let problem = "there are bytes before the directory that belong to no entry";
            self.note(Severity::Altered, None, problem);
        }
        if others > 0 {
            let headers =
                counted(others, "entry has a comment or a field", "entries have comments or fields");
            self.note(Severity::Altered, None, format!("{headers} in the header that ours never have"));
        }
        Ok(starts)
    }

    /// What stands before the bytes of an entry; None where that is no header of it, which is noted.
    fn local_of(&mut self, header: &Central, end: u64) -> Result<Option<Local>> {
        let local = central::local(&mut self.file, header, end).map_err(|error| self.unreadable(error))?;
        match &local {
            None => {
                self.note(Severity::Damaged, Some(&header.shown()), "it is not where the directory says");
            }
            Some(local) if !local.agrees => {
                let problem = "its two headers disagree on its name, date or flags";
                self.note(Severity::Altered, Some(&header.shown()), problem);
            }
            Some(_) => {}
        }
        Ok(local)
    }
}

/// Whether it is nothing but a folder, as `zip` and 7-Zip enter each: no bytes, and a name that no file has.
fn is_bare_folder(header: &Central, names: &mut HashSet<String>) -> bool {
    let name = str::from_utf8(&header.name).ok().and_then(|name| name.strip_suffix('/'));
    header.is_empty_folder() && name.is_some_and(|name| is_safe_path(name) && names.insert(fold(name)))
}

/// What may be read, and extracted by whoever extracts it.
fn acceptable(header: &Central, names: &mut HashSet<String>) -> Result<(String, Method), &'static str> {
    let name = str::from_utf8(&header.name).map_err(|_| "its name is not Unicode")?;
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
