//! The rows of a backup: database.sql is written and, side by side with it, read back and tried.

use std::io::BufReader;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::archive::{ArchiveWriter, Deflated, Deflater, Follower, Workspace};
use crate::database::bytes_of;
use crate::database::drill::{Drill, DrillReport, Expected, Fate};
use crate::database::source::Snapshot;
use crate::database::sql::{self, Dump, Repairs};
use crate::error::{Error, Result};
use crate::folder;
use crate::formats::backup::{DatabaseMetadata, EXTRA, MAIN, TableMetadata};
use crate::job::{Job, Meter, Phase, cores};

/// What to do about a drill that fails.
const ADVICE: &str =
    "no archive was made; please report this, with the schema of the database if you can share it";
/// What the drill loads is at most so many times as large as the database: blobs double as hexadecimal, small rows
/// grow by their punctuation.
const SQL_PER_BYTE: u64 = 8;

/// The rows as they lie in the workspace, ready to go into the archive.
pub struct Rows {
    /// What was written.
    pub dump: Dump,
    main: Deflated,
    extra: Option<Deflated>,
}

impl Rows {
    /// The part of metadata.json.
    pub fn metadata(&self) -> DatabaseMetadata {
        let tables = self.dump.tables.iter().map(|table| TableMetadata {
            name: table.name.clone(),
            rows: table.rows,
            digest: table.digest.clone(),
        });
        DatabaseMetadata {
            tables: tables.collect(),
            total_rows: self.dump.tables.iter().map(|table| table.rows).sum(),
            sql_bytes: self.dump.sql_bytes,
            left_out: self.dump.left_out.clone(),
            in_extra: self.dump.in_extra.clone(),
        }
    }

    /// Appends database.sql and, where needed, database-extra.sql.
    pub fn add_to(&self, archive: &mut ArchiveWriter, workspace: &Workspace) -> Result<()> {
        archive.add_deflated(MAIN, &self.main, workspace.open_file(MAIN)?)?;
        match &self.extra {
            Some(extra) => archive.add_deflated(EXTRA, extra, workspace.open_file(EXTRA)?),
            None => Ok(()),
        }
    }
}

/// Bytes of the database's pages.
pub fn size(snapshot: &Snapshot) -> Result<u64> {
    bytes_of(snapshot.connection()).map_err(|error| snapshot.failure(&error))
}

/// The two halves of the work, each to be run on a thread of its own.
pub struct Work {
    /// Writes.
    pub writer: Writer,
    /// Reads back what the writer writes; None when the drill is switched off.
    pub drill: Option<DrillWork>,
}

/// The half that writes.
pub struct Writer {
    snapshot: Snapshot,
    repairs: Repairs,
    main: Deflater,
    extra: Deflater,
    done: Option<oneshot::Sender<Expected>>,
}

/// The half that reads back.
pub struct DrillWork {
    workspace: Arc<Workspace>,
    main: Follower,
    extra: Follower,
    bytes: u64,
    expected: oneshot::Receiver<Expected>,
}

impl Work {
    /// Prepares both halves for `snapshot`.
    pub fn new(
        snapshot: Snapshot,
        repairs: Repairs,
        workspace: &Arc<Workspace>,
        level: u32,
        drill: bool,
    ) -> Result<Work> {
        let threads = cores();
        let deflater =
            |name, threads| Deflater::new(workspace.create_file(name)?, workspace.path(name), level, threads);
        let (main, extra) = (deflater(MAIN, threads)?, deflater(EXTRA, 1)?);
        let (done, expected) = oneshot::channel();
        let drill = match drill {
            true => Some(DrillWork {
                workspace: Arc::clone(workspace),
                main: main.follow()?,
                extra: extra.follow()?,
                bytes: size(&snapshot)?.saturating_mul(SQL_PER_BYTE),
                expected,
            }),
            false => None,
        };
        Ok(Work { writer: Writer { snapshot, repairs, main, extra, done: Some(done) }, drill })
    }
}

impl Writer {
    /// Writes everything; the phase `database`.
    pub fn run(mut self, job: &Job) -> Result<Rows> {
        let meter = job.meter(Phase::Database, None, None);
        let output = sql::Output { main: &mut self.main, extra: &mut self.extra };
        let dump = sql::dump(self.snapshot.connection(), &self.repairs, output, job, &meter)
            .map_err(|failure| failure.of(&self.snapshot, folder::of(self.main.path())))?;
        let (main, extra) = (self.main.finish()?, self.extra.finish()?);
        if let Some(done) = self.done.take() {
            // Nobody waits when there is no drill.
            let _ = done
                .send(Expected { tables: dump.tables.clone(), definitions: Some(dump.definitions.clone()) });
        }
        meter.finish();
        Ok(Rows { main, extra: (dump.extra_bytes > 0).then_some(extra), dump })
    }
}

impl DrillWork {
    /// Loads what is written while it is written, then compares. Fails with DRILL_FAILED, or ABORT_ERR when the
    /// writing failed, whose error then counts. `meter` hears of what is loaded and compared.
    pub fn run(self, job: &Job, meter: Arc<Meter>) -> Result<DrillReport> {
        let path = self.workspace.path("drill.sqlite");
        let mut drill = Drill::start(&path, self.bytes, Fate::Scratch, ADVICE, job, meter)?;
        let loaded = drill
            .load(MAIN, BufReader::new(self.main))
            .and_then(|()| drill.load(EXTRA, BufReader::new(self.extra)));
        let Ok(expected) = self.expected.blocking_recv() else { return Err(Error::Aborted) };
        loaded?;
        drill.compare(&expected)
    }
}
