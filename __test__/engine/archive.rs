//! Archives as other programs see them: unzip, 7-Zip, Python's zipfile and sha256sum are the judges. Also what needs
//! large files or a second process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use chrono::{DateTime, Utc};
use cultural_archiver_backup::archive::{
    Archive, ArchiveWriter, Deflater, FinishedArchive, Stored, Workspace,
};
use cultural_archiver_backup::job::{Job, Phase};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const GIB: u64 = 1 << 30;

fn now() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn finish(writer: ArchiveWriter) -> FinishedArchive {
    let job = Job::unattended();
    writer.finish(&job, &job.meter(Phase::Verify, None, None)).unwrap()
}

/// Runs a program that must succeed; gives what it printed.
fn run(dir: &Path, program: &str, arguments: &[&OsStr]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} says: {text}");
    text.into_owned()
}

/// Has every judge read all entries, side by side; a mere warning is a failure too.
fn judge(zip: &Path) {
    let dir = zip.parent().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let found = run(dir, "unzip", &["-tqq".as_ref(), zip.as_ref()]);
            assert!(found.trim().is_empty(), "{found}");
        });
        scope.spawn(|| seven_zip(zip));
        scope.spawn(|| python(zip, "bad = z.testzip(); print(bad); assert bad is None"));
    });
}

fn seven_zip(zip: &Path) {
    let found = run(zip.parent().unwrap(), "7z", &["t".as_ref(), zip.as_ref()]);
    assert!(found.contains("Everything is Ok") && !found.contains("WARNING"), "{found}");
}

fn python(zip: &Path, script: &str) -> String {
    let script = format!("import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n{script}");
    run(zip.parent().unwrap(), "python3", &["-c".as_ref(), script.as_ref(), zip.as_ref()])
}

/// Deflates through a file of the workspace into an entry.
fn add_large(
    workspace: &Workspace,
    writer: &mut ArchiveWriter,
    name: &str,
    text: &mut dyn Read,
    threads: usize,
) {
    let file = format!("{}.deflate", name.len());
    let created = workspace.create_file(&file).unwrap();
    let mut deflater = Deflater::new(created, workspace.path(&file), 5, threads).unwrap();
    io::copy(text, &mut deflater).unwrap();
    let deflated = deflater.finish().unwrap();
    writer.add_deflated(name, &deflated, workspace.open_file(&file).unwrap()).unwrap();
    fs::remove_file(workspace.path(&file)).unwrap();
}

fn add_photo(writer: &mut ArchiveWriter, name: &str, bytes: &[u8]) {
    let modified = "2020-02-29T23:59:59Z".parse().unwrap();
    let (crc32, sha256) = (crc32fast::hash(bytes), Sha256::digest(bytes).into());
    let stored = Stored { modified, size: bytes.len() as u64, crc32, sha256 };
    writer.add_stored(name, stored, &mut { bytes }).unwrap();
}

/// A small archive of every kind of entry, published.
fn small(dir: &Path, threads: usize) -> PathBuf {
    let workspace = Workspace::create(dir).unwrap();
    let mut writer = ArchiveWriter::create(&workspace, now(), 5).unwrap();
    let text: Vec<u8> = (0..300_000)
        .flat_map(|i: u32| format!("({i}, 'row {}'),\n", i.wrapping_mul(i) % 977).into_bytes())
        .collect();
    add_large(&workspace, &mut writer, "database.sql", &mut text.as_slice(), threads);
    add_photo(&mut writer, "photos/originals/2020/ä 日本 🎨.jpg", b"not really a photo");
    add_photo(&mut writer, "photos/originals/empty.jpg", b"");
    writer.add_bytes("photos/index.json", "[{}]".repeat(1000).as_bytes()).unwrap();
    writer.add_bytes("empty.txt", b"").unwrap();
    writer.add_bytes("short.txt", b"x").unwrap();
    let checksums = writer.checksums();
    writer.add_bytes("SHA256SUMS", checksums.as_bytes()).unwrap();
    let path = dir.join("small.zip");
    finish(writer).publish(&path, false).unwrap();
    path
}

