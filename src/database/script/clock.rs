//! How long a thread has worked: a machine that has much else to do, or sleeps, takes nothing away from an honest script,
//! and a statement without end works all the time.

use std::time::Duration;

/// Time for which this thread has had a processor.
#[cfg(unix)]
pub fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Time for which this thread has had a processor, in steps of some 16 milliseconds.
#[cfg(windows)]
pub fn worked() -> Duration {
    // A thread may always ask for its own.
    cpu_time::ThreadTime::try_now().map(|time| time.as_duration()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_no_work() {
        let before = worked();
        std::thread::sleep(Duration::from_millis(100));
        assert!(worked() - before < Duration::from_millis(50));
    }

    #[test]
    fn work_takes_time() {
        let (begun, before) = (std::time::Instant::now(), worked());
        while worked() - before < Duration::from_millis(1) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::hint::spin_loop();
        }
    }
}
