//! What Cloudflare's words mean, and what to do about them.

use super::ApiError;
use crate::error::Error;
use crate::http::Failure;

/// "Please wait and consider throttling your request speed."
pub(super) const THROTTLED: i64 = 971;

/// What the text of an error says. The text itself is not kept: it may quote what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Nothing that is known.
    None,
    /// It passes: ask again.
    Passing,
    /// An export runs, and the database answers nobody until it ends.
    Exporting,
    /// Less has to be asked for at once.
    TooMuch,
    /// Nothing more is answered on this day.
    Spent,
}

/// Parts of messages, and what they mean; the first that fits counts. See
/// <https://developers.cloudflare.com/d1/observability/debug-d1/>.
const KNOWN: [(&str, Hint); 16] = [
    ("free tier daily", Hint::Spent),
    ("long-running export", Hint::Exporting),
    ("exceeded its memory limit", Hint::TooMuch),
    ("exceeded its CPU time limit", Hint::TooMuch),
    ("storage operation exceeded timeout", Hint::TooMuch),
    ("SQLITE_TOOBIG", Hint::TooMuch),
    ("string or blob too big", Hint::TooMuch),
    ("reset because its code was updated", Hint::Passing),
    ("starting up D1 DB storage caused object to be reset", Hint::Passing),
    ("Network connection lost", Hint::Passing),
    ("Internal error in D1 DB storage", Hint::Passing),
    ("transient issue on remote node", Hint::Passing),
    ("client disconnected", Hint::Passing),
    ("D1 DB is overloaded", Hint::Passing),
    ("Too many requests queued", Hint::Passing),
    ("internal error", Hint::Passing),
];

impl Hint {
    /// What a text says.
    pub fn of(message: &str) -> Self {
        KNOWN.iter().find(|(part, _)| message.contains(part)).map_or(Hint::None, |(_, hint)| *hint)
    }
}

/// An error of the whole source, in words that say what to do. `permission` is what the token needs.
pub fn refused(what: String, permission: &str, error: ApiError) -> Error {
    let (status, code, hint) = match &error {
        ApiError::Refused { status, code, hint, .. } => (*status, *code, *hint),
        ApiError::TooLarge => (0, 0, Hint::TooMuch),
        ApiError::Network(_) | ApiError::Foreign(_) | ApiError::Malformed(_) | ApiError::Request => {
            (0, 0, Hint::None)
        }
    };
    // 6003 is said of a token of a shape that no token has, with status 400.
    let denied = hint != Hint::Spent
        && (matches!(code, 10000 | 9109 | 7403 | 6003) || status == 401 || (status == 403 && code != 0));
    let problem = match (status, code, hint) {
        (_, 7403, _) => "the account id is not one that the token may use; check both".into(),
        (_, _, Hint::Spent) => {
            "its account has read as much as the free plan allows in a day; try again after midnight UTC, or with a paid \
             plan"
                .into()
        }
        _ if denied => format!("check that the API token is whole, not expired, and has the permission {permission}"),
        // Cloudflare gives a code with every 403 and 404, and never redirects.
        _ if matches!(error, ApiError::Foreign(_)) || matches!((status, code), (300..400 | 403 | 404, 0)) => {
            "something else answers in its place, such as a firewall, a gateway or the login page of a network; open any \
             page in a browser, check apiUrl, then try again"
                .into()
        }
        (404, ..) | (_, 7003, _) => "there is no such thing in that account; check the ids".into(),
        (_, _, Hint::Exporting) => {
            "an export of the database is running, and until it ends the database answers nobody; try again later"
                .into()
        }
        (_, _, Hint::TooMuch) => "it gives up on even small parts of this; try again at a quiet time".into(),
        (429, ..) | (_, THROTTLED, _) => {
            "too many requests were made with this account in the last minutes; try again in five minutes".into()
        }
        _ if let ApiError::Network(Failure::Untrusted(why)) = &error => why.to_string(),
        _ if matches!(error, ApiError::Network(Failure::Timeout)) => {
            "it does not answer in time; check the network, then try again".into()
        }
        _ if matches!(error, ApiError::Malformed(_)) => {
            "its answers are not of the shape that its API describes; check apiUrl, then try again".into()
        }
        (0, ..) => "check the network, then try again".to_owned(),
        _ if error.is_of_sql() => "it does not take the SQL that reads it; was it just migrated? Try again".into(),
        (500.., ..) => "it is overloaded or down; try again later".into(),
        _ => format!("it does not understand the request (status {status}, code {code})"),
    };
    match denied {
        true => Error::SourceRefused { what, problem, source: Some(error.into()) },
        false => Error::SourceUnreachable { what, problem, source: Some(error.into()) },
    }
}
