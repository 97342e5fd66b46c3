//! Statements sent to a database, and its answers.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::cell;
use crate::cloudflare::{Answer, ApiError, Call, Cloudflare, Hint, refused};
use crate::error::{Error, Result};
use crate::http::Failure;
use crate::job::Job;

/// Bytes of one answer that are taken: several times what is asked for at once.
const MAX_ANSWER: usize = 64 << 20;
/// How often, and after which pause, what is little already is asked for.
const MAX_TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// What Cloudflare calls the permission.
const PERMISSION: &str = "D1: Read";

/// A row of `sqlite_schema`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its CREATE text; empty for what SQLite makes by itself.
    pub sql: String,
}

/// The rows of one statement.
pub type Rows = Vec<Vec<Value>>;

/// What came back, and how long the answer was.
pub struct Answered {
    /// Of each statement.
    pub rows: Vec<Rows>,
    /// Bytes.
    pub bytes: usize,
}

/// Why there is no answer.
pub enum QueryError {
    /// So much cannot be had at once.
    TooMuch(ApiError),
    /// It was refused.
    Api(ApiError),
    /// The job cannot go on.
    Job(Error),
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        QueryError::Job(error)
    }
}

/// Whether less could be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowMuch {
    /// It could: "too much" is an answer.
    Several,
    /// It could not: "too much" is only of the moment.
    Least,
}

/// Every object is asked for in hexadecimal: a name may hold what JSON cannot.
const SCHEMA: &str = "SELECT hex(type), hex(name), hex(sql) FROM sqlite_schema ORDER BY rowid";

/// A database that statements are sent to.
pub struct Database<'a> {
    client: Cloudflare,
    path: String,
    id: &'a str,
    job: &'a Job,
}

/// Of a statement that reads. One without rows has no answer: none of a table is an empty list.
#[derive(Deserialize)]
struct Statement {
    #[serde(default = "yes")]
    success: bool,
    results: Table,
    #[serde(default)]
    meta: Value,
}

#[derive(Deserialize)]
struct Table {
    rows: Rows,
}

fn yes() -> bool {
    true
}

impl<'a> Database<'a> {
    /// The database with this id; nothing is asked yet.
    pub fn new(client: Cloudflare, id: &'a str, job: &'a Job) -> Self {
        // Dashes need no encoding, and Cloudflare's own clients send them plain.
        let encoded = utf8_percent_encode(id, NON_ALPHANUMERIC).to_string().replace("%2D", "-");
        Database { path: client.in_account(&format!("d1/database/{encoded}/raw")), client, id, job }
    }

