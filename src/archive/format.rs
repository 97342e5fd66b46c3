//! The records of a ZIP as bytes (PKWARE APPNOTE 6.3.10), as far as our archives use them.
//!
//! Sizes and CRC always stand in the local header, never in a data descriptor. ZIP64 fields are written only where a
//! value does not fit, so a small archive is a plain ZIP.

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::error::{Error, Result};
use crate::seal::{COMMENT_PREFIX, END_LEN, END_SIGNATURE};

/// Bytes of the ZIP64 end record and its locator, which stand together before the end record or not at all.
pub(super) const ZIP64_END_LEN: usize = 56 + 20;
/// Bytes of a local header before its variable fields (APPNOTE 4.3.7).
pub(super) const LOCAL_LEN: usize = 30;
/// Bytes of a central directory header before its variable fields (APPNOTE 4.3.12).
pub(super) const CENTRAL_LEN: usize = 46;
/// The largest central directory that is read: 256 MiB.
pub(super) const MAX_DIRECTORY: u64 = 256 << 20;
/// The most entries that are read: some hundred bytes of memory each.
pub(super) const MAX_ENTRIES: u64 = 1_000_000;
/// Signature of a central directory header.
pub(super) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
/// Signature of a local header, with which an archive begins.
pub(super) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
/// The extra field of sizes and offsets that do not fit (APPNOTE 4.5.3).
pub(super) const ZIP64_EXTRA: u16 = 0x0001;

const ZIP64_END_SIGNATURE: u32 = 0x0606_4b50;
const ZIP64_LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
/// In a 32-bit or 16-bit field: the value stands in the ZIP64 field (APPNOTE 4.4.1.4).
const IN_ZIP64_32: u64 = 0xffff_ffff;
const IN_ZIP64_16: u64 = 0xffff;
/// General purpose bit 11: the name is UTF-8 (APPNOTE 4.4.4).
const UTF8: u16 = 1 << 11;
/// "Version made by", upper byte: the external attributes are those of Unix (APPNOTE 4.4.2).
const MADE_ON_UNIX: u16 = 3 << 8;
/// A regular file, `rw-r--r--`: what is extracted is for its new owner to protect.
const UNIX_MODE: u32 = 0o100_644;

/// How the bytes of an entry stand in the archive (APPNOTE 4.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored = 0,
    Deflated = 8,
}

/// All that both headers of an entry say.
#[derive(Debug, Clone)]
pub(super) struct Header<'n> {
    pub(super) name: &'n str,
    pub(super) method: Method,
    pub(super) modified: DateTime<Utc>,
    pub(super) crc32: u32,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    /// Where the local header stands.
    pub(super) offset: u64,
}

impl Header<'_> {
    /// What stands before the entry's bytes (APPNOTE 4.3.7). Here ZIP64 holds both sizes or none (4.5.3).
    pub(super) fn local(&self) -> Vec<u8> {
        let large = self.size >= IN_ZIP64_32 || self.compressed_size >= IN_ZIP64_32;
        let (sizes, extra) = if large {
            ([u32::MAX; 2], zip64_extra(&[self.size, self.compressed_size]))
        } else {
            ([self.compressed_size as u32, self.size as u32], Vec::new())
        };
        let mut out = Vec::with_capacity(LOCAL_LEN + self.name.len() + extra.len());
        put32(&mut out, LOCAL_SIGNATURE);
        self.put_common(&mut out, sizes, &extra);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    /// Appends what stands in the central directory (APPNOTE 4.3.12). Here ZIP64 holds the fields that need it.
    pub(super) fn put_central(&self, out: &mut Vec<u8>) {
        let fields = [self.size, self.compressed_size, self.offset];
        let large: Vec<u64> = fields.into_iter().filter(|&value| value >= IN_ZIP64_32).collect();
        let extra = zip64_extra(&large);
        put32(out, CENTRAL_SIGNATURE);
        put16(out, MADE_ON_UNIX | self.version_needed(&extra));
        self.put_common(out, [self.compressed_size, self.size].map(saturated32), &extra);
        put16(out, 0); // length of the entry's comment
        put16(out, 0); // disk
        put16(out, 0); // internal attributes
        put32(out, UNIX_MODE << 16);
        put32(out, saturated32(self.offset));
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
    }

    /// The fields from "version needed" to "extra field length", which both headers have; `sizes` are the compressed one
    /// and the other, `zip64` is the extra field.
    fn put_common(&self, out: &mut Vec<u8>, sizes: [u32; 2], zip64: &[u8]) {
        let (date, time) = dos_date_time(self.modified);
        put16(out, self.version_needed(zip64));
        put16(out, if self.name.is_ascii() { 0 } else { UTF8 });
        put16(out, self.method as u16);
        put16(out, time);
        put16(out, date);
        put32(out, self.crc32);
        sizes.into_iter().for_each(|size| put32(out, size));
        put16(out, self.name.len() as u16);
        put16(out, zip64.len() as u16);
    }

    /// APPNOTE 4.4.3.2.
    fn version_needed(&self, zip64: &[u8]) -> u16 {
        match self.method {
            _ if !zip64.is_empty() => 45,
            Method::Deflated => 20,
            Method::Stored => 10,
        }
    }
}

