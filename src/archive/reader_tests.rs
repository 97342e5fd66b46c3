#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use chrono::DateTime;
use proptest::prelude::*;

use super::super::{ArchiveWriter, Workspace};
use super::*;
use crate::job::Phase;

/// Two entries: a deflated text and a stored photo.
fn archive(dir: &Path) -> Vec<u8> {
    let workspace = Workspace::create(dir).unwrap();
    let mut writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 5).unwrap();
    writer.add_bytes("text", "text".repeat(20).as_bytes()).unwrap();
    let crc = crc32fast::hash(b"photo");
    writer.add_stored("ph\u{f6}to", DateTime::UNIX_EPOCH, 5, crc, [0; 32], &mut b"photo".as_slice()).unwrap();
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
    assert!(archive.read_bytes("text", 79).unwrap_err().to_string().contains("more than 79"));
    assert!(archive.read_bytes("nothing", 9).unwrap_err().to_string().contains("missing"));
    assert_eq!(archive.open_stored("text").err().unwrap().code(), "ARCHIVE_CORRUPT");
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
