//! A folder of files whose path is the key.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use tempfile::TempPath;

use super::{Content, Presence, Target};
use crate::archive::{Workspace, preflight, take_name};
use crate::error::{Error, Result};
use crate::flush;
use crate::formats::index::IndexedPhoto;
use crate::job::{Job, hash_all};

mod names;

use names::Names;

/// A folder of photos.
pub(crate) struct Directory {
    root: PathBuf,
    names: Names,
    workspace: Option<Workspace>,
    written: usize,
}

impl Directory {
    /// The folder; it is made when it is needed.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let root = std::path::absolute(dir).map_err(|error| Error::output(dir, error))?;
        let names = Names::of(&root);
        Ok(Directory { root, names, workspace: None, written: 0 })
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
        let Some(relative) = self.names.relative(&photo.key) else {
            return Ok(unnameable());
        };
        self.refuse_links(&relative)?;
        let path = self.root.join(&relative);
        match path.symlink_metadata() {
            // Where the root is no folder, that is told before anything is written.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Presence::Missing)
            }
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidFilename) => {
                Ok(unnameable())
            }
            Err(error) => Err(Error::output(&path, error)),
            Ok(there) if there.is_file() && is_same(&path, &there, photo, job)? => Ok(Presence::Same),
            Ok(_) => Err(super::taken(&photo.key)),
        }
    }
}

impl Target for Directory {
    fn look(&mut self, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>> {
        let folders: HashSet<String> =
            photos.iter().flat_map(|photo| self.names.folders(&photo.key)).collect();
        let mut taken: HashMap<String, &str> = HashMap::new();
        let mut presences = Vec::with_capacity(photos.len());
        for photo in photos {
            job.check()?;
            let name = self.names.same(&photo.key);
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

    fn preflight(&self, bytes: u64) -> Result<()> {
        preflight(&self.root, bytes)
    }

    fn begin(&mut self, bytes: u64) -> Result<()> {
        let workspace = Workspace::create(&self.root)?;
        workspace.ensure_space(bytes)?;
        self.workspace = Some(workspace);
        Ok(())
    }

    fn put(&mut self, photo: &IndexedPhoto, content: Content<'_>, job: &Job) -> Result<()> {
        let (Some(workspace), Some(relative)) = (&self.workspace, self.names.relative(&photo.key)) else {
            return Err(Error::Internal { problem: "a photo is put into a folder that is not ready".into() });
        };
        self.refuse_links(&relative)?;
        self.written += 1;
        let name = format!("photo-{}", self.written);
        let temporary = workspace.path(&name);
        let failed = |error| Error::output(&temporary, error);
        let mut file = workspace.create_file(&name)?;
        content.each_piece(job, |piece| file.write_all(piece).map_err(failed))?;
        // The date is what a folder can hold of what the store knew. A failure to set it loses nothing else.
        if let Some(modified) =
            photo.last_modified.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok())
        {
            let _ = file.set_modified(modified.into());
        }
        flush::file(&file).map_err(failed)?;
        drop(file);
        let path = self.root.join(relative);
        if let Some(folder) = path.parent() {
            flush::make_folders(folder).map_err(|error| Error::output(folder, error))?;
        }
        take_name(TempPath::try_from_path(&temporary).map_err(failed)?, &path, false).map_err(|error| {
            match error {
                Error::ArchiveExists { .. } => Error::TargetNotEmpty {
                    what: photo.key.to_string(),
                    problem: "something was put where it belongs while it was restored; start again".into(),
                },
                error => error,
            }
        })
    }

    fn finish(&mut self) -> Result<()> {
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

fn unnameable() -> Presence {
    Presence::Impossible(
        "no file can have this key for a path here; it stays in the archive, under the path in photos/index.json"
            .into(),
    )
}

fn is_same(path: &Path, there: &fs::Metadata, photo: &IndexedPhoto, job: &Job) -> Result<bool> {
    if there.len() != photo.size {
        return Ok(false);
    }
    let unread = |error| Error::output(path, error);
    let sha256 = hash_all(File::open(path).map_err(unread)?, job)?.map_err(unread)?;
    Ok(Some(sha256) == photo.sha256)
}