    /// The job that reads.
    pub fn job(&self) -> &'a Job {
        self.job
    }

    /// The schema, and the bytes of the whole database where they are said.
    pub async fn schema(&self) -> Result<(Vec<Object>, Option<u64>)> {
        let answer = self.little(&[Cow::Borrowed(SCHEMA)]).await?.map_err(|error| self.failure(error))?;
        let size = answer.result.first().and_then(|first| first.meta.get("size_after")?.as_u64());
        let rows = rows(answer, 1)?.into_iter().flatten();
        Ok((rows.map(object).collect::<Option<_>>().ok_or_else(malformed)?, size))
    }

    /// Whether the sign of a zero can be asked for: SQL's only way is a function that a database may not have.
    pub async fn tells_zeros_apart(&self) -> Result<bool> {
        let sql = format!("SELECT {} < 0 FROM (SELECT -0.0 AS zero)", cell::sign("zero"));
        match self.little(&[Cow::Owned(sql)]).await? {
            Ok(answer) => {
                let value = answer.result.first().and_then(|first| first.results.rows.first()?.first());
                Ok(value.and_then(Value::as_f64) == Some(1.0))
            }
            Err(error) if error.is_of_sql() => Ok(false),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Runs statements that only read, several of them in one transaction.
    pub async fn read(&self, statements: &[String], how_much: HowMuch) -> Result<Answered, QueryError> {
        let statements: Vec<_> = statements.iter().map(|sql| Cow::Borrowed(sql.as_str())).collect();
        let sent = match how_much {
            HowMuch::Several => self.send(&statements).await?,
            HowMuch::Least => self.little(&statements).await?,
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if is_too_much(&error) => return Err(QueryError::TooMuch(error)),
            Err(error) => return Err(QueryError::Api(error)),
        };
        let rows = rows(answer, statements.len())?;
        let bytes = rows.iter().flatten().flatten().map(length).sum();
        Ok(Answered { rows, bytes })
    }

    /// Parts of one long value, which cannot be had in less.
    pub async fn parts(&self, statements: &[String]) -> Result<Vec<Rows>> {
        let statements: Vec<_> = statements.iter().map(|sql| Cow::Borrowed(sql.as_str())).collect();
        let answer = self.little(&statements).await?.map_err(|error| self.failure(error))?;
        rows(answer, statements.len())
    }

    /// Sends statements of which less cannot be asked for: then "too much" is only of the moment.
    async fn little(&self, statements: &[Cow<'_, str>]) -> Result<Result<Answer<Vec<Statement>>, ApiError>> {
        for _ in 1..MAX_TRIES {
            match self.send(statements).await? {
                Err(ApiError::Refused { hint: Hint::TooMuch, .. }) => sleep(PAUSE).await,
                other => return Ok(other),
            }
        }
        self.send(statements).await
    }

    async fn send(&self, statements: &[Cow<'_, str>]) -> Result<Result<Answer<Vec<Statement>>, ApiError>> {
        let body = match statements {
            [only] => json!({ "sql": only }),
            several => {
                json!({ "batch": several.iter().map(|sql| json!({ "sql": sql })).collect::<Vec<_>>() })
            }
        };
        let body = Bytes::from(body.to_string());
        self.client
            .call(&Call { method: Method::POST, path: &self.path, body, limit: MAX_ANSWER }, self.job)
            .await
    }

    /// A failure for good, as an error of the job.
    pub fn failure(&self, error: ApiError) -> Error {
        if let ApiError::Refused { code: code @ (7400 | 7404), .. } = error {
            let hint = match code {
                7400 => "the id is none that D1 gives; it takes the database_id of the configuration, a UUID",
                _ => "the account has no database with this id; check the account id and the database id",
            };
            return Error::DatabaseNotFound {
                path: PathBuf::from(format!("D1 {}", self.id)),
                hint: hint.into(),
            };
        }
        refused(format!("the D1 database {}", self.id), PERMISSION, error)
    }
}

/// The rows of each of so many statements.
fn rows(answer: Answer<Vec<Statement>>, statements: usize) -> Result<Vec<Rows>> {
    if answer.result.len() != statements || answer.result.iter().any(|one| !one.success) {
        return Err(malformed());
    }
    Ok(answer.result.into_iter().map(|one| one.results.rows).collect())
}

fn is_too_much(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::TooLarge
            | ApiError::Network(Failure::Timeout)
            | ApiError::Refused { hint: Hint::TooMuch, .. }
            | ApiError::Refused { status: 413, .. }
    )
}

/// About the bytes that a value took in its answer.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 3,
        _ => 8,
    }
}

fn object(row: Vec<Value>) -> Option<Object> {
    let mut texts = row.into_iter().map(|value| {
        let bytes = hex::decode(value.as_str()?).ok()?;
        String::from_utf8(bytes).ok()
    });
    Some(Object { kind: texts.next()??, name: texts.next()??, sql: texts.next()?? })
}

/// An answer that is not what was asked for.
pub fn malformed() -> Error {
    Error::SourceUnreachable {
        what: "D1".into(),
        problem: "its answer is not of the shape that its API describes; check apiUrl, then try again".into(),
        source: None,
    }
}
