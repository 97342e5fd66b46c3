//! How long to wait before a request is made again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// The first pause, doubled each time: 100 ms.
const FIRST: Duration = Duration::from_millis(100);
/// No pause is longer, unless the store asks for it: 5 seconds.
const LONGEST: Duration = Duration::from_secs(5);
/// Seven pauses: a store that answers nothing for 12 to 24 seconds is given up.
const TIMES: usize = 7;

/// The pauses between attempts, each a random part longer, so that requests that failed together do not come back
/// together. When they are over, so are the attempts.
pub fn pauses() -> impl Iterator<Item = Duration> + Send {
    let backoff = ExponentialBuilder::default().with_min_delay(FIRST).with_max_delay(LONGEST);
    backoff.with_max_times(TIMES).with_jitter().build()
}
