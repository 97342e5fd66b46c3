//! The files of a public dump: records, tags, schemas, and what a reader needs to use and cite them.
//!
//! Everything here takes its field names from [`crate::platform::fields::files`].

pub mod changes;
pub mod citation;
pub mod package;
pub mod readme;
pub mod record;
pub mod schemas;
pub mod tag_index;

/// The legal code of CC0 1.0, taken from a crate of licence texts when this was built.
pub const CC0: &str = include_str!(concat!(env!("OUT_DIR"), "/CC0-1.0.txt"));

/// What it is called in the archive.
pub const LICENSE: &str = "LICENSE.txt";
