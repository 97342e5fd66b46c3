#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::photos::source::Listing;
use crate::photos::source::directory::Directory;

mod outages;
mod streams;

fn run<T>(future: impl Future<Output = T>) -> T {
    // The clock stands still while something happens and leaps over every pause.
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

async fn fetch_all(source: impl PhotoStore + 'static, keys: &[&str], concurrency: usize) -> Vec<Attempt> {
    let workspace = tempfile::tempdir().unwrap();
    let keys: Vec<String> = keys.iter().map(|&key| key.into()).collect();
    let fetcher = Fetcher::new(Arc::new(source), workspace.path(), &Job::unattended());
    let stream = fetcher.fetch(keys, concurrency);
    let attempts = stream.map(Result::unwrap).collect().await;
    // On Windows they have names, and go when they are closed.
    if cfg!(unix) {
        let named = fs::read_dir(workspace.path()).unwrap().count();
        assert_eq!(named, 0, "nothing has a name in the workspace");
    }
    attempts
}

fn content(attempt: Attempt) -> Result<Vec<u8>, GetError> {
    attempt.outcome.map(|fetched| {
        let mut bytes = Vec::new();
        let (sha256, crc32, size) = (fetched.sums.sha256(), fetched.sums.crc32(), fetched.photo.size);
        fetched.body.into_reader().read_to_end(&mut bytes).unwrap();
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), sha256);
        assert_eq!((crc32fast::hash(&bytes), bytes.len() as u64), (crc32, size));
        bytes
    })
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    Pcg64Mcg::seed_from_u64(bytes as u64).fill_bytes(&mut noise);
    noise
}

fn folder(photos: &[(&str, usize)]) -> (TempDir, Directory) {
    let root = tempfile::tempdir().unwrap();
    photos.iter().for_each(|(key, bytes)| fs::write(root.path().join(key), noise(*bytes)).unwrap());
    let source = Directory::open(root.path()).unwrap();
    (root, source)
}

#[test]
fn photos_of_any_size_come_whole_and_in_order() {
    let limit = MEMORY_LIMIT as usize;
    let sizes =
        [("big", 2 * limit + 7), ("empty", 0), ("edge", limit), ("over", limit + 1), ("small", 130_000)];
    let names = ["big", "empty", "gone", "small", "over", "edge", "empty"];
    for concurrency in [0, 1, 3, 64] {
        let (_root, source) = folder(&sizes);
        let attempts = run(fetch_all(source, &names, concurrency));
        assert_eq!(attempts.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(), names);
        for attempt in attempts {
            let size = sizes.iter().find(|(key, _)| *key == attempt.key).map(|(_, size)| *size);
            let in_memory = attempt.outcome.as_ref().ok().map(|f| matches!(f.body, Body::Memory(_)));
            assert_eq!(in_memory, size.map(|size| size <= limit), "{}", attempt.key);
            assert_eq!(content(attempt), size.map(noise).ok_or(GetError::NoSuchKey));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn photos_are_read_by_threads_that_give_way() {
    let (_root, folder) = folder(&[("a", 1)]);
    let niceness = Arc::new(AtomicUsize::new(0));
    let found = Arc::clone(&niceness);
    let happens = Arc::new(move |_| {
        let nice = rustix::process::getpriority_process(None).unwrap();
        found.store(nice.try_into().unwrap(), Ordering::SeqCst);
    });
    let restless = Restless { folder, happens, opened: Arc::default() };
    run(fetch_all(restless, &["a"], 1));
    assert!(niceness.load(Ordering::SeqCst) >= 5);
}

/// A folder in which something happens between opening a photo and reading it.
struct Restless {
    folder: Directory,
    happens: Arc<dyn Fn(usize) + Send + Sync>,
    opened: Arc<AtomicUsize>,
}

#[async_trait]
impl PhotoStore for Restless {
    fn kind(&self) -> &'static str {
        "directory"
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let Content::File(open) = self.folder.get(key).await? else { panic!("a folder hands out files") };
        let (happens, opened) = (Arc::clone(&self.happens), Arc::clone(&self.opened));
        Ok(Content::File(Box::new(move || {
            let open = open()?;
            happens(opened.fetch_add(1, Ordering::SeqCst));
            Ok(open)
        })))
    }
}

/// Reads "a" of `bytes` bytes while `happens` is done to it on the first `times` openings.
fn read_while(bytes: usize, times: usize, happens: fn(&Path)) -> (Result<Vec<u8>, GetError>, usize) {
    let (root, folder) = folder(&[("a", bytes)]);
    let (path, opened) = (root.path().join("a"), Arc::new(AtomicUsize::new(0)));
    let happens = Arc::new(move |nth| {
        if nth < times {
            happens(&path)
        }
    });
    let source = Restless { folder, happens, opened: Arc::clone(&opened) };
    let mut attempts = run(fetch_all(source, &["a"], 1));
    (content(attempts.pop().unwrap()), opened.load(Ordering::SeqCst))
}

fn grow(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
}

fn shrink(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

fn touch(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
}

#[test]
fn a_photo_that_keeps_changing_is_given_up_after_the_third_reading() {
    for bytes in [5000, MEMORY_LIMIT as usize + 5000] {
        for change in [grow, shrink] {
            assert_eq!(read_while(bytes, 9, change), (Err(GetError::ChangedWhileRead), 3));
        }
    }
}

#[test]
fn a_photo_that_settles_is_taken_as_it_then_is() {
    let grown = [noise(5000), b"moremore".to_vec()].concat();
    assert_eq!(read_while(5000, 2, grow), (Ok(grown), 3));
    assert_eq!(read_while(5000, 1, touch), (Ok(noise(5000)), 2));
    assert_eq!(read_while(5000, 1, |path| fs::remove_file(path).unwrap()).0, Ok(noise(5000)));
}

#[test]
fn a_workspace_that_cannot_be_written_ends_the_job() {
    let (root, source) = folder(&[("big", MEMORY_LIMIT as usize + 1)]);
    let first = run(async {
        let missing = root.path().join("missing");
        let fetcher = Fetcher::new(Arc::new(source), &missing, &Job::unattended());
        let mut stream = std::pin::pin!(fetcher.fetch::<(), _>(["big".to_owned()], 1));
        stream.next().await
    });
    assert_eq!(first.unwrap().unwrap_err().code(), "OUTPUT_UNWRITABLE");
}
