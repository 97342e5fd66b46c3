//! Private databases, which are gone after use.

use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::private_file;

/// Makes an empty database file of a new name in `folder`; it is removed with what is returned.
pub(super) fn database(folder: &Path) -> Result<TempPath> {
    tempfile::Builder::new()
        .prefix("database-")
        .suffix(".sqlite")
        .make_in(folder, private_file::create)
        .map(tempfile::NamedTempFile::into_temp_path)
        .map_err(|error| Error::output(folder, error))
}
