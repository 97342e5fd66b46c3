//! The shapes that identifiers have. A value counts, and a text is searched, by its whole shape alone: words such as
//! `unknown` or `system` have none.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use super::{address, decode};
use crate::platform::identifiers::Class;

/// Characters of the shortest token; an MD5 in hexadecimal.
pub const MIN_TOKEN: usize = 32;
/// Characters of the shortest token without a digit.
const MIN_MIXED_TOKEN: usize = 40;
/// Characters of a UUID with its dashes.
pub const UUID_LEN: usize = 36;
/// Characters of a UUID without its dashes.
pub const BARE_UUID_LEN: usize = 32;
/// Bytes of the longest list of addresses that is read.
const MAX_ADDRESS_LIST: usize = 2048;
/// Characters behind the `user_` of a Clerk id, at least.
const MIN_CLERK_ID: usize = 24;

/// An identifier in its one form, as a number: spellings that mean the same have the same key. In another process it is
/// another.
pub type Key = u64;

/// Random for each process: whoever knew it could make thousands of values that collide in a hash table.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// The class and the key of a value, if the whole of it has a shape.
pub fn identify(value: &str) -> Option<(Class, Key)> {
    let bytes = value.trim().as_bytes();
    if let Some(key) = uuid(bytes).or_else(|| clerk(bytes)) {
        return Some((Class::UserId, key));
    }
    if is_email(bytes) {
        return Some((Class::Email, email(bytes)));
    }
    if let Some(key) = ip(bytes) {
        return Some((Class::IpAddress, key));
    }
    is_token(bytes).then(|| (Class::Token, token(bytes)))
}

/// Hands each address in a list to `found`: of hosts, as proxies pass them on (`203.0.113.9, [2001:db8::1]:443`), when
/// nothing else stands in it; of mail, wherever it stands (`Ann <ann@example.org>`).
pub fn each_address(value: &str, mut found: impl FnMut(&str, Class, Key)) {
    // Nearly every value is a word or a text.
    let may_be_list = value.len() <= MAX_ADDRESS_LIST && value.contains([',', ';', ' ', ':', '[', '<']);
    if !may_be_list {
        return;
    }
    let pieces = || {
        let pieces = value.split(|c: char| c.is_whitespace() || ",;<>\"()".contains(c));
        pieces.filter(|piece| !piece.is_empty())
    };
    let mails = || pieces().map(|piece| piece.strip_prefix("mailto:").unwrap_or(piece));
    for piece in mails().filter(|piece| piece.contains('@')) {
        if is_email(piece.as_bytes()) {
            found(piece, Class::Email, email(piece.as_bytes()));
        }
    }
    if pieces().all(|piece| piece == "unknown" || host(piece).parse::<IpAddr>().is_ok()) {
        for address in pieces().map(host) {
            if let Some(key) = ip(address.as_bytes()) {
                found(address, Class::IpAddress, key);
            }
        }
    }
}

/// An address without its port and brackets.
fn host(piece: &str) -> &str {
    if let Some((address, _)) = piece.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match piece.split_once(':') {
        Some((address, port)) if !port.contains(':') => address,
        _ => piece,
    }
}

/// A UUID with dashes, or with the `_` that names of files and anchors have in their place.
pub fn uuid(bytes: &[u8]) -> Option<Key> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let is_parted_by = |sign: u8| DASHES.iter().all(|&at| bytes[at] == sign);
    if bytes.len() != UUID_LEN || !(is_parted_by(b'-') || is_parted_by(b'_')) {
        return None;
    }
    let mut digits = [0; BARE_UUID_LEN];
    let groups = [0..8, 9..13, 14..18, 19..23, 24..36];
    let mut filled = 0;
    for group in groups {
        digits[filled..filled + group.len()].copy_from_slice(&bytes[group.clone()]);
        filled += group.len();
    }
    bare_uuid(&digits)
}

/// A UUID without dashes.
pub fn bare_uuid(bytes: &[u8]) -> Option<Key> {
    let mut raw = [0; BARE_UUID_LEN / 2];
    decode::hexadecimal_into(bytes, &mut raw).then(|| key(Class::UserId, raw))
}

/// `user_` and 24 or more letters and digits.
pub fn clerk(bytes: &[u8]) -> Option<Key> {
    let (start, id) = bytes.split_at_checked(5)?;
    let fits = start.eq_ignore_ascii_case(b"user_")
        && id.len() >= MIN_CLERK_ID
        && id.iter().all(u8::is_ascii_alphanumeric);
    fits.then(|| key(Class::UserId, bytes.iter().map(u8::to_ascii_lowercase)))
}

