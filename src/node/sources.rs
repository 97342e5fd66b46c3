//! Where rows and photos are, as JavaScript says it.

use napi::bindgen_prelude::{JsObjectValue, Object, Unknown};
use napi::{Env, Result, ValueType};
use napi_derive::napi;

use super::js;
use super::members::{Members, members};
use crate::error::Error;
use crate::options as core;

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

const DATABASE: Members = &[("file", ValueType::String), ("sql", ValueType::String)];
const PHOTOS: Members = &[("directory", ValueType::String)];

/// Checks the members of `database`, which has to be there, and of `photos`.
pub fn check<'env>(env: &'env Env, options: &mut Object<'env>) -> Result<()> {
    for (name, prefix, known) in [("database", "database.", DATABASE), ("photos", "photos.", PHOTOS)] {
        if let Some(inner) = options.get::<Unknown>(name)? {
            options.set(name, members(env, inner, prefix, known)?)?;
        }
    }
    if !options.has_own_property("database")? {
        let error = Error::invalid("database is missing: set database.file or database.sql");
        return Err(js::error(env, &error, None));
    }
    Ok(())
}

impl From<DatabaseSource> for core::DatabaseOptions {
    fn from(DatabaseSource { file, sql }: DatabaseSource) -> Self {
        core::DatabaseOptions { file: file.map(Into::into), sql: sql.map(Into::into) }
    }
}

impl From<PhotoSource> for core::PhotoOptions {
    fn from(PhotoSource { directory }: PhotoSource) -> Self {
        core::PhotoOptions { directory: directory.map(Into::into) }
    }
}
