//! S3 as R2 and others speak it: requests signed with AWS Signature Version 4, keys sent exactly as they are.
//!
//! Only path-style addresses are used: they work for R2 and for any endpoint without a wildcard certificate.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::HeaderName;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::source::GetError;
use crate::error::{Error, Result};
use crate::http::{Client, Failure, Reach, retry_after, whole};

pub mod listing;

/// Everything but the unreserved characters of RFC 3986, as Signature Version 4 wants it.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, whose slashes stay.
const PATH: &AsciiSet = &QUERY.remove(b'/');
/// An answer that says what is wrong is never longer: 64 KiB.
const ERROR_LIMIT: usize = 64 * 1024;

/// A bucket and the credentials to it.
#[derive(Clone)]
pub struct Access {
    /// `https://<account>.r2.cloudflarestorage.com` or any other, also with a path.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key; never shown.
    pub secret_access_key: String,
    /// Region; R2 has `auto`.
    pub region: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Access { endpoint, bucket, region, .. } = self;
        f.debug_struct("Access")
            .field("endpoint", endpoint)
            .field("bucket", bucket)
            .field("region", region)
            .finish_non_exhaustive()
    }
}

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    http: Client,
    access: Access,
}

/// Why a request to a bucket failed.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// There was no answer.
    #[error("{0}")]
    Network(#[source] Failure),
    /// The store answered that it will not.
    #[error("the store answered {status} {code}")]
    Answer {
        /// HTTP status.
        status: u16,
        /// S3's own word, such as `NoSuchKey`; empty when there is none.
        code: String,
        /// When the store wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The store answered, and not with what was asked for.
    #[error("the answer is not one of S3, or only half of it")]
    Unreadable,
    /// A request that cannot be made, such as one with a header that HTTP does not allow.
    #[error("the request cannot be made")]
    Request,
}

impl From<Failure> for S3Error {
    fn from(failure: Failure) -> Self {
        S3Error::Network(failure)
    }
}

impl From<&S3Error> for GetError {
    fn from(error: &S3Error) -> Self {
        match error {
            S3Error::Network(Failure::Timeout) => GetError::Timeout,
            S3Error::Network(Failure::Forbidden) => GetError::Forbidden,
            S3Error::Network(Failure::Broken(_) | Failure::TooLarge) | S3Error::Unreadable => {
                GetError::Unreachable
            }
            S3Error::Request => GetError::Unreadable,
            S3Error::Answer { status, code, retry_after } => {
                match (meant(*status, code), code.as_str()) {
                    // Both are said of a request that took too long to arrive.
                    (400, "RequestTimeout" | "ExpiredRequest") => GetError::Timeout,
                    (401 | 403, _) => GetError::Refused,
                    (404, _) => GetError::NoSuchKey,
                    (412 | 416, _) => GetError::ChangedWhileRead,
                    (408 | 429 | 500.., _) => GetError::Unavailable { retry_after: *retry_after },
                    _ => GetError::Unreadable,
                }
            }
        }
    }
}

impl Bucket {
    /// The bucket; nothing is asked yet.
    pub fn new(access: Access) -> Result<Self> {
        Ok(Bucket { http: Client::new(Reach::Anywhere)?, access })
    }

    /// What an error calls it: endpoint and bucket.
    pub fn place(&self) -> String {
        format!("the bucket {:?} at {}", self.access.bucket, self.access.endpoint)
    }

    /// Opens an object from byte `from` on; with `etag`, only if that still is its ETag.
    pub async fn get(&self, key: &str, from: u64, etag: Option<&str>) -> Result<Response<Incoming>, S3Error> {
        let mut headers = Vec::new();
        if from > 0 {
            headers.push((http::header::RANGE, format!("bytes={from}-")));
        }
        if let Some(etag) = etag {
            headers.push((http::header::IF_MATCH, format!("\"{etag}\"")));
        }
        self.request(Method::GET, Some(key), &[], &headers, Bytes::new()).await
    }

    /// The head of an object.
    pub async fn head(&self, key: &str) -> Result<Response<Incoming>, S3Error> {
        self.request(Method::HEAD, Some(key), &[], &[], Bytes::new()).await
    }

    /// Sends one signed request, to the bucket itself or to one of its keys. An answer other than 2xx is an error.
    pub async fn request(
        &self,
        method: Method,
        key: Option<&str>,
        query: &[(&str, &str)],
        headers: &[(HeaderName, String)],
        body: Bytes,
    ) -> Result<Response<Incoming>, S3Error> {
        let mut request = Request::builder().method(method).uri(self.uri(key, query));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body).map_err(|_| S3Error::Request)?;
        self.sign(&mut request).ok_or(S3Error::Request)?;
        let response = self.http.send(request.map(Full::new)).await?;
        if response.status().is_success() { Ok(response) } else { Err(answer(response).await) }
    }

    fn uri(&self, key: Option<&str>, query: &[(&str, &str)]) -> String {
        let Access { endpoint, bucket, .. } = &self.access;
        let mut uri = format!("{}/{}", endpoint.trim_end_matches('/'), utf8_percent_encode(bucket, PATH));
        if let Some(key) = key {
            uri.push('/');
            uri.extend(utf8_percent_encode(key, PATH));
        }
        for (nth, (name, value)) in query.iter().enumerate() {
            uri.push(if nth == 0 { '?' } else { '&' });
            uri.extend(utf8_percent_encode(name, QUERY));
            uri.push('=');
            uri.extend(utf8_percent_encode(value, QUERY));
        }
        uri
    }

    fn sign(&self, request: &mut Request<Bytes>) -> Option<()> {
        let Access { access_key_id, secret_access_key, region, .. } = &self.access;
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = Credentials::new(access_key_id, secret_access_key, None, None, "options").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .ok()?
            .into();
        let headers: Option<Vec<_>> = request
            .headers()
            .iter()
            .map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers?.into_iter(),
            SignableBody::Bytes(request.body()),
        );
        let (instructions, _) = sign(signable.ok()?, &params).ok()?.into_parts();
        instructions.apply_to_request_http1x(request);
        Some(())
    }
}

