//! The HTTP client that every store behind a network is read with.
//!
//! It speaks HTTP/1.1, over TLS with rustls, and sends paths exactly as they are given: a key such as `x/../y` is
//! legal in S3, and a client that tidies URLs would ask for `y`. It follows no redirect, keeps no cookie, uses no
//! proxy. A failure never holds the URL or a header: both may hold secrets.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt};
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyStream, Full};
use hyper::body::{Body, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;
use url::{Host, Url};

use crate::error::{Cause, Error, Result};

mod addresses;
mod certificate;
mod encoding;
mod head;

use addresses::is_public;
pub use certificate::Distrust;
pub use encoding::{PATH, SEGMENT};

/// A connection is made within 10 seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer begins, and goes on, within 30 seconds.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// An answer that is read whole has come within 5 minutes, however it drips.
const BODY_TIMEOUT: Duration = Duration::from_secs(300);
/// The longest `Retry-After` that is heeded: an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// A body that is sent has a second more for each 16 KiB, so that a few share a line of one megabit.
const MIN_UPLOAD_RATE: u64 = 16 << 10;
/// An answer that says what is wrong is never longer: 64 KiB.
const MAX_ERROR_BODY: usize = 64 << 10;
/// An idle connection is closed before most servers close it: 20 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Which hosts a client may connect to. Counted are the addresses that names resolve to, at each connection anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    Anywhere,
    /// None that is private, loopback, link-local or otherwise not of the public Internet.
    Public,
}

/// Why there is no answer, or not all of it.
#[derive(Debug)]
pub enum Failure {
    /// Nothing came in time.
    Timeout,
    /// The host is not one that may be connected to.
    Forbidden,
    /// The host does not prove to be the one that was meant.
    Untrusted(Distrust),
    /// More came than is read.
    TooLarge,
    /// No connection, or it broke off.
    Broken(Cause),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Timeout => "no answer came in time",
            Failure::Forbidden => "the name leads to a private address",
            Failure::Untrusted(_) => "the server did not prove to be the one that was meant",
            Failure::TooLarge => "the answer is longer than any that is expected",
            Failure::Broken(_) => "the connection could not be made or broke off",
        })
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::Broken(cause) => Some(cause.as_ref()),
            Failure::Timeout | Failure::Forbidden | Failure::Untrusted(_) | Failure::TooLarge => None,
        }
    }
}

/// Pieces of a body as they come.
pub type Pieces = BoxStream<'static, Result<Bytes, Failure>>;

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
}

impl Client {
    /// A client without connections yet. Fails when TLS cannot be set up.
    pub fn new(reach: Reach) -> Result<Self> {
        let mut plain = HttpConnector::new_with_resolver(Resolver { reach, inner: GaiResolver::new() });
        plain.set_connect_timeout(Some(CONNECT_TIMEOUT));
        plain.set_nodelay(true);
        plain.enforce_http(false);
        // A provider of our own choice: rustls panics when a process holds two and none was chosen.
        let provider = rustls::crypto::ring::default_provider();
        let secure = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(|e| Error::Internal { problem: format!("TLS cannot be set up: {e}") })?
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_headers(head::MAX_HEADERS)
            // What somebody attached to one photo may be no header at all, and is no reason to lose the photo.
            .http1_ignore_invalid_headers_in_responses(true)
            .build(secure);
        Ok(Client { pool })
    }

    /// Sends one request; the answer's head is there, its body is still to be read.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        head::complete(&mut request);
        let sent = request.body().size_hint().lower();
        let patience = CONNECT_TIMEOUT + STALL_TIMEOUT + Duration::from_secs(sent / MIN_UPLOAD_RATE);
        match tokio::time::timeout(patience, self.pool.request(request)).await {
            Err(_) => Err(Failure::Timeout),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if is_forbidden(&error) => Err(Failure::Forbidden),
            Ok(Err(error)) => Err(match Distrust::behind(&error) {
                Some(why) => Failure::Untrusted(why),
                None => Failure::Broken(error.into()),
            }),
        }
    }
}

/// The pieces of a body; one that stalls ends with [`Failure::Timeout`].
pub fn pieces(body: Incoming) -> Pieces {
    let frames = futures::stream::unfold(Some(BodyStream::new(body)), |frames| async {
        let mut frames = frames?;
        match tokio::time::timeout(STALL_TIMEOUT, frames.next()).await {
            Err(_) => Some((Err(Failure::Timeout), None)),
            Ok(None) => None,
            Ok(Some(Err(error))) => Some((Err(Failure::Broken(error.into())), None)),
            Ok(Some(Ok(frame))) => Some((Ok(frame.into_data().unwrap_or_default()), Some(frames))),
        }
    });
    frames.boxed()
}

/// A body of at most `limit` bytes; a longer one is [`Failure::TooLarge`], one that takes too long
/// [`Failure::Timeout`].
pub async fn whole(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    gather(pieces(body), limit).await
}

async fn gather(mut pieces: Pieces, limit: usize) -> Result<Bytes, Failure> {
    let gathered = async {
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if whole.len() + piece.len() > limit {
                return Err(Failure::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(BODY_TIMEOUT, gathered).await.unwrap_or(Err(Failure::Timeout))
}

/// What an answer other than 2xx says: its status, how long it asks to be left alone, and its body, empty where that
/// has more than 64 KiB or does not come.
pub async fn error_answer(response: Response<Incoming>) -> (u16, Option<Duration>, Bytes) {
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    (status, retry_after, whole(response.into_body(), MAX_ERROR_BODY).await.unwrap_or_default())
}

/// How long an answer asks to be left alone, at most an hour.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // By the clock of whoever names the time; one that is over asks for nothing.
        Err(_) => {
            let now =
                headers.get(DATE).and_then(|date| instant(date.to_str().ok()?)).unwrap_or_else(Utc::now);
            (instant(asked)? - now).to_std().unwrap_or_default()
        }
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

/// A time as headers have it; None of any other text.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|instant| instant.to_utc())
}

/// Whether the host that a URL itself names is not of the public Internet.
pub fn names_private_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Looks names up, and keeps to the addresses that may be connected to. What was checked here is what is connected to.
#[derive(Clone)]
struct Resolver {
    reach: Reach,
    inner: GaiResolver,
}

/// Every address of a name is forbidden.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private address")]
struct Forbidden;

type Addresses = std::vec::IntoIter<SocketAddr>;

impl Service<Name> for Resolver {
    type Response = Addresses;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (reach, found) = (self.reach, self.inner.call(name));
        Box::pin(async move {
            let found: Vec<_> = found.await?.collect();
            let held = found.len();
            let allowed: Vec<_> =
                found.into_iter().filter(|at| reach == Reach::Anywhere || is_public(at.ip())).collect();
            if allowed.is_empty() && held > 0 {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, Forbidden));
            }
            Ok(allowed.into_iter())
        })
    }
}

fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<Forbidden>())
}

/// An error and all that lie beneath it. An `io::Error` names the cause of what it holds, and not what it holds.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests;
