#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::photos::source::directory::Directory;
use crate::photos::source::{Listing, StoredPhoto, etag};

fn run<T>(future: impl Future<Output = T>) -> T {
    // The clock stands still while something happens and leaps over every pause.
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

async fn fetch_all(source: impl PhotoSource + 'static, keys: &[&str], concurrency: usize) -> Vec<Attempt> {
    let workspace = tempfile::tempdir().unwrap();
    let keys: Vec<String> = keys.iter().map(|&key| key.into()).collect();
    let stream = fetch(Arc::new(source), keys, concurrency, workspace.path(), &Job::unattended());
    let attempts = stream.map(Result::unwrap).collect().await;
    assert_eq!(fs::read_dir(workspace.path()).unwrap().count(), 0, "nothing has a name in the workspace");
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

/// A folder in which something happens between opening a photo and reading it.
struct Restless {
    folder: Directory,
    happens: Arc<dyn Fn(usize) + Send + Sync>,
    opened: Arc<AtomicUsize>,
}

#[async_trait]
impl PhotoSource for Restless {
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

/// A store that sends pieces, as one behind a network does.
#[derive(Default)]
struct Pieces {
    etag: Option<&'static str>,
    announced: u64,
    /// What each attempt sends; the last one is repeated.
    attempts: Mutex<Vec<Vec<Result<Bytes, GetError>>>>,
}

#[async_trait]
impl PhotoSource for Pieces {
    fn kind(&self) -> &'static str {
        "pieces"
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let mut attempts = self.attempts.lock().unwrap();
        let pieces = if attempts.len() > 1 { attempts.remove(0) } else { attempts[0].clone() };
        let photo = StoredPhoto {
            key: key.into(),
            size: self.announced,
            etag: self.etag.map(str::to_owned),
            md5: self.etag.and_then(etag::md5),
            last_modified: None,
            content_type: None,
            http_metadata: Default::default(),
            custom_metadata: Default::default(),
        };
        Ok(Content::Stream(Box::new(photo), stream::iter(pieces).boxed()))
    }
}

fn receive(source: Pieces) -> Result<Vec<u8>, GetError> {
    content(run(fetch_all(source, &["k"], 1)).pop().unwrap())
}

#[test]
fn pieces_are_put_together_in_memory_and_on_disk() {
    for bytes in [0, 10, 3 * PIECE + 1, MEMORY_LIMIT as usize, MEMORY_LIMIT as usize + 1] {
        let whole = noise(bytes);
        let pieces = whole.chunks(700_001).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let source =
            Pieces { announced: bytes as u64, attempts: Mutex::new(vec![pieces]), ..Pieces::default() };
        assert_eq!(receive(source), Ok(whole));
    }
}

#[test]
fn length_and_md5_are_those_announced() {
    let sent = || Mutex::new(vec![vec![Ok(Bytes::from_static(b"hello"))]]);
    let with = |announced, etag| receive(Pieces { etag, announced, attempts: sent() });
    assert_eq!(with(4, None), Err(GetError::BadLength));
    assert_eq!(with(6, None), Err(GetError::BadLength));
    assert_eq!(with(5, Some("5d41402abc4b2a76b9719d911017c592")), Ok(b"hello".to_vec()));
    assert_eq!(with(5, Some("5d41402abc4b2a76b9719d911017c593")), Err(GetError::BadChecksum));
    let in_parts = Some("5d41402abc4b2a76b9719d911017c593-2");
    assert_eq!(with(5, in_parts), Ok(b"hello".to_vec()), "the ETag of an upload in parts is no MD5");
}

#[test]
fn chunks_say_at_their_end_how_many_bytes_they_were() {
    struct Chunks(Pieces);
    #[async_trait]
    impl PhotoSource for Chunks {
        fn kind(&self) -> &'static str {
            "chunks"
        }
        async fn list(&self, _: &Job) -> Result<Option<Listing>> {
            Ok(None)
        }
        async fn get(&self, key: &str) -> Result<Content, GetError> {
            let Content::Stream(photo, pieces) = self.0.get(key).await? else {
                panic!("pieces are a stream")
            };
            Ok(Content::Chunked(photo, pieces))
        }
        async fn resume(&self, _: &StoredPhoto, _: u64) -> Result<Option<ByteStream>, GetError> {
            panic!("nobody knows where it would end")
        }
    }
    let with = |announced, etag, attempts| {
        let source = Chunks(Pieces { etag, announced, attempts: Mutex::new(attempts) });
        content(run(fetch_all(source, &["k"], 1)).pop().unwrap())
    };
    let hello = || vec![Ok(Bytes::from_static(b"hel")), Ok(Bytes::from_static(b"lo"))];
    let broken = vec![Ok(Bytes::from_static(b"hel")), Err(GetError::Unreachable)];
    assert_eq!(with(9, None, vec![hello()]), Ok(b"hello".to_vec()));
    assert_eq!(with(1 << 30, Some("tag"), vec![hello()]), Ok(b"hello".to_vec()));
    assert_eq!(with(9, Some("tag"), vec![broken, hello()]), Ok(b"hello".to_vec()));
    assert_eq!(with(4, None, vec![hello()]), Err(GetError::TooLarge));
    let other = Some("5d41402abc4b2a76b9719d911017c593");
    assert_eq!(with(9, other, vec![hello()]), Err(GetError::BadChecksum));
}

#[test]
fn a_failure_that_may_pass_is_tried_again_and_others_are_not() {
    let hello = || vec![Ok(Bytes::from_static(b"hello"))];
    let broken = |error| vec![Ok(Bytes::from_static(b"he")), Err(error)];
    let with =
        |attempts| receive(Pieces { announced: 5, attempts: Mutex::new(attempts), ..Pieces::default() });
    assert_eq!(with(vec![broken(GetError::Timeout), hello()]), Ok(b"hello".to_vec()));
    assert_eq!(with(vec![broken(GetError::Timeout)]), Err(GetError::Timeout));
    assert_eq!(with(vec![broken(GetError::Refused), hello()]), Err(GetError::Refused));
}

/// A store whose bodies break off after `piece` bytes, and which goes on where they did.
struct Breaking {
    whole: Vec<u8>,
    piece: usize,
    etag: Option<&'static str>,
    opened: AtomicUsize,
    resumed: Arc<AtomicUsize>,
}

impl Breaking {
    fn from(&self, from: usize) -> ByteStream {
        let end = self.whole.len().min(from + self.piece);
        let piece = Ok(Bytes::copy_from_slice(&self.whole[from..end]));
        let broken = (end < self.whole.len()).then_some(Err(GetError::Unreachable));
        stream::iter([piece].into_iter().chain(broken)).boxed()
    }
}

#[async_trait]
impl PhotoSource for Breaking {
    fn kind(&self) -> &'static str {
        "breaking"
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let photo = StoredPhoto {
            key: key.into(),
            size: self.whole.len() as u64,
            etag: self.etag.map(str::to_owned),
            md5: self.etag.and_then(etag::md5),
            last_modified: None,
            content_type: None,
            http_metadata: serde_json::Map::new(),
            custom_metadata: serde_json::Map::new(),
        };
        Ok(Content::Stream(Box::new(photo), self.from(0)))
    }

    async fn resume(&self, photo: &StoredPhoto, from: u64) -> Result<Option<ByteStream>, GetError> {
        self.resumed.fetch_add(1, Ordering::SeqCst);
        Ok(photo.etag.is_some().then(|| self.from(from as usize)))
    }
}

