//! How a job's parts run side by side: blocking work off the runtime, and one failing part stopping the others.

use std::cell::Cell;
use std::num::NonZero;
use std::thread;

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::runtime::Handle;

use super::Job;
use crate::error::{Error, Result};

/// Bytes of stack for what SQLite does with a schema or a script of somebody else's: it calls itself for each wildcard
/// of a pattern and each level of an expression, and of one generated column in another, which `database::generated`
/// bounds. A chain of views or of subqueries adds up too, and nothing bounds that: one made to do so still ends the
/// process. Only what is used of it takes memory.
const DEEP_STACK: usize = 80 << 20;

/// How much of a core a thread gets where all are busy.
struct Priority {
    /// Of 0 to 99, as the system takes it.
    level: u8,
    /// The niceness that this level becomes on Linux.
    #[cfg(target_os = "linux")]
    niceness: i32,
}

/// Of a job's work: below what is normal, on Windows too.
const WORK: Priority = Priority {
    level: 34,
    #[cfg(target_os = "linux")]
    niceness: 5,
};
/// Of work that can wait for the rest of its job; on Windows as `WORK`.
const BESIDE: Priority = Priority {
    level: 27,
    #[cfg(target_os = "linux")]
    niceness: 8,
};

/// How many threads work at the same time on this machine; one where it does not say.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs blocking work off the runtime's own threads, at a priority below theirs: whoever waits for Node's event loop
/// waits for no more than a moment, however many cores the work takes. Threads that it starts have the same.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let work = || {
        give_way();
        work()
    };
    joined(tokio::task::spawn_blocking(work).await)
}

/// Runs blocking work as [`blocking`] does, with room on the stack for what SQLite does with what somebody else wrote.
pub async fn blocking_deep<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let runtime = Handle::current();
    let work = move || {
        let _entered = runtime.enter();
        // Not every system hands a priority on to new threads.
        give_way();
        work()
    };
    blocking(move || {
        thread::scope(|scope| {
            let thread = deep_thread().spawn_scoped(scope, work).map_err(Error::NoThread)?;
            thread.join().unwrap_or_else(|_| Err(panicked()))
        })
    })
    .await
}

/// A thread that is still to be started, with a stack deep enough for what [`blocking_deep`] is for.
pub fn deep_thread() -> thread::Builder {
    thread::Builder::new().name("rows".into()).stack_size(DEEP_STACK)
}

/// Lets the calling thread give way to Node's event loop. It is for every thread that works for long and that neither
/// [`blocking`] nor [`blocking_deep`] runs: on Linux it has that from whoever started it, on Windows and macOS it has not.
pub fn give_way() {
    thread_local! {
        static GIVES_WAY: Cell<bool> = const { Cell::new(false) };
    }
    if !GIVES_WAY.replace(true) {
        set_priority(WORK);
    }
}

/// Lets the calling thread wait for the other parts of its job when cores are few. It is for threads that compress:
/// these are many, while a single thread tries out what they wrote, and all wait for that one in the end.
pub fn work_beside() {
    set_priority(BESIDE);
}

fn set_priority(priority: Priority) {
    // Whoever runs the whole process as nicer still has their way, root among them.
    #[cfg(target_os = "linux")]
    if rustix::process::getpriority_process(None).is_ok_and(|now| now >= priority.niceness) {
        return;
    }
    if let Ok(priority) = ThreadPriorityValue::try_from(priority.level) {
        // Where the system does not allow it the work is done all the same.
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
    }
}

/// What a task came to; one that panicked failed.
pub fn joined<T>(task: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match task {
        Ok(result) => result,
        Err(failure) if failure.is_cancelled() => Err(Error::Aborted),
        Err(_) => Err(panicked()),
    }
}

/// What becomes of a job when a thread of it panicked.
pub fn panicked() -> Error {
    Error::Internal { problem: "a part of the job panicked".into() }
}

/// Stops the job when this part of it failed, so that its other parts end too.
pub fn stop_on_error<T>(job: &Job, result: Result<T>) -> Result<T> {
    result.inspect_err(|_| job.stop())
}

/// Both results, or the failure that is not merely the echo of the other.
pub fn both<A, B>(a: Result<A>, b: Result<B>) -> Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Error::Aborted), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => Err(error),
    }
}
