//! The data dump as JavaScript sees it: options in, a result out.

use napi::bindgen_prelude::{Buffer, FromNapiValue, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use super::dump_metadata::DataDumpMetadata;
use super::js;
use super::members::{ARCHIVE, Members, Takes, WATCH, members, nested};
use super::promise::{ProgressCallback, Watcher};
use super::report::{Warning, number};
use super::sources::{self, DatabaseSource, PhotoSource};
use crate::data_dump::{self, Archived, DataDumpReport};
use crate::options::{CommonOptions, DEFAULT_OUTPUT};

/// What a data dump is made of, where it goes and what leaves. Unknown names are `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct DataDumpOptions<'env> {
    /// Where the rows are.
    pub database: DatabaseSource,
    /// Where the photos are. Left out: a dump without thumbnails, which says so.
    #[napi(ts_type = "PhotoSource | undefined")]
    pub photos: Option<PhotoSource>,
    /// Folder that receives `datadump-YYYY-MM-DD.zip`; created when missing. Default: the working directory.
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
    /// Deflate level of text: a whole number from 0 to 9. Thumbnails are stored as they are. Default 5.
    #[napi(ts_type = "number | undefined")]
    pub compression_level: Option<f64>,
    /// Whether the result holds the archive as a `Buffer`; nothing appears in `outputDir` and nothing remains on the
    /// disk. Default `false`.
    #[napi(ts_type = "boolean | undefined")]
    pub in_memory: Option<bool>,
    /// The most bytes the archive may have; more is `ARCHIVE_TOO_LARGE`. A whole number from 1 on. Default 536870912
    /// (512 MiB) with `inMemory`, else any number.
    #[napi(ts_type = "number | undefined")]
    pub max_archive_bytes: Option<f64>,
    /// Who publishes: cited in README.md, metadata.json and CITATION.cff.
    #[napi(ts_type = "DumpSource | undefined")]
    pub source: Option<DumpSource>,
    /// `'make'`: a thumbnail of every photo. `'none'`: none. Default `'make'`.
    #[napi(ts_type = "'make' | 'none' | undefined")]
    pub thumbnails: Option<String>,
    /// The longest side of a thumbnail in pixels: a whole number from 64 to 2048. Nothing is enlarged. Default 800.
    #[napi(ts_type = "number | undefined")]
    pub thumbnail_size: Option<f64>,
    /// More names that never leave, as columns, as tags and at any depth within; in any case, `*` stands for any text.
    /// A name within another may be written as tags.json has it, `donor.name`. A name that every record has, such as
    /// `id`, is `INVALID_OPTIONS`. Default none.
    #[napi(ts_type = "Array<string> | undefined")]
    pub extra_blacklist: Option<Vec<String>>,
    /// `table.column` of columns that the built-in list does not know and that are to be published; a blacklisted name
    /// is left out all the same, with a warning. Default none.
    #[napi(ts_type = "Array<string> | undefined")]
    pub include_fields: Option<Vec<String>>,
    /// What becomes of works under another licence than CC0 (OpenStreetMap's data is under the ODbL). `'exclude'`:
    /// left out and counted. `'separate'`: they stand in artwork-other-licenses.json. Default `'exclude'`.
    #[napi(ts_type = "'exclude' | 'separate' | undefined")]
    pub foreign_licenses: Option<String>,
    /// What becomes of an identifier of a user in a text that leaves. `'redact'`: `[redacted]` stands for it. `'fail'`:
    /// `PRIVACY_LEAK`. What is still found in the finished archive always fails. Default `'redact'`.
    #[napi(ts_type = "'redact' | 'fail' | undefined")]
    pub on_leak: Option<String>,
    /// Path of an earlier dump: what has changed since stands in CHANGES.json, and a dump that has lost more than a
    /// tenth and more than 20 of its artworks, creators or photos is `DUMP_SHRUNK`. One that is damaged or not there is
    /// `ARCHIVE_CORRUPT`, another kind of archive `INVALID_OPTIONS`. Default: none.
    #[napi(ts_type = "string | undefined")]
    pub previous: Option<String>,
    /// Whether that loss is meant. A dump without any artwork fails all the same. Default `false`.
    #[napi(ts_type = "boolean | undefined")]
    pub allow_shrink: Option<bool>,
    /// Told how far the job is: at most about ten times a second, and always at the end of a phase. Does not keep the
    /// process alive. What it throws is an uncaught exception, as in any other callback.
    #[napi(ts_type = "((progress: Progress) => void) | undefined")]
    pub on_progress: Option<ProgressCallback>,
    /// Ends the job when aborted, also when it is aborted already: `ABORT_ERR`, and nothing is left behind.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<Object<'env>>,
}

