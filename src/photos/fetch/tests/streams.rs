//! Stores behind a network: bodies in pieces, of an announced length or none, that break off and go on.

use std::sync::Mutex;

use super::*;
use crate::photos::source::{StoredPhoto, etag};

/// A store that sends pieces, as one behind a network does.
#[derive(Default)]
pub(super) struct Pieces {
    pub(super) etag: Option<&'static str>,
    pub(super) announced: u64,
    /// What each attempt sends; the last one is repeated.
    pub(super) attempts: Mutex<Vec<Vec<Result<Bytes, GetError>>>>,
}

#[async_trait]
impl PhotoStore for Pieces {
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
            etag: self.etag.map(str::to_owned),
            md5: self.etag.and_then(etag::md5),
            ..StoredPhoto::bare(key, self.announced)
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
    impl PhotoStore for Chunks {
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

/// A store whose bodies break off after `piece` bytes, and which goes on where they did if it gives an ETag.
struct Breaking {
    whole: Vec<u8>,
    piece: usize,
    /// Bytes that come more with each opening.
    grows: usize,
    /// How long it takes until a body breaks off.
    takes: Duration,
    etag: Option<&'static str>,
    opened: Arc<AtomicUsize>,
    resumed: Arc<AtomicUsize>,
}

impl Breaking {
    fn of(bytes: usize, etag: Option<&'static str>) -> Self {
        Breaking {
            whole: noise(bytes),
            piece: bytes / 20 + 1,
            grows: 0,
            takes: Duration::ZERO,
            etag,
            opened: Arc::default(),
            resumed: Arc::default(),
        }
    }

    fn from(&self, from: usize) -> ByteStream {
        let piece = self.piece + self.grows * self.opened.load(Ordering::SeqCst);
        let end = self.whole.len().min(from + piece);
        let piece = Ok(Bytes::copy_from_slice(&self.whole[from..end]));
        let takes = self.takes;
        let broken = (end < self.whole.len()).then_some(async move {
            tokio::time::sleep(takes).await;
            Err(GetError::Unreachable)
        });
        stream::iter([piece]).chain(stream::iter(broken).then(|broken| broken)).boxed()
    }
}

#[async_trait]
impl PhotoStore for Breaking {
    fn kind(&self) -> &'static str {
        "breaking"
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let photo = StoredPhoto {
            etag: self.etag.map(str::to_owned),
            md5: self.etag.and_then(etag::md5),
            ..StoredPhoto::bare(key, self.whole.len() as u64)
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
        let store = Breaking::of(bytes, Some("tag"));
        let resumed = Arc::clone(&store.resumed);
        let mut attempts = run(fetch_all(store, &["a"], 1));
        assert_eq!(content(attempts.pop().unwrap()), Ok(noise(bytes)));
        assert_eq!(resumed.load(Ordering::SeqCst), 19, "more often than a store that is down is asked");
        let attempts = run(fetch_all(Breaking::of(bytes, None), &["a", "b"], 1));
        assert!(attempts.into_iter().all(|a| content(a) == Err(GetError::Unreachable)));
    }
}

#[test]
fn a_body_that_only_comes_further_each_time_is_given_up_like_any_other() {
    let store = Breaking { grows: 1, ..Breaking::of(50_000, None) };
    let opened = Arc::clone(&store.opened);
    let mut attempts = run(fetch_all(store, &["a"], 1));
    assert_eq!(content(attempts.pop().unwrap()), Err(GetError::Unreachable));
    assert_eq!(opened.load(Ordering::SeqCst), 8);
}

#[test]
fn a_photo_that_is_read_anew_has_no_more_time_than_one_that_is_read_once() {
    let store = Breaking { takes: Duration::from_secs(240), ..Breaking::of(20 << 20, None) };
    let (outcome, took) = run(async {
        let begun = tokio::time::Instant::now();
        let mut attempts = fetch_all(store, &["a"], 1).await;
        (content(attempts.pop().unwrap()), begun.elapsed())
    });
    assert_eq!(outcome, Err(GetError::Timeout));
    assert_eq!(took.as_secs(), 60 * (10 + 5), "ten minutes, and one for every 4 MiB");
}
