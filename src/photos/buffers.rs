//! Memory for the bytes of photos, taken back and handed out again.
//!
//! Allocated for each photo anew, by many threads, it costs the system's work on fresh pages and leaves a heap full of
//! holes, which grows with the number of photos.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that wait for their next photo: as many as were ever in use at once.
#[derive(Debug, Clone, Default)]
pub struct Buffers {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    /// An empty buffer with room for `size` bytes.
    pub fn take(&self, size: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let large_enough = free.iter().enumerate().filter(|(_, bytes)| bytes.capacity() >= size);
        let smallest = large_enough.min_by_key(|(_, bytes)| bytes.capacity()).map(|(at, _)| at);
        let bytes = match smallest {
            Some(at) => free.swap_remove(at),
            None => {
                // One of the others goes, so that there are never more.
                free.pop();
                Vec::with_capacity(size)
            }
        };
        Buffer { bytes, home: Some(self.clone()) }
    }
}

/// Bytes in memory, whose room goes back to where it came from.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Option<Buffers>,
}

impl From<Vec<u8>> for Buffer {
    /// For bytes that came from elsewhere.
    fn from(bytes: Vec<u8>) -> Self {
        Buffer { bytes, home: None }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else { return };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        home.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn free(buffers: &Buffers) -> Vec<usize> {
        let mut sizes: Vec<_> = buffers.free.lock().unwrap().iter().map(Vec::capacity).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn the_smallest_that_fits_is_taken_and_comes_back_empty() {
        let buffers = Buffers::default();
        let (mut small, large) = (buffers.take(10), buffers.take(1000));
        small.extend_from_slice(b"private");
        drop((small, large));
        let again = buffers.take(10);
        assert_eq!((again.len(), again.capacity()), (0, 10));
        assert_eq!(free(&buffers), [1000]);
    }

    #[test]
    fn there_are_never_more_than_were_in_use_at_once() {
        let buffers = Buffers::default();
        for size in [10, 1000, 20, 5000, 1] {
            let _two = (buffers.take(size), buffers.take(size));
        }
        assert_eq!(free(&buffers).len(), 2);
    }

    #[test]
    fn bytes_from_elsewhere_go_nowhere() {
        drop(Buffer::from(vec![1, 2, 3]));
    }
}
