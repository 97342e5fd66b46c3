//! A folder of files whose path is the key.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use super::{Content, Presence, Target};
use crate::archive::{Workspace, fold, is_device, take_name};
use crate::error::{Error, Result};
use crate::formats::index::IndexedPhoto;
use crate::job::Job;

/// Bytes copied at a time.
const BUFFER: usize = 256 << 10;
/// Longest file name that ext4, APFS and NTFS all take, in bytes.
const MAX_SEGMENT: usize = 255;

/// A folder of photos.
pub(crate) struct Directory {
    root: PathBuf,
    workspace: Option<Workspace>,
    written: usize,
}

impl Directory {
    /// The folder; it is made when it is needed.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let root = std::path::absolute(dir).map_err(|error| Error::output(dir, error))?;
        Ok(Directory { root, workspace: None, written: 0 })
    }

    /// A link among the folders of a key would lead outside.
    fn refuse_links(&self, relative: &Path) -> Result<()> {
        let mut folder = self.root.clone();
        for part in relative.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match folder.symlink_metadata() {
                Ok(there) if there.is_dir() => {}
                Ok(_) => return Err(in_the_way(&folder)),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn look_at(&self, photo: &IndexedPhoto, job: &Job) -> Result<Presence> {
        let Some(relative) = relative(&photo.key) else {
            return Ok(Presence::Impossible(
                "no file can have this key for a path here; it stays in the archive, under the path in photos/index.json"
                    .into(),
            ));
        };
        self.refuse_links(&relative)?;
        let path = self.root.join(&relative);
        match path.symlink_metadata() {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => Ok(Presence::Missing),
            Err(error) => Err(Error::output(&path, error)),
            Ok(there) if there.is_file() && is_same(&path, &there, photo, job)? => Ok(Presence::Same),
            Ok(_) => Err(super::taken(&photo.key)),
        }
    }
}

impl Target for Directory {
    fn look(&mut self, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>> {
        let folders: HashSet<String> =
            photos.iter().flat_map(|photo| folders(&photo.key)).map(same_name).collect();
        let mut taken: HashMap<String, &str> = HashMap::new();
        let mut presences = Vec::with_capacity(photos.len());
        for photo in photos {
            job.check()?;
            let name = same_name(&photo.key);
            let presence = if folders.contains(&name) {
                Presence::Impossible(
                    "other keys need a folder of its name; it stays in the archive, under the path in photos/index.json"
                        .into(),
                )
            } else {
                self.look_at(photo, job)?
            };
            presences.push(match presence {
                Presence::Impossible(why) => Presence::Impossible(why),
                presence => match taken.insert(name, &photo.key) {
                    Some(other) => Presence::Impossible(format!(
                        "its name differs from {other} only in case or Unicode form, which files here cannot"
                    )),
                    None => presence,
                },
            });
        }
        Ok(presences)
    }

    fn begin(&mut self, bytes: u64) -> Result<()> {
        let workspace = Workspace::create(&self.root)?;
        workspace.ensure_space(bytes)?;
        self.workspace = Some(workspace);
        Ok(())
    }

    fn put(&mut self, photo: &IndexedPhoto, mut content: Content<'_>, job: &Job) -> Result<()> {
        let (Some(workspace), Some(relative)) = (&self.workspace, relative(&photo.key)) else {
            return Err(Error::Internal { problem: "a photo is put into a folder that is not ready".into() });
        };
        self.refuse_links(&relative)?;
        self.written += 1;
        let name = format!("photo-{}", self.written);
        let temporary = workspace.path(&name);
        let failed = |error| Error::output(&temporary, error);
        let mut file = workspace.create_file(&name)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            job.check()?;
            let read = content.fill(&mut buffer)?;
            file.write_all(buffer.get(..read).unwrap_or_default()).map_err(failed)?;
            if read < buffer.len() {
                break;
            }
        }
        // The date is what a folder can hold of what the store knew. A failure to set it loses nothing else.
        if let Some(modified) =
            photo.last_modified.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok())
        {
            let _ = file.set_modified(modified.into());
        }
        file.sync_all().map_err(failed)?;
        drop(file);
        let path = self.root.join(relative);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::output(folder, error))?;
        }
        take_name(TempPath::try_from_path(&temporary).map_err(failed)?, &path, false).map_err(|error| {
            match error {
                Error::ArchiveExists { .. } => Error::TargetNotEmpty {
                    what: photo.key.clone(),
                    problem: "something was put where it belongs while it was restored; start again".into(),
                },
                error => error,
            }
        })
    }

    fn finish(&mut self, _job: &Job) -> Result<()> {
        // Each photo was flushed before it got its name.
        self.workspace = None;
        Ok(())
    }
}

fn in_the_way(what: &Path) -> Error {
    Error::TargetNotEmpty {
        what: what.display().to_string(),
        problem: "a link or a file stands where a folder belongs; move it away, or choose another folder"
            .into(),
    }
}

/// The folders above a key that this system can have for a path.
fn folders(key: &str) -> impl Iterator<Item = &str> {
    let is_possible = relative(key).is_some();
    key.match_indices('/').filter(move |_| is_possible).filter_map(|(at, _)| key.get(..at))
}

/// What two names have in common that are the same to this system.
fn same_name(name: &str) -> String {
    match cfg!(any(windows, target_os = "macos")) {
        true => fold(name),
        false => name.to_owned(),
    }
}

/// The path of a key below the folder, where this system can have it.
fn relative(key: &str) -> Option<PathBuf> {
    let is_possible = |segment: &str| {
        let is_special = matches!(segment, "" | "." | "..") || segment.contains('\0');
        let is_foreign = cfg!(windows)
            && (segment.ends_with(['.', ' '])
                || is_device(segment)
                || segment.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
                || segment.chars().any(char::is_control));
        !is_special && !is_foreign && segment.len() <= MAX_SEGMENT
    };
    key.split('/').all(is_possible).then(|| key.split('/').collect())
}

fn is_same(path: &Path, there: &fs::Metadata, photo: &IndexedPhoto, job: &Job) -> Result<bool> {
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
