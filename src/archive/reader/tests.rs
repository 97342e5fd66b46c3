#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use chrono::DateTime;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::{ArchiveWriter, Severity, Stored, Survey, Workspace};
use super::*;
use crate::job::Phase;
use crate::seal::END_LEN;

/// Two entries: a deflated text and a stored photo.
fn archive(dir: &Path) -> Vec<u8> {
    let workspace = Workspace::create(dir).unwrap();
    let mut writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 5).unwrap();
    writer.add_bytes("text", "text".repeat(20).as_bytes()).unwrap();
    let crc32 = crc32fast::hash(b"photo");
    let stored = Stored { modified: DateTime::UNIX_EPOCH, size: 5, crc32, sha256: [0; 32] };
    writer.add_stored("ph\u{f6}to", stored, &mut b"photo".as_slice()).unwrap();
    let job = Job::unattended();
    let finished = writer.finish(&job, &job.meter(Phase::Verify, None, None)).unwrap();
    fs::read(finished.path()).unwrap()
}

fn open(dir: &Path, bytes: &[u8]) -> Result<Archive> {
    let path = dir.join("archive.zip");
    fs::write(&path, bytes).unwrap();
    Archive::open(&path, &Job::unattended())
}

/// Makes the checksum right again, as somebody hostile would.
fn reseal(bytes: &mut [u8]) {
    let (covered, end) = bytes.split_at_mut(bytes.len() - END_LEN);
    end[END_LEN - 64..].copy_from_slice(hex::encode(Sha256::digest(covered)).as_bytes());
}

#[test]
fn entries_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut archive = open(dir.path(), &archive(dir.path())).unwrap();
    assert_eq!(archive.names().collect::<Vec<_>>(), ["text", "ph\u{f6}to"]);
    assert_eq!(archive.read_bytes("text", 80).unwrap(), "text".repeat(20).as_bytes());
    let refusals = [
        (archive.read_bytes("text", 79).unwrap_err(), "more than 79"),
        (archive.read_bytes("nothing", 9).unwrap_err(), "missing"),
        (archive.open_stored("text").err().unwrap(), "not stored"),
    ];
    for (error, what) in refusals {
        let told = error.to_string();
        assert_eq!(error.code(), "ARCHIVE_CORRUPT");
        assert!(told.contains(what) && told.ends_with("; take another copy"), "{told}");
    }
    let hashed = archive.hash_stored("ph\u{f6}to", &Job::unattended()).unwrap();
    assert_eq!(hashed, (5, Sha256::digest(b"photo").into()));
    let mut photo = archive.open_stored("ph\u{f6}to").unwrap();
    assert_eq!((photo.size, photo.crc32), (5, crc32fast::hash(b"photo")));
    let mut bytes = Vec::new();
    photo.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"photo");
}

#[test]
fn what_is_no_contents_lies_in_the_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = archive(dir.path());
    let mut archive = open(dir.path(), &bytes).unwrap();
    let mut gaps = Vec::new();
    archive
        .each_gap(|gap| {
            gaps.push(Vec::new());
            gap.read_to_end(gaps.last_mut().unwrap()).unwrap();
            Ok(())
        })
        .unwrap();
    assert_eq!(gaps.len(), 3, "two local headers and the rest");
    let text = archive.zip.by_name("text").unwrap().compressed_size() as usize;
    assert_eq!(gaps.concat().len() + text + "photo".len(), bytes.len());
    assert!(bytes.ends_with(&gaps[2]) && bytes.starts_with(&gaps[0]));
}

#[test]
fn every_single_flipped_bit_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let sound = archive(dir.path());
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(dir.path(), &damaged).unwrap_err().code(), "ARCHIVE_CORRUPT", "bit {bit}");
    }
}

#[test]
fn bytes_cut_off_or_added_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let sound = archive(dir.path());
    for len in 0..sound.len() {
        assert!(open(dir.path(), &sound[..len]).is_err(), "cut to {len}");
    }
    for added in [[&[0], sound.as_slice()].concat(), [sound.as_slice(), &[0]].concat()] {
        assert_eq!(open(dir.path(), &added).unwrap_err().code(), "ARCHIVE_CORRUPT");
    }
    assert_eq!(Archive::open(dir.path(), &Job::unattended()).unwrap_err().code(), "ARCHIVE_CORRUPT");
}

