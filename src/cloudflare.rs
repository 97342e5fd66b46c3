//! Cloudflare's REST API: one client for everything of an account, used for reading alone.
//!
//! Answers are envelopes, `{success, errors, result, result_info}`, and what went wrong stands in `errors`, not in the
//! HTTP status (<https://developers.cloudflare.com/fundamentals/api/>); gateways in between answer with HTML. What
//! passes is asked for again; what is said of a failure never holds text that the server chose.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;

use crate::error::{Cause, Error, Result};
use crate::http::{Client, Failure, Reach, error_answer, whole};
use crate::job::Job;
use crate::retry::{Retries, Setback};
use crate::secret::Secret;

mod budget;
mod trouble;

use budget::Budget;
pub use trouble::{Hint, refused};

/// Where the API is.
pub const API: &str = "https://api.cloudflare.com/client/v4";

/// The code of everything that comes from SQL.
pub const SQL: i64 = 7500;

/// An account, and a token that may read in it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The API's base, without a `/` at its end; [`API`] but for tests.
    pub api: String,
    /// The account's id: one part of a path.
    pub account_id: String,
    /// The token.
    pub token: Secret,
}

/// A client of one account. Cheap to clone.
#[derive(Clone)]
pub struct Cloudflare {
    http: Client,
    access: Access,
    authorization: HeaderValue,
    budget: Budget,
}

/// What a call asks for.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// GET or POST.
    pub method: Method,
    /// Behind the API's base, percent-encoded, with its query; see [`Cloudflare::in_account`].
    pub path: &'a str,
    /// JSON, or nothing.
    pub body: Bytes,
    /// Bytes of an answer that are read; a longer one is [`ApiError::TooLarge`].
    pub limit: usize,
}

/// What an envelope holds.
#[derive(Debug, Deserialize)]
pub struct Answer<T> {
    /// What was asked for.
    pub result: T,
    /// How a list goes on.
    #[serde(default)]
    pub result_info: Value,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There was no answer, or only half of one.
    #[error(transparent)]
    Network(Failure),
    /// The answer is no JSON at all: somebody else's, such as the page of a gateway or of a network's login.
    #[error("the answer is no JSON")]
    Foreign(#[source] Cause),
    /// There is no result in the answer, or none of the shape that the API describes.
    #[error("the answer is not of the shape that the API describes")]
    Malformed(#[source] Cause),
    /// The API, or a gateway before it, answered that it will not.
    #[error("Cloudflare answered {status}, code {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Cloudflare's own code; 0 when there is none.
        code: i64,
        /// What its words say, as far as they are known.
        hint: Hint,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// More came than is read.
    #[error("the answer is longer than any that is expected")]
    TooLarge,
    /// A request that HTTP does not allow.
    #[error("the request cannot be made")]
    Request,
}

impl ApiError {
    /// Whether the database itself refused the SQL, for good.
    pub fn is_of_sql(&self) -> bool {
        matches!(self, ApiError::Refused { code: SQL, hint: Hint::None, .. })
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        ApiError::Network(failure)
    }
}

impl Cloudflare {
    /// The account; nothing is asked yet.
    pub fn new(access: Access) -> Result<Self> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", access.token.expose()))
            .map_err(|_| Error::invalid("the API token holds a character that no header takes"))?;
        authorization.set_sensitive(true);
        let budget = Budget::of(&access);
        Ok(Cloudflare { http: Client::new(Reach::Anywhere)?, access, authorization, budget })
    }

    /// The path of something that the account has.
    pub fn in_account(&self, path: &str) -> String {
        format!("accounts/{}/{path}", self.access.account_id)
    }

    /// Waits until the budget has a request left, and takes it.
    pub async fn turn(&self) {
        self.budget.take().await;
    }

    /// The least time in which so many requests are answered.
    pub fn least_time(&self, requests: u64) -> Duration {
        Budget::least_time(requests)
    }

    /// Sends one request, whose [turn](Cloudflare::turn) it has to be. An answer other than 2xx is an error; the body
    /// of any other is still to be read, and an envelope may yet say that the call failed.
    pub async fn send(&self, call: &Call<'_>) -> Result<Response<Incoming>, ApiError> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}/{}", self.access.api, call.path))
            .header(AUTHORIZATION, &self.authorization);
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(call.body.clone())).map_err(|_| ApiError::Request)?;
        let response = self.http.send(request).await?;
        if response.status().is_success() { Ok(response) } else { Err(failed(response).await) }
    }

