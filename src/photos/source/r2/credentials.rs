//! Credentials for S3 that an API token stands for: its id, and the SHA-256 of its value.
//! (<https://developers.cloudflare.com/r2/api/tokens/>)

use http::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cloudflare::{Access, ApiError, Call, Cloudflare};
use crate::error::Result;
use crate::job::Job;
use crate::secret::Secret;

/// An answer is a few lines.
const MAX_ANSWER: usize = 64 << 10;

/// What S3 takes: both together read the bucket.
pub(super) struct Derived {
    pub(super) access_key_id: Secret,
    pub(super) secret_access_key: Secret,
}

#[derive(Deserialize)]
struct Token {
    id: String,
}

/// Asks for the id of the token, as a token of a user and then of the account. None when neither is known: it may be
/// good for the REST API all the same.
pub(super) async fn derive(client: &Cloudflare, access: &Access, job: &Job) -> Result<Option<Derived>> {
    for path in ["user/tokens/verify".to_owned(), client.in_account("tokens/verify")] {
        let call = Call { method: Method::GET, path: &path, body: bytes::Bytes::new(), limit: MAX_ANSWER };
        match client.call::<Token>(&call, job).await? {
            Ok(answer) => return Ok(Derived::of(answer.result.id, access)),
            Err(ApiError::Refused { status: 400..500, .. }) => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

impl Derived {
    /// None when the id is none: it becomes part of a header.
    fn of(id: String, access: &Access) -> Option<Self> {
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let secret_access_key = hex::encode(Sha256::digest(access.token.expose())).into();
        is_id.then_some(Derived { access_key_id: id.into(), secret_access_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::API;

    #[test]
    fn the_secret_is_the_hash_of_the_token() {
        let token = "example-token-value".to_owned().into();
        let access = Access { api: API.into(), account_id: "a".into(), token };
        let derived = Derived::of("0a1b2c".into(), &access);
        let pair = derived.map(|derived| {
            [derived.access_key_id, derived.secret_access_key].map(|half| half.expose().to_owned())
        });
        let secret = "2d38400385ce4bd5280b72ae6c99e3d821c1fe3a53ab9887c59e4d58bbee60d9";
        assert_eq!(pair, Some(["0a1b2c".into(), secret.into()]));
        assert!(Derived::of("a\r\nb".into(), &access).is_none());
    }
}