#[test]
fn a_body_that_breaks_off_is_gone_on_with() {
    for bytes in [50_000, MEMORY_LIMIT as usize + 50_000] {
        let resumed = Arc::new(AtomicUsize::new(0));
        let store = |etag| Breaking {
            whole: noise(bytes),
            piece: bytes / 20 + 1,
            etag,
            opened: AtomicUsize::new(0),
            resumed: Arc::clone(&resumed),
        };
        let mut attempts = run(fetch_all(store(Some("tag")), &["a"], 1));
        assert_eq!(content(attempts.pop().unwrap()), Ok(noise(bytes)));
        assert_eq!(resumed.load(Ordering::SeqCst), 19, "more often than a store that is down is asked");
        let attempts = run(fetch_all(store(None), &["a", "b"], 1));
        assert!(attempts.into_iter().all(|a| content(a) == Err(GetError::Unreachable)));
    }
}

#[test]
fn an_outage_in_the_middle_of_ten_thousand_photos_ends_soon() {
    struct Dying(AtomicUsize);
    #[async_trait]
    impl PhotoSource for Dying {
        fn kind(&self) -> &'static str {
            "dying"
        }
        async fn list(&self, _: &Job) -> Result<Option<Listing>> {
            Ok(None)
        }
        async fn get(&self, _: &str) -> Result<Content, GetError> {
            let asked = self.0.fetch_add(1, Ordering::SeqCst);
            assert!(asked < 5_100, "a store that is down is left alone");
            Err(if asked < 5_000 { GetError::NoSuchKey } else { GetError::Timeout })
        }
    }
    let keys: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let attempts = run(async {
        let begun = tokio::time::Instant::now();
        let attempts = fetch_all(Dying(AtomicUsize::new(0)), &keys, 8).await;
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        attempts
    });
    assert_eq!(attempts.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(), keys);
    let timed_out = attempts.iter().filter(|a| matches!(a.outcome, Err(GetError::Timeout))).count();
    assert_eq!(timed_out, 5_000);
}

