//! What a caller may ask of a backup, and the one place where it is checked.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::options::{Common, CommonOptions, PhotoSource, choice, path};

/// Options of a backup as the caller gave them.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// What a data dump takes as well.
    pub common: CommonOptions,
    /// `approved` (default) or `all`.
    pub photo_scope: Option<String>,
    /// `record` (default) or `fail`.
    pub on_photo_error: Option<String>,
    /// An earlier backup whose unchanged photos are copied.
    pub reuse_from: Option<PathBuf>,
    /// Whether the archive is loaded and compared before it gets its name; default yes.
    pub drill: Option<bool>,
}

/// Which photos a backup takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoScope {
    /// Those that an approved row references, and their stored variants.
    Approved,
    /// Everything in the store but `public-data-dumps/`.
    All,
}

impl PhotoScope {
    /// The name used in options and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            PhotoScope::Approved => "approved",
            PhotoScope::All => "all",
        }
    }
}

/// Options of a backup, checked and complete.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a data dump has as well.
    pub common: Common,
    /// Which photos.
    pub photo_scope: PhotoScope,
    /// Whether the first photo that cannot be copied ends the job.
    pub fail_on_photo_error: bool,
    /// An earlier backup to take unchanged photos from.
    pub reuse_from: Option<PathBuf>,
    /// Whether the drill runs.
    pub drill: bool,
}

impl BackupOptions {
    /// Checks every option; the first that cannot be taken is named in the error.
    pub fn check(self) -> Result<Settings> {
        let photo_scope = match self.photo_scope.as_deref() {
            None | Some("approved") => PhotoScope::Approved,
            Some("all") => PhotoScope::All,
            Some(other) => return Err(choice("photoScope", other, "'approved' or 'all'")),
        };
        let fail_on_photo_error = match self.on_photo_error.as_deref() {
            None | Some("record") => false,
            Some("fail") => true,
            Some(other) => return Err(choice("onPhotoError", other, "'record' or 'fail'")),
        };
        if self.common.photos.is_none() && self.reuse_from.is_some() {
            return Err(Error::invalid("reuseFrom is about photos: set photos too, or leave reuseFrom out"));
        }
        let common = self.common.check()?;
        if photo_scope == PhotoScope::All && matches!(common.photos, Some(PhotoSource::PublicUrl(_))) {
            return Err(Error::invalid(
                "photoScope is 'all', but these photos cannot be listed; take 'approved' or a source that lists",
            ));
        }
        Ok(Settings {
            common,
            photo_scope,
            fail_on_photo_error,
            reuse_from: self.reuse_from.map(|p| path("reuseFrom", p)).transpose()?,
            drill: self.drill.unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{DatabaseOptions, outcome};

    fn file() -> BackupOptions {
        let database = DatabaseOptions { file: Some("a.db".into()), ..DatabaseOptions::default() };
        BackupOptions {
            common: CommonOptions { database, ..CommonOptions::default() },
            ..BackupOptions::default()
        }
    }

    fn refused(options: BackupOptions) -> String {
        outcome(options.check())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let settings = file().check().ok();
        let found = settings.map(|s| {
            (s.common.concurrency, s.common.compression_level, s.drill, s.common.overwrite, s.photo_scope)
        });
        assert_eq!(found, Some((8, 5, true, false, PhotoScope::Approved)));
    }

    #[test]
    fn words_are_those_of_the_contract() {
        assert!(refused(BackupOptions { photo_scope: Some("some".into()), ..file() }).contains("photoScope"));
        assert!(
            refused(BackupOptions { on_photo_error: Some("x".into()), ..file() }).contains("onPhotoError")
        );
    }
}
