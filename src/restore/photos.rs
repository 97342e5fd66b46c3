//! The photos: which of them come back, and what is to be done with each.

use std::collections::BTreeSet;
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::target::{Content, Presence, Target};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::formats::index::IndexedPhoto;
use crate::job::{Job, Phase, Warning};

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

/// A warning for each glob that no key of the backup is like.
pub(super) fn unmatched(globs: Option<&[String]>, wanted: &GlobSet, photos: &[IndexedPhoto]) -> Vec<Warning> {
    let mut unmatched: BTreeSet<usize> = (0..globs.map_or(0, <[_]>::len)).collect();
    for photo in photos {
        if unmatched.is_empty() {
            break;
        }
        for at in wanted.matches(&*photo.key) {
            unmatched.remove(&at);
        }
    }
    let globs = unmatched.into_iter().filter_map(|at| globs?.get(at));
    let message = "no photo of the backup has a key like this";
    globs.map(|glob| Warning::about("KEYS_UNMATCHED", glob.as_str(), message)).collect()
}

/// What is to be done with each photo at one target. Nothing has been written yet.
pub(super) struct Photos {
    target: Box<dyn Target>,
    /// All that are wanted; the targets share them.
    photos: Arc<Vec<IndexedPhoto>>,
    /// Which of them are to be written.
    missing: Vec<usize>,
    skipped: u64,
    warnings: Vec<Warning>,
}

impl Photos {
    /// Looks at everything under the photos' keys: a photo that is there already is skipped, something else in its
    /// place is `TARGET_NOT_EMPTY`. What is to be written has to be in the archive, as long as its index says, and the
    /// target has to have room for it.
    pub(super) fn look(
        mut target: Box<dyn Target>,
        archive: &mut Archive,
        photos: &Arc<Vec<IndexedPhoto>>,
        job: &Job,
    ) -> Result<Photos> {
        let presences = target.look(photos, job)?;
        let (missing, warnings) = (Vec::new(), Vec::new());
        let mut found = Photos { target, photos: Arc::clone(photos), missing, skipped: 0, warnings };
        for (at, (photo, presence)) in photos.iter().zip(presences).enumerate() {
            match presence {
                Presence::Missing => {
                    Content::open(archive, photo)?;
                    if let Some(what) = found.target.left_out(photo) {
                        found.warnings.push(Warning::about("METADATA_LEFT_OUT", &*photo.key, what));
                    }
                    found.missing.push(at);
                }
                Presence::Same => found.skipped += 1,
                Presence::Impossible(why) => {
                    found.warnings.push(Warning::about("PHOTO_UNNAMEABLE", &*photo.key, why));
                }
            }
        }
        if !found.missing.is_empty() {
            found.target.preflight(found.bytes_to_write())?;
        }
        Ok(found)
    }

    pub(super) fn to_write(&self) -> u64 {
        self.missing.len() as u64
    }

    pub(super) fn bytes_to_write(&self) -> u64 {
        let sizes = self.missing.iter().filter_map(|at| self.photos.get(*at)).map(|photo| photo.size);
        sizes.fold(0, u64::saturating_add)
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Photos that cannot come back here, or not with all that the store knew of them.
    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Writes what is missing. Each photo gets its name when it is whole and has its SHA-256.
    pub(super) fn write(mut self, archive: &mut Archive, job: &Job) -> Result<()> {
        let meter = job.meter(Phase::Photos, Some(self.to_write()), Some(self.bytes_to_write()));
        if !self.missing.is_empty() {
            self.target.begin(self.bytes_to_write())?;
        }
        for photo in self.missing.iter().filter_map(|at| self.photos.get(*at)) {
            job.check()?;
            meter.item(&photo.key);
            self.target.put(photo, Content::open(archive, photo)?, job)?;
            meter.add(1, photo.size);
        }
        self.target.finish()?;
        meter.finish();
        Ok(())
    }
}
