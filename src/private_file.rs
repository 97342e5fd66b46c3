//! Files and folders that nobody but their owner may read, from their first byte on.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What the name of a working folder begins with.
const WORKING: &str = ".cultural-archiver-";
/// Random letters and digits that follow.
const RANDOM: usize = 12;

/// Makes the folder that a run works in, below `parent` (mode 0700 where there are modes).
pub fn working_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(WORKING).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.tempdir_in(parent)?.keep();
    #[cfg(windows)]
    for_the_owner_alone(&folder);
    Ok(folder)
}

/// Whether a folder of this name is one that a run works in, or died in.
pub fn is_working_folder(name: &OsStr) -> bool {
    let random = name.as_encoded_bytes().strip_prefix(WORKING.as_bytes());
    random.is_some_and(|random| random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric))
}

/// Makes a new file at `path` for reading and writing (mode 0600 where there are modes, on Windows see
/// `for_the_owner_alone`); anything that is there already is an error. SQLite gives the journal and the WAL of a
/// database the permissions of the database itself.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(windows)]
    for_the_owner_alone(path);
    Ok(file)
}

/// Lets nobody but the owner, administrators and the system at a new file, or at a folder and what is made in it: what
/// mode 0600 comes to elsewhere. Nothing is inherited from the folder above, and a rename takes it along. A file system
/// without permissions (FAT) has none to set, as it ignores modes elsewhere.
#[cfg(windows)]
fn for_the_owner_alone(path: &Path) {
    use windows_permissions::constants::{SeObjectType, SecurityInformation};
    use windows_permissions::wrappers::SetNamedSecurityInfo;
    use windows_permissions::{LocalBox, SecurityDescriptor};

    // In Microsoft's security descriptor definition language: OW is whoever owns it, BA are the administrators, SY is
    // the system; FA is full access, OICI hands it down.
    let Ok(descriptor) = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)".parse() else { return };
    let descriptor: LocalBox<SecurityDescriptor> = descriptor;
    let what = SecurityInformation::Dacl | SecurityInformation::ProtectedDacl;
    let _ =
        SetNamedSecurityInfo(path, SeObjectType::SE_FILE_OBJECT, what, None, None, descriptor.dacl(), None);
}
