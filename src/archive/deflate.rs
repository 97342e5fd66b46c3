//! Deflates one large entry into a file, in blocks that are compressed side by side.
//!
//! The text is cut into blocks of 256 KiB. Each is compressed on its own, with the 32 KiB before it as a dictionary,
//! and ends on a byte boundary, so that the blocks, one after the other, are one deflate stream (RFC 1951). Where
//! the cuts are depends on the text alone: the bytes are the same at any number of threads. A bounded number of
//! blocks is in memory.

use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use flate2::{Compress, Compression, FlushCompress};
use sha2::{Digest, Sha256};

use super::follow::{Follower, Watch};
use crate::error::{Error, Result};
use crate::job::work_beside;

/// Bytes of text per block. From 128 KiB to 4 MiB the size of the result differs by 0.1 % and the time by nothing that
/// can be measured; small ones take less memory, and leave less of it unused in the allocator.
const BLOCK: usize = 1 << 18;
/// How far back deflate may refer (RFC 1951, section 2).
const WINDOW: usize = 32 * 1024;

/// What a finished deflate stream holds: all that an entry's header needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deflated {
    /// Bytes of the text.
    pub size: u64,
    /// Bytes of the stream.
    pub compressed_size: u64,
    /// CRC-32 of the text.
    pub crc32: u32,
    /// CRC-32 of the stream, which proves that a copy of it is one.
    pub compressed_crc32: u32,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
}

/// Takes text through [`Write`] and writes it deflated into a file. [`Deflater::finish`] ends the stream; dropped
/// before that, the file is left as it is and followers fail.
///
/// A failure of the file surfaces at the next `write` (with the kind of the error that the system gave, so
/// `Error::output` tells a full disk apart) and at `finish`.
pub struct Deflater {
    path: PathBuf,
    block: Vec<u8>,
    previous: Option<Arc<Vec<u8>>>,
    lanes: Option<Lanes>,
    threads: Vec<JoinHandle<()>>,
    watch: Arc<Watch>,
}

/// The ways into the threads; they end when these are closed.
struct Lanes {
    /// Blocks for whichever thread is free.
    work: Sender<Work>,
    /// For each block, in the order of the text, where it will come out. Its capacity bounds the blocks in memory.
    order: Sender<Receiver<Packed>>,
}

struct Work {
    block: Arc<Vec<u8>>,
    previous: Option<Arc<Vec<u8>>>,
    last: bool,
    done: Sender<Packed>,
}

struct Packed {
    block: Arc<Vec<u8>>,
    stream: io::Result<Vec<u8>>,
    crc: crc32fast::Hasher,
    last: bool,
}

