//! ETags: they tell one version of a photo from another, and some are the MD5 of its bytes.

/// An ETag as it is kept: without quotes, and without the mark of a weak one.
pub(crate) fn opaque(etag: &str) -> String {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_owned()
}

/// The MD5 that an ETag is after a plain upload. That of an upload in parts is something else, and a weak one is not of
/// the bytes (RFC 9110, 8.8.1).
pub(crate) fn md5(etag: &str) -> Option<[u8; 16]> {
    let mut md5 = [0; 16];
    hex::decode_to_slice(etag.trim_matches('"'), &mut md5).ok().map(|()| md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_etag_of_32_digits_is_an_md5() {
        let digits = "5d41402abc4b2a76b9719d911017c592";
        assert!(md5(digits).is_some() && md5(&format!("\"{digits}\"")).is_some());
        for other in [format!("W/\"{digits}\""), format!("{digits}-2"), "one".into()] {
            assert_eq!(md5(&other), None, "{other}");
        }
        assert_eq!(opaque(&format!("W/\"{digits}\"")), digits);
    }
}
