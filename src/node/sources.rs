//! Where rows and photos are, as JavaScript says it.

use napi::bindgen_prelude::{JsObjectValue, Object};
use napi::{Env, Result};
use napi_derive::napi;

use super::js;
use super::members::{Members, Takes, nested};
use crate::error::Error;
use crate::options as core;
use crate::wrangler::DEFAULT_STATE;

/// Where the rows are. Exactly one member is set; none or two is `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct DatabaseSource {
    /// Path of a SQLite file, also one that another process is writing (WAL or rollback journal). Where this very process
    /// has it open through a SQLite of its own, such as better-sqlite3 or node:sqlite, back it up in a child process:
    /// outside Windows that SQLite would lose its locks.
    #[napi(ts_type = "string | undefined")]
    pub file: Option<String>,
    /// Path of an SQL script: `wrangler d1 export`, `sqlite3 .dump`, or `database.sql` of a backup. It is treated as
    /// hostile: a statement that reaches outside the database is `DATABASE_UNREADABLE`.
    #[napi(ts_type = "string | undefined")]
    pub sql: Option<String>,
    /// A D1 database as `wrangler dev` keeps it on this machine, also while it runs.
    #[napi(ts_type = "LocalDatabase | undefined")]
    pub wrangler: Option<LocalDatabase>,
    /// A D1 database at Cloudflare, also while the site writes to it. Nothing is written there.
    #[napi(ts_type = "RemoteDatabase | undefined")]
    pub d1: Option<RemoteDatabase>,
}

/// A D1 database at Cloudflare, read over its REST API.
#[napi(object, object_to_js = false)]
pub struct RemoteDatabase {
    /// The account's id.
    pub account_id: String,
    /// The database's id. One that the account does not have is `DATABASE_NOT_FOUND`.
    pub database_id: String,
    /// An API token with the permission "D1: Read"; without it `SOURCE_REFUSED`. It appears in no message, archive or
    /// file.
    pub api_token: String,
    /// The API's base. Default `'https://api.cloudflare.com/client/v4'`.
    #[napi(ts_type = "string | undefined")]
    pub api_url: Option<String>,
}

/// A D1 database in wrangler's local state.
#[napi(object, object_to_js = false)]
pub struct LocalDatabase {
    /// The id that `wrangler dev` uses: `preview_database_id`, else `database_id`, else the name of the binding. A
    /// database that is not there is `DATABASE_NOT_FOUND`, with what lies there instead.
    pub database_id: String,
    /// Folder of the state. Default `'.wrangler/state/v3'`.
    #[napi(ts_type = "string | undefined")]
    pub state_dir: Option<String>,
}

/// Where the photo bytes are. Exactly one member is set.
#[napi(object, object_to_js = false)]
pub struct PhotoSource {
    /// Path of a folder of files whose relative path is the R2 key. A folder that does not exist is
    /// `SOURCE_UNREACHABLE`.
    #[napi(ts_type = "string | undefined")]
    pub directory: Option<String>,
    /// A bucket of R2 or any other S3 store.
    #[napi(ts_type = "S3Bucket | undefined")]
    pub s3: Option<S3Bucket>,
    /// An http or https URL below which keys are served, such as `https://photos.example/`. It cannot list: only
    /// photos that rows refer to are asked for, with the usual smaller copies, and `photoScope: 'all'` is
    /// `INVALID_OPTIONS`. Redirects are followed within its host alone; where those of all photos lead to another, that is
    /// `SOURCE_UNREACHABLE`. A name that leads to a private address is `SOURCE_REFUSED`.
    #[napi(ts_type = "string | undefined")]
    pub public_url: Option<String>,
    /// A bucket of R2 as `wrangler dev` keeps it on this machine.
    #[napi(ts_type = "LocalBucket | undefined")]
    pub wrangler: Option<LocalBucket>,
    /// A bucket of R2, with nothing but an API token of its account.
    #[napi(ts_type = "RemoteBucket | undefined")]
    pub r2: Option<RemoteBucket>,
}

/// A bucket of R2 at Cloudflare, with an API token.
///
/// Where the token allows it, the bucket is read by S3, with the credentials that the token stands for. Otherwise it is
/// read over Cloudflare's REST API, which answers 1,200 requests in five minutes, one of them for each photo: what that
/// takes at least is told before the first, by `onProgress` (`leastSeconds`) and by `previewBackup`. A key with a
/// segment `.` or `..` cannot be asked for there.
#[napi(object, object_to_js = false)]
pub struct RemoteBucket {
    /// The account's id.
    pub account_id: String,
    /// The bucket's name. One that does not exist is `SOURCE_UNREACHABLE`, and so is one of a jurisdiction: take `s3`.
    pub bucket: String,
    /// An API token with the permission "Workers R2 Storage: Read"; without it `SOURCE_REFUSED`. It appears in no
    /// message, archive or file.
    pub api_token: String,
    /// The API's base. Default `'https://api.cloudflare.com/client/v4'`; with another, S3 is not tried.
    #[napi(ts_type = "string | undefined")]
    pub api_url: Option<String>,
}

/// A bucket in wrangler's local state.
#[napi(object, object_to_js = false)]
pub struct LocalBucket {
    /// The bucket's name. One that does not exist is `SOURCE_UNREACHABLE`.
    pub bucket: String,
    /// Folder of the state. Default `'.wrangler/state/v3'`.
    #[napi(ts_type = "string | undefined")]
    pub state_dir: Option<String>,
}

