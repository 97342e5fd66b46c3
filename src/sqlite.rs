//! SQLite files as they lie on a disk, whatever is in them: found, read without a trace, copied while they live, and
//! what is wrong with one that cannot be read.
//!
//! The rows of a database are in such a file, and so is what a local bucket knows of its objects.

use std::path::Path;
use std::time::Duration;

use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::private_file;

mod copy;
mod place;
pub mod trouble;
mod wal;

pub use copy::Copier;
pub use place::{Place, Trace, identity, trace, with_ending};
pub use wal::{Traces, has_lone_wal, lacks_wal};

/// How long a database is waited for that another process, such as `wrangler dev`, has locked.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes an empty database file of a new name in `folder`, for its owner alone; it is removed with what is returned.
pub fn private_database(folder: &Path) -> Result<TempPath> {
    tempfile::Builder::new()
        .prefix("database-")
        .suffix(".sqlite")
        .make_in(folder, private_file::create)
        .map(tempfile::NamedTempFile::into_temp_path)
        .map_err(|error| Error::output(folder, error))
}
