//! Lines of SHA256SUMS, as `sha256sum -c` reads them.

use std::borrow::Cow;
use std::io::{self, BufRead};

/// One line, newline included: hex, two spaces, name. A name with a backslash, a newline or a carriage return is
/// escaped and the line begins with a backslash, as GNU coreutils do ("cksum output modes" in their manual).
pub fn checksum_line(name: &str, sha256: &[u8; 32]) -> String {
    let escaped = escape(name);
    let mark = if matches!(escaped, Cow::Owned(_)) { "\\" } else { "" };
    format!("{mark}{}  {escaped}\n", hex::encode(sha256))
}

/// Reads lines of that kind and hands each name with its SHA-256 to `take`, which may refuse it. Whether they were taken
/// and nothing else stands there.
pub fn read_checksums(
    mut text: impl BufRead,
    mut take: impl FnMut(String, [u8; 32]) -> bool,
) -> io::Result<bool> {
    let (mut line, mut is_sound) = (Vec::new(), false);
    while text.read_until(b'\n', &mut line)? > 0 {
        let parsed = line.strip_suffix(b"\n").and_then(|line| parse_line(str::from_utf8(line).ok()?));
        is_sound = parsed.is_some_and(|(name, sha256)| take(name, sha256));
        if !is_sound {
            break;
        }
        line.clear();
    }
    Ok(is_sound)
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

    /// All lines; None where something else stands there.
    fn read(text: &[u8]) -> Option<Vec<(String, [u8; 32])>> {
        let mut lines = Vec::new();
        let is_sound = read_checksums(text, |name, sha256| {
            lines.push((name, sha256));
            true
        });
        is_sound.is_ok_and(|is_sound| is_sound).then_some(lines)
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        for name in ["a", "a\\b\nc\rd", "\\n", "a  b"] {
            let line = checksum_line(name, &[7; 32]);
            assert_eq!(read(line.as_bytes()), Some(vec![(name.to_owned(), [7; 32])]), "{name:?}");
        }
        let two = checksum_line("a", &[0; 32]) + &checksum_line("b", &[1; 32]);
        assert_eq!(read(two.as_bytes()).map(|lines| lines.len()), Some(2));
        for text in ["", "\n", "00  a\n", &format!("{two}\n"), two.trim_end()] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(&[two.as_bytes(), b"\xff\n"].concat()), None);
    }

    #[test]
    fn a_line_may_be_refused() {
        let twice = checksum_line("a", &[0; 32]) + &checksum_line("a", &[1; 32]);
        let mut names = std::collections::HashSet::new();
        assert!(
            read_checksums(twice.as_bytes(), |name, _| names.insert(name)).is_ok_and(|is_sound| !is_sound)
        );
    }
}
