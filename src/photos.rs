//! Where the bytes of photos come from.
//!
//! A [`source`] lists and opens; [`fetch`] reads what it opens, checks it and hands it on in the order it was asked
//! for, with a bounded amount in memory; [`key`] tells what a key alone says. Nothing here knows the database.

pub mod body;
pub mod buffers;
pub mod fetch;
pub mod key;
pub mod s3;
pub mod source;
pub mod thumbnail;