/// A bucket of R2 or any other S3 store, and the credentials to it.
#[napi(object, object_to_js = false)]
pub struct S3Bucket {
    /// `https://<account id>.r2.cloudflarestorage.com` or the URL of any other store, also with a path. Buckets are
    /// addressed below it, never as a host name.
    pub endpoint: String,
    /// The bucket's name. One that does not exist is `SOURCE_UNREACHABLE`.
    pub bucket: String,
    /// Access key id. It needs to list and read the bucket, and nothing else, but to write where photos are restored
    /// to; else `SOURCE_REFUSED`.
    pub access_key_id: String,
    /// Secret access key. It appears in no message, archive or file.
    pub secret_access_key: String,
    /// Region that requests are signed for. Default `'auto'`, which is R2's; other stores name their own.
    #[napi(ts_type = "string | undefined")]
    pub region: Option<String>,
}

const DATABASE: Members = Members {
    known: &[&[
        ("file", Takes::String),
        ("sql", Takes::String),
        ("wrangler", Takes::Object),
        ("d1", Takes::Object),
    ]],
    needed: &[],
};
const REMOTE_DATABASE: Members = Members {
    known: &[&[
        ("accountId", Takes::String),
        ("databaseId", Takes::String),
        ("apiToken", Takes::String),
        ("apiUrl", Takes::String),
    ]],
    needed: &["accountId", "databaseId", "apiToken"],
};
const LOCAL_DATABASE: Members = Members {
    known: &[&[("databaseId", Takes::String), ("stateDir", Takes::String)]],
    needed: &["databaseId"],
};
const PHOTOS: Members = Members {
    known: &[&[
        ("directory", Takes::String),
        ("s3", Takes::Object),
        ("publicUrl", Takes::String),
        ("wrangler", Takes::Object),
        ("r2", Takes::Object),
    ]],
    needed: &[],
};
const LOCAL_BUCKET: Members =
    Members { known: &[&[("bucket", Takes::String), ("stateDir", Takes::String)]], needed: &["bucket"] };
const REMOTE_BUCKET: Members = Members {
    known: &[&[
        ("accountId", Takes::String),
        ("bucket", Takes::String),
        ("apiToken", Takes::String),
        ("apiUrl", Takes::String),
    ]],
    needed: &["accountId", "bucket", "apiToken"],
};
/// The members of an [`S3Bucket`].
pub const S3: Members = Members {
    known: &[&[
        ("endpoint", Takes::String),
        ("bucket", Takes::String),
        ("accessKeyId", Takes::String),
        ("secretAccessKey", Takes::String),
        ("region", Takes::String),
    ]],
    needed: &["endpoint", "bucket", "accessKeyId", "secretAccessKey"],
};

/// Checks the members of `database`, which has to be there, and of `photos`.
pub fn check<'env>(env: &'env Env, options: &mut Object<'env>) -> Result<()> {
    if let Some(mut database) = nested(env, options, "", "database", &DATABASE)? {
        nested(env, &mut database, "database.", "wrangler", &LOCAL_DATABASE)?;
        nested(env, &mut database, "database.", "d1", &REMOTE_DATABASE)?;
    }
    if let Some(mut photos) = nested(env, options, "", "photos", &PHOTOS)? {
        nested(env, &mut photos, "photos.", "s3", &S3)?;
        nested(env, &mut photos, "photos.", "wrangler", &LOCAL_BUCKET)?;
        nested(env, &mut photos, "photos.", "r2", &REMOTE_BUCKET)?;
    }
    if !options.has_own_property("database")? {
        let error = Error::invalid(
            "database is missing: set one of database.file, database.sql, database.wrangler and database.d1",
        );
        return Err(js::error(env, &error, None));
    }
    Ok(())
}

impl From<DatabaseSource> for core::DatabaseOptions {
    fn from(DatabaseSource { file, sql, wrangler, d1 }: DatabaseSource) -> Self {
        let wrangler = wrangler.map(|LocalDatabase { database_id, state_dir }| core::LocalDatabase {
            database_id,
            state_dir: Some(js::path_or(state_dir, DEFAULT_STATE)),
        });
        core::DatabaseOptions {
            file: file.map(js::path),
            sql: sql.map(js::path),
            wrangler,
            d1: d1.map(Into::into),
        }
    }
}

impl From<RemoteDatabase> for core::RemoteDatabase {
    fn from(RemoteDatabase { account_id, database_id, api_token, api_url }: RemoteDatabase) -> Self {
        let account = core::AccountOptions { account_id, api_token: api_token.into(), api_url };
        core::RemoteDatabase { account, database_id }
    }
}

impl From<PhotoSource> for core::PhotoOptions {
    fn from(PhotoSource { directory, s3, public_url, wrangler, r2 }: PhotoSource) -> Self {
        let wrangler = wrangler.map(|LocalBucket { bucket, state_dir }| core::LocalBucket {
            bucket,
            state_dir: Some(js::path_or(state_dir, DEFAULT_STATE)),
        });
        core::PhotoOptions {
            directory: directory.map(js::path),
            s3: s3.map(Into::into),
            public_url,
            wrangler,
            r2: r2.map(Into::into),
        }
    }
}

impl From<RemoteBucket> for core::RemoteBucket {
    fn from(RemoteBucket { account_id, bucket, api_token, api_url }: RemoteBucket) -> Self {
        let account = core::AccountOptions { account_id, api_token: api_token.into(), api_url };
        core::RemoteBucket { account, bucket }
    }
}

impl From<S3Bucket> for core::S3Options {
    fn from(S3Bucket { endpoint, bucket, access_key_id, secret_access_key, region }: S3Bucket) -> Self {
        core::S3Options {
            endpoint,
            bucket,
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            region,
        }
    }
}
