//! Headers of any ZIP, as they stand in its directory and before its entries (APPNOTE 4.3.7, 4.3.12).

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::format::{
    CENTRAL_LEN, CENTRAL_SIGNATURE, LOCAL_LEN, LOCAL_SIGNATURE, MAX_ENTRIES, Method, ZIP64_EXTRA,
};

/// Fields that give an entry another name or make it a link: PKWARE's and ASi's for Unix, Info-ZIP's Unicode path.
const RENAMING: [u16; 3] = [0x000d, 0x756e, 0x7075];
/// File types in the upper bits of a Unix mode; 0 where none was noted.
const TYPE_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// One header of the directory.
#[derive(Debug)]
pub(super) struct Central {
    pub(super) name: Vec<u8>,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    pub(super) crc32: u32,
    /// Where the local header stands.
    pub(super) offset: u64,
    /// "Version needed" to "uncompressed size", which both headers have.
    common: [u8; 22],
    mode: u32,
    pub(super) beside: Beside,
}

/// What stands beside the fields that every header has, as far as unpackers obey or show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beside {
    /// The ZIP64 field where it is needed, as in ours.
    Ours,
    /// Fields or a comment that ours never have.
    Other,
    /// A field that gives the entry another name, or makes it a link.
    Renaming,
}

/// Why a directory cannot be read.
pub(super) enum Failure {
    Io(io::Error),
    Malformed(&'static str),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

impl Central {
    /// Its name for people, whatever bytes it has.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.name).escape_debug().take(300).collect()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.common[2] & 1 != 0
    }

    pub(super) fn is_plain_file(&self) -> bool {
        matches!(self.mode & TYPE_MASK, 0 | REGULAR) && !self.name.ends_with(b"/")
    }

    /// Whether it is a folder, and no bytes stand with it.
    pub(super) fn is_empty_folder(&self) -> bool {
        let is_folder = matches!(self.mode & TYPE_MASK, 0 | FOLDER) && self.name.ends_with(b"/");
        is_folder && self.size == 0 && self.compressed_size == 0
    }

    pub(super) fn method(&self) -> Option<Method> {
        match u16::from_le_bytes([self.common[4], self.common[5]]) {
            0 => Some(Method::Stored),
            8 => Some(Method::Deflated),
            _ => None,
        }
    }
}

/// All headers between `start` and `start + size`, which they have to fill exactly.
pub(super) fn read(file: &mut File, start: u64, size: u64) -> Result<Vec<Central>, Failure> {
    let mut headers = Vec::new();
    each(file, start, size, |header| headers.push(header))?;
    Ok(headers)
}

/// Hands each of them to `visit`.
pub(super) fn each(
    file: &mut File,
    start: u64,
    size: u64,
    mut visit: impl FnMut(Central),
) -> Result<(), Failure> {
    file.seek(SeekFrom::Start(start))?;
    let mut directory = BufReader::with_capacity(1 << 20, file).take(size);
    let mut entries = 0;
    while directory.limit() > 0 {
        if entries == MAX_ENTRIES {
            return Err(Failure::Malformed("it has more entries than any archive of ours"));
        }
        entries += 1;
        visit(header(&mut directory)?);
    }
    Ok(())
}

fn header(directory: &mut impl Read) -> Result<Central, Failure> {
    let mut fixed = [0; CENTRAL_LEN];
    exactly(directory, &mut fixed)?;
    if fixed[..4] != CENTRAL_SIGNATURE.to_le_bytes() {
        return Err(Failure::Malformed("a header does not begin as one"));
    }
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let mut name = vec![0; short(28).into()];
    exactly(directory, &mut name)?;
    let mut extra = vec![0; short(30).into()];
    exactly(directory, &mut extra)?;
    let mut comment = vec![0; short(32).into()];
    exactly(directory, &mut comment)?;
    let mut common = [0; 22];
    common.copy_from_slice(&fixed[6..28]);
    let mut large = zip64_values(&extra);
    let mut value = |small: u32| -> Result<u64, Failure> {
        if small != u32::MAX {
            return Ok(small.into());
        }
        large.next().ok_or(Failure::Malformed("a large size is missing"))
    };
    let in_zip64 = [long(24), long(20), long(42)];
    let [size, compressed_size, offset] = [value(in_zip64[0])?, value(in_zip64[1])?, value(in_zip64[2])?];
    let values = in_zip64.into_iter().filter(|small| *small == u32::MAX).count();
    let beside = beside(&extra, values).max(if comment.is_empty() { Beside::Ours } else { Beside::Other });
    Ok(Central { name, compressed_size, size, crc32: long(16), offset, common, mode: long(38) >> 16, beside })
}

/// What the extra field of a header is, `values` of which stand in its ZIP64 field.
fn beside(extra: &[u8], values: usize) -> Beside {
    let (mut is_ours, mut is_renaming) = (true, false);
    for (id, field) in fields(extra) {
        is_ours &= id == ZIP64_EXTRA && field.is_some_and(|field| 4 + field.len() == extra.len());
        is_renaming |= RENAMING.contains(&id);
    }
    let length = if values == 0 { 0 } else { 4 + 8 * values };
    match is_ours && extra.len() == length {
        _ if is_renaming => Beside::Renaming,
        true => Beside::Ours,
        false => Beside::Other,
    }
}

fn exactly(directory: &mut impl Read, bytes: &mut [u8]) -> Result<(), Failure> {
    directory.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::Malformed("a header is cut off"),
        _ => Failure::Io(error),
    })
}

