//! Lines of SHA256SUMS, as `sha256sum -c` reads them.

use std::borrow::Cow;
use std::collections::HashSet;

/// One line, newline included: hex, two spaces, name. A name with a backslash, a newline or a carriage return is
/// escaped and the line begins with a backslash, as GNU coreutils do ("cksum output modes" in their manual).
pub fn checksum_line(name: &str, sha256: &[u8; 32]) -> String {
    let escaped = escape(name);
    let mark = if matches!(escaped, Cow::Owned(_)) { "\\" } else { "" };
    format!("{mark}{}  {escaped}\n", hex::encode(sha256))
}

/// Reads lines of that kind: names with their SHA-256. None when anything else stands there.
pub fn parse_checksums(text: &str) -> Option<Vec<(String, [u8; 32])>> {
    let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').map(parse_line).collect::<Option<_>>()?;
    let mut names = HashSet::new();
    lines.iter().all(|(name, _)| names.insert(name.as_str())).then_some(lines)
}

fn parse_line(line: &str) -> Option<(String, [u8; 32])> {
    let (line, is_escaped) = line.strip_prefix('\\').map_or((line, false), |rest| (rest, true));
    let (digest, name) = line.split_once("  ")?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(digest, &mut sha256).ok()?;
    let name = if is_escaped {
        // Each escape is two characters, so that none is taken for the end of another.
        let mut plain = String::new();
        let mut rest = name.chars();
        while let Some(c) = rest.next() {
            plain.push(match c {
                '\\' => match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    '\\' => '\\',
                    _ => return None,
                },
                c => c,
            });
        }
        plain
    } else {
        name.to_owned()
    };
    (!name.is_empty()).then_some((name, sha256))
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

    #[test]
    fn lines_are_read_as_they_are_written() {
        for name in ["a", "a\\b\nc\rd", "\\n", "a  b"] {
            let line = checksum_line(name, &[7; 32]);
            assert_eq!(parse_checksums(&line), Some(vec![(name.to_owned(), [7; 32])]), "{name:?}");
        }
        let twice = checksum_line("a", &[0; 32]) + &checksum_line("a", &[1; 32]);
        for text in ["", "\n", "00  a\n", &twice, &checksum_line("a", &[0; 32]).replace('\n', "")] {
            assert_eq!(parse_checksums(text), None, "{text:?}");
        }
    }
}
