//! Stores that are down, hang, make everybody wait, or never answer.

use std::sync::Mutex;

use super::streams::Pieces;
use super::*;

/// A store that never answers.
struct Silent;

#[async_trait]
impl PhotoStore for Silent {
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

#[test]
fn an_outage_in_the_middle_of_ten_thousand_photos_ends_soon() {
    struct Dying(AtomicUsize);
    #[async_trait]
    impl PhotoStore for Dying {
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
    let mut attempts = run(fetch_all(Silent, &["a"], 1));
    assert_eq!(content(attempts.pop().unwrap()), Err(GetError::Timeout));
}

#[test]
fn waiting_for_a_turn_is_no_part_of_a_photos_time() {
    /// Lets one photo in per quarter of an hour, and the first attempt at each fails.
    struct Rationed(Mutex<std::collections::HashSet<String>>);
    #[async_trait]
    impl PhotoStore for Rationed {
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
    let job = Job::unattended();
    let first = run(async {
        let fetcher = Fetcher::new(Arc::new(Silent), Path::new("."), &job);
        let mut stream = std::pin::pin!(fetcher.fetch::<(), _>(["a".to_owned(), "b".to_owned()], 2));
        job.stop_token().cancel();
        stream.next().await
    });
    assert_eq!(first.unwrap().unwrap_err().code(), "ABORT_ERR");
}
