//! A D1 database as `wrangler dev` keeps it on this machine, also while it runs.

use std::path::Path;

use super::{Snapshot, file};
use crate::error::{Error, Result};
use crate::job::Job;
use crate::wrangler::{database_file, neighbours};

/// Takes a snapshot of the database with this id in wrangler's state.
///
/// Fails as [`file::open`] does; `DATABASE_NOT_FOUND` names the path, the id, and which databases lie there instead.
pub fn open(state: &Path, id: &str, work: &Path, job: &Job) -> Result<Snapshot> {
    let path = database_file(state, id);
    if !path.is_file() {
        let others = match neighbours(&path).as_slice() {
            [] if !state.is_dir() => format!("there is no wrangler state in {}", state.display()),
            [] => "there is no database at all".into(),
            names => format!("there are others: {}", names.join(", ")),
        };
        return Err(Error::DatabaseNotFound {
            path,
            hint: format!(
                "this is where wrangler keeps the database with the id {id}, and {others}; check the id and the \
                 folder of the state, and run `wrangler dev` once so that the database is made"
            ),
        });
    }
    file::open(&path, work, job).map(|snapshot| snapshot.of_kind("wrangler"))
}
