//! What R2 keeps with an object, as its own APIs and miniflare write it in JSON.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::headers::{KEPT, http_metadata};

/// The media type and the other headers that an object is served with; what R2 does not document is left out.
pub(super) fn headers(mut given: Map<String, Value>) -> (Option<String>, Map<String, Value>) {
    let content_type = given.remove("contentType").and_then(|kind| kind.as_str().map(str::to_owned));
    let expiry = given.remove("cacheExpiry").as_ref().and_then(expiry);
    let texts = KEPT.into_iter().filter_map(|(_, member, name)| {
        Some((name.to_owned(), given.remove(member).filter(Value::is_string)?))
    });
    (content_type, http_metadata(texts, expiry))
}

/// Milliseconds in a database, RFC 3339 in an answer.
fn expiry(given: &Value) -> Option<DateTime<Utc>> {
    match given {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc()),
        other => DateTime::from_timestamp_millis(other.as_i64()?),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_a_time_are_one() {
        for expiry in [json!(1_767_323_045_000_i64), json!("2026-01-02T03:04:05Z")] {
            let given = json!({ "contentType": "image/jpeg", "contentLanguage": "en", "cacheControl": "no-cache",
                "cacheExpiry": expiry, "contentEncoding": null, "later": "unknown" });
            let (kind, headers) = super::headers(given.as_object().unwrap().clone());
            assert_eq!(kind.as_deref(), Some("image/jpeg"));
            let expected = json!({ "cache_control": "no-cache", "cache_expiry": "2026-01-02T03:04:05Z",
                "content_language": "en" });
            assert_eq!(Value::Object(headers), expected);
        }
    }
}
