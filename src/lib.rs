//! Backups of the Cultural Archiver that restore.
//!
//! A *backup* is one private ZIP: the whole database as SQL that loads everywhere, the photos, an index, checksums
//! and the result of a restore drill. It gets its name only after all of it was read back. A *data dump* is one public
//! ZIP (CC0): approved works, their creators and tags as JSON, and thumbnails made anew; nothing about any person is in
//! it.
//!
//! The rooms, in the order they may import one another: [`error`] and [`job`], with [`http`], [`retry`],
//! [`cloudflare`], [`secret`], [`seal`], [`flush`], [`folder`], [`wrangler`], [`private_file`] and [`sqlite`], then
//! [`database`] (rows), [`photos`] (bytes) and [`archive`] (the ZIP), which do not know each other; [`platform`] knows
//! what the Cultural Archiver means by its rows; [`privacy`] keeps people out of a public dump, whose files are
//! [`dataset`]'s; [`formats`] is what stands in the JSON of both; [`options`], [`run`] and [`inputs`] are what the verbs
//! share; [`backup`], [`data_dump`], [`verify`] and [`restore`] tell the stories. Node is met in `node` alone, behind
//! the feature of that name.

pub mod archive;
pub mod backup;
pub mod cloudflare;
pub mod data_dump;
pub mod database;
pub mod dataset;
pub mod error;
pub mod flush;
pub mod folder;
pub mod formats;
pub mod http;
pub mod inputs;
pub mod job;
// Unit tests run without Node, and napi registers nothing there.
#[cfg(all(feature = "node", not(test)))]
mod node;
pub mod options;
pub mod photos;
pub mod platform;
pub mod privacy;
pub mod private_file;
pub mod restore;
pub mod retry;
pub mod run;
pub mod seal;
pub mod secret;
pub mod sqlite;
pub mod verify;
pub mod wrangler;
