//! Behaviour of the core on real SQLite files and real archives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod archive;
mod broken;
mod compare;
mod contents;
mod damaged;
mod drill;
mod dump;
mod export_cases;
mod fuzz_corpus;
mod generator;
mod odd;
mod rooms;
mod round_trip;
mod some_tables;
mod two_databases;
mod whole;
