//! What lies at Cloudflare: an account, and a token that may read in it.

use super::checks::{credential, id, web_address};
use crate::cloudflare::{API, Access};
use crate::error::Result;
use crate::secret::Secret;

/// An account at Cloudflare.
#[derive(Debug, Clone, Default)]
pub struct AccountOptions {
    /// The account's id.
    pub account_id: String,
    /// An API token that may read.
    pub api_token: Secret,
    /// The API's base; default Cloudflare's own.
    pub api_url: Option<String>,
}

impl AccountOptions {
    /// Fails when a request could not even be made. `option` is what holds the account, such as `database.d1`.
    pub(super) fn check(self, option: &str) -> Result<Access> {
        let api = match self.api_url {
            None => API.to_owned(),
            Some(url) => {
                web_address(&format!("{option}.apiUrl"), &url)?.as_str().trim_end_matches('/').to_owned()
            }
        };
        Ok(Access {
            api,
            account_id: id(&format!("{option}.accountId"), self.account_id)?,
            token: credential(&format!("{option}.apiToken"), self.api_token.expose())?.into(),
        })
    }
}
