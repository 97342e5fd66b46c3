#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Read;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::*;

/// Text that deflates about as well as SQL does.
fn text(len: usize) -> Vec<u8> {
    let mut random = Pcg64::seed_from_u64(len as u64);
    let words: Vec<String> = (0..500).map(|_| random.random::<u32>().to_string()).collect();
    let mut text = Vec::with_capacity(len + 16);
    while text.len() < len {
        text.extend_from_slice(words[random.random_range(0..words.len())].as_bytes());
        text.push(b',');
    }
    text.truncate(len);
    text
}

fn deflated(text: &[u8], level: u32, threads: usize) -> (Deflated, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let mut deflater = Deflater::new(File::create(&path).unwrap(), &path, level, threads).unwrap();
    // In pieces of odd sizes: where a caller's writes end must not matter.
    text.chunks(77_777 * threads).for_each(|piece| deflater.write_all(piece).unwrap());
    (deflater.finish().unwrap(), fs::read(&path).unwrap())
}

fn inflated(stream: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut inflate = flate2::bufread::DeflateDecoder::new(stream);
    inflate.read_to_end(&mut text).unwrap();
    assert_eq!(inflate.total_in(), stream.len() as u64, "nothing may follow the stream");
    text
}

#[test]
fn what_went_in_comes_out_at_any_length_and_level() {
    for len in [0, 1, WINDOW, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
        for level in [0, 1, 5, 9] {
            let text = text(len);
            let (sums, stream) = deflated(&text, level, 2);
            assert_eq!(inflated(&stream), text, "{len} at level {level}");
            let expected = Deflated {
                size: len as u64,
                compressed_size: stream.len() as u64,
                crc32: crc32fast::hash(&text),
                compressed_crc32: crc32fast::hash(&stream),
                sha256: Sha256::digest(&text).into(),
            };
            assert_eq!(sums, expected);
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let text = text(9 * BLOCK + 4321);
    for level in [0, 5, 6] {
        let one = deflated(&text, level, 1);
        for threads in [2, 5, 2] {
            assert!(deflated(&text, level, threads) == one, "{threads} threads at level {level}");
        }
    }
}

#[test]
fn blocks_refer_back_to_the_text_before_them() {
    let text = text(4 * BLOCK);
    let (sums, _) = deflated(&text, 5, 2);
    let alone: usize = text.chunks(BLOCK).map(|block| compress(block, None, 5, true).unwrap().len()).sum();
    assert!(sums.compressed_size < alone as u64);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_surfaces_as_such_at_write_and_at_finish() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut short = Deflater::new(full(), "/dev/full", 5, 2).unwrap();
    short.write_all(b"fits into memory").unwrap();
    assert_eq!(short.finish().unwrap_err().code(), "DISK_FULL");

    let mut long = Deflater::new(full(), "/dev/full", 5, 2).unwrap();
    let block = text(BLOCK);
    let error = (0..100).find_map(|_| long.write_all(&block).err()).unwrap();
    assert_eq!(Error::output(long.path(), error).code(), "DISK_FULL");
    assert_eq!(long.write(b"more").unwrap(), 4);
    assert_eq!(long.finish().unwrap_err().code(), "DISK_FULL");
}
