//! Keeps what identifies a person out of a public dump. Pure functions over names and values.

pub mod filter;
