//! A D1 database at Cloudflare, read over its query API. Nothing is ever written there, and its export is never
//! called: that stops the database, rounds integers, and fails with virtual tables.
//!
//! What comes over is made into an SQL script, and the script is loaded like any other: rows as cells that lose
//! nothing, virtual tables by their schema and the tables behind them, verbatim. A live site writes meanwhile; how
//! what is read is one state all the same, `consistent` tells.

use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::Snapshot;
use crate::cloudflare::{Access, Cloudflare};
use crate::error::{Error, Result};
use crate::job::{Job, Phase, Warning};

mod cell;
mod consistent;
mod held;
mod long;
mod query;
mod script;
mod select;

use consistent::Reading;
use query::Database;
use script::Layout;

/// A database of an account.
#[derive(Debug, Clone)]
pub struct D1 {
    /// The account and the token, which needs the permission "D1: Read".
    pub access: Access,
    /// The database's id: one part of a path.
    pub database_id: String,
}

impl D1 {
    /// What a message calls it.
    fn origin(&self) -> PathBuf {
        format!("D1 {}", self.database_id).into()
    }
}

/// Takes one state of the database over the network. Blocks; has to be called on a thread of a Tokio runtime that may
/// block. What is read waits in private files in `work`.
///
/// Fails with `DATABASE_NOT_FOUND` if the account has no such database, with `SOURCE_REFUSED` if the token may not read
/// it, with `SOURCE_UNREACHABLE` if it does not answer, with `SOURCE_CHANGED` if no single state of it could be had;
/// and as [`sql::open`](super::sql::open) does, since what was read is loaded as a script.
pub fn open(d1: &D1, work: &Path, job: &Job) -> Result<Snapshot> {
    let runtime = Handle::try_current()
        .map_err(|_| Error::Internal { problem: "D1 was asked for outside of a runtime".into() })?;
    runtime.block_on(take(d1, work, job))
}

async fn take(d1: &D1, work: &Path, job: &Job) -> Result<Snapshot> {
    let origin = d1.origin();
    let meter = job.meter(Phase::Snapshot, None, None);
    let database = Database::new(Cloudflare::new(d1.access.clone())?, &d1.database_id, job);
    let (objects, size) = database.schema().await?;
    let layout = Layout::of(objects, &origin, work, job)?;
    let signed_zero = database.tells_zeros_apart().await?;
    let held = Reading::new(&database, &layout, signed_zero, work, &meter)?.take(size).await?;
    let copy = layout.load(&held, &origin, work, job)?;
    meter.finish();
    let mut snapshot = Snapshot::from_copy(copy, "d1", &origin)?;
    if !signed_zero {
        let message = "this database cannot tell the number -0.0 from 0.0 (it lacks SQL's atan2): where one was, the \
                       backup has 0.0; everything else is exact";
        snapshot.warnings.push(Warning::new("ZEROS_WITHOUT_SIGN", message));
    }
    Ok(snapshot)
}