    /// Makes one call, once, when it is its turn.
    pub async fn once<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Answer<T>, ApiError> {
        self.turn().await;
        let response = self.send(call).await?;
        let status = response.status().as_u16();
        let body = whole(response.into_body(), call.limit).await.map_err(|failure| match failure {
            Failure::TooLarge => ApiError::TooLarge,
            other => ApiError::Network(other),
        })?;
        match serde_json::from_slice::<EnvelopeStatus>(&body) {
            Ok(verdict) if !verdict.success => Err(verdict.into_error(status, None)),
            Ok(_) => serde_json::from_slice(&body).map_err(|error| ApiError::Malformed(shape(&error))),
            // Half an answer, as when a proxy cut it.
            Err(error) if error.is_eof() => Err(ApiError::Network(Failure::Broken(shape(&error)))),
            Err(error) if error.is_syntax() => Err(ApiError::Foreign(shape(&error))),
            Err(error) => Err(ApiError::Malformed(shape(&error))),
        }
    }

    /// Makes a call, again and again while there is hope. The outer error is that the job was stopped.
    pub async fn call<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        job: &Job,
    ) -> Result<Result<Answer<T>, ApiError>> {
        let mut retries = Retries::new();
        loop {
            let asked = job.stop_token().run_until_cancelled(self.once(call)).await;
            let error = match asked.ok_or(Error::Aborted)? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            let Some(pause) = retries.pause(&error) else { return Ok(Err(error)) };
            job.stop_token().run_until_cancelled(sleep(pause)).await.ok_or(Error::Aborted)?;
        }
    }
}

/// The part of an envelope that says whether there is a result.
#[derive(Deserialize)]
struct EnvelopeStatus {
    success: bool,
    #[serde(default)]
    errors: Vec<EnvelopeError>,
}

#[derive(Deserialize)]
struct EnvelopeError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

impl EnvelopeStatus {
    fn into_error(self, status: u16, retry_after: Option<Duration>) -> ApiError {
        let first = self.errors.first();
        let hint = first.map_or(Hint::None, |said| Hint::of(&said.message));
        ApiError::Refused { status, code: first.map_or(0, |said| said.code), hint, retry_after }
    }
}

/// Where JSON is broken; never what stands there.
fn shape(error: &serde_json::Error) -> Cause {
    format!("the answer is no JSON of the expected shape at its byte {}", error.column()).into()
}

/// What an answer other than 2xx says.
async fn failed(response: Response<Incoming>) -> ApiError {
    let (status, retry_after, body) = error_answer(response).await;
    match serde_json::from_slice::<EnvelopeStatus>(&body) {
        Ok(verdict) => verdict.into_error(status, retry_after),
        Err(_) => ApiError::Refused { status, code: 0, hint: Hint::None, retry_after },
    }
}

impl From<&ApiError> for Setback {
    fn from(error: &ApiError) -> Self {
        match error {
            ApiError::Network(Failure::Timeout) => Setback::Silent,
            ApiError::Network(Failure::Broken(_)) | ApiError::Foreign(_) | ApiError::Malformed(_) => {
                Setback::Busy(None)
            }
            // Too late for today, whatever the status.
            ApiError::Refused { hint: Hint::Spent, .. } => Setback::Final,
            ApiError::Refused { hint: Hint::Passing | Hint::Exporting, retry_after, .. }
            | ApiError::Refused { status: 408 | 429, retry_after, .. }
            | ApiError::Refused { code: trouble::THROTTLED, retry_after, .. } => Setback::Busy(*retry_after),
            // What SQL is wrong stays wrong, whatever the status.
            ApiError::Refused { status: 500.., code, hint: Hint::None, retry_after } if *code != SQL => {
                Setback::Busy(*retry_after)
            }
            _ => Setback::Final,
        }
    }
}

#[cfg(test)]
mod tests;
