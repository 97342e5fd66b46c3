//! The photos, as files whose path below a folder is the key.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use globset::{Glob, GlobSet, GlobSetBuilder};
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use crate::archive::{Archive, Workspace, take_name};
use crate::error::{Error, Result};
use crate::formats::backup::IndexEntry;
use crate::job::{Job, Phase, Warning};

/// Bytes copied at a time.
const BUFFER: usize = 256 << 10;
/// Longest file name that ext4, APFS and NTFS all take, in bytes.
const MAX_SEGMENT: usize = 255;

/// Which keys are to come back.
pub(super) fn wanted(globs: Option<&[String]>) -> Result<GlobSet> {
    let everything = ["**".to_owned()];
    let mut set = GlobSetBuilder::new();
    for glob in globs.unwrap_or(&everything) {
        let glob = Glob::new(glob).map_err(|error| {
            Error::invalid(format!("keys holds {glob:?}, which is no glob: {}", error.kind()))
        })?;
        set.add(glob);
    }
    set.build().map_err(|error| Error::invalid(format!("keys is too much: {}", error.kind())))
}

/// What is to be done with each photo. Nothing has been written yet.
pub(super) struct Photos {
    root: PathBuf,
    missing: Vec<(IndexEntry, PathBuf)>,
    skipped: u64,
    warnings: Vec<Warning>,
}

impl Photos {
    /// Looks at every target: a photo that is there already is skipped, another file in its place is
    /// `TARGET_NOT_EMPTY`.
    pub(super) fn look(dir: &Path, photos: Vec<IndexEntry>, job: &Job) -> Result<Photos> {
        let root = std::path::absolute(dir).map_err(|error| Error::output(dir, error))?;
        let mut found = Photos { root, missing: Vec::new(), skipped: 0, warnings: Vec::new() };
        let mut folded: HashMap<String, String> = HashMap::new();
        for photo in photos {
            job.check()?;
            let Some(relative) = relative(&photo.key) else {
                let message = "no file can have this key for a path here; it stays in the archive, under the path in \
                               photos/index.json";
                found.warnings.push(Warning::about("PHOTO_UNNAMEABLE", photo.key, message));
                continue;
            };
            if let Some(other) = folded.insert(photo.key.to_lowercase(), photo.key.clone())
                && cfg!(any(windows, target_os = "macos"))
            {
                let message = format!("its name differs from {other} only in case, which files here cannot");
                found.warnings.push(Warning::about("PHOTO_UNNAMEABLE", photo.key, message));
                continue;
            }
            let path = found.root.join(&relative);
            found.refuse_links(&relative)?;
            match path.symlink_metadata() {
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => {
                    found.missing.push((photo, path))
                }
                Err(error) => return Err(Error::output(&path, error)),
                Ok(there) if there.is_file() && is_same(&path, &there, &photo, job)? => found.skipped += 1,
                Ok(_) => {
                    return Err(Error::TargetNotEmpty {
                        what: photo.key,
                        problem:
                            "something else stands where it belongs; choose another folder, or move that away"
                                .into(),
                    });
                }
            }
        }
        Ok(found)
    }

    pub(super) fn to_write(&self) -> u64 {
        self.missing.len() as u64
    }

    pub(super) fn bytes_to_write(&self) -> u64 {
        self.missing.iter().map(|(photo, _)| photo.size).sum()
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    /// Writes what is missing. Each photo gets its name when it is whole and has its SHA-256.
    pub(super) fn write(self, archive: &mut Archive, job: &Job) -> Result<()> {
        let meter = job.meter(Phase::Photos, Some(self.to_write()), Some(self.bytes_to_write()));
        let workspace = Workspace::create(&self.root)?;
        workspace.ensure_space(self.bytes_to_write())?;
        for (n, (photo, path)) in self.missing.iter().enumerate() {
            job.check()?;
            meter.item(&photo.key);
            let relative = path.strip_prefix(&self.root).unwrap_or(path);
            self.refuse_links(relative)?;
            let name = format!("photo-{n}");
            let file = workspace.create_file(&name)?;
            copy(archive, photo, &file, &workspace.path(&name), job)?;
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| Error::output(folder, error))?;
            }
            let temporary = workspace.path(&name);
            let temporary =
                TempPath::try_from_path(&temporary).map_err(|error| Error::output(&temporary, error))?;
            drop(file);
            take_name(temporary, path, false).map_err(|error| match error {
                Error::ArchiveExists { .. } => Error::TargetNotEmpty {
                    what: photo.key.clone(),
                    problem: "something was put where it belongs while it was restored; start again".into(),
                },
                error => error,
            })?;
            meter.add(1, photo.size);
        }
        meter.finish();
        Ok(())
    }

    /// A link among the folders of a key would lead outside.
    fn refuse_links(&self, relative: &Path) -> Result<()> {
        let mut folder = self.root.clone();
        for part in relative.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match folder.symlink_metadata() {
                Ok(there) if there.is_dir() => {}
                Ok(_) => {
                    return Err(Error::TargetNotEmpty {
                        what: folder.display().to_string(),
                        problem: "a link or a file stands where a folder of photos belongs".into(),
                    });
                }
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The path of a key below the folder, where this system can have it.
fn relative(key: &str) -> Option<PathBuf> {
    let is_possible = |segment: &str| {
        let is_special = matches!(segment, "" | "." | "..") || segment.contains('\0');
        let is_foreign = cfg!(windows)
            && (segment.ends_with(['.', ' '])
                || segment.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
                || segment.chars().any(char::is_control));
        !is_special && !is_foreign && segment.len() <= MAX_SEGMENT
    };
    key.split('/').all(is_possible).then(|| key.split('/').collect())
}

fn is_same(path: &Path, there: &fs::Metadata, photo: &IndexEntry, job: &Job) -> Result<bool> {
    if there.len() != photo.size {
        return Ok(false);
    }
    let mut file = File::open(path).map_err(|error| Error::output(path, error))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        job.check()?;
        match file.read(&mut buffer).map_err(|error| Error::output(path, error))? {
            0 => return Ok(hex::encode(hasher.finalize()) == photo.sha256),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn copy(archive: &mut Archive, photo: &IndexEntry, mut file: &File, path: &Path, job: &Job) -> Result<()> {
    let damaged = |archive_path: &Path, problem: &str, error: Option<io::Error>| Error::ArchiveCorrupt {
        path: archive_path.to_owned(),
        problem: format!("the photo {}: {problem}; take another copy", photo.path),
        source: error.map(Into::into),
    };
    let archive_path = archive.path().to_owned();
    let mut stored = archive.open_stored(&photo.path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        job.check()?;
        let read = stored
            .read(&mut buffer)
            .map_err(|error| damaged(&archive_path, "it cannot be read", Some(error)))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(|error| Error::output(path, error))?;
    }
    if hex::encode(hasher.finalize()) != photo.sha256 {
        return Err(damaged(&archive_path, "it is not what photos/index.json says", None));
    }
    // The date is what a folder can hold of what the store knew. A failure to set it loses nothing else.
    if let Some(modified) =
        photo.last_modified.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok())
    {
        let _ = file.set_modified(modified.into());
    }
    file.sync_all().map_err(|error| Error::output(path, error))
}
