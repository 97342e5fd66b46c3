//! The body of an object that was uploaded in parts: a file for each.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::job::blocking;
use crate::photos::source::{ByteStream, GetError};

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// The bytes of all these files, in their order. One that goes meanwhile was part of an object that is replaced.
pub(super) fn one_after_the_other(files: Vec<PathBuf>) -> ByteStream {
    stream::iter(files).flat_map(|path| stream::unfold(Part::At(path), next_piece).boxed()).boxed()
}

/// A part of an object that is being read.
enum Part {
    At(PathBuf),
    Open(File),
    Ended,
}

async fn next_piece(part: Part) -> Option<(std::result::Result<Bytes, GetError>, Part)> {
    let read = move || -> io::Result<_> {
        let mut file = match part {
            Part::At(path) => File::open(path)?,
            Part::Open(file) => file,
            Part::Ended => return Ok(None),
        };
        let mut piece = Vec::new();
        (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
        Ok((!piece.is_empty()).then_some((piece, file)))
    };
    match blocking(move || Ok(read())).await {
        Ok(Ok(piece)) => piece.map(|(piece, file)| (Ok(piece.into()), Part::Open(file))),
        // All were there when the first was opened.
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            Some((Err(GetError::ChangedWhileRead), Part::Ended))
        }
        _ => Some((Err(GetError::Unreadable), Part::Ended)),
    }
}
