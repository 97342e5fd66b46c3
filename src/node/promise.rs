//! Runs a job of the core as a promise: progress out, abort in, errors with codes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use napi::bindgen_prelude::{
    Function, FunctionRef, JsValue, Object, ObjectRef, PromiseRaw, ToNapiValue, Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, ValueType};
use tokio_util::sync::CancellationToken;

use super::js;
use super::report::Progress;
use crate::error::{Error, Result};
use crate::job::{self, Job, Observer};

/// Weak: a caller that only listens must not keep the process alive.
pub type ProgressCallback = ThreadsafeFunction<Progress, (), Progress, Status, false, true>;

/// Who watches a job and may stop it.
pub struct Watcher<'env> {
    /// Told how far it is.
    pub on_progress: Option<ProgressCallback>,
    /// Stops it.
    pub signal: Option<Object<'env>>,
}

/// Turns an error on the way to a promise into a rejection: nothing is thrown at the caller.
pub fn rejecting<'env, V: ToNapiValue>(
    env: &'env Env,
    start: impl FnOnce() -> napi::Result<PromiseRaw<'env, V>>,
) -> napi::Result<PromiseRaw<'env, V>> {
    start().or_else(|error| PromiseRaw::reject(env, error))
}

/// Starts a job and promises its report.
pub fn run<'env, F, R, V>(
    env: &'env Env,
    watcher: Watcher<'env>,
    start: impl FnOnce(Job) -> F,
) -> napi::Result<PromiseRaw<'env, V>>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
    V: From<R> + ToNapiValue,
{
    let stop = life(env)?.child_token();
    let abort = watcher.signal.map(|signal| Abort::listen(env, signal, &stop)).transpose()?;
    let observer: Arc<dyn Observer> = match watcher.on_progress {
        Some(callback) => Arc::new(Listener(callback)),
        None => Arc::new(()),
    };
    // A panic would leave the promise pending for ever.
    let work = AssertUnwindSafe(start(Job::new(stop, observer))).catch_unwind();
    env.spawn_future_with_callback(async { Ok(work.await) }, move |env, outcome| {
        // Whatever the signal throws now: the job has ended the way it has ended.
        let reason = abort.and_then(|abort| abort.leave(env).ok());
        let panicked = |_| Err(Error::Internal { problem: "the job panicked".into() });
        match outcome.unwrap_or_else(panicked) {
            Ok(report) => Ok(V::from(report)),
            Err(Error::Aborted) => Err(js::error(env, &Error::Aborted, reason)),
            Err(error) => Err(js::error(env, &error, None)),
        }
    })
}

/// Cancelled when the environment ends, as that of a worker thread does: nobody would hear of what its jobs make.
fn life(env: &Env) -> napi::Result<CancellationToken> {
    if let Some(life) = env.get_instance_data::<CancellationToken>()? {
        return Ok(life.clone());
    }
    let life = CancellationToken::new();
    env.set_instance_data(life.clone(), (), |_| {})?;
    // When the data itself goes is too late: promises that are pending hold it.
    env.add_env_cleanup_hook(life.clone(), |life| life.cancel())?;
    Ok(life)
}

struct Listener(ProgressCallback);

impl Observer for Listener {
    fn progress(&self, progress: &job::Progress) {
        self.0.call(progress.clone().into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// The caller's `AbortSignal`, and what was added to it. (napi's own type takes `onabort` for itself and never sees
/// a signal that is aborted already.)
struct Abort {
    signal: ObjectRef<false>,
    listener: Option<FunctionRef<(), ()>>,
}

impl Abort {
    fn listen(env: &Env, signal: Object, stop: &CancellationToken) -> napi::Result<Self> {
        let invalid = |cause| js::error(env, &Error::invalid("signal is not an AbortSignal"), cause);
        let aborted: Unknown = js::get(env, signal, "aborted").map_err(|thrown| invalid(Some(thrown)))?;
        if aborted.get_type()? != ValueType::Boolean {
            return Err(invalid(None));
        }
        let mut listener = None;
        if aborted.coerce_to_bool()? {
            stop.cancel();
        } else {
            let stop = stop.clone();
            let function: Function<(), ()> = env.create_function_from_closure("abort", move |_| {
                stop.cancel();
                Ok(())
            })?;
            change(env, signal, "addEventListener", &function).map_err(|thrown| invalid(Some(thrown)))?;
            listener = Some(function.create_ref()?);
        }
        Ok(Abort { signal: signal.create_ref()?, listener })
    }

    /// Takes the listener off again and says why the signal was aborted, if it was.
    fn leave(self, env: &Env) -> napi::Result<napi::Error> {
        let signal = self.signal.get_value(env)?;
        self.signal.unref(env)?;
        if let Some(listener) = self.listener {
            // A signal that keeps it has a reason all the same.
            let _ = change(env, signal, "removeEventListener", &listener.borrow_back(env)?);
        }
        Ok(napi::Error::from_unknown_without_coercion(js::get(env, signal, "reason")?))
    }
}

fn change(env: &Env, signal: Object, method: &str, listener: &Function<(), ()>) -> napi::Result<()> {
    let event = env.create_string("abort")?.to_unknown();
    js::call(env, signal, method, vec![event, listener.to_unknown()])
}
