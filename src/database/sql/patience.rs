//! Time for the views over which there are full-text indexes: a view may show rows without end.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use crate::database::bytes_of;
use crate::database::script::Budget;
use crate::database::watchdog::Watchdog;
use crate::job::Job;
use crate::sqlite::trouble::primary;

/// The time that is left for all views together.
pub struct Patience<'j> {
    job: &'j Job,
    left: Duration,
}

impl<'j> Patience<'j> {
    /// Half of what the script may take to load: it has to make these indexes, too. It is taken for half as large as
    /// the pages in use, because what is in indexes does not stand in it.
    pub fn for_views(connection: &Connection, job: &'j Job) -> rusqlite::Result<Self> {
        let free = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
        let free: i64 = connection.query_row(free, [], |row| row.get(0))?;
        let bytes = bytes_of(connection)?.saturating_sub(free as u64) / 2;
        Ok(Patience { job, left: Budget::for_bytes(bytes).time(bytes) / 2 })
    }

    /// What `read` gives, which reads a view over `connection`; None when that does not end in time.
    pub fn spend<T>(
        &mut self,
        connection: &Connection,
        read: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        let started = Instant::now();
        let watchdog = Watchdog::over(connection, self.job, Some(self.left))?;
        let read = read();
        drop(watchdog);
        self.left = self.left.saturating_sub(started.elapsed());
        match read {
            // By the watchdog.
            Err(error) if primary(&error) == ffi::SQLITE_INTERRUPT && !self.job.is_stopped() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Whether there is time to do what `read` does so many `times`, found out by doing it once.
    pub fn lasts<T>(
        &mut self,
        connection: &Connection,
        times: usize,
        read: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<bool> {
        let before = self.left;
        let is_read = self.spend(connection, read)?.is_some();
        let once = before.saturating_sub(self.left);
        Ok(is_read && once.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)) <= before)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_view_has_half_the_time_of_a_script_and_all_views_have_it_together() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000000))").unwrap();
        let job = Job::unattended();
        let mut patience = Patience::for_views(&connection, &job).unwrap();
        assert_eq!(patience.left.as_secs(), 15);
        connection.execute_batch("DELETE FROM t").unwrap();
        assert_eq!(Patience::for_views(&connection, &job).unwrap().left.as_secs(), 5);
        patience.left = Duration::from_millis(120);
        let endless =
            "WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c) SELECT max(i) FROM c";
        let read = || connection.query_row(endless, [], |row| row.get::<_, i64>(0));
        assert_eq!(patience.spend(&connection, read).unwrap(), None);
        assert_eq!(patience.left, Duration::ZERO);
        assert_eq!(patience.spend(&connection, || Ok(1)).unwrap(), Some(1));
    }

    #[test]
    fn what_is_done_many_times_takes_as_many_times_as_long() {
        let connection = Connection::open_in_memory().unwrap();
        let job = Job::unattended();
        let lasts = |milliseconds, times| {
            let mut patience = Patience { job: &job, left: Duration::from_secs(20) };
            let read = || {
                std::thread::sleep(Duration::from_millis(milliseconds));
                Ok(())
            };
            patience.lasts(&connection, times, read).unwrap()
        };
        assert!(lasts(20, 3));
        assert!(!lasts(20, 1001));
    }
}
