#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn header(size: u64, compressed_size: u64, offset: u64) -> Header<'static> {
    let modified = "2026-01-02T03:04:05Z".parse().unwrap();
    Header { name: "a", method: Method::Deflated, modified, crc32: 0, compressed_size, size, offset }
}

fn central(header: &Header<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    header.put_central(&mut out);
    out
}

#[test]
fn zip64_fields_stand_only_where_a_value_does_not_fit() {
    let (fits, large) = (0xffff_fffe, 0xffff_ffff);
    for (sizes_and_offset, local, directory) in [
        ([fits, fits, fits], 0, 0),
        ([large, fits, fits], 20, 12),
        ([fits, large, fits], 20, 12),
        ([fits, fits, large], 0, 12),
        ([large, large, large], 20, 28),
    ] {
        let [size, compressed_size, offset] = sizes_and_offset;
        let header = header(size, compressed_size, offset);
        assert_eq!(header.local().len(), LOCAL_LEN + 1 + local, "{sizes_and_offset:?}");
        assert_eq!(central(&header).len(), CENTRAL_LEN + 1 + directory, "{sizes_and_offset:?}");
    }
}

#[test]
fn the_directory_is_found_again_in_its_end_records() {
    let (fits, large) = (0xffff_fffe, 0xffff_ffff);
    for (entries, start, size, zip64) in [
        (0, 0, 0, false),
        (65_534, fits, fits, false),
        (65_535, 5, 6, true),
        (70_000, 5, 6, true),
        (7, large, 6, true),
        (7, 5, large, true),
    ] {
        let directory = Directory { entries, start, size };
        let zip64_end = directory.zip64_end();
        assert_eq!(zip64_end.len(), if zip64 { ZIP64_END_LEN } else { 0 });
        let end = directory.end(&"0".repeat(64));
        assert_eq!(end.len(), END_LEN);
        assert_eq!(Directory::parse(&zip64_end, &end), Some(directory));
        assert_eq!(Directory::parse(&[], &end), (!zip64).then_some(directory));
    }
}

#[test]
fn dates_that_zip_cannot_hold_become_the_nearest_that_it_can() {
    let dos = |text: &str| dos_date_time(text.parse().unwrap());
    assert_eq!(dos("2026-01-02T03:04:05Z"), (46 << 9 | 1 << 5 | 2, 3 << 11 | 4 << 5 | 2));
    assert_eq!(dos("1979-12-31T23:59:59Z"), dos("1980-01-01T00:00:00Z"));
    assert_eq!(dos("2108-01-01T00:00:00Z"), dos("2107-12-31T23:59:59Z"));
}

#[test]
fn only_names_beyond_ascii_are_marked_as_utf8() {
    let flags = |name| Header { name, ..header(0, 0, 0) }.local()[6..8].to_vec();
    assert_eq!(flags("a.jpg"), [0, 0]);
    assert_eq!(flags("ü.jpg"), [0, 8]);
}
