//! The ZIP: a private folder to work in, the writer, names that are safe everywhere, checksums, and the reader.
//!
//! What always holds:
//! - Nobody ever sees half an archive: it is written inside a [`Workspace`], flushed, read back whole, and only then
//!   given its name, in one step that cannot replace another file unnoticed.
//! - Every byte before the end-of-central-directory record is covered by the SHA-256 in the archive's comment, and
//!   that record itself follows from those bytes, so [`Archive::open`] finds any altered bit.
//! - The same entries, instant and level give the same bytes, at any number of threads.
//! - Memory does not grow with the size of an entry, only (slightly) with the number of entries.
//!
//! The container is written here rather than by a crate: none that is kept takes bytes that are deflated already,
//! with sizes that are known, and writes them without a data descriptor (which readers that stream, such as Java's
//! `ZipInputStream`, cannot take for stored entries) and without `unsafe`. `zip` 9 has no safe way in for foreign
//! bytes; `rawzip` always writes data descriptors. For reading, `zip` serves well.

mod central;
mod checksums;
mod contents;
mod deflate;
mod end;
mod finish;
mod follow;
mod format;
mod made_folders;
mod names;
mod publish;
mod read_back;
mod reader;
mod room;
mod survey;
mod sweep;
mod tape;
mod workspace;
mod writer;

pub use checksums::read_checksums;
pub use contents::EntryContents;
pub use deflate::{Deflated, Deflater};
pub use finish::FinishedArchive;
pub use follow::Follower;
pub use format::check_readable;
pub use names::{EntryNames, MAX_SEGMENT, ORIGINALS, THUMBNAILS, fold, is_place_of, is_portable_segment};
pub use publish::take_name;
pub use reader::{Archive, StoredEntry, too_long};
pub use room::{ensure_space, preflight};
pub use survey::{Severity, Survey, SurveyedEntry};
pub use workspace::Workspace;
pub use writer::{ArchiveWriter, Stored};