impl Deflater {
    /// Starts a stream in `file`, which is empty and lies at `path`. `level` is 0 (stored blocks) to 9; `threads`
    /// compress, at least one, and another writes.
    pub fn new(file: File, path: impl Into<PathBuf>, level: u32, threads: usize) -> Result<Deflater> {
        let threads = threads.max(1);
        let (work, blocks) = bounded(2 * threads);
        let (order, in_order) = bounded(2 * threads);
        let mut deflater = Deflater {
            path: path.into(),
            block: Vec::with_capacity(BLOCK),
            previous: None,
            lanes: Some(Lanes { work, order }),
            threads: Vec::with_capacity(threads + 1),
            watch: Arc::new(Watch::default()),
        };
        for _ in 0..threads {
            let blocks = blocks.clone();
            deflater.spawn("deflate", move || {
                work_beside();
                compress_blocks(&blocks, level);
            })?;
        }
        let watch = Arc::clone(&deflater.watch);
        deflater.spawn("deflate-write", move || watch.end(write_in_order(file, &in_order, &watch)))?;
        Ok(deflater)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A reader of the text as it comes back from the file, which may run in another thread while this goes on.
    pub fn follow(&self) -> Result<Follower> {
        Follower::open(&self.path, Arc::clone(&self.watch))
    }

    /// Ends the stream and waits until all of it is in the file. Fails with `DISK_FULL` or `OUTPUT_UNWRITABLE`.
    pub fn finish(mut self) -> Result<Deflated> {
        // Its failure, if any, is what the watch tells below.
        let _ = self.submit(true);
        self.close();
        self.watch.outcome().map_err(|error| Error::output(&self.path, error))
    }

    fn submit(&mut self, last: bool) -> io::Result<()> {
        let next = Vec::with_capacity(if last { 0 } else { BLOCK });
        let block = Arc::new(mem::replace(&mut self.block, next));
        let previous = self.previous.replace(Arc::clone(&block));
        let (done, packed) = bounded(1);
        let sent = self.lanes.as_ref().is_some_and(|lanes| {
            lanes.order.send(packed).is_ok() && lanes.work.send(Work { block, previous, last, done }).is_ok()
        });
        if sent { Ok(()) } else { Err(self.failure()) }
    }

    /// Why the writing thread has ended though the stream has not.
    fn failure(&mut self) -> io::Error {
        self.close();
        self.watch.outcome().err().unwrap_or_else(|| io::Error::other("the stream has ended"))
    }

    fn close(&mut self) {
        self.lanes = None;
        for thread in self.threads.drain(..) {
            // A panic in it, which cannot be, shows as a stream without an end.
            let _ = thread.join();
        }
        self.watch.end(Err(io::Error::other("the writing of the stream was given up")));
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.into()).spawn(run).map_err(Error::NoThread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Write for Deflater {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let taken = text.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&text[..taken]);
        if self.block.len() == BLOCK {
            self.submit(false)?;
        }
        Ok(taken)
    }

    /// Does nothing: cutting a block short would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        self.close();
    }
}

fn compress_blocks(blocks: &Receiver<Work>, level: u32) {
    for Work { block, previous, last, done } in blocks {
        let stream = compress(&block, previous.as_deref().map(Vec::as_slice), level, last);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&block);
        // Nobody waits for it when writing has failed.
        let _ = done.send(Packed { block, stream, crc, last });
    }
}

/// Deflates one block. A new compressor each time: one that was reset gives slightly other bytes, depending on what
/// it did before, and saves nothing that can be measured.
pub(super) fn compress(block: &[u8], previous: Option<&[u8]>, level: u32, last: bool) -> io::Result<Vec<u8>> {
    let mut deflate = Compress::new(Compression::new(level), false);
    if let Some(previous) = previous {
        deflate.set_dictionary(&previous[previous.len().saturating_sub(WINDOW)..])?;
    }
    // More than the worst case, which is stored blocks with 5 bytes of header each.
    let mut stream = Vec::with_capacity(block.len() + block.len() / 8 + 1024);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    deflate.compress_vec(block, &mut stream, flush)?;
    if deflate.total_in() != block.len() as u64 || stream.len() == stream.capacity() {
        return Err(io::Error::other("deflate did not take a whole block at once"));
    }
    Ok(stream)
}

/// Also hashes the text, which has to be done in its order, and this thread mostly waits.
fn write_in_order(
    mut file: File,
    in_order: &Receiver<Receiver<Packed>>,
    watch: &Watch,
) -> io::Result<Deflated> {
    let (mut size, mut written) = (0, 0);
    let (mut crc, mut stream_crc) = (crc32fast::Hasher::new(), crc32fast::Hasher::new());
    let mut sha = Sha256::new();
    for packed in in_order {
        let packed = packed.recv().map_err(io::Error::other)?;
        let stream = packed.stream?;
        file.write_all(&stream)?;
        written += stream.len() as u64;
        watch.advance(written);
        stream_crc.update(&stream);
        crc.combine(&packed.crc);
        sha.update(packed.block.as_slice());
        size += packed.block.len() as u64;
        if packed.last {
            return Ok(Deflated {
                size,
                compressed_size: written,
                crc32: crc.finalize(),
                compressed_crc32: stream_crc.finalize(),
                sha256: sha.finalize().into(),
            });
        }
    }
    Err(io::Error::other("the writing of the stream was given up"))
}

#[cfg(test)]
mod tests;
