//! A first look at a text: which signs it has that tell where something is to be looked for.

/// Bytes of the longest text that is looked at. In longer ones each search finds its sign as fast by itself.
const MAX_TEXT: usize = 256;
/// What may begin a spelling of something else, and the end of a line: any of them.
const SPELLING: u8 = 16;

/// The signs that a text may have. Most texts are names and words that have none: one look spares ten.
#[derive(Clone, Copy)]
pub(super) struct Signs(u8);

impl Signs {
    /// Those of a text; all of a long one.
    pub(super) fn of(text: &[u8]) -> Signs {
        match text.len() > MAX_TEXT {
            true => Signs(u8::MAX),
            false => Signs(text.iter().fold(0, |signs, byte| signs | SIGNS[usize::from(*byte)])),
        }
    }

    /// Whether `sign`, one of `@_.:`, is among them.
    pub(super) fn have(self, sign: u8) -> bool {
        self.0 & SIGNS[usize::from(sign)] != 0
    }

    /// Whether anything may be spelled in other ways than by itself.
    pub(super) fn have_spelling(self) -> bool {
        self.0 & SPELLING != 0
    }
}

/// What each byte counts for.
static SIGNS: [u8; 256] = {
    let mut table = [0; 256];
    table[b'@' as usize] = 1;
    table[b'_' as usize] = 2;
    table[b'.' as usize] = 4;
    table[b':' as usize] = 8;
    let mut byte = 0;
    while byte < 256 {
        let sign = byte as u8;
        if !sign.is_ascii() || sign.is_ascii_control() || matches!(sign, b'%' | b'&' | b'<' | b'\\') {
            table[byte] = SPELLING;
        }
        byte += 1;
    }
    table
};
