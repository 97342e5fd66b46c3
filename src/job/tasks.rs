//! How a job's parts run side by side: blocking work off the runtime, and one failing part stopping the others.

use super::Job;
use crate::error::{Error, Result};

/// Runs blocking work off the runtime's own threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work).await)
}

/// What a task came to; one that panicked failed.
pub fn joined<T>(task: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match task {
        Ok(result) => result,
        Err(failure) if failure.is_cancelled() => Err(Error::Aborted),
        Err(_) => Err(Error::Internal { problem: "a part of the job panicked".into() }),
    }
}

/// One failing half stops the other.
pub fn stop_on_error<T>(job: &Job, result: Result<T>) -> Result<T> {
    result.inspect_err(|_| job.stop())
}

/// Of two failures, the one that is not merely the echo of the other.
pub fn first_failure<A, B>(a: Result<A>, b: Result<B>) -> Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Error::Aborted), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => Err(error),
    }
}
