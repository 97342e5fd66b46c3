//! The proof that a JPEG holds pixels, and that nothing else left with them.
//!
//! Not a decoder: every byte of every segment is accounted for, so that none can carry a word (ITU-T T.81, annex B;
//! JFIF 1.02).

/// The frame header of three components, 8 bits deep.
const FRAME: usize = 15;
/// The scan header of three components.
const SCAN: usize = 10;

/// Whether the JPEG is one baseline picture with these sides, of one scan: JFIF header, tables, pixels, and not one
/// byte before, between or behind.
pub(super) fn holds_only_pixels(jpeg: &[u8], width: u32, height: u32) -> bool {
    walk(jpeg, width, height).is_some()
}

fn walk(jpeg: &[u8], width: u32, height: u32) -> Option<()> {
    let rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    let (0xe0, header, mut rest) = segment(rest)? else { return None };
    is_jfif(header).then_some(())?;
    let mut frames = 0;
    loop {
        let (marker, content, after) = segment(rest)?;
        rest = after;
        let is_sound = match marker {
            0xdb => is_quantisation(content),
            0xc4 => is_huffman(content),
            0xc0 => {
                frames += 1;
                is_frame(content, width, height)
            }
            0xda => break (frames == 1 && content.len() == SCAN).then_some(())?,
            _ => false,
        };
        is_sound.then_some(())?;
    }
    // In the data of a scan 0xff stands before 0x00 alone; the first other marker is the end, of scan and file.
    let marker = rest.windows(2).position(|pair| matches!(pair, [0xff, code] if *code != 0))?;
    (rest.get(marker..)? == [0xff, 0xd9]).then_some(())
}

/// A segment's marker and content, and what follows it.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([0xff, marker, high, low], rest) = bytes.split_first_chunk()? else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
    let (content, after) = rest.split_at_checked(length)?;
    Some((*marker, content, after))
}

/// Version, units, densities, and a preview of no pixels.
fn is_jfif(content: &[u8]) -> bool {
    matches!(content, [b'J', b'F', b'I', b'F', 0, 1, 0..=2, 0..=2, _, _, _, _, 0, 0])
}

/// Tables of 64 one-byte values, each after the byte that names it.
fn is_quantisation(content: &[u8]) -> bool {
    let mut tables = content.chunks(65);
    !content.is_empty() && tables.all(|table| table.len() == 65 && matches!(table, [0..=3, ..]))
}

/// Tables of sixteen counts and as many values as those add up to.
fn is_huffman(content: &[u8]) -> bool {
    let mut rest = content;
    while let Some((head, values)) = rest.split_first_chunk::<17>() {
        let [class, counts @ ..] = head;
        let count: usize = counts.iter().copied().map(usize::from).sum();
        match values.get(count..) {
            Some(after) if matches!(class, 0..=1 | 0x10..=0x11) && count <= 256 => rest = after,
            _ => return false,
        }
    }
    rest.is_empty() && !content.is_empty()
}

fn is_frame(content: &[u8], width: u32, height: u32) -> bool {
    let &[8, h1, h0, w1, w0, 3, ..] = content else { return false };
    let sides = (u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0])));
    content.len() == FRAME && sides == (width, height)
}
