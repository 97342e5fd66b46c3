//! Bytes written as digits: hexadecimal and base64.

/// Hexadecimal from its first digit on; an odd one at the end is left out.
pub fn hexadecimal(digits: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend(digits.chunks_exact(2).map_while(hex_byte));
}

/// Fills `bytes` from hexadecimal; whether there are just as many digits, and nothing else.
pub fn hexadecimal_into(digits: &[u8], bytes: &mut [u8]) -> bool {
    // Gathered and asked for once: a branch for each digit takes several times as long.
    let mut all = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| DIGITS[usize::from(digit)]);
        all |= high | low;
        *byte = (high << 4) | (low & 15);
    }
    digits.len() == 2 * bytes.len() && all < 16
}

/// The byte that two hexadecimal digits spell.
pub(super) fn hex_byte(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let [high, low] = [high, low].map(|digit| DIGITS[usize::from(*digit)]);
    ((high | low) < 16).then_some((high << 4) | low)
}

/// What each hexadecimal digit stands for; more than 15 for what is none.
static DIGITS: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        table[digit as usize] = value;
        table[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};

/// Base64 of either alphabet from its first character on, padding left out. What is left at the end counts as far as
/// it makes whole bytes.
pub fn base64(text: &[u8], bytes: &mut Vec<u8>) {
    let sextet = |byte: &u8| u32::from(SEXTETS[usize::from(*byte)]);
    let mut groups = text.chunks_exact(4);
    for group in &mut groups {
        let bits = group.iter().fold(0, |bits, byte| (bits << 6) | sextet(byte));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    let rest = groups.remainder();
    let bits = rest.iter().fold(0, |bits, byte| (bits << 6) | sextet(byte)) << (6 * (4 - rest.len()));
    bytes.extend_from_slice(&bits.to_be_bytes()[1..][..rest.len() * 3 / 4]);
}

/// The offsets, of four, at which the text may be base64 of ASCII: any six bytes of it have two first, two second and two
/// third bytes of groups in a row, and none has its highest bit set. Nearly no word has such. Of other letters, any may
/// be.
pub fn offsets_of_base64(text: &[u8], is_ascii: bool) -> impl Iterator<Item = usize> + use<> {
    // For each place among four, what is clear in a character there and in the fourth behind it.
    let mut clear = [0; 4];
    for (at, (one, next)) in text.iter().zip(text.iter().skip(4)).enumerate() {
        clear[at % 4] |= CLEAR[usize::from(*one)] & CLEAR[usize::from(*next)];
    }
    let may_be = move |offset: &usize| (0..3).all(|byte| clear[(offset + byte) % 4] & (1 << byte) != 0);
    (0..4).filter(move |offset| !is_ascii || may_be(offset))
}

/// Of which bytes of a group the highest bit is not set, where a character is the one that has it: the first has that of
/// the first byte, the second and the third have those of the others.
static CLEAR: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let sextet = SEXTETS[byte];
        table[byte] =
            (sextet & 32 == 0) as u8 | ((sextet & 8 == 0) as u8) << 1 | ((sextet & 2 == 0) as u8) << 2;
        byte += 1;
    }
    table
};

/// What each letter of the two alphabets stands for (RFC 4648, 4 and 5).
static SEXTETS: [u8; 256] = {
    let mut table = [63; 256];
    let mut value = 0;
    while value < 62 {
        let letter = match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            _ => b'0' + value - 52,
        };
        table[letter as usize] = value;
        value += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table
};