/// How many characters of a Clerk id stand at the start of `bytes`, at least; none without one.
pub fn clerk_run(bytes: &[u8]) -> Option<std::ops::RangeInclusive<usize>> {
    let (start, rest) = bytes.split_at_checked(5)?;
    if !start.eq_ignore_ascii_case(b"user_") {
        return None;
    }
    let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    (run >= MIN_CLERK_ID).then_some(5 + MIN_CLERK_ID..=5 + run)
}

/// Whether the whole is one e-mail address.
pub fn is_email(bytes: &[u8]) -> bool {
    let Some(at) = bytes.iter().position(|byte| *byte == b'@') else { return false };
    let (local, domain) = (&bytes[..at], &bytes[at + 1..]);
    !local.is_empty()
        && bytes.len() <= address::MAX_ADDRESS
        && local.iter().all(|byte| is_local(*byte))
        && is_domain(domain)
}

/// The key of an address.
pub fn email(bytes: &[u8]) -> Key {
    key(Class::Email, bytes.iter().map(u8::to_ascii_lowercase))
}

/// The key of what stands behind the `@`.
pub fn domain(bytes: &[u8]) -> Key {
    key(Class::Email, bytes.iter().map(u8::to_ascii_lowercase))
}

/// What may stand before the `@` (RFC 5322 atoms, and letters beyond ASCII, RFC 6531).
pub fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Whether a byte may stand behind the `@` of an e-mail address.
pub fn is_in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || byte == b'-' || byte == b'.'
}

/// Whether these bytes are a domain: two labels or more, the last of letters.
pub fn is_domain(bytes: &[u8]) -> bool {
    let mut labels = bytes.split(|byte| *byte == b'.');
    let fits = |label: &[u8]| !label.is_empty() && label.iter().all(|byte| is_in_domain(*byte));
    let Some(last) = labels.next_back() else { return false };
    let is_top = last.len() >= 2
        && (last.iter().all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
            || last.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--")));
    is_top && labels.clone().next().is_some() && fits(last) && labels.all(fits)
}

/// A network address that is somebody's: not private, not of this machine, not of a group.
pub fn ip(bytes: &[u8]) -> Option<Key> {
    ip_key(str::from_utf8(bytes).ok()?.parse().ok()?)
}

/// The key of a network address that is somebody's, as of [`ip`].
pub fn ip_key(address: IpAddr) -> Option<Key> {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let is_nobodys = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast();
            (!is_nobodys).then(|| key(Class::IpAddress, v4.octets()))
        }
        IpAddr::V6(v6) => {
            let is_nobodys = v6.is_unique_local()
                || v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast();
            (!is_nobodys).then(|| key(Class::IpAddress, v6.octets()))
        }
    }
}

/// Whether the whole is one secret or hash.
pub fn is_token(bytes: &[u8]) -> bool {
    // Words have none, and seldom a capital among forty letters.
    let has = |is_one: fn(&u8) -> bool| bytes.iter().any(is_one);
    let is_random = has(u8::is_ascii_digit)
        || (bytes.len() >= MIN_MIXED_TOKEN && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase));
    is_random && is_run(bytes)
}

/// Whether the whole is as long as a secret, and of its letters.
pub fn is_run(bytes: &[u8]) -> bool {
    let trimmed = bytes.trim_ascii_end().strip_suffix(b"=").unwrap_or(bytes);
    let trimmed = trimmed.strip_suffix(b"=").unwrap_or(trimmed);
    trimmed.len() >= MIN_TOKEN && trimmed.iter().all(|byte| is_in_token(*byte))
}

/// Hexadecimal and base64url, and the letters in which base64 differs.
pub fn is_in_token(byte: u8) -> bool {
    IN_TOKEN[usize::from(byte)]
}

/// A table: every byte of a dump is asked for.
static IN_TOKEN: [bool; 256] = letters_and(b"-_+/");

/// Which bytes are letters or digits of ASCII, or one of these signs.
pub const fn letters_and(signs: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < signs.len() {
        table[signs[at] as usize] = true;
        at += 1;
    }
    table
}

/// The key of a token; padding says nothing.
pub fn token(bytes: &[u8]) -> Key {
    key(Class::Token, bytes.iter().filter(|byte| **byte != b'=').map(u8::to_ascii_lowercase))
}

fn key(class: Class, bytes: impl IntoIterator<Item = u8>) -> Key {
    let mut hasher = SEED.build_hasher();
    hasher.write_u8(class as u8);
    let mut buffer = [0; 64];
    let mut filled = 0;
    for byte in bytes {
        buffer[filled] = byte;
        filled += 1;
        if filled == buffer.len() {
            hasher.write(&buffer);
            filled = 0;
        }
    }
    hasher.write(&buffer[..filled]);
    hasher.finish()
}

#[cfg(test)]
mod tests;
