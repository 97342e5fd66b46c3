//! What every verb takes, and the one place where it is checked: where rows and photos are, where the archive goes.
//!
//! Options are what the caller gave: numbers are still any number, names still any text. Settings are checked.

use std::path::PathBuf;

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, Timelike, Utc};

use crate::database::source::d1::D1;
use crate::error::{Error, Result};

mod checks;
mod cloudflare;
mod photos;

#[cfg(test)]
pub(crate) use checks::outcome;
pub(crate) use checks::{choice, name, path, state, whole};
pub use cloudflare::AccountOptions;
pub use photos::{LocalBucket, PhotoOptions, PhotoSource, RemoteBucket, S3Options};

/// The folder for archives where none is given.
pub(crate) const DEFAULT_OUTPUT: &str = ".";

/// Where the rows are. Exactly one member is set.
#[derive(Debug, Clone, Default)]
pub struct DatabaseOptions {
    /// A SQLite file, also one that a live process is writing.
    pub file: Option<PathBuf>,
    /// An SQL script; treated as hostile.
    pub sql: Option<PathBuf>,
    /// A D1 database in wrangler's local state.
    pub wrangler: Option<LocalDatabase>,
    /// A D1 database at Cloudflare.
    pub d1: Option<RemoteDatabase>,
}

/// A D1 database at Cloudflare.
#[derive(Debug, Clone, Default)]
pub struct RemoteDatabase {
    /// Its account; the token needs the permission "D1: Read".
    pub account: AccountOptions,
    /// Its id.
    pub database_id: String,
}

/// A D1 database in wrangler's local state.
#[derive(Debug, Clone, Default)]
pub struct LocalDatabase {
    /// The id that `wrangler dev` uses: `preview_database_id`, else `database_id`, else the name of the binding.
    pub database_id: String,
    /// The folder of the state; default `.wrangler/state/v3`.
    pub state_dir: Option<PathBuf>,
}

/// What makes an archive: the options that a backup and a data dump share.
#[derive(Debug, Clone, Default)]
pub struct CommonOptions {
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
}

/// Where rows come from, checked.
#[derive(Debug, Clone)]
pub enum DatabaseSource {
    /// A SQLite file.
    File(PathBuf),
    /// An SQL script.
    Sql(PathBuf),
    /// A D1 database in wrangler's local state.
    Wrangler {
        /// The folder of the state.
        state: PathBuf,
        /// The database's local id.
        id: String,
    },
    /// A D1 database at Cloudflare.
    D1(D1),
}

/// The options that a backup and a data dump share, checked and complete.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where the rows are.
    pub database: DatabaseSource,
    /// Where the photos are, if there are any.
    pub photos: Option<PhotoSource>,
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
}

impl CommonOptions {
    /// Checks every option; the first that cannot be taken is named in the error.
    pub fn check(self) -> Result<Common> {
        Ok(Common {
            database: self.database.check()?,
            photos: self.photos.map(PhotoOptions::check).transpose()?,
            output_dir: match self.output_dir {
                Some(dir) => path("outputDir", dir)?,
                None => DEFAULT_OUTPUT.into(),
            },
            overwrite: self.overwrite.unwrap_or(false),
            now: instant(self.now.as_deref())?,
            concurrency: whole("concurrency", self.concurrency, 1, 64, 8)? as usize,
            compression_level: whole("compressionLevel", self.compression_level, 0, 9, 5)?,
        })
    }
}

impl DatabaseOptions {
    /// Fails unless exactly one source is named.
    pub fn check(self) -> Result<DatabaseSource> {
        let DatabaseOptions { file, sql, wrangler, d1 } = self;
        let mut sources = Vec::new();
        sources.extend(file.map(|given| path("database.file", given).map(DatabaseSource::File)));
        sources.extend(sql.map(|given| path("database.sql", given).map(DatabaseSource::Sql)));
        sources.extend(wrangler.map(LocalDatabase::check));
        sources.extend(d1.map(RemoteDatabase::check));
        let members = "set database.file, database.sql, database.wrangler or database.d1";
        checks::only_source("database", members, sources)
    }
}

