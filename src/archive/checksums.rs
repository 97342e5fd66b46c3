//! Lines of SHA256SUMS, as `sha256sum -c` reads them.

use std::borrow::Cow;

/// One line, newline included: hex, two spaces, name. A name with a backslash, a newline or a carriage return is
/// escaped and the line begins with a backslash, as GNU coreutils do ("cksum output modes" in their manual).
pub fn checksum_line(name: &str, sha256: &[u8; 32]) -> String {
    let escaped = escape(name);
    let mark = if matches!(escaped, Cow::Owned(_)) { "\\" } else { "" };
    format!("{mark}{}  {escaped}\n", hex::encode(sha256))
}

fn escape(name: &str) -> Cow<'_, str> {
    if !name.contains(['\\', '\n', '\r']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stand_as_they_are() {
        let zeros = "0".repeat(64);
        assert_eq!(checksum_line("a b/ü.jpg", &[0; 32]), format!("{zeros}  a b/ü.jpg\n"));
    }

    #[test]
    fn names_that_would_break_the_line_are_escaped() {
        let zeros = "0".repeat(64);
        assert_eq!(checksum_line("a\\b\nc\rd", &[0; 32]), format!("\\{zeros}  a\\\\b\\nc\\rd\n"));
    }
}
