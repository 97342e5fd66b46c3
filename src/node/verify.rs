//! Verifying as JavaScript sees it.

use napi::bindgen_prelude::{FromNapiValue, JsValue, Object, Unknown};
use napi::{Env, Result, ValueType};
use napi_derive::napi;

use super::members::{Members, WATCH, members};
use super::promise::{ProgressCallback, Watcher};
use super::report::{Warning, number};
use crate::verify::{self, Kind};

/// Who watches while an archive is verified. Unknown names are `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct VerifyOptions<'env> {
    /// Told how far the job is, in the phase `verify`: at most about ten times a second, and always at the end. Does
    /// not keep the process alive. What it throws is an uncaught exception, as in any other callback.
    #[napi(ts_type = "((progress: Progress) => void) | undefined")]
    pub on_progress: Option<ProgressCallback>,
    /// Ends the job when aborted, also when it is aborted already: `ABORT_ERR`, and nothing is left behind.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<Object<'env>>,
}

const VERIFY: Members = Members { known: &[WATCH], needed: &[] };

impl<'env> VerifyOptions<'env> {
    /// Reads what JavaScript gave.
    pub fn read(env: &'env Env, given: Unknown<'env>) -> Result<Watcher<'env>> {
        if given.get_type()? == ValueType::Undefined {
            return Ok(Watcher { on_progress: None, signal: None });
        }
        let options = Self::from_unknown(members(env, given, "", &VERIFY)?.to_unknown())?;
        Ok(Watcher { on_progress: options.on_progress, signal: options.signal })
    }
}

/// What was found in an archive.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct VerifyReport {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// What it is, as far as its metadata.json tells; null when that cannot be read or is of a newer format.
    #[napi(ts_type = "'backup' | 'data-dump'")]
    pub kind: Option<&'static str>,
    /// Entries that its directory lists and that can be read without harm.
    pub entries: i64,
    /// Size of the file.
    pub bytes: i64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
    /// What is wrong, each with the entry as its `subject` where it is about one; at most a thousand and, for each code
    /// of the others, a last one that counts them. Codes: `ARCHIVE_CORRUPT`, contents are damaged or missing;
    /// `ARCHIVE_ALTERED`, bytes were changed that are no contents (names, dates, the comment), which are sound;
    /// `FORMAT_NEWER`, another version of the package is needed; `PRIVACY_LEAK`, a dump holds what may not be public.
    pub problems: Vec<Warning>,
}

impl From<verify::VerifyReport> for VerifyReport {
    fn from(report: verify::VerifyReport) -> Self {
        VerifyReport {
            ok: report.ok,
            kind: report.kind.map(|kind| match kind {
                Kind::Backup => "backup",
                Kind::DataDump => "data-dump",
            }),
            entries: number(report.entries),
            bytes: number(report.bytes),
            sha256: report.sha256,
            problems: report.problems.into_iter().map(Into::into).collect(),
        }
    }
}
