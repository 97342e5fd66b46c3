//! Photos below a public URL, asked for by key alone: such a server cannot list.
//!
//! What is asked for lies below the base, whatever a row says. A redirect is followed within the same host; a base
//! on the public Internet never leads to a private address.

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_RANGE, LOCATION, RANGE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::utf8_percent_encode;
use tokio::sync::OnceCell;
use url::Url;

use super::headers::{checked, describe_of, goes_on, is_chunked, is_page, length, whole_follows};
use super::{ByteStream, Content, GetError, Listing, PhotoStore, StoredPhoto, has_dot_segment};
use crate::error::Result;
use crate::http::{Client, PATH, Reach, names_private_host};
use crate::job::Job;

/// A photo of more bytes is not fetched from a server that anybody may run: 1 GiB.
const MAX_PHOTO: u64 = 1 << 30;
/// A key that nobody has.
const ABSENT_KEY: &str = "originals/no-such-photo-8f14e45fceea167a.jpg";
/// Redirects that are followed for one photo.
const MAX_REDIRECTS: usize = 5;

/// A URL below which photos are served.
pub struct PublicUrl {
    http: Client,
    /// Its path ends in `/`.
    base: Url,
    /// What stands for a photo that is not there, where the server says so with the status of success.
    stand_in: OnceCell<Option<StandIn>>,
}

impl PublicUrl {
    /// The base, whose path ends in `/`; nothing is asked yet.
    pub fn new(base: Url) -> Result<Self> {
        let reach = if names_private_host(&base) { Reach::Anywhere } else { Reach::Public };
        Ok(PublicUrl { http: Client::new(reach)?, base, stand_in: OnceCell::new() })
    }

    /// The answer to a key. A page in the place of a photo is how many sites say that there is nothing, and how others
    /// say that they are not there at present; others have a picture for it, or a word. What they say of a key that
    /// nobody has tells which.
    async fn photo(&self, key: &str) -> Result<Response<Incoming>, GetError> {
        let stand_in = self.stand_in.get_or_try_init(async || self.find_stand_in().await).await;
        // Not known yet: then a page is asked for again, and with it this.
        let stand_in = stand_in.ok().and_then(Option::as_ref);
        let response = self.ask(Method::GET, key, &[]).await?;
        let headers = response.headers();
        if stand_in.is_some_and(|stand_in| stand_in.is_in(headers)) {
            return Err(GetError::NoSuchKey);
        }
        if is_page(headers) { Err(GetError::Unavailable { retry_after: None }) } else { Ok(response) }
    }

    /// What holds for the whole job must not come of one request that failed: then it is left open.
    async fn find_stand_in(&self) -> Result<Option<StandIn>, GetError> {
        match self.ask(Method::GET, ABSENT_KEY, &[]).await {
            Ok(answer) => Ok(StandIn::of(answer.headers())),
            Err(error @ (GetError::Unreachable | GetError::Unavailable { .. })) => Err(error),
            // Silence would cost every photo half a minute.
            Err(_) => Ok(None),
        }
    }

    async fn ask(
        &self,
        method: Method,
        key: &str,
        headers: &[(HeaderName, String)],
    ) -> Result<Response<Incoming>, GetError> {
        if has_dot_segment(key) {
            return Err(GetError::Unaddressable);
        }
        let mut uri = format!("{}{}", self.base, utf8_percent_encode(key, PATH));
        for _ in 0..=MAX_REDIRECTS {
            // Whoever says nothing takes any coding (RFC 9110, 12.5.3), and a packed photo is another file.
            let request = Request::builder().header(ACCEPT_ENCODING, "identity");
            let mut request = request.method(method.clone()).uri(&uri);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::<Bytes>::default()).map_err(|_| GetError::Unreadable)?;
            let response = self.http.send(request).await?;
            if !response.status().is_redirection() {
                return answer(response);
            }
            uri = self.follow(&uri, &response).ok_or(GetError::LedAway)?;
        }
        Err(GetError::LedAway)
    }

    /// Where a redirect leads, if that is the same host: from http to https it may change.
    fn follow(&self, uri: &str, response: &Response<Incoming>) -> Option<String> {
        // Many a server writes the name of a file into it as it is.
        let location = std::str::from_utf8(response.headers().get(LOCATION)?.as_bytes()).ok()?;
        let mut next = Url::parse(uri).ok()?.join(location).ok()?;
        next.set_fragment(None);
        let secured = self.base.scheme() == "http" && next.scheme() == "https" && next.port().is_none();
        let same = self.base.scheme() == next.scheme()
            && self.base.port_or_known_default() == next.port_or_known_default();
        (self.base.host() == next.host() && (same || secured)).then(|| next.into())
    }
}