#[test]
fn other_programs_accept_an_archive_and_its_checksums() {
    let dir = TempDir::new().unwrap();
    let zip = small(dir.path(), 2);
    judge(&zip);
    run(dir.path(), "unzip", &["-qq".as_ref(), zip.as_ref(), "-d".as_ref(), "out".as_ref()]);
    let checked = run(&dir.path().join("out"), "sha256sum", &["-c".as_ref(), "SHA256SUMS".as_ref()]);
    assert_eq!(checked.lines().filter(|line| line.ends_with(": OK")).count(), 6, "{checked}");
    let found = python(
        &zip,
        "for i in z.infolist(): print(i.filename, i.date_time, oct(i.external_attr >> 16), i.flag_bits, i.compress_type)\n\
         print(z.comment.decode())",
    );
    let expected = [
        "database.sql (2026, 1, 2, 3, 4, 4) 0o100644 0 8",
        "photos/originals/2020/ä 日本 🎨.jpg (2020, 2, 29, 23, 59, 58) 0o100644 2048 0",
        "photos/originals/empty.jpg (2020, 2, 29, 23, 59, 58) 0o100644 0 0",
        "photos/index.json (2026, 1, 2, 3, 4, 4) 0o100644 0 8",
        "empty.txt (2026, 1, 2, 3, 4, 4) 0o100644 0 0",
        "short.txt (2026, 1, 2, 3, 4, 4) 0o100644 0 0",
        "SHA256SUMS (2026, 1, 2, 3, 4, 4) 0o100644 0 8",
    ];
    assert_eq!(found.lines().take(7).collect::<Vec<_>>(), expected);
    let bytes = fs::read(&zip).unwrap();
    let comment = format!("sha256:{}", hex::encode(Sha256::digest(&bytes[..bytes.len() - 22 - 71])));
    assert_eq!(found.lines().last(), Some(comment.as_str()));
}

#[test]
fn the_bytes_of_an_archive_do_not_depend_on_the_number_of_threads() {
    let archives = [1, 2, 5].map(|threads| {
        let dir = TempDir::new().unwrap();
        fs::read(small(dir.path(), threads)).unwrap()
    });
    assert!(archives[0] == archives[1] && archives[0] == archives[2]);
}

#[test]
fn more_entries_than_a_plain_zip_can_count() {
    let dir = TempDir::new().unwrap();
    let workspace = Workspace::create(dir.path()).unwrap();
    for entries in [65_534, 65_535, 70_000] {
        let mut writer = ArchiveWriter::create(&workspace, now(), 5).unwrap();
        (0..entries).for_each(|i: u32| add_photo(&mut writer, &format!("photos/{i}"), &i.to_le_bytes()));
        let path = dir.path().join(format!("{entries}.zip"));
        finish(writer).publish(&path, false).unwrap();
        judge(&path);
        let archive = Archive::open(&path, &Job::unattended()).unwrap();
        assert_eq!(archive.names().count(), entries as usize);
    }
}

#[test]
fn entries_and_offsets_beyond_four_gib() {
    let dir = TempDir::new().unwrap();
    let workspace = Workspace::create(dir.path()).unwrap();
    let mut writer = ArchiveWriter::create(&workspace, now(), 1).unwrap();
    let size = 4 * GIB + 5;
    // The CRC of a long run of one byte, put together from those of short ones.
    let mut crc = crc32fast::Hasher::new();
    let block = vec![b'7'; 1 << 20];
    (0..size >> 20).for_each(|_| crc.update(&block));
    crc.update(&block[..5]);
    let stored = Stored { modified: now(), size, crc32: crc.finalize(), sha256: [0; 32] };
    writer.add_stored("stored", stored, &mut io::repeat(b'7').take(size)).unwrap();
    assert!(writer.position() > u64::from(u32::MAX));
    add_large(&workspace, &mut writer, "deflated", &mut io::repeat(0).take(size), 2);
    writer.add_bytes("behind", b"both").unwrap();
    let path = dir.path().join("large.zip");
    finish(writer).publish(&path, false).unwrap();
    // unzip takes half a minute for all of it, so it looks for what comes last.
    run(dir.path(), "unzip", &["-tqq".as_ref(), path.as_ref(), "behind".as_ref()]);
    seven_zip(&path);
    let mut archive = Archive::open(&path, &Job::unattended()).unwrap();
    assert_eq!(archive.read_bytes("behind", 4).unwrap(), b"both");
    assert_eq!(archive.open_stored("stored").unwrap().size, size);
}

