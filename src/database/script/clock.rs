//! How long a thread has worked. Where the system tells, a machine that has much else to do, or sleeps, takes nothing
//! away from an honest script, and a statement without end works all the time.

use std::time::Duration;

/// Time for which this thread has had a processor.
#[cfg(unix)]
pub fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Time that has passed: other systems do not tell without `unsafe`.
#[cfg(not(unix))]
pub fn worked() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
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
