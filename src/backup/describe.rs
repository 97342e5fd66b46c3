//! What a backup says of itself.

use super::options::Settings;
use super::photos::Photos;
use super::plan::Plan;
use super::rows::Rows;
use crate::database::drill::DrillReport;
use crate::database::source::Snapshot;
use crate::formats::GENERATOR;
use crate::formats::backup::{self, BackupMetadata};
use crate::job::Warning;
use crate::platform::times::rfc3339;

/// What is known before the rows are written and belongs into the metadata.
pub struct Facts {
    database: &'static str,
    photos: Option<&'static str>,
    not_included: Vec<String>,
    /// What the operator should know so far.
    pub warnings: Vec<Warning>,
}

impl Facts {
    /// Of a database and what is planned for its photos.
    pub fn of(snapshot: &Snapshot, plan: &Plan) -> Facts {
        let mut warnings = snapshot.warnings().to_vec();
        warnings.extend(plan.warnings());
        Facts {
            database: snapshot.kind(),
            photos: plan.source(),
            not_included: plan.not_included(),
            warnings,
        }
    }
}

/// metadata.json: what was made, with the verdict of the drill.
pub fn metadata(
    settings: &Settings,
    facts: Facts,
    rows: &Rows,
    photos: Photos,
    drilled: Option<DrillReport>,
) -> BackupMetadata {
    let mut warnings = facts.warnings;
    warnings.extend_from_slice(&rows.dump.warnings);
    warnings.extend(photos.warnings());
    warnings.extend(drilled.iter().flat_map(|drill| drill.warnings.clone()));
    warnings.sort();
    let photos = photos.metadata();
    BackupMetadata {
        format: backup::FORMAT.into(),
        format_version: backup::FORMAT_VERSION.into(),
        created_at: rfc3339(settings.common.now),
        generator: GENERATOR.into(),
        source: backup::SourceKinds { database: facts.database.into(), photos: facts.photos.map(Into::into) },
        complete: photos.all_missing() == 0,
        database: rows.metadata(),
        photos,
        not_included: facts.not_included,
        drill: drilled.map(|drill| backup::DrillMetadata {
            loaded: true,
            tables: drill.tables,
            rows: drill.rows,
            integrity_check: drill.integrity_check,
            foreign_key_problems: drill.foreign_key_problems,
        }),
        warnings,
    }
}
