//! Work on every core whose results come in the order in which it was given.

use std::collections::VecDeque;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{Error, Result};

/// Reads batches and hands what `make` makes of them to `take`, in the order of the batches. `read` and `take` run
/// on this thread, `make` on as many others as there are cores; two batches for each are in memory. The first error
/// ends it.
pub fn in_order<B: Send, M: Send>(
    mut read: impl FnMut() -> Result<Option<B>>,
    make: impl Fn(B) -> Result<M> + Sync,
    mut take: impl FnMut(M) -> Result<()>,
) -> Result<()> {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    thread::scope(|scope| {
        let (work, batches) = bounded::<(B, Sender<Result<M>>)>(2 * threads);
        for nth in 0..threads {
            let (batches, make) = (batches.clone(), &make);
            let name = format!("records-{nth}");
            let run = move || {
                for (batch, done) in batches {
                    // Nobody waits for it after an error.
                    let _ = done.send(make(batch));
                }
            };
            thread::Builder::new().name(name).spawn_scoped(scope, run).map_err(Error::NoThread)?;
        }
        let mut waiting = VecDeque::new();
        while let Some(batch) = read()? {
            let (done, made) = bounded(1);
            work.send((batch, done)).map_err(|_| panicked())?;
            waiting.push_back(made);
            if waiting.len() >= 2 * threads
                && let Some(made) = waiting.pop_front()
            {
                take(receive(&made)?)?;
            }
        }
        waiting.iter().try_for_each(|made| take(receive(made)?))
    })
}

fn receive<M>(made: &Receiver<Result<M>>) -> Result<M> {
    made.recv().map_err(|_| panicked())?
}

fn panicked() -> Error {
    Error::Internal { problem: "a part of the job panicked".into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn run(batches: u32, fail_at: Option<u32>) -> (Result<()>, Vec<u32>) {
        let (mut next, mut taken) = (0..batches, Vec::new());
        let make = |batch| {
            thread::sleep(Duration::from_millis(u64::from(batch % 3)));
            if Some(batch) == fail_at { Err(Error::Aborted) } else { Ok(batch * 2) }
        };
        let result = in_order(
            || Ok(next.next()),
            make,
            |made| {
                taken.push(made);
                Ok(())
            },
        );
        (result, taken)
    }

    #[test]
    fn results_come_in_the_order_of_the_batches() {
        let (result, taken) = run(50, None);
        assert!(result.is_ok());
        assert_eq!(taken, (0..50).map(|n| n * 2).collect::<Vec<_>>());
        assert!(run(0, None).1.is_empty());
    }

    #[test]
    fn the_first_error_ends_it() {
        let (result, taken) = run(50, Some(20));
        assert_eq!(result.unwrap_err().code(), "ABORT_ERR");
        assert_eq!(taken.len(), 20);
    }
}