/// What a server answers where it has no photo.
#[derive(PartialEq)]
enum StandIn {
    /// Some page.
    Page,
    /// Always the same text, of that length.
    Text(u64),
    /// Always the same picture, with that ETag.
    Picture(HeaderValue),
}

impl StandIn {
    /// None where nothing tells whether another answer is the same.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let is_text =
            headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
        match headers.get(ETAG) {
            _ if is_page(headers) => Some(StandIn::Page),
            Some(etag) => Some(StandIn::Picture(etag.clone())),
            None => length(headers).filter(|_| is_text).map(StandIn::Text),
        }
    }

    /// Whether it is what an answer holds.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        StandIn::of(headers).as_ref() == Some(self)
    }
}

#[async_trait]
impl PhotoStore for PublicUrl {
    fn kind(&self) -> &'static str {
        "public_url"
    }

    fn place(&self) -> String {
        format!("the photos below {}", self.base)
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    /// A weak ETag may stay when the bytes change (RFC 9110, 8.8.1).
    async fn describe(&self, key: &str) -> Result<Option<StoredPhoto>, GetError> {
        let response = self.ask(Method::HEAD, key, &[]).await?;
        let headers = response.headers();
        let is_strong = headers.get(ETAG).is_some_and(|etag| etag.as_bytes().starts_with(b"\""));
        let is_told = response.status() == StatusCode::OK && is_strong && !is_page(headers);
        Ok(length(headers).filter(|_| is_told).map(|size| describe_of(key, size, headers)))
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let response = self.photo(key).await?;
        whole_follows(response.status())?;
        let headers = response.headers();
        match length(headers) {
            Some(size) if size > MAX_PHOTO => Err(GetError::TooLarge),
            Some(size) => {
                let photo = describe_of(key, size, headers);
                Ok(Content::Stream(Box::new(photo), checked(response.into_body())))
            }
            None if is_chunked(headers) => {
                let photo = describe_of(key, MAX_PHOTO, headers);
                Ok(Content::Chunked(Box::new(photo), checked(response.into_body())))
            }
            // A connection that ends looks the same whether or not all came.
            None => Err(GetError::BadLength),
        }
    }

    async fn resume(&self, photo: &StoredPhoto, from: u64) -> Result<Option<ByteStream>, GetError> {
        let Some(etag) = photo.etag.as_deref() else { return Ok(None) };
        let headers = [(RANGE, format!("bytes={from}-")), (IF_RANGE, format!("\"{etag}\""))];
        let response = self.ask(Method::GET, &photo.key, &headers).await?;
        let on = goes_on(response.status(), response.headers(), photo, from);
        Ok(on.then(|| checked(response.into_body())))
    }
}

fn answer(response: Response<Incoming>) -> Result<Response<Incoming>, GetError> {
    match response.status().as_u16() {
        200..300 => Ok(response),
        404 | 410 => Err(GetError::NoSuchKey),
        401 | 403 => Err(GetError::Refused),
        412 | 416 => Err(GetError::ChangedWhileRead),
        408 | 429 | 500.. => {
            Err(GetError::Unavailable { retry_after: crate::http::retry_after(response.headers()) })
        }
        _ => Err(GetError::Unreadable),
    }
}
