//! What goes wrong with a request to a bucket, and what to do about it.

use std::time::Duration;

use http::{Response, StatusCode};
use hyper::body::Incoming;

use crate::error::Error;
use crate::http::{Failure, error_answer};
use crate::photos::source::{CLOCK_WRONG, GetError};

/// What R2 says, with status 400, of an access key id that has not the length of one.
const BAD_KEY_ID: &str = "InvalidArgument";

/// Why a request to a bucket failed.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// There was no answer.
    #[error(transparent)]
    Network(Failure),
    /// The store answered that it will not.
    #[error("the store answered {status}{}{code}", if code.is_empty() { "" } else { " " })]
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
            S3Error::Network(failure) => GetError::from(failure),
            S3Error::Unreadable => GetError::Unreachable,
            S3Error::Request => GetError::Unreadable,
            S3Error::Answer { status, code, retry_after } => {
                match (meant(*status, code), code.as_str()) {
                    // Both are said of a request that took too long to arrive.
                    (400, "RequestTimeout" | "ExpiredRequest") => GetError::Timeout,
                    (401 | 403, "RequestTimeTooSkewed") => GetError::ClockWrong,
                    (401 | 403, _) => GetError::Refused,
                    // A bucket that is gone, or a gateway that does not know the way to it, denies no key.
                    (404, "NoSuchKey") => GetError::NoSuchKey,
                    (412 | 416, _) => GetError::ChangedWhileRead,
                    // R2 says even 501 in passing.
                    (408 | 429 | 500.., _) => GetError::Unavailable { retry_after: *retry_after },
                    _ => GetError::Unreadable,
                }
            }
        }
    }
}

/// What an answer other than 2xx says.
pub(super) async fn answer(response: Response<Incoming>) -> S3Error {
    let (status, retry_after, body) = error_answer(response).await;
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
        "NoSuchBucket" | "NoSuchUpload" => 404,
        "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => 403,
        _ => status,
    }
}

impl S3Error {
    /// The error that an answer with the status of success turns out to be, if it is one.
    pub fn within(body: &[u8]) -> Option<S3Error> {
        let code = code(body);
        let is_error = !code.is_empty() && memchr::memmem::find(body, b"<Error>").is_some();
        is_error.then(|| S3Error::Answer { status: meant(200, &code), code, retry_after: None })
    }
}

/// `<Error><Code>…</Code>`; only letters, so that nothing private can come with it.
pub(super) fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    code.filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_default()
        .to_owned()
}

/// An error of the whole bucket, in words that say what to do. `rights` are what the credentials need, such as "list
/// and read".
pub fn refused(place: String, rights: &str, error: S3Error) -> Error {
    let (status, code) = match &error {
        S3Error::Answer { status, code, .. } => (meant(*status, code), code.clone()),
        S3Error::Network(_) | S3Error::Unreadable | S3Error::Request => (0, String::new()),
    };
    let denied = format!("check the access key id and secret, and that they may {rights} this bucket");
    let distrust = match &error {
        S3Error::Network(Failure::Untrusted(why)) => Some(why.to_string()),
        _ => None,
    };
    let problem = match (status, code.as_str()) {
        _ if let Some(problem) = &distrust => problem,
        (_, "SignatureDoesNotMatch") => "the secret access key is not that of the access key id",
        (_, "AuthorizationHeaderMalformed" | "InvalidRegionName") => {
            "it does not take the region; set region to the bucket's own, which at R2 is auto"
        }
        (_, "RequestTimeTooSkewed") => CLOCK_WRONG,
        (401 | 403, _) => &denied,
        (400, BAD_KEY_ID) => {
            "it does not take something of the request, as a rule the access key id: one of R2 has 32 characters, and \
             is neither its secret nor a token"
        }
        (404, _) => {
            "there is no such bucket; check its name, the endpoint (without the bucket's name) and, at R2, the jurisdiction"
        }
        (501, _) => {
            "the store says that it lacks a part of S3 that this needs (status 501); at R2 try again later, else take \
             another store, or go by a folder of files"
        }
        (301 | 307 | 308, _) => {
            "the bucket lies in another region or at another endpoint; set both to the bucket's own"
        }
        // A restore sends that much at once, and nginx takes a megabyte unless it is told otherwise.
        (413, _) => {
            "it takes no body of 8 MiB; allow that in the proxy before the store (in nginx, client_max_body_size)"
        }
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
    match (status, code.as_str()) {
        (401 | 403, _) | (400, BAD_KEY_ID) => Error::SourceRefused { what: place, problem, source },
        _ => Error::SourceUnreachable { what: place, problem, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let answer = |status, code: &str| S3Error::Answer { status, code: code.into(), retry_after: None };
        for (status, code, expected) in [
            (404, "NoSuchKey", GetError::NoSuchKey),
            (404, "", GetError::Unreadable),
            (404, "NoSuchBucket", GetError::Unreadable),
            (200, "NoSuchBucket", GetError::Unreadable),
            (403, "AccessDenied", GetError::Refused),
            (403, "RequestTimeTooSkewed", GetError::ClockWrong),
            (503, "SlowDown", GetError::Unavailable { retry_after: None }),
            (501, "NotImplemented", GetError::Unavailable { retry_after: None }),
            (412, "PreconditionFailed", GetError::ChangedWhileRead),
            (400, "RequestTimeout", GetError::Timeout),
            (400, "InvalidRequest", GetError::Unreadable),
            (200, "SlowDown", GetError::Unavailable { retry_after: None }),
            (200, "AccessDenied", GetError::Refused),
            (200, "Unknown", GetError::Unreadable),
        ] {
            assert_eq!(GetError::from(&answer(status, code)), expected);
        }
        let late = S3Error::within(b"  \n<?xml?><Error><Code>NoSuchUpload</Code></Error>");
        assert!(matches!(late, Some(S3Error::Answer { status: 404, .. })), "{late:?}");
        assert!(
            S3Error::within(b"<CompleteMultipartUploadResult/>").is_none() && S3Error::within(b"").is_none()
        );
        assert_eq!(code(b"<Error><Code>NoSuchKey</Code></Error>"), "NoSuchKey");
        assert_eq!(code(b"<Code>AKIA secret</Code>"), "");
        assert_eq!(refused("x".into(), "read", answer(404, "NoSuchBucket")).code(), "SOURCE_UNREACHABLE");
        assert_eq!(refused("x".into(), "read", answer(403, "")).code(), "SOURCE_REFUSED");
        for code in ["AuthorizationHeaderMalformed", "InvalidRegionName"] {
            let elsewhere = refused("x".into(), "read", answer(400, code)).to_string();
            assert!(elsewhere.contains("does not take the region"), "{elsewhere}");
        }
        let swapped = refused("x".into(), "read", answer(400, "InvalidArgument"));
        assert_eq!(swapped.code(), "SOURCE_REFUSED");
        assert!(swapped.to_string().contains("access key id"), "{swapped}");
        let small = refused("x".into(), "write", answer(413, "")).to_string();
        assert!(small.contains("takes no body of 8 MiB"), "{small}");
        let lacking = refused("x".into(), "write", answer(501, "NotImplemented")).to_string();
        assert!(lacking.contains("lacks a part of S3"), "{lacking}");
    }
}
