//! The public data dump: every approved work, and nothing about anybody.

pub mod photos;
pub mod thumbnails;
