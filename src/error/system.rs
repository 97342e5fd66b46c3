//! What a failure of the operating system says, told as what to do about it.

use std::io;
use std::path::Path;

use super::Error;

impl Error {
    /// A file that should be an archive and cannot be opened or read.
    pub fn unopened(path: &Path, error: io::Error) -> Self {
        let problem = match error.kind() {
            _ if is_out_of_files(&error) => OUT_OF_FILES,
            _ if is_in_use(&error) => IN_USE,
            io::ErrorKind::NotFound => "there is no such file; check the path",
            io::ErrorKind::NotADirectory => "a part of its path is a file, not a folder; check the path",
            io::ErrorKind::IsADirectory => "it is a folder; name the file",
            io::ErrorKind::NotSeekable => "it is a pipe or a device; save what it gives as a file first",
            _ => "it cannot be read; check the path and its permissions",
        };
        Error::ArchiveUnopened { path: path.to_owned(), problem, source: Box::new(error) }
    }

    /// A failure to write `path`: a full disk is told apart from everything else.
    pub fn output(path: &Path, error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let problem = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => {
                let problem =
                    "the disk filled up while writing; free some space or choose another folder".into();
                return Error::DiskFull { path: path.to_owned(), problem, source: Some(Box::new(error)) };
            }
            _ if is_out_of_files(&error) => OUT_OF_FILES,
            _ if is_in_use(&error) => IN_USE,
            Kind::InvalidFilename => TOO_LONG,
            Kind::Other if is_too_long_for_sqlite(path) => TOO_LONG,
            // SQLite does not tell what the system said.
            Kind::Other => {
                "check that you may write to its folder, that the disk is sound, and that no limit stands in the way: of \
                 the size of a file (FAT32 takes 4 GiB; `ulimit -f`) or of how many are open (`ulimit -n`)"
            }
            Kind::FileTooLarge => {
                "no file may be as large there, however much is free (FAT32 takes 4 GiB, and `ulimit -f` sets a limit); \
                 choose another folder"
            }
            _ => "check that the folder exists, that you may write to it, and that its disk is sound",
        };
        Error::OutputUnwritable {
            path: path.to_owned(),
            problem: problem.into(),
            source: Some(Box::new(error)),
        }
    }
}

/// What to do about a path of more bytes than the system or SQLite takes.
const TOO_LONG: &str = "its path is too long; choose a folder with a shorter one";

/// What to do when [`is_out_of_files`].
pub(crate) const OUT_OF_FILES: &str =
    "too many files are open already; close some, end other programs, or raise the limit (`ulimit -n`)";

/// Whether the system opens no further file, for this process or for any.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    // ERROR_TOO_MANY_OPEN_FILES
    #[cfg(not(unix))]
    let codes = [4];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// What to do when [`is_in_use`].
pub(crate) const IN_USE: &str =
    "another program has it open and shares it with nobody; close it there, then try again";

/// Whether another program has a file open and lets nobody in meanwhile, as only Windows has it:
/// ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
pub(crate) fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// Whether SQLite refuses `path` for its length: its `MAX_PATHNAME` is 512 bytes, of which `-journal` takes eight. All
/// that it says then is that it cannot open the file.
pub(crate) fn is_too_long_for_sqlite(path: &Path) -> bool {
    cfg!(unix) && path.as_os_str().len() > 504
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_process_that_has_too_many_files_open_is_told_so() {
        let (path, error) = (Path::new("a.zip"), || io::Error::from_raw_os_error(libc::EMFILE));
        for told in [Error::output(path, error()), Error::unopened(path, error())] {
            let told = told.to_string();
            assert!(told.contains("`ulimit -n`") && !told.contains("check"), "{told}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_another_program_keeps_to_itself_is_told_so() {
        let (path, error) = (Path::new("a.zip"), || io::Error::from_raw_os_error(32));
        for told in [Error::output(path, error()), Error::unopened(path, error())] {
            assert!(told.to_string().contains("another program"), "{told}");
        }
    }

    #[test]
    fn a_file_that_may_not_grow_is_no_full_disk() {
        let output = |kind: io::ErrorKind| Error::output(Path::new("a.zip"), kind.into());
        let (full, large) = (output(io::ErrorKind::StorageFull), output(io::ErrorKind::FileTooLarge));
        assert_eq!((full.code(), large.code()), ("DISK_FULL", "OUTPUT_UNWRITABLE"));
        assert!(large.to_string().contains("another folder") && !large.to_string().contains("free some"));
    }
}
