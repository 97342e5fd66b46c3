//! Where a backup comes back to, as the options name it.

use std::path::{Path, PathBuf, is_separator};

use super::target::Target;
use super::target::directory::Directory;
use super::target::s3::S3Bucket;
use super::target::wrangler::LocalBucket;
use super::{LocalTarget, RestoreOptions};
use crate::error::{Error, Result};
use crate::options::{self, name, state};
use crate::wrangler::database_file;

/// Where rows and photos come back to.
pub(super) struct Targets {
    pub(super) databases: Vec<PathBuf>,
    pub(super) photos: Vec<Box<dyn Target>>,
}

impl Targets {
    /// The targets that are named. Fails with `INVALID_OPTIONS` when there is none, or none for the tables or keys that
    /// are chosen, or two of them are one file, or a file and a folder of one path.
    pub(super) fn named(options: &RestoreOptions) -> Result<Targets> {
        let database = options.database.clone().map(database).transpose()?;
        let mut databases: Vec<PathBuf> = database.into_iter().collect();
        let mut photos: Vec<Box<dyn Target>> = Vec::new();
        let mut folders = Vec::new();
        if let Some(dir) = options.photos_dir.clone() {
            let dir = options::path("photosDir", dir)?;
            photos.push(Box::new(Directory::new(&dir)?));
            folders.push(dir);
        }
        if let Some(LocalTarget { database_id, bucket, state_dir }) = options.wrangler.clone() {
            let state = state("wrangler", state_dir)?;
            if database_id.is_none() && bucket.is_none() {
                return Err(Error::invalid(
                    "wrangler names no target: set wrangler.databaseId, wrangler.bucket or both",
                ));
            }
            folders.push(state.clone());
            if let Some(id) = database_id {
                databases.push(database_file(&state, &name("wrangler.databaseId", id)?));
            }
            if let Some(bucket) = bucket {
                photos.push(Box::new(LocalBucket::new(state, name("wrangler.bucket", bucket)?)));
            }
        }
        if let Some(bucket) = options.s3.clone() {
            photos.push(Box::new(S3Bucket::new(bucket.check("s3")?)?));
        }
        refuse_folders(&databases, &folders)?;
        let targets = Targets { databases, photos };
        targets.refuse_contradictions(options)?;
        Ok(targets)
    }

    /// Fails with `INVALID_OPTIONS` when there is no target, or none for the tables or keys that are chosen, or both
    /// databases are one file.
    fn refuse_contradictions(&self, options: &RestoreOptions) -> Result<()> {
        let Targets { databases, photos } = self;
        let problem = if let [database, of_wrangler] = &databases[..]
            && place(database) == place(of_wrangler)
        {
            "database is the very file of wrangler.databaseId; name one of the two"
        } else if databases.is_empty() && photos.is_empty() {
            "a restore needs a target: database, photosDir, wrangler, s3 or several"
        } else if options.tables.is_some() && databases.is_empty() {
            "tables is about rows: set database or wrangler.databaseId too, or leave tables out"
        } else if options.keys.is_some() && photos.is_empty() {
            "keys is about photos: set photosDir, wrangler.bucket or s3 too, or leave keys out"
        } else {
            return Ok(());
        };
        Err(Error::invalid(problem))
    }
}

/// Fails with `INVALID_OPTIONS` when the file of a database would stand where a folder is to be made.
fn refuse_folders(databases: &[PathBuf], folders: &[PathBuf]) -> Result<()> {
    for database in databases {
        if folders.iter().any(|folder| place(folder).starts_with(place(database))) {
            return Err(Error::invalid(format!(
                "{} cannot be both a database and a folder of photos or of wrangler's state; give each a path of its own",
                database.display()
            )));
        }
    }
    Ok(())
}

/// Where a file is or would be, whatever links lead to its folder.
fn place(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path.ancestors().skip(1).find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match there.and_then(|(folder, real)| Some(real.join(path.strip_prefix(folder).ok()?))) {
        Some(place) => place,
        None => path,
    }
}

/// The path of a file that is to be made.
fn database(file: PathBuf) -> Result<PathBuf> {
    let file = options::path("database", file)?;
    let is_named_so = file.to_string_lossy().ends_with(is_separator) || file.file_name().is_none();
    if is_named_so || file.is_dir() {
        return Err(Error::invalid(format!(
            "database is {}, a folder; it takes the path of a file",
            file.display()
        )));
    }
    Ok(file)
}
