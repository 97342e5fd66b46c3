//! Network addresses in text.

use std::net::Ipv4Addr;
use std::ops::{ControlFlow, Range};

use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

use super::super::shape;
use super::{Layer, Search};

/// Characters of the longest IPv6 address.
const MAX_IPV6: usize = 45;
/// Digits of a group of one, at most.
const MAX_GROUP: usize = 4;

impl Search<'_, '_> {
    /// Four numbers between dots, wherever in a run of them.
    pub(super) fn ipv4(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
        let mut from = 0;
        // Most runs are words; the dot tells.
        while let Some(dot) = memchr(b'.', &text[from..]).map(|at| from + at) {
            let start = dot - text[from..dot].iter().rev().take_while(is_part).count();
            let end = dot + text[dot..].iter().take_while(is_part).count();
            from = end;
            let run = &text[start..end];
            // Nearly all of the rest are decimal numbers.
            if memchr_iter(b'.', run).count() < 3 {
                continue;
            }
            // Zeros before a number change nothing.
            let number = |group: &Range<usize>| str::from_utf8(&run[group.clone()]).ok()?.parse().ok();
            for four in groups(run, b'.').windows(4) {
                let [Some(a), Some(b), Some(c), Some(d)] = [0, 1, 2, 3].map(|at| number(&four[at])) else {
                    continue;
                };
                if let Some(key) = shape::ip_key(Ipv4Addr::new(a, b, c, d).into()) {
                    self.look_up(key, start + four[0].start..start + four[3].end, layer)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Groups between colons, wherever in a run of them.
    pub(super) fn ipv6(&mut self, text: &[u8], layer: Layer<'_>) -> ControlFlow<()> {
        let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
        let mut from = 0;
        // Most runs are words; the colon tells.
        while let Some(colon) = memchr(b':', &text[from..]).map(|at| from + at) {
            let start = colon - text[from..colon].iter().rev().take_while(|byte| is_part(**byte)).count();
            let end = colon + text[colon..].iter().take_while(|byte| is_part(**byte)).count();
            from = end;
            let run = &text[start..end];
            let colons = memchr_iter(b':', run).count();
            if colons < 2 || (colons < 6 && memchr::memmem::find(run, b"::").is_none()) {
                continue;
            }
            for first in (0..run.len()).filter(|at| may_begin(run, *at)) {
                for length in ipv6_lengths(&run[first..]) {
                    if let Some(key) = shape::ip(&run[first..first + length]) {
                        self.look_up(key, start + first..start + first + length, layer)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether an IPv6 address may begin at `at`: where a group does, or within one that is too long because letters of a
/// word before it look like digits (`added2001:db8::1`).
fn may_begin(run: &[u8], at: usize) -> bool {
    let is_first = at == 0 || run[at] == b':' || is_separator(run[at - 1]);
    let before = || run[..at].iter().rev().take(MAX_GROUP).take_while(|byte| !is_separator(**byte)).count();
    is_first || {
        let left = digits(&run[at..]);
        left <= MAX_GROUP && before() + left > MAX_GROUP
    }
}

/// How many digits `run` begins with, as far as there may be in a group, and one more.
fn digits(run: &[u8]) -> usize {
    run.iter().take(MAX_GROUP + 1).take_while(|byte| !is_separator(**byte)).count()
}

/// What parts the groups of an IPv6 address.
fn is_separator(byte: u8) -> bool {
    byte == b':' || byte == b'.'
}

/// How long an IPv6 address may be that begins where `run` does: seven colons, or fewer with two of them in one place,
/// the last group perhaps written as IPv4, or too long because a word goes on behind it. A run may be as long as a text,
/// and all of it colons.
pub(super) fn ipv6_lengths(run: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let mut lengths = SmallVec::<[usize; 16]>::new();
    let (mut colons, mut is_short, mut in_a_row, mut in_group) = (0, false, 0, 0);
    for (at, byte) in run.iter().enumerate().take(MAX_IPV6) {
        if *byte == b':' {
            colons += 1;
            in_a_row += 1;
        } else {
            in_a_row = 0;
        }
        if in_a_row > 2 || (in_a_row == 2 && is_short) || colons > 8 {
            break;
        }
        is_short |= in_a_row == 2;
        in_group = if is_separator(*byte) { 0 } else { in_group + 1 };
        if in_group > MAX_GROUP {
            break;
        }
        let left = digits(run.get(at + 1..).unwrap_or_default());
        let is_too_long = in_group > 0 && in_group + left > MAX_GROUP;
        let ends_here = left == 0 || *byte == b':' || is_too_long;
        if ends_here && (is_short || colons >= 6) {
            lengths.push(at + 1);
        }
    }
    lengths.into_iter()
}

/// What stands between the separators, empty groups too.
fn groups(run: &[u8], separator: u8) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = memchr_iter(separator, run).chain([run.len()]);
    ends.map(|end| std::mem::replace(&mut start, end + 1)..end).collect()
}
