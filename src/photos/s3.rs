//! S3 as R2 and others speak it: requests signed with AWS Signature Version 4, keys sent exactly as they are.
//!
//! Only path-style addresses are used: they work for R2 and for any endpoint without a wildcard certificate.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::utf8_percent_encode;

use crate::error::Result;
use crate::http::{Client, PATH, Reach, SEGMENT};
use crate::secret::Secret;

pub mod listing;
mod trouble;

use trouble::answer;
pub use trouble::{S3Error, refused};

/// The region of every bucket of R2, which most other stores ignore.
pub const REGION: &str = "auto";

/// A bucket and the credentials to it.
#[derive(Debug, Clone)]
pub struct Access {
    /// `https://<account>.r2.cloudflarestorage.com` or any other, also with a path.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key id: half of what opens the bucket, and at R2 the id of the token.
    pub access_key_id: Secret,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Region; R2 has `auto`.
    pub region: String,
}

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    http: Client,
    access: Access,
}

/// One request; the default gets what the bucket says of itself.
#[derive(Clone, Default)]
pub struct Call<'c> {
    /// What is done.
    pub method: Method,
    /// The exact key; None for the bucket itself.
    pub key: Option<&'c str>,
    /// Names and values behind the `?`, not encoded yet.
    pub query: &'c [(&'c str, &'c str)],
    /// Headers beside those of the signature.
    pub headers: &'c [(HeaderName, String)],
    /// What is sent.
    pub body: Bytes,
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
        self.request(Call { key: Some(key), headers: &headers, ..Call::default() }).await
    }

    /// Signs a request and sends it. An answer other than 2xx is an error.
    pub async fn request(&self, call: Call<'_>) -> Result<Response<Incoming>, S3Error> {
        let Call { method, key, query, headers, body } = call;
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
            uri.extend(utf8_percent_encode(name, SEGMENT));
            uri.push('=');
            uri.extend(utf8_percent_encode(value, SEGMENT));
        }
        uri
    }

    fn sign(&self, request: &mut Request<Bytes>) -> Option<()> {
        let Access { access_key_id, secret_access_key, region, .. } = &self.access;
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity =
            Credentials::new(access_key_id.expose(), secret_access_key.expose(), None, None, "options")
                .into();
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
        // It names the access key id.
        request.headers_mut().get_mut(AUTHORIZATION)?.set_sensitive(true);
        Some(())
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
            access_key_id: "hidden-id".to_owned().into(),
            secret_access_key: "hidden".to_owned().into(),
            region: REGION.into(),
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
    fn every_request_is_signed_and_nothing_shows_the_credentials() {
        let bucket = bucket();
        let mut request = Request::get(bucket.uri(Some("a"), &[("x", "1+1")])).body(Bytes::new()).unwrap();
        bucket.sign(&mut request).unwrap();
        assert!(request.headers().contains_key("authorization"));
        assert!(request.headers().contains_key("x-amz-content-sha256"));
        assert!(!format!("{request:?} {:?} {}", bucket.access, bucket.place()).contains("hidden"));
    }
}