/// What an answer other than 2xx says.
async fn answer(response: Response<Incoming>) -> S3Error {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let body = whole(response.into_body(), ERROR_LIMIT).await.unwrap_or_default();
    S3Error::Answer { status, code: code(&body), retry_after }
}

/// The status of an error. One that happens after an answer has begun comes with that of success: then its code tells.
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>)
fn meant(status: u16, code: &str) -> u16 {
    match code {
        _ if status >= 300 => status,
        "InternalError" => 500,
        "ServiceUnavailable" | "SlowDown" | "TooManyRequests" => 503,
        "RequestTimeout" => 408,
        "NoSuchBucket" => 404,
        "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => 403,
        _ => status,
    }
}

/// `<Error><Code>…</Code>`; only letters, so that nothing private can come with it.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    code.filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_default()
        .to_owned()
}

/// An error of the whole bucket, in words that say what to do. `rights` are what the credentials need, such as "list and
/// read".
pub fn refused(place: String, rights: &str, error: S3Error) -> Error {
    let (status, code) = match &error {
        S3Error::Answer { status, code, .. } => (meant(*status, code), code.clone()),
        S3Error::Network(_) | S3Error::Unreadable | S3Error::Request => (0, String::new()),
    };
    let denied = format!("check the access key id and secret, and that they may {rights} this bucket");
    let problem = match (status, code.as_str()) {
        (_, "SignatureDoesNotMatch") => "the secret access key is not that of the access key id",
        (_, "AuthorizationHeaderMalformed") => "it does not take the region; set region to the bucket's own",
        (_, "RequestTimeTooSkewed") => "the clock of this machine is wrong; set it",
        (401 | 403, _) => &denied,
        (404, _) => "there is no such bucket; check its name, the endpoint and, at R2, the jurisdiction",
        (301 | 307 | 308, _) => "the bucket lies in another region or at another endpoint",
        _ if matches!(error, S3Error::Unreadable) => {
            "its answers are not those of an S3 store; check the endpoint and what answers in its place, then try again"
        }
        (0, _) => "check the endpoint and the network, then try again",
        _ if status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16() || status == 429 => {
            "the store is overloaded or down; try again later"
        }
        _ => "the store does not understand the request; is the endpoint that of an S3 store?",
    };
    let (problem, source) = (problem.to_owned(), Some(error.into()));
    match status {
        401 | 403 => Error::SourceRefused { what: place, problem, source },
        _ => Error::SourceUnreachable { what: place, problem, source },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn bucket() -> Bucket {
        Bucket::new(Access {
            endpoint: "https://s3.example/base/".into(),
            bucket: "photos".into(),
            access_key_id: "id".into(),
            secret_access_key: "hidden".into(),
            region: "auto".into(),
        })
        .unwrap()
    }

    #[test]
    fn keys_are_sent_as_they_are() {
        for (key, path) in [
            ("a//b.jpg", "a//b.jpg"),
            ("/lead.jpg", "/lead.jpg"),
            ("dir/", "dir/"),
            ("x/../y", "x/../y"),
            ("50%+#?é ", "50%25%2B%23%3F%C3%A9%20"),
        ] {
            let request = Request::get(bucket().uri(Some(key), &[])).body(Bytes::new()).unwrap();
            assert_eq!(request.uri().path(), format!("/base/photos/{path}"), "{key}");
        }
    }

    #[test]
    fn every_request_is_signed_and_nothing_shows_the_secret() {
        let bucket = bucket();
        let mut request = Request::get(bucket.uri(Some("a"), &[("x", "1+1")])).body(Bytes::new()).unwrap();
        bucket.sign(&mut request).unwrap();
        assert!(request.headers().contains_key("authorization"));
        assert!(request.headers().contains_key("x-amz-content-sha256"));
        assert!(!format!("{request:?} {:?} {}", bucket.access, bucket.place()).contains("hidden"));
    }

    #[test]
    fn answers_are_told_apart() {
        let answer = |status, code: &str| S3Error::Answer { status, code: code.into(), retry_after: None };
        for (status, code, expected) in [
            (404, "NoSuchKey", GetError::NoSuchKey),
            (403, "AccessDenied", GetError::Refused),
            (503, "SlowDown", GetError::Unavailable { retry_after: None }),
            (412, "PreconditionFailed", GetError::ChangedWhileRead),
            (400, "RequestTimeout", GetError::Timeout),
            (400, "InvalidRequest", GetError::Unreadable),
            (200, "SlowDown", GetError::Unavailable { retry_after: None }),
            (200, "AccessDenied", GetError::Refused),
            (200, "Unknown", GetError::Unreadable),
        ] {
            assert_eq!(GetError::from(&answer(status, code)), expected);
        }
        assert_eq!(code(b"<Error><Code>NoSuchKey</Code></Error>"), "NoSuchKey");
        assert_eq!(code(b"<Code>AKIA secret</Code>"), "");
        assert_eq!(refused("x".into(), "read", answer(404, "NoSuchBucket")).code(), "SOURCE_UNREACHABLE");
        assert_eq!(refused("x".into(), "read", answer(403, "")).code(), "SOURCE_REFUSED");
    }
}
