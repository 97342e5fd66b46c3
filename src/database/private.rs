//! Files that nobody but their owner may read, from their first byte on.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};

/// Makes a new file at `path` for reading and writing; anything that is there already is an error.
///
/// SQLite gives the journal and the WAL of a database the permissions of the database itself.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes an empty database file of a new name in `folder`; it is removed with what is returned.
pub(super) fn database(folder: &Path) -> Result<TempPath> {
    tempfile::Builder::new()
        .prefix("database-")
        .suffix(".sqlite")
        .make_in(folder, create)
        .map(tempfile::NamedTempFile::into_temp_path)
        .map_err(|error| Error::output(folder, error))
}