impl LocalDatabase {
    fn check(self) -> Result<DatabaseSource> {
        let LocalDatabase { database_id, state_dir } = self;
        Ok(DatabaseSource::Wrangler {
            state: state("database.wrangler", state_dir)?,
            id: name("database.wrangler.databaseId", database_id)?,
        })
    }
}

impl RemoteDatabase {
    fn check(self) -> Result<DatabaseSource> {
        Ok(DatabaseSource::D1(D1 {
            access: self.account.check("database.d1")?,
            database_id: checks::id("database.d1.databaseId", self.database_id)?,
        }))
    }
}

/// The instant of a job. ZIP dates hold 1980 to 2107 (APPNOTE 4.4.6), and an archive's name is its date.
pub fn instant(given: Option<&str>) -> Result<DateTime<Utc>> {
    instant_by(given, Utc::now())
}

fn instant_by(given: Option<&str>, clock: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let now = match given {
        None => clock,
        Some(text) => DateTime::<FixedOffset>::parse_from_rfc3339(text)
            .map_err(|_| {
                Error::invalid(format!(
                    "now is {text:?}; it takes RFC 3339 with a zone, like 2026-01-02T03:04:05Z"
                ))
            })?
            .to_utc(),
    };
    if !(1980..=2107).contains(&now.year()) {
        let told = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let takes = "it takes a year from 1980 to 2107";
        return Err(Error::invalid(match given {
            Some(_) => format!("now is {told}; {takes}"),
            None => format!(
                "now, by the clock of this machine, is {told}; {takes}: set the clock or name the time"
            ),
        }));
    }
    // A leap second is the one before: few clocks and no Date of JavaScript can say it.
    Ok(now.with_nanosecond(0).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> CommonOptions {
        CommonOptions {
            database: DatabaseOptions { file: Some("a.db".into()), ..DatabaseOptions::default() },
            ..CommonOptions::default()
        }
    }

    fn refused(options: CommonOptions) -> String {
        outcome(options.check())
    }

    #[test]
    fn exactly_one_source_of_rows() {
        assert!(refused(CommonOptions::default()).contains("no source"));
        let mut both = file();
        both.database.sql = Some("b.sql".into());
        assert!(refused(both).contains("several sources"));
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        for bad in [0.0, 65.0, 2.9, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                refused(CommonOptions { concurrency: Some(bad), ..file() }).contains("concurrency"),
                "{bad}"
            );
        }
        for bad in [-1.0, 10.0, 0.5, f64::NAN] {
            let options = CommonOptions { compression_level: Some(bad), ..file() };
            assert!(refused(options).contains("compressionLevel"), "{bad}");
        }
    }

    #[test]
    fn now_has_a_zone_and_a_year_that_zip_can_hold() {
        for bad in ["", "2026-01-02", "2026-01-02T03:04:05", "1979-12-31T23:59:59Z", "2108-01-01T00:00:00Z"] {
            assert!(refused(CommonOptions { now: Some(bad.into()), ..file() }).contains("now"), "{bad}");
        }
        let zoned = CommonOptions { now: Some("2026-01-02T03:04:05.9+02:00".into()), ..file() }.check();
        assert_eq!(zoned.ok().map(|s| s.now.to_rfc3339()), Some("2026-01-02T01:04:05+00:00".into()));
    }

    #[test]
    fn a_clock_that_is_wrong_is_told_from_a_wrong_option() {
        let told = |given| instant_by(given, DateTime::UNIX_EPOCH).map_err(|error| error.to_string());
        assert!(told(None).is_err_and(|problem| problem.contains("clock")));
        assert!(told(Some("2026-01-02T03:04:05Z")).is_ok());
    }

    #[test]
    fn paths_are_not_empty() {
        assert!(refused(CommonOptions { output_dir: Some("".into()), ..file() }).contains("outputDir"));
    }
}
