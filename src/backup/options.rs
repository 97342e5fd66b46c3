//! What a caller may ask of a backup, and the one place where it is checked.

use std::path::PathBuf;

use chrono::{DateTime, Datelike, FixedOffset, SubsecRound, Utc};

use crate::error::{Error, Result};

/// Where the rows are. Exactly one member is set.
#[derive(Debug, Clone, Default)]
pub struct DatabaseOptions {
    /// A SQLite file, also one that a live process is writing.
    pub file: Option<PathBuf>,
    /// An SQL script; treated as hostile.
    pub sql: Option<PathBuf>,
}

/// Where the photo bytes are. Exactly one member is set.
#[derive(Debug, Clone, Default)]
pub struct PhotoOptions {
    /// A folder of files whose relative path is the R2 key.
    pub directory: Option<PathBuf>,
}

/// Options of a backup as the caller gave them: numbers are still any number, names still any text.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// Where the rows are.
    pub database: DatabaseOptions,
    /// Where the photos are; left out: an archive without photos.
    pub photos: Option<PhotoOptions>,
    /// Where the archive goes; default the working directory; created when missing.
    pub output_dir: Option<PathBuf>,
    /// Whether an archive of that name is replaced; default no.
    pub overwrite: Option<bool>,
    /// The instant that names and dates the archive, RFC 3339 with zone, 1980 to 2107; default the clock.
    pub now: Option<String>,
    /// Photo requests in flight, 1 to 64; default 8.
    pub concurrency: Option<f64>,
    /// Deflate level, 0 to 9; default 5.
    pub compression_level: Option<f64>,
    /// `approved` (default) or `all`.
    pub photo_scope: Option<String>,
    /// `record` (default) or `fail`.
    pub on_photo_error: Option<String>,
    /// An earlier backup whose unchanged photos are copied.
    pub reuse_from: Option<PathBuf>,
    /// Whether the archive is loaded and compared before it gets its name; default yes.
    pub drill: Option<bool>,
}

/// Where rows come from, checked.
#[derive(Debug, Clone)]
pub enum DatabaseSource {
    /// A SQLite file.
    File(PathBuf),
    /// An SQL script.
    Sql(PathBuf),
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
    /// Where the rows are.
    pub database: DatabaseSource,
    /// The folder of photos, where there is one.
    pub photos: Option<PathBuf>,
    /// Where the archive goes.
    pub output_dir: PathBuf,
    /// Whether an archive of that name is replaced.
    pub overwrite: bool,
    /// The instant that names and dates the archive, whole seconds.
    pub now: DateTime<Utc>,
    /// Photo requests in flight.
    pub concurrency: usize,
    /// Deflate level.
    pub compression_level: u32,
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
        if self.photos.is_none() && self.reuse_from.is_some() {
            return Err(Error::invalid("reuseFrom is about photos: set photos too, or leave reuseFrom out"));
        }
        Ok(Settings {
            database: self.database.check()?,
            photos: self.photos.map(PhotoOptions::check).transpose()?,
            output_dir: match self.output_dir {
                Some(dir) => path("outputDir", dir)?,
                None => PathBuf::from("."),
            },
            overwrite: self.overwrite.unwrap_or(false),
            now: instant(self.now.as_deref())?,
            concurrency: whole("concurrency", self.concurrency, 1, 64, 8)? as usize,
            compression_level: whole("compressionLevel", self.compression_level, 0, 9, 5)?,
            photo_scope,
            fail_on_photo_error,
            reuse_from: self.reuse_from.map(|p| path("reuseFrom", p)).transpose()?,
            drill: self.drill.unwrap_or(true),
        })
    }
}

impl DatabaseOptions {
    fn check(self) -> Result<DatabaseSource> {
        match (self.file, self.sql) {
            (Some(file), None) => Ok(DatabaseSource::File(path("database.file", file)?)),
            (None, Some(sql)) => Ok(DatabaseSource::Sql(path("database.sql", sql)?)),
            (None, None) => {
                Err(Error::invalid("database names no source: set database.file or database.sql"))
            }
            (Some(_), Some(_)) => Err(Error::invalid(
                "database names two sources: set exactly one of database.file and database.sql",
            )),
        }
    }
}