#[test]
fn a_store_that_hangs_is_given_up_at_the_deadline() {
    struct Hanging;
    #[async_trait]
    impl PhotoSource for Hanging {
        fn kind(&self) -> &'static str {
            "hanging"
        }
        async fn list(&self, _: &Job) -> Result<Option<Listing>> {
            Ok(None)
        }
        async fn get(&self, _: &str) -> Result<Content, GetError> {
            std::future::pending().await
        }
    }
    let mut attempts = run(fetch_all(Hanging, &["a"], 1));
    assert_eq!(content(attempts.pop().unwrap()), Err(GetError::Timeout));
}

#[test]
fn waiting_for_a_turn_is_no_part_of_a_photos_time() {
    /// Lets one photo in per quarter of an hour, and the first attempt at each fails.
    struct Rationed(Mutex<std::collections::HashSet<String>>);
    #[async_trait]
    impl PhotoSource for Rationed {
        fn kind(&self) -> &'static str {
            "rationed"
        }
        async fn list(&self, _: &Job) -> Result<Option<Listing>> {
            Ok(None)
        }
        async fn turn(&self) {
            tokio::time::sleep(Duration::from_secs(900)).await;
        }
        async fn get(&self, key: &str) -> Result<Content, GetError> {
            if self.0.lock().unwrap().insert(key.into()) {
                return Err(GetError::Unavailable { retry_after: Some(Duration::from_secs(300)) });
            }
            Pieces {
                announced: 1,
                attempts: Mutex::new(vec![vec![Ok(Bytes::from_static(b"x"))]]),
                etag: None,
            }
            .get(key)
            .await
        }
    }
    let attempts = run(fetch_all(Rationed(Mutex::default()), &["a", "b", "c", "d", "e"], 2));
    assert!(attempts.into_iter().all(|attempt| content(attempt) == Ok(b"x".to_vec())));
}

#[test]
fn a_stopped_job_ends_the_fetching_even_of_a_store_that_never_answers() {
    struct Silent;
    #[async_trait]
    impl PhotoSource for Silent {
        fn kind(&self) -> &'static str {
            "silent"
        }
        async fn list(&self, _: &Job) -> Result<Option<Listing>> {
            Ok(None)
        }
        async fn get(&self, _: &str) -> Result<Content, GetError> {
            std::future::pending().await
        }
    }
    let job = Job::unattended();
    let first = run(async {
        let keys = vec!["a".to_owned(), "b".to_owned()];
        let mut stream = std::pin::pin!(fetch::<(), _>(Arc::new(Silent), keys, 2, Path::new("."), &job));
        job.stop_token().cancel();
        stream.next().await
    });
    assert_eq!(first.unwrap().unwrap_err().code(), "ABORT_ERR");
}

#[test]
fn a_workspace_that_cannot_be_written_ends_the_job() {
    let (root, source) = folder(&[("big", MEMORY_LIMIT as usize + 1)]);
    let first = run(async {
        let missing = root.path().join("missing");
        let keys = vec!["big".to_owned()];
        let mut stream =
            std::pin::pin!(fetch::<(), _>(Arc::new(source), keys, 1, &missing, &Job::unattended()));
        stream.next().await
    });
    assert_eq!(first.unwrap().unwrap_err().code(), "OUTPUT_UNWRITABLE");
}