proptest! {
    #[test]
    fn hostile_archives_are_refused_or_read_within_bounds(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = archive(dir.path());
        let len = bytes.len();
        for (at, value) in changes {
            bytes[at.index(len)] = value;
        }
        reseal(&mut bytes);
        if let Ok(mut archive) = open(dir.path(), &bytes) {
            let names: Vec<String> = archive.names().map(str::to_owned).collect();
            for name in names {
                prop_assert!(archive.read_bytes(&name, 100).map_or(0, |found| found.len()) <= 100);
                if let Ok(mut entry) = archive.open_stored(&name) {
                    let _ = io::copy(&mut entry, &mut io::sink());
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_before_it_is_opened() {
    use super::super::Survey;

    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.zip");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let job = Job::unattended();
    for (path, problem) in [(pipe.as_path(), "it is a pipe or a device"), (dir.path(), "it is a folder")] {
        let meter = job.meter(Phase::Verify, None, None);
        let opened = Archive::open(path, &job).unwrap_err();
        let surveyed = Survey::open(path, &job, &meter).unwrap_err();
        for error in [opened, surveyed] {
            assert_eq!(error.code(), "ARCHIVE_CORRUPT");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}

/// Adds an extra field to the header of `text` in the directory or before its bytes, or a comment to the former, and
/// makes everything else right again.
fn with_more(bytes: &[u8], is_local: bool, extra: &[u8], comment: &[u8]) -> Vec<u8> {
    let signature = if is_local { b"PK\x03\x04" } else { b"PK\x01\x02" };
    let header = bytes.windows(4).position(|at| at == signature).unwrap();
    let (lengths, end_of_name) = if is_local { (28, header + 30 + 4) } else { (30, header + 46 + 4) };
    let mut bytes = bytes.to_vec();
    bytes[header + lengths] = extra.len() as u8;
    if !is_local {
        bytes[header + 32] = comment.len() as u8;
    }
    let more = [extra, comment].concat();
    bytes.splice(end_of_name..end_of_name, more.iter().copied());
    // The end record: the size of the directory, or where it is; and in the latter the other entry's place.
    let moved = if is_local {
        let directory = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
        let second = directory + 46 + 4;
        vec![second + 42, bytes.len() - END_LEN + 16]
    } else {
        vec![bytes.len() - END_LEN + 12]
    };
    for at in moved {
        let value = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) + more.len() as u32;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    reseal(&mut bytes);
    bytes
}

#[test]
fn what_unpackers_obey_and_ours_never_have_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let sound = archive(dir.path());
    let path = dir.path().join("archive.zip");
    let survey = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let job = Job::unattended();
        Survey::open(&path, &job, &job.meter(Phase::Verify, None, None)).unwrap()
    };
    assert!(survey(&with_more(&sound, false, b"", b"")).findings.is_empty());
    // Info-ZIP's Unicode path: unzip and 7-Zip take the name in it.
    let mut renaming = b"\x75\x70\x12\x00\x01".to_vec();
    renaming.extend_from_slice(&crc32fast::hash(b"text").to_le_bytes());
    renaming.extend_from_slice(b"../../evil.sh");
    for (is_local, extra, comment, expected) in [
        (false, renaming.as_slice(), b"".as_slice(), (Severity::Damaged, Some("text"))),
        (true, renaming.as_slice(), b"", (Severity::Damaged, Some("text"))),
        (false, b"UT\x05\x00\x01\x00\x00\x00\x00", b"", (Severity::Altered, None)),
        (true, b"UT\x05\x00\x01\x00\x00\x00\x00", b"", (Severity::Altered, None)),
        (false, b"", b"bob@example.org", (Severity::Altered, None)),
    ] {
        let bytes = with_more(&sound, is_local, extra, comment);
        let found = survey(&bytes);
        let told: Vec<_> =
            found.findings.iter().map(|found| (found.severity, found.entry.as_deref())).collect();
        assert_eq!(told, [expected], "{:?}", found.findings);
        // A reader that follows the directory is led astray by other names there alone.
        assert_eq!(open(dir.path(), &bytes).is_err(), !is_local && expected.0 == Severity::Damaged);
    }
}
