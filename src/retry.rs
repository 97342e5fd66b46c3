//! How long to wait before a request is made again, and when to stop.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first pause, without its random part; each is twice the one before: 100 ms.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer without its random part, unless the store asks for it: 5 seconds.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Seven pauses, of 11 to 23 seconds together: a store that is busy all the while is given up.
const MAX_RETRIES: usize = 7;
/// A store that lets a request time out, half a minute each, is given up after the third.
const MAX_TIMEOUTS: u32 = 3;
/// Whoever asks to be left alone for longer than this altogether is given up: ten minutes, twice what Cloudflare's rate
/// limit lasts.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// How an attempt ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// The next one would end the same way.
    Final,
    /// Nothing came in time.
    Silent,
    /// There is hope; the store may have said when it wants to be asked again.
    Busy(Option<Duration>),
}

/// The attempts at one thing. Each pause is longer by a random part, up to twice as long, so that requests that failed
/// together do not come back together.
pub struct Retries {
    pauses: ExponentialBackoff,
    timeouts: u32,
    waited: Duration,
}

impl Retries {
    /// Nothing was tried yet.
    pub fn new() -> Self {
        let backoff = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(MAX_PAUSE);
        Retries {
            pauses: backoff.with_max_times(MAX_RETRIES).with_jitter().build(),
            timeouts: 0,
            waited: Duration::ZERO,
        }
    }

    /// How long to wait after an attempt ended this way; None: there is no hope.
    pub fn pause(&mut self, setback: impl Into<Setback>) -> Option<Duration> {
        let wish = match setback.into() {
            Setback::Final => return None,
            Setback::Silent => {
                self.timeouts += 1;
                None
            }
            Setback::Busy(wish) => wish,
        };
        if self.timeouts >= MAX_TIMEOUTS {
            return None;
        }
        let pause = self.pauses.next()?.max(wish.unwrap_or_default());
        self.waited += pause;
        (self.waited <= MAX_WAIT).then_some(pause)
    }
}

impl Default for Retries {
    fn default() -> Self {
        Retries::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(setback: Setback) -> usize {
        let mut retries = Retries::new();
        std::iter::from_fn(|| retries.pause(setback)).count() + 1
    }

    #[test]
    fn a_silent_store_is_asked_less_often_than_one_that_answers() {
        assert_eq!(attempts(Setback::Busy(None)), 8);
        assert_eq!(attempts(Setback::Silent), 3);
        assert_eq!(attempts(Setback::Final), 1);
    }

    #[test]
    fn a_store_is_left_alone_as_long_as_it_asks() {
        let busy = Setback::Busy(Some(Duration::from_secs(9)));
        assert_eq!(Retries::new().pause(busy), Some(Duration::from_secs(9)));
        assert_eq!(Retries::new().pause(Setback::Busy(Some(MAX_WAIT * 2))), None);
    }
}