/// Who publishes a dump. Each is one line of text; identifiers in them are meant to be public.
#[napi(object, object_to_js = false)]
pub struct DumpSource {
    /// The archive's name. Default `'Cultural Archiver'`.
    #[napi(ts_type = "string | undefined")]
    pub name: Option<String>,
    /// Its site, http or https: the pages of works and creators are linked below it. Default: none.
    #[napi(ts_type = "string | undefined")]
    pub url: Option<String>,
    /// Whom to write to. Default: nobody.
    #[napi(ts_type = "string | undefined")]
    pub contact: Option<String>,
}

const DUMP: Members = Members {
    known: &[
        ARCHIVE,
        &[
            ("inMemory", Takes::Boolean),
            ("maxArchiveBytes", Takes::Number),
            ("source", Takes::Object),
            ("thumbnails", Takes::String),
            ("thumbnailSize", Takes::Number),
            ("extraBlacklist", Takes::Texts),
            ("includeFields", Takes::Texts),
            ("foreignLicenses", Takes::String),
            ("onLeak", Takes::String),
            ("previous", Takes::String),
            ("allowShrink", Takes::Boolean),
        ],
        WATCH,
    ],
    needed: &[],
};
const SOURCE: Members = Members {
    known: &[&[("name", Takes::String), ("url", Takes::String), ("contact", Takes::String)]],
    needed: &[],
};

impl<'env> DataDumpOptions<'env> {
    /// Reads what JavaScript gave. Checks names and types; the core checks values.
    pub fn read(env: &'env Env, given: Unknown<'env>) -> Result<Self> {
        let mut options = members(env, given, "", &DUMP)?;
        sources::check(env, &mut options)?;
        nested(env, &mut options, "", "source", &SOURCE)?;
        Self::from_unknown(options.to_unknown())
    }

    /// The part the core takes, and who watches the job.
    pub fn split(self) -> (data_dump::DataDumpOptions, Watcher<'env>) {
        let source = self.source.unwrap_or(DumpSource { name: None, url: None, contact: None });
        let options = data_dump::DataDumpOptions {
            common: CommonOptions {
                database: self.database.into(),
                photos: self.photos.map(Into::into),
                output_dir: Some(js::path_or(self.output_dir, DEFAULT_OUTPUT)),
                overwrite: self.overwrite,
                now: self.now,
                concurrency: self.concurrency,
                compression_level: self.compression_level,
            },
            in_memory: self.in_memory,
            max_archive_bytes: self.max_archive_bytes,
            source: data_dump::options::SourceOptions {
                name: source.name,
                url: source.url,
                contact: source.contact,
            },
            thumbnails: self.thumbnails,
            thumbnail_size: self.thumbnail_size,
            extra_blacklist: self.extra_blacklist.unwrap_or_default(),
            include_fields: self.include_fields.unwrap_or_default(),
            foreign_licenses: self.foreign_licenses,
            on_leak: self.on_leak,
            previous: self.previous.map(js::path),
            allow_shrink: self.allow_shrink,
        };
        (options, Watcher { on_progress: self.on_progress, signal: self.signal })
    }
}

/// The dump that was made.
#[napi(object, object_from_js = false)]
pub struct DataDumpResult {
    /// `datadump-YYYY-MM-DD.zip`, in UTC.
    pub filename: String,
    /// Where it is, absolute; absent with `inMemory`.
    pub path: Option<String>,
    /// All of it, with `inMemory`; else absent.
    pub archive: Option<Buffer>,
    /// Its size in bytes.
    pub size: i64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
    /// False when photos are missing that the store holds, or does not deny holding: see `metadata.photos_missing`.
    pub complete: bool,
    /// How long the job took, in milliseconds.
    pub duration_ms: i64,
    /// metadata.json of the archive, parsed.
    pub metadata: DataDumpMetadata,
    /// What the operator should know: those of `metadata`, and those that name what is not public, such as unknown
    /// columns.
    pub warnings: Vec<Warning>,
}

impl From<DataDumpReport> for DataDumpResult {
    fn from(report: DataDumpReport) -> Self {
        let (path, archive) = match report.archive {
            Archived::File(path) => (Some(path.to_string_lossy().into_owned()), None),
            Archived::Memory(bytes) => (None, Some(bytes.into())),
        };
        DataDumpResult {
            filename: report.filename,
            path,
            archive,
            size: number(report.size),
            sha256: report.sha256,
            complete: report.complete,
            duration_ms: number(report.duration_ms),
            metadata: report.metadata.into(),
            warnings: report.warnings.into_iter().map(Into::into).collect(),
        }
    }
}