/// The values of the ZIP64 extra field (APPNOTE 4.5.3).
fn zip64_values(extra: &[u8]) -> impl Iterator<Item = u64> {
    let zip64 = fields(extra).filter(|(id, _)| *id == ZIP64_EXTRA).filter_map(|(_, field)| field).last();
    zip64.unwrap_or_default().as_chunks().0.iter().map(|value| u64::from_le_bytes(*value))
}

/// The fields that an extra field consists of (APPNOTE 4.5.1): what each is, and its bytes; None for a last one that is
/// cut off.
fn fields(extra: &[u8]) -> impl Iterator<Item = (u16, Option<&[u8]>)> {
    let mut rest = extra;
    std::iter::from_fn(move || {
        let [a, b, c, d, tail @ ..] = rest else { return None };
        let (id, len) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        rest = tail.get(len..).unwrap_or_default();
        Some((id, tail.get(..len)))
    })
}

/// What stands before an entry's bytes.
pub(super) struct Local {
    /// Where the bytes begin.
    pub(super) start: u64,
    /// Whether it says what the directory says.
    pub(super) agrees: bool,
    pub(super) beside: Beside,
}

/// The local header that `central` points to; none when there is none, or when the entry would end after `end`.
pub(super) fn local(file: &mut File, central: &Central, end: u64) -> io::Result<Option<Local>> {
    let Some(room) = end.checked_sub(central.offset).filter(|room| *room >= LOCAL_LEN as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(central.offset))?;
    let mut fixed = [0; LOCAL_LEN];
    file.read_exact(&mut fixed)?;
    if fixed[..4] != LOCAL_SIGNATURE.to_le_bytes() {
        return Ok(None);
    }
    let [name_len, extra_len] = [26, 28].map(|at| u64::from(u16::from_le_bytes([fixed[at], fixed[at + 1]])));
    let head = LOCAL_LEN as u64 + name_len + extra_len;
    if head.checked_add(central.compressed_size).is_none_or(|whole| whole > room) {
        return Ok(None);
    }
    let (mut name, mut extra) = (vec![0; name_len as usize], vec![0; extra_len as usize]);
    file.read_exact(&mut name)?;
    file.read_exact(&mut extra)?;
    let is_large = fixed[18..22] == [0xff; 4] || fixed[22..26] == [0xff; 4];
    let beside = beside(&extra, if is_large { 2 } else { 0 });
    // Sizes stand in the ZIP64 field of one header and not of the other, when only one of them needs it.
    let last = if central.size.max(central.compressed_size) < u64::from(u32::MAX) { 22 } else { 14 };
    // So does the offset, which the local header has not; the "version needed" of the other rises with it.
    let first = if central.offset < u64::from(u32::MAX) { 0 } else { 2 };
    let agrees = name == central.name && fixed[4 + first..4 + last] == central.common[first..last];
    Ok(Some(Local { start: central.offset + head, agrees, beside }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::*;

    /// Whether the headers of an entry at `offset` agree, which needs `version` there and 4.5 in the directory.
    fn agrees(offset: u64, version: u8) -> bool {
        let mut local = [0; LOCAL_LEN];
        local[..4].copy_from_slice(&LOCAL_SIGNATURE.to_le_bytes());
        local[4] = version;
        local[26] = 1;
        let mut file = tempfile::tempfile().unwrap();
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(&local).unwrap();
        file.write_all(b"a").unwrap();
        let mut common = [0; 22];
        common[0] = 45;
        let (name, beside) = (b"a".to_vec(), Beside::Ours);
        let central =
            Central { name, compressed_size: 0, size: 0, crc32: 0, offset, common, mode: 0, beside };
        let end = offset + LOCAL_LEN as u64 + 1;
        super::local(&mut file, &central, end).unwrap().unwrap().agrees
    }

    #[test]
    fn only_an_entry_beyond_four_gib_may_need_another_version_in_the_directory() {
        assert!(agrees(0, 45) && agrees(5 << 30, 45));
        assert!(!agrees(0, 20));
        assert!(agrees(5 << 30, 20));
    }

    #[test]
    fn fields_are_ours_only_where_they_are_needed() {
        let field = |id: u16, len: usize| {
            let mut field = id.to_le_bytes().to_vec();
            field.extend_from_slice(&(len as u16).to_le_bytes());
            field.resize(4 + len, 0);
            field
        };
        for (extra, values, expected) in [
            (Vec::new(), 0, Beside::Ours),
            (field(ZIP64_EXTRA, 16), 2, Beside::Ours),
            (Vec::new(), 1, Beside::Other),
            (field(ZIP64_EXTRA, 16), 0, Beside::Other),
            (field(ZIP64_EXTRA, 24), 2, Beside::Other),
            ([field(ZIP64_EXTRA, 8), field(ZIP64_EXTRA, 4)].concat(), 2, Beside::Other),
            (vec![1], 0, Beside::Other),
            (field(0x5455, 5), 0, Beside::Other),
            ([field(ZIP64_EXTRA, 8), field(0x7075, 9)].concat(), 1, Beside::Renaming),
            (field(0x756e, 0)[..4].to_vec(), 0, Beside::Renaming),
        ] {
            assert_eq!(beside(&extra, values), expected, "{extra:?}");
        }
    }
}
