//! Options as JavaScript sees them, and how they are read: names and types are checked here, values by the core.

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Result, ValueType};
use napi_derive::napi;

use super::js;
use super::promise::{ProgressCallback, Watcher};
use crate::backup::{self, options as core};
use crate::error::Error;

/// Where the rows are. Exactly one member is set; none or two is `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct DatabaseSource {
    /// Path of a SQLite file, also one that a live process is writing (WAL or rollback journal).
    #[napi(ts_type = "string | undefined")]
    pub file: Option<String>,
    /// Path of an SQL script: `wrangler d1 export`, `sqlite3 .dump`, or `database.sql` of a backup. It is treated as
    /// hostile: a statement that reaches outside the database is `DATABASE_UNREADABLE`.
    #[napi(ts_type = "string | undefined")]
    pub sql: Option<String>,
}

/// Where the photo bytes are. Exactly one member is set.
#[napi(object, object_to_js = false)]
pub struct PhotoSource {
    /// Path of a folder of files whose relative path is the R2 key. A folder that does not exist is
    /// `SOURCE_UNREACHABLE`.
    #[napi(ts_type = "string | undefined")]
    pub directory: Option<String>,
}

/// What a backup is made of, where it goes and how. Unknown names are `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct BackupOptions<'env> {
    /// Where the rows are.
    pub database: DatabaseSource,
    /// Where the photos are. Left out: an archive without photos, which says so.
    #[napi(ts_type = "PhotoSource | undefined")]
    pub photos: Option<PhotoSource>,
    /// Folder that receives `backup-YYYY-MM-DD-HHMMSS.zip`; created when missing. Default: the working directory.
    #[napi(ts_type = "string | undefined")]
    pub output_dir: Option<String>,
    /// Whether an archive of that name is replaced. Default `false`: it is `ARCHIVE_EXISTS`.
    #[napi(ts_type = "boolean | undefined")]
    pub overwrite: Option<bool>,
    /// The instant that names and dates the archive: RFC 3339 with a zone, years 1980 to 2107, cut to whole seconds.
    /// Same input and same `now` make the same bytes. Default: the clock.
    #[napi(ts_type = "string | undefined")]
    pub now: Option<String>,
    /// Photo requests in flight: a whole number from 1 to 64. Never changes the bytes. Default 8.
    #[napi(ts_type = "number | undefined")]
    pub concurrency: Option<f64>,
    /// Deflate level of text: a whole number from 0 to 9. Photos are stored as they are. Default 5.
    #[napi(ts_type = "number | undefined")]
    pub compression_level: Option<f64>,
    /// `'approved'`: photos that an approved artwork, log entry or artist shows, with their stored variants. `'all'`:
    /// everything in the store but `public-data-dumps/`. Default `'approved'`.
    #[napi(ts_type = "'approved' | 'all' | undefined")]
    pub photo_scope: Option<String>,
    /// `'record'`: a photo that cannot be copied is listed and the result is not `complete`. `'fail'`: the first one
    /// is `PHOTO_FAILED`. Default `'record'`.
    #[napi(ts_type = "'record' | 'fail' | undefined")]
    pub on_photo_error: Option<String>,
    /// Path of an earlier backup. Photos that have not changed since (key, size and modification time) are copied
    /// from it and checked against its checksums instead of being fetched. Default: none.
    #[napi(ts_type = "string | undefined")]
    pub reuse_from: Option<String>,
    /// Whether what was written is loaded into a fresh database and compared with the source before the archive gets
    /// its name. Default `true`.
    #[napi(ts_type = "boolean | undefined")]
    pub drill: Option<bool>,
    /// Told how far the job is: at most about ten times a second, and always at the end of a phase. Does not keep the
    /// process alive. What it throws is an uncaught exception, as in any other callback.
    #[napi(ts_type = "((progress: Progress) => void) | undefined")]
    pub on_progress: Option<ProgressCallback>,
    /// Ends the job when aborted, also when it is aborted already: `ABORT_ERR`, and nothing is left behind.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<Object<'env>>,
}