#[test]
fn of_two_that_want_a_name_at_once_exactly_one_gets_it() {
    let dir = TempDir::new().unwrap();
    for round in 0..50 {
        let path = dir.path().join(format!("{round}.zip"));
        let start = Barrier::new(2);
        let publish = |text: &'static [u8]| {
            let workspace = Workspace::create(dir.path()).unwrap();
            let mut writer = ArchiveWriter::create(&workspace, now(), 5).unwrap();
            writer.add_bytes("who", text).unwrap();
            let archive = finish(writer);
            start.wait();
            archive.publish(&path, false).map(|()| text).map_err(|error| error.code())
        };
        let (a, b) = thread::scope(|scope| {
            let other = scope.spawn(|| publish(b"a"));
            let b = publish(b"b");
            (other.join().unwrap(), b)
        });
        let winner = match (a, b) {
            (Ok(winner), Err("ARCHIVE_EXISTS")) | (Err("ARCHIVE_EXISTS"), Ok(winner)) => winner,
            other => panic!("{other:?}"),
        };
        let found = Archive::open(&path, &Job::unattended()).unwrap().read_bytes("who", 1).unwrap();
        assert_eq!(found, winner);
    }
}

/// The second process is this test again, which then makes a workspace, says so, and waits to be killed.
#[test]
fn what_a_killed_process_leaves_is_swept_but_not_while_it_lives() {
    const OUTPUT: &str = "ARCHIVE_TEST_OUTPUT_DIR";
    if let Some(output) = env::var_os(OUTPUT) {
        let workspace = Workspace::create(Path::new(&output)).unwrap();
        workspace.create_file("half").unwrap().write_all(b"an archive").unwrap();
        println!("\nready {}", workspace.path("half").display());
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let dir = TempDir::new().unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "archive::what_a_killed_process_leaves_is_swept_but_not_while_it_lives",
        ])
        .env(OUTPUT, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let half = said.into_iter().find_map(|line| line.strip_prefix("ready ").map(PathBuf::from)).unwrap();

    drop(Workspace::create(dir.path()).unwrap());
    assert_eq!(fs::read(&half).unwrap(), b"an archive");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(Workspace::create(dir.path()).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn photos_are_copied_raw_from_one_archive_into_the_next() {
    let dir = TempDir::new().unwrap();
    let zip = small(dir.path(), 2);
    let mut earlier = Archive::open(&zip, &Job::unattended()).unwrap();
    let workspace = Workspace::create(dir.path()).unwrap();
    let mut writer = ArchiveWriter::create(&workspace, now(), 5).unwrap();
    let name = "photos/originals/2020/ä 日本 🎨.jpg";
    let mut photo = earlier.open_stored(name).unwrap();
    let sha256 = Sha256::digest(b"not really a photo").into();
    let stored = Stored { modified: now(), size: photo.size, crc32: photo.crc32, sha256 };
    writer.add_stored(name, stored, &mut photo).unwrap();
    let next = finish(writer);
    let mut opened = Archive::open(next.path(), &Job::unattended()).unwrap();
    assert_eq!(opened.read_bytes(name, 100).unwrap(), b"not really a photo");
}
