//! What a backup would hold, for whoever wants to know before making one. Rows are counted, photos are listed and
//! none is fetched; nothing is written but private copies, in the system's temporary folder, and those go again.

use std::sync::Arc;

use super::inputs::Inputs;
use super::options::BackupOptions;
use super::plan::Plan;
use super::{Run, reuse, rows};
use crate::archive::Workspace;
use crate::database::quoted;
use crate::database::schema::Schema;
use crate::database::source::Snapshot;
use crate::error::Result;
use crate::folder;
use crate::job::{Job, Warning, blocking};
use crate::photos::source::slow_store;
use crate::platform::photo_plan::PhotoKind;

/// What a backup with the same options would hold.
#[derive(Debug, Clone)]
pub struct BackupPreview {
    /// The kind of source of the rows, such as `file`.
    pub database: &'static str,
    /// Tables whose rows are stored.
    pub tables: u64,
    /// Rows in these tables.
    pub rows: u64,
    /// Bytes of the database's pages.
    pub database_bytes: u64,
    /// The photos; none when the options name no source of them.
    pub photos: Option<PhotosPreview>,
    /// What a reader might expect and would not find.
    pub not_included: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// The photos that would be copied.
#[derive(Debug, Clone)]
pub struct PhotosPreview {
    /// The kind of source, such as `directory`.
    pub source: &'static str,
    /// Originals.
    pub originals: u64,
    /// Stored variants; those that a source which cannot list may hold are not counted.
    pub thumbnails: u64,
    /// Bytes of both, as far as the source lists them.
    pub bytes: u64,
    /// Photos that the archive in `reuseFrom` holds unchanged.
    pub reusable: u64,
    /// Bytes of the photos that the archive in `reuseFrom` holds unchanged.
    pub reusable_bytes: u64,
    /// References to photos that the source does not hold.
    pub dangling: u64,
    /// References to other hosts.
    pub foreign: u64,
}

/// Says what a backup would hold, and makes none. Fails as [`create_backup`](super::create_backup) would before its
/// first byte; what `outputDir` is like is not looked at.
pub async fn preview_backup(options: BackupOptions, job: Job) -> Result<BackupPreview> {
    let settings = Arc::new(options.check()?);
    job.check()?;
    let workspace = blocking(|| Workspace::create(&folder::temporary())).await.map(Arc::new)?;
    let run = Run { settings, workspace, job };
    let Inputs { snapshot, store, earlier } = Inputs::read(&run).await?;
    let planned = run.blocking(|run| Ok((Plan::make(&snapshot, store, run.settings.photo_scope)?, snapshot)));
    let (mut plan, snapshot) = planned.await?;
    if let Some(earlier) = &earlier {
        plan.look_for(earlier, run.settings.common.concurrency, &run.job).await?;
    }
    run.last(move |run| preview(run, &snapshot, &plan, earlier.as_ref())).await
}

fn preview(
    run: &Run,
    snapshot: &Snapshot,
    plan: &Plan,
    earlier: Option<&reuse::Earlier>,
) -> Result<BackupPreview> {
    let (tables, rows) = count(snapshot, &run.job)?;
    let mut warnings = snapshot.warnings().to_vec();
    warnings.extend(plan.warnings());
    let photos = run.settings.common.photos.is_some().then(|| photos(plan, earlier));
    let to_fetch = (plan.photos().len() as u64).saturating_sub(photos.as_ref().map_or(0, |it| it.reusable));
    warnings.extend(plan.least_time(to_fetch).map(|time| slow_store(to_fetch, time)));
    Ok(BackupPreview {
        database: snapshot.kind(),
        tables,
        rows,
        database_bytes: rows::size(snapshot)?,
        photos,
        not_included: plan.not_included(),
        warnings,
    })
}

/// Tables whose rows are stored, and their rows.
fn count(snapshot: &Snapshot, job: &Job) -> Result<(u64, u64)> {
    let connection = snapshot.connection();
    let failure = |error| snapshot.failure(&error);
    let schema = Schema::read(connection).map_err(failure)?;
    let tables: Vec<_> = schema.tables.iter().chain(&schema.sequence).collect();
    let mut rows = 0;
    for table in &tables {
        job.check()?;
        let sql = format!("SELECT count(*) FROM main.{} NOT INDEXED", quoted(&table.name));
        rows += connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(failure)? as u64;
    }
    Ok((tables.len() as u64, rows))
}

fn photos(plan: &Plan, earlier: Option<&reuse::Earlier>) -> PhotosPreview {
    let mut preview = PhotosPreview {
        source: plan.source().unwrap_or_default(),
        originals: 0,
        thumbnails: 0,
        bytes: plan.bytes(),
        reusable: 0,
        reusable_bytes: 0,
        dangling: plan.dangling(),
        foreign: plan.foreign(),
    };
    for planned in plan.photos() {
        match planned.kind {
            // Only a guess.
            _ if planned.probe => {}
            PhotoKind::Original => preview.originals += 1,
            PhotoKind::Thumbnail => preview.thumbnails += 1,
        }
        let unchanged = plan.listed(&planned.key).filter(|now| earlier.is_some_and(|then| then.holds(now)));
        if let Some(photo) = unchanged {
            preview.reusable += 1;
            preview.reusable_bytes += photo.size;
        }
    }
    preview
}
