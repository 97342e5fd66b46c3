//! Keeps what identifies a person out of a public dump. Pure functions over names and values.

pub mod filter;
pub mod redact;
pub mod scan;
pub mod values;

mod address;
mod decode;
mod find;
mod shape;
