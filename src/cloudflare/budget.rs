//! Cloudflare takes 1,200 requests in five minutes, then none until they are over: the budget is kept beforehand.
//! (<https://developers.cloudflare.com/fundamentals/api/reference/limits/>)

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::Access;

/// Requests in [`WINDOW`]: a few are left for whoever works in the dashboard meanwhile.
const MAX_REQUESTS: usize = 1150;
const WINDOW: Duration = Duration::from_secs(300);

/// The requests that one token has left. What shares a token shares its budget, in the whole process.
#[derive(Clone, Default)]
pub struct Budget {
    spent: Arc<Mutex<VecDeque<Instant>>>,
}

/// By the API and the token, hashed: nothing of a token stays in memory when its job is over.
static BUDGETS: LazyLock<Mutex<HashMap<[u8; 32], Budget>>> = LazyLock::new(Mutex::default);

impl Budget {
    /// The budget of a token.
    pub fn of(access: &Access) -> Self {
        let mut hash = Sha256::new();
        hash.update(&access.api);
        hash.update([0]);
        hash.update(access.token.expose());
        let mut budgets = BUDGETS.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.entry(hash.finalize().into()).or_default().clone()
    }

    /// The least time in which so many requests can be made: the first [`MAX_REQUESTS`] at once, and as many again
    /// after each [`WINDOW`].
    pub fn least_time(requests: u64) -> Duration {
        let waits = requests.saturating_sub(1) / MAX_REQUESTS as u64;
        WINDOW.saturating_mul(u32::try_from(waits).unwrap_or(u32::MAX))
    }

    /// Takes one request, when there is one.
    pub async fn take(&self) {
        while let Some(pause) = self.spend() {
            sleep(pause).await;
        }
    }

    /// Takes one request, or says how long there is none.
    fn spend(&self) -> Option<Duration> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while spent.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            spent.pop_front();
        }
        match spent.front() {
            Some(first) if spent.len() >= MAX_REQUESTS => Some(WINDOW - now.duration_since(*first)),
            _ => {
                spent.push_back(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_five_minutes_hold_more_requests_than_are_taken() {
        let (budget, began) = (Budget::default(), Instant::now());
        for _ in 0..MAX_REQUESTS {
            budget.take().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        budget.take().await;
        assert!(began.elapsed() >= WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_time_is_what_it_takes() {
        let (budget, began) = (Budget::default(), Instant::now());
        for requests in 1..=2 * MAX_REQUESTS as u64 + 1 {
            budget.take().await;
            assert_eq!(began.elapsed().as_secs(), Budget::least_time(requests).as_secs(), "{requests}");
        }
        assert_eq!(Budget::least_time(0), Duration::ZERO);
    }
}