/// The members an object may have, and their types.
type Members = &'static [(&'static str, ValueType)];

const DATABASE: Members = &[("file", ValueType::String), ("sql", ValueType::String)];
const PHOTOS: Members = &[("directory", ValueType::String)];
const BACKUP: Members = &[
    ("database", ValueType::Object),
    ("photos", ValueType::Object),
    ("outputDir", ValueType::String),
    ("overwrite", ValueType::Boolean),
    ("now", ValueType::String),
    ("concurrency", ValueType::Number),
    ("compressionLevel", ValueType::Number),
    ("photoScope", ValueType::String),
    ("onPhotoError", ValueType::String),
    ("reuseFrom", ValueType::String),
    ("drill", ValueType::Boolean),
    ("onProgress", ValueType::Function),
    ("signal", ValueType::Object),
];

impl<'env> BackupOptions<'env> {
    /// Reads what JavaScript gave. Everything but the values is settled afterwards.
    pub fn read(env: &'env Env, given: Unknown<'env>) -> Result<Self> {
        let mut options = members(env, given, "", BACKUP)?;
        for (name, prefix, known) in [("database", "database.", DATABASE), ("photos", "photos.", PHOTOS)] {
            if let Some(inner) = options.get::<Unknown>(name)? {
                options.set(name, members(env, inner, prefix, known)?)?;
            }
        }
        if !options.has_own_property("database")? {
            let error = Error::invalid("database is missing: set database.file or database.sql");
            return Err(js::error(env, &error, None));
        }
        Self::from_unknown(options.to_unknown())
    }

    /// The part the core takes, and who watches the job.
    pub fn split(self) -> (backup::BackupOptions, Watcher<'env>) {
        let options = backup::BackupOptions {
            database: core::DatabaseOptions {
                file: self.database.file.map(Into::into),
                sql: self.database.sql.map(Into::into),
            },
            photos: self.photos.map(|p| core::PhotoOptions { directory: p.directory.map(Into::into) }),
            output_dir: self.output_dir.map(Into::into),
            overwrite: self.overwrite,
            now: self.now,
            concurrency: self.concurrency,
            compression_level: self.compression_level,
            photo_scope: self.photo_scope,
            on_photo_error: self.on_photo_error,
            reuse_from: self.reuse_from.map(Into::into),
            drill: self.drill,
        };
        (options, Watcher { on_progress: self.on_progress, signal: self.signal })
    }
}

/// A copy of `given` that holds only `known` members of the right types; undefined ones are gone.
fn members<'env>(env: &'env Env, given: Unknown<'env>, prefix: &str, known: Members) -> Result<Object<'env>> {
    let invalid = |message: String| js::error(env, &Error::invalid(message), None);
    let whole = if prefix.is_empty() { "options" } else { prefix.trim_end_matches('.') };
    let kind = given.get_type()?;
    if kind != ValueType::Object {
        return Err(invalid(format!("{whole} is {}; it takes an object", noun(kind))));
    }
    let given = js::copy(env, given).map_err(|thrown| {
        let error = Error::invalid(format!("{whole} cannot be read: a getter or proxy threw, see cause"));
        js::error(env, &error, Some(thrown))
    })?;
    if let Some(stranger) = Object::keys(&given)?.iter().find(|key| known.iter().all(|(name, _)| name != key))
    {
        let known: Vec<_> = known.iter().map(|(name, _)| format!("{prefix}{name}")).collect();
        return Err(invalid(format!("{prefix}{stranger} is not an option; known are {}", known.join(", "))));
    }
    let mut taken = Object::new(env)?;
    for (name, takes) in known {
        let Some(value) = given.get::<Unknown>(name)? else { continue };
        let kind = value.get_type()?;
        if kind != *takes {
            return Err(invalid(format!("{prefix}{name} is {}; it takes {}", noun(kind), noun(*takes))));
        }
        taken.set(name, value)?;
    }
    Ok(taken)
}

fn noun(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Object => "an object",
        ValueType::Function => "a function",
        ValueType::BigInt => "a bigint",
        _ => "a value of another kind",
    }
}
