//! Files that nobody but their owner may read, from their first byte on.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a new file at `path` for reading and writing (mode 0600 where there are modes); anything that is there already
/// is an error. SQLite gives the journal and the WAL of a database the permissions of the database itself.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
