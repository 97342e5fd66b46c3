//! Work on every core whose results come in the order in which it was given.

use std::collections::VecDeque;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{Error, Result};
use crate::job::{cores, give_way, panicked};

/// Items of a batch, at most.
pub const BATCH_ITEMS: usize = 256;
/// Bytes of text after which it is full, however few items it has.
const BATCH_BYTES: usize = 2 << 20;
/// Bytes of stack of each thread. Whatever looks through a row calls itself for each level of the JSON in it, and of the
/// JSON in texts of that: a visitor can write a thousand levels. A release build takes half a megabyte for them and a
/// debug build nearly two; what is not used of the rest takes no memory.
const STACK: usize = 8 << 20;

/// As [`in_order`], with items that `read` hands on one by one, each with its bytes of text.
pub fn in_batches<I: Send, M: Send>(
    read: impl FnOnce(&mut dyn FnMut(I, usize) -> Result<()>) -> Result<()>,
    make: impl Fn(Vec<I>) -> Result<M> + Sync,
    take: impl FnMut(M) -> Result<()>,
) -> Result<()> {
    let in_batches = |hand_on: &mut dyn FnMut(Vec<I>) -> Result<()>| {
        let (mut batch, mut filled) = (Vec::new(), 0);
        read(&mut |item, bytes| {
            batch.push(item);
            filled += bytes;
            if batch.len() < BATCH_ITEMS && filled < BATCH_BYTES {
                return Ok(());
            }
            filled = 0;
            hand_on(std::mem::take(&mut batch))
        })?;
        if batch.is_empty() { Ok(()) } else { hand_on(batch) }
    };
    in_order(in_batches, make, take)
}

/// Hands what `make` makes of the batches that `read` hands on to `take`, in their order. `read` and `take` run on this
/// thread, `make` on as many others as there are cores; two batches for each are in memory. The first error ends it.
pub fn in_order<B: Send, M: Send>(
    read: impl FnOnce(&mut dyn FnMut(B) -> Result<()>) -> Result<()>,
    make: impl Fn(B) -> Result<M> + Sync,
    mut take: impl FnMut(M) -> Result<()>,
) -> Result<()> {
    let threads = cores();
    thread::scope(|scope| {
        let (work, batches) = bounded::<(B, Sender<Result<M>>)>(2 * threads);
        for nth in 0..threads {
            let (batches, make) = (batches.clone(), &make);
            let name = format!("records-{nth}");
            let run = move || {
                give_way();
                for (batch, done) in batches {
                    // Nobody waits for it after an error.
                    let _ = done.send(make(batch));
                }
            };
            let thread = thread::Builder::new().name(name).stack_size(STACK);
            thread.spawn_scoped(scope, run).map_err(Error::NoThread)?;
        }
        let mut waiting = VecDeque::new();
        read(&mut |batch| {
            let (done, made) = bounded(1);
            work.send((batch, done)).map_err(|_| panicked())?;
            waiting.push_back(made);
            match waiting.len() >= 2 * threads {
                true => waiting.pop_front().map_or(Ok(()), |made| take(receive(&made)?)),
                false => Ok(()),
            }
        })?;
        waiting.iter().try_for_each(|made| take(receive(made)?))
    })
}

fn receive<M>(made: &Receiver<Result<M>>) -> Result<M> {
    made.recv().map_err(|_| panicked())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn run(batches: u32, fail_at: Option<u32>) -> (Result<()>, Vec<u32>) {
        let mut taken = Vec::new();
        let make = |batch| {
            thread::sleep(Duration::from_millis(u64::from(batch % 3)));
            if Some(batch) == fail_at { Err(Error::Aborted) } else { Ok(batch * 2) }
        };
        let result = in_order(
            |hand_on| (0..batches).try_for_each(hand_on),
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
    fn batches_are_of_so_many_items_or_so_much_text() {
        let (few, much) = (BATCH_BYTES / BATCH_ITEMS / 2, BATCH_BYTES / 2);
        for (bytes, sizes) in [(few, vec![BATCH_ITEMS, 44]), (much, vec![2; 150])] {
            let (mut items, mut batches) = (Vec::new(), Vec::new());
            let read = |hand_on: &mut dyn FnMut(u32, usize) -> Result<()>| {
                (0..300).try_for_each(|item| hand_on(item, bytes))
            };
            in_batches(read, Ok, |batch| {
                batches.push(batch.len());
                items.extend(batch);
                Ok(())
            })
            .unwrap();
            assert_eq!((items, batches), ((0..300).collect(), sizes));
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let (result, taken) = run(50, Some(20));
        assert_eq!(result.unwrap_err().code(), "ABORT_ERR");
        assert_eq!(taken.len(), 20);
    }
}
