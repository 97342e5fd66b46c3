//! What a dump is made from: which rows are in, and everything that must not be.

use std::sync::{Arc, Mutex, PoisonError};

use super::Run;
use super::fences::Fences;
use super::included::IncludedField;
use super::options::Settings;
use super::parallel::in_order;
use super::plan::{Failure, Plan, Selection};
use super::previous::Previous;
use crate::database::source::Snapshot;
use crate::error::{Error, Result};
use crate::inputs::take_snapshot;
use crate::job::Job;
use crate::platform::content::Content;
use crate::platform::drift::Drift;
use crate::platform::identifiers::{Names, PrivateTexts, each_private_text};
use crate::privacy::filter::Filter;
use crate::privacy::redact::Redactor;
use crate::privacy::values::{Finds, Identified, PublicId, Values};

/// What is read from the database before the photos are looked at.
pub struct Read {
    /// The rows.
    pub snapshot: Snapshot,
    /// How the schema differs from those that are known.
    pub drift: Drift,
    /// Every identifier of a user.
    pub values: Arc<Values>,
    /// The names that stay in.
    pub filter: Arc<Filter>,
    /// Columns that the operator adds, that are there and that nothing keeps in.
    pub included: Vec<IncludedField>,
    /// Columns that the operator names and that the database has not.
    pub absent: Vec<String>,
    /// Which rows are in.
    pub plan: Plan,
    /// The dump to compare with.
    pub previous: Option<Previous>,
}

/// Reads it. Fails with `SCHEMA_UNKNOWN` when nobody can say which works are approved, and with `DUMP_SHRUNK` when none
/// is. Blocks.
pub(super) fn read(Run { settings, workspace, job }: &Run, with_photos: bool) -> Result<Read> {
    let previous = settings.previous.as_deref().map(|path| Previous::open(path, job)).transpose()?;
    let snapshot = take_snapshot(&settings.common.database, workspace.folder(), job)?;
    let failure = |error: rusqlite::Error| snapshot.failure(&error);
    let drift = Drift::read(snapshot.connection()).map_err(failure)?;
    let values = known_identifiers(&snapshot, job)?;
    let filter = Filter::new(settings.extra_blacklist.iter().map(String::as_str));
    let absent = absent(settings, &snapshot)?;
    let is_had = |field: &&IncludedField| field.leaves(&filter) && !absent.contains(&field.place());
    let included: Vec<_> = settings.included.iter().filter(is_had).cloned().collect();
    let fences = Fences::new(&filter, Redactor::new(&values), settings.fail_on_leak);
    let selection =
        Selection { separate_foreign: settings.separate_foreign, photos: with_photos, included: &included };
    let plan = Plan::read(&snapshot, selection, &fences)?;
    if plan.works.is_empty() && plan.foreign.is_empty() {
        return Err(Error::DumpShrunk {
            problem: "there is no approved artwork that may be published: an empty dump would replace whatever was \
                      published before; check that this is the right database"
                .into(),
        });
    }
    Ok(Read {
        snapshot,
        drift,
        values: Arc::new(values),
        filter: Arc::new(filter),
        included,
        absent,
        plan,
        previous,
    })
}

/// Columns that the operator adds and that are not there, which a slip of the pen makes.
fn absent(settings: &Settings, snapshot: &Snapshot) -> Result<Vec<String>> {
    let mut absent = Vec::new();
    for field in &settings.included {
        let table = Content::find(snapshot.connection(), field.table, [])
            .map_err(|error| snapshot.failure(&error))?;
        if !table.is_some_and(|table| table.has(&field.column)) {
            absent.push(field.place());
        }
    }
    Ok(absent)
}

/// Fence 3 begins here: every identifier of a user that the database holds.
fn known_identifiers(snapshot: &Snapshot, job: &Job) -> Result<Values> {
    let (mut values, mut public_ids) = (Values::default(), Vec::new());
    let connection = snapshot.connection();
    // Each thread takes what was found out about names, and gives it back.
    let known_names = Mutex::new(Vec::<Names>::new());
    let names = || known_names.lock().unwrap_or_else(PoisonError::into_inner);
    in_order(
        |hand_on| {
            let read = each_private_text::<Failure>(connection, |texts| {
                job.check().and_then(|()| hand_on(texts)).map_err(Failure::Job)
            });
            read.map_err(|failure| failure.of(snapshot))
        },
        |texts: PrivateTexts| {
            let mut finds = Finds::default();
            let mut known = names().pop().unwrap_or_default();
            texts.each_value(&mut known, |column, value, author| {
                Identified::each(texts.place(column), value, author, |one| finds.add(column, one));
            });
            names().push(known);
            let public: Vec<_> = texts.public_ids().filter_map(PublicId::of).collect();
            Ok((texts, finds.into_found(), public))
        },
        |(texts, found, public)| {
            values.extend(found, |column| texts.place(column));
            public_ids.extend(public);
            Ok(())
        },
    )?;
    // Not before all is known: tables come in any order.
    public_ids.into_iter().for_each(|id| values.exempt(id));
    Ok(values)
}