impl PhotoOptions {
    fn check(self) -> Result<PathBuf> {
        match self.directory {
            Some(directory) => path("photos.directory", directory),
            None => Err(Error::invalid("photos names no source: set photos.directory, or leave photos out")),
        }
    }
}

fn choice(option: &str, given: &str, takes: &str) -> Error {
    Error::invalid(format!("{option} is {given:?}; it takes {takes}"))
}

fn path(option: &str, path: PathBuf) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid(format!("{option} is empty; it takes a path")));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Error::invalid(format!("{option} holds a NUL character; no path can")));
    }
    Ok(path)
}

fn whole(option: &str, given: Option<f64>, least: u32, most: u32, default: u32) -> Result<u32> {
    let Some(given) = given else { return Ok(default) };
    if given.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(&given) {
        Ok(given as u32)
    } else {
        Err(Error::invalid(format!("{option} is {given}; it takes a whole number from {least} to {most}")))
    }
}

/// ZIP dates hold 1980 to 2107 (APPNOTE 4.4.6), and an archive's name is its date.
fn instant(given: Option<&str>) -> Result<DateTime<Utc>> {
    let now = match given {
        None => Utc::now(),
        Some(text) => DateTime::<FixedOffset>::parse_from_rfc3339(text)
            .map_err(|_| {
                Error::invalid(format!(
                    "now is {text:?}; it takes RFC 3339 with a zone, like 2026-01-02T03:04:05Z"
                ))
            })?
            .to_utc(),
    };
    if !(1980..=2107).contains(&now.year()) {
        return Err(Error::invalid(format!(
            "now is {}; it takes a year from 1980 to 2107",
            now.to_rfc3339()
        )));
    }
    Ok(now.trunc_subsecs(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> BackupOptions {
        BackupOptions {
            database: DatabaseOptions { file: Some("a.db".into()), sql: None },
            ..BackupOptions::default()
        }
    }

    fn refused(options: BackupOptions) -> String {
        match options.check() {
            Err(error) => {
                assert_eq!(error.code(), "INVALID_OPTIONS");
                error.to_string()
            }
            Ok(settings) => format!("taken: {settings:?}"),
        }
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let settings = file().check().ok();
        let found =
            settings.map(|s| (s.concurrency, s.compression_level, s.drill, s.overwrite, s.photo_scope));
        assert_eq!(found, Some((8, 5, true, false, PhotoScope::Approved)));
    }

    #[test]
    fn exactly_one_source_of_rows() {
        assert!(refused(BackupOptions::default()).contains("no source"));
        let mut both = file();
        both.database.sql = Some("b.sql".into());
        assert!(refused(both).contains("two sources"));
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        for bad in [0.0, 65.0, 2.9, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                refused(BackupOptions { concurrency: Some(bad), ..file() }).contains("concurrency"),
                "{bad}"
            );
        }
        for bad in [-1.0, 10.0, 0.5, f64::NAN] {
            let options = BackupOptions { compression_level: Some(bad), ..file() };
            assert!(refused(options).contains("compressionLevel"), "{bad}");
        }
    }

    #[test]
    fn now_has_a_zone_and_a_year_that_zip_can_hold() {
        for bad in ["", "2026-01-02", "2026-01-02T03:04:05", "1979-12-31T23:59:59Z", "2108-01-01T00:00:00Z"] {
            assert!(refused(BackupOptions { now: Some(bad.into()), ..file() }).contains("now"), "{bad}");
        }
        let zoned = BackupOptions { now: Some("2026-01-02T03:04:05.9+02:00".into()), ..file() }.check();
        assert_eq!(zoned.ok().map(|s| s.now.to_rfc3339()), Some("2026-01-02T01:04:05+00:00".into()));
    }

    #[test]
    fn words_are_those_of_the_contract() {
        assert!(refused(BackupOptions { photo_scope: Some("some".into()), ..file() }).contains("photoScope"));
        assert!(
            refused(BackupOptions { on_photo_error: Some("x".into()), ..file() }).contains("onPhotoError")
        );
        assert!(refused(BackupOptions { output_dir: Some("".into()), ..file() }).contains("outputDir"));
    }
}
