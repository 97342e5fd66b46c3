//! One photo over all its attempts: what came of it so far, how much time it has, and whether there is hope.

use std::time::Duration;

use tokio::time::Instant;

use crate::photos::body::{Digester, Intake};
use crate::photos::source::GetError;
use crate::retry::Retries;

/// How often a photo is read again that was not what it was announced to be.
const MAX_REREADS: u32 = 2;
/// The pause before the first of these; the second is twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(100);
/// A photo may take ten minutes, and one more for every 4 MiB that it has.
const DEADLINE: Duration = Duration::from_secs(600);
const BYTES_PER_MINUTE: u64 = 4 << 20;

/// The attempts at one photo.
pub(super) struct Course<S> {
    /// What came of a body that broke off.
    pub partial: Option<Intake<S>>,
    /// Bytes that the attempt under way went on from; none when it began at the first.
    went_on_from: Option<u64>,
    again: u32,
    retries: Retries,
    deadline: Instant,
    /// What its size added to the deadline.
    granted: Duration,
}

impl<S: Digester> Course<S> {
    /// Nothing was tried yet; the time begins.
    pub fn begin() -> Self {
        Course {
            partial: None,
            went_on_from: None,
            again: 0,
            retries: Retries::new(),
            deadline: Instant::now() + DEADLINE,
            granted: Duration::ZERO,
        }
    }

    /// When the photo has to be there.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Gives back time that was none of the photo's.
    pub fn put_off(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// Gives the time that so many bytes need, once, however often they are read from the first.
    pub fn grant(&mut self, bytes: u64) {
        let needed = Duration::from_secs(60).saturating_mul((bytes / BYTES_PER_MINUTE).min(10_000) as u32);
        let more = needed.saturating_sub(self.granted);
        self.granted += more;
        self.deadline += more;
    }

    /// The store goes on with a body that broke off after so many bytes.
    pub fn goes_on_from(&mut self, bytes: u64) {
        self.went_on_from = Some(bytes);
    }

    /// How long to wait after an attempt failed this way; None: there is no hope, or no time.
    pub fn pause(&mut self, error: GetError) -> Option<Duration> {
        let went_on_from = self.went_on_from.take();
        let pause = if error.is_outage() {
            let taken = self.partial.as_ref().map(Intake::taken);
            if went_on_from.is_some_and(|from| taken.is_some_and(|taken| taken > from)) {
                // It gets there, if in pieces; the deadline bounds how long. One that is read from its first byte each
                // time does not, however far that goes.
                self.retries = Retries::new();
            }
            self.retries.pause(error)
        } else {
            self.again += 1;
            (error.may_pass() && self.again <= MAX_REREADS).then_some(PAUSE * self.again)
        };
        pause.filter(|pause| Instant::now() + *pause < self.deadline)
    }
}