/// The names in a directory that [`Header::put_central`] wrote.
pub(super) fn names_in(directory: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = directory;
    std::iter::from_fn(move || {
        let (fixed, variable) = rest.split_first_chunk::<CENTRAL_LEN>()?;
        let [name, extra] = [28, 30].map(|at| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]])));
        rest = variable.get(name + extra..)?;
        variable.get(..name).and_then(|name| str::from_utf8(name).ok())
    })
}

/// Fails with `ARCHIVE_TOO_LARGE` for an archive of so many entries, with a directory of so many bytes, that it would
/// be refused when it is read.
pub fn check_readable(entries: u64, directory: u64) -> Result<()> {
    if !(Directory { entries, start: 0, size: directory }).is_too_large() {
        return Ok(());
    }
    Err(Error::too_many_photos(format!("{MAX_ENTRIES} entries, or {MAX_DIRECTORY} bytes of their names")))
}

/// Where the central directory is, and of how many headers it consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) entries: u64,
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Directory {
    /// Whether reading it would take more memory than any archive of ours asks for.
    pub(super) fn is_too_large(&self) -> bool {
        self.size > MAX_DIRECTORY || self.entries > MAX_ENTRIES
    }

    /// The ZIP64 end record and its locator (APPNOTE 4.3.14, 4.3.15), right after the directory; empty when every
    /// value fits into the end record.
    pub(super) fn zip64_end(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.is_large() {
            return out;
        }
        put32(&mut out, ZIP64_END_SIGNATURE);
        put64(&mut out, 44); // length of what follows
        put16(&mut out, MADE_ON_UNIX | 45);
        put16(&mut out, 45); // version needed
        put32(&mut out, 0); // disk
        put32(&mut out, 0); // disk of the directory
        put64(&mut out, self.entries);
        put64(&mut out, self.entries);
        put64(&mut out, self.size);
        put64(&mut out, self.start);
        put32(&mut out, ZIP64_LOCATOR_SIGNATURE);
        put32(&mut out, 0); // disk of the ZIP64 end record
        put64(&mut out, self.start + self.size);
        put32(&mut out, 1); // disks
        out
    }

    /// The end-of-central-directory record (APPNOTE 4.3.16) with `sha256`, in hex, as its comment.
    pub(super) fn end(&self, sha256: &str) -> Vec<u8> {
        let entries = self.entries.min(IN_ZIP64_16) as u16;
        let mut out = Vec::with_capacity(END_LEN);
        put32(&mut out, END_SIGNATURE);
        put16(&mut out, 0); // disk
        put16(&mut out, 0); // disk of the directory
        put16(&mut out, entries);
        put16(&mut out, entries);
        put32(&mut out, saturated32(self.size));
        put32(&mut out, saturated32(self.start));
        put16(&mut out, (COMMENT_PREFIX.len() + sha256.len()) as u16);
        out.extend_from_slice(COMMENT_PREFIX.as_bytes());
        out.extend_from_slice(sha256.as_bytes());
        out
    }

    /// Reads the three values from the end record and, where that refers to it, from the ZIP64 record in `before`,
    /// the bytes before it. Nothing else is looked at: a caller compares the records with those that the values
    /// give.
    pub(super) fn parse(before: &[u8], end: &[u8]) -> Option<Directory> {
        let entries = u64::from(u16::from_le_bytes(*end.get(10..)?.first_chunk()?));
        let size = u64::from(u32::from_le_bytes(*end.get(12..)?.first_chunk()?));
        let start = u64::from(u32::from_le_bytes(*end.get(16..)?.first_chunk()?));
        let plain = Directory { entries, start, size };
        if !plain.is_large() {
            return Some(plain);
        }
        let zip64 = &before[before.len().checked_sub(ZIP64_END_LEN)?..];
        let value = |at: usize| Some(u64::from_le_bytes(*zip64.get(at..)?.first_chunk()?));
        let found = Directory { entries: value(32)?, size: value(40)?, start: value(48)? };
        found.start.checked_add(found.size).map(|_| found)
    }

    /// Whether a value does not fit into the end record.
    fn is_large(&self) -> bool {
        self.entries >= IN_ZIP64_16 || self.start >= IN_ZIP64_32 || self.size >= IN_ZIP64_32
    }
}

/// Dates before 1980 and after 2107 become the nearest that there is; odd seconds the even one before (APPNOTE 4.4.6).
fn dos_date_time(at: DateTime<Utc>) -> (u16, u16) {
    match at.year() {
        ..1980 => (1 << 5 | 1, 0),
        2108.. => (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29),
        year => (
            ((year - 1980) as u16) << 9 | (at.month() as u16) << 5 | at.day() as u16,
            (at.hour() as u16) << 11 | (at.minute() as u16) << 5 | (at.second() as u16 / 2),
        ),
    }
}

fn zip64_extra(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    if !values.is_empty() {
        put16(&mut out, ZIP64_EXTRA);
        put16(&mut out, (values.len() * 8) as u16);
        values.iter().for_each(|&value| put64(&mut out, value));
    }
    out
}

fn saturated32(value: u64) -> u32 {
    value.min(IN_ZIP64_32) as u32
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests;
