//! What a dump says of itself: to everybody, and to the operator alone.

use super::fences::Toll;
use super::files::Written;
use super::included::file_of;
use super::options::Settings;
use super::photos::Thumbnails;
use super::read::Read;
use crate::error::Result;
use crate::formats::GENERATOR;
use crate::formats::dump::{self, Counts, DataDumpMetadata};
use crate::formats::missing::keep_listed;
use crate::job::{Warning, counted};
use crate::photos::thumbnail::QUALITY;
use crate::platform::fields::files::DATA_FILES;
use crate::platform::times::rfc3339;

/// How many records each file has.
pub fn counts(written: &Written, thumbnails: &Thumbnails) -> Counts {
    let of =
        |name: &str| written.files.iter().find(|file| file.file.name == name).map_or(0, |file| file.records);
    Counts {
        total_artworks: of("artwork.json"),
        total_creators: of("creators.json"),
        total_tags: of("tags.json"),
        total_photos: thumbnails.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64,
    }
}

/// metadata.json, which everybody may read.
pub fn metadata(
    settings: &Settings,
    read: &Read,
    thumbnails: &Thumbnails,
    counts: Counts,
    toll: &Toll,
) -> Result<DataDumpMetadata> {
    let missing = read.plan.photos.iter().zip(&thumbnails.outcomes).filter_map(|(photo, outcome)| {
        let reason = (*outcome).err()?;
        Some(dump::MissingPhoto { photo: photo.to_string(), reason: reason.into() })
    });
    let mut photos_missing = missing.collect();
    let photos_missing_unlisted = keep_listed(&mut photos_missing)?;
    let mut warnings: Vec<Warning> = toll.troubles.warnings().chain(thumbnails.warnings.clone()).collect();
    warnings.sort();
    Ok(DataDumpMetadata {
        format: dump::FORMAT.into(),
        format_version: dump::FORMAT_VERSION.into(),
        generated_at: rfc3339(settings.common.now),
        generator: GENERATOR.into(),
        license: "CC0-1.0".into(),
        source: dump::SourceMetadata {
            name: settings.source.name.clone(),
            url: settings.source.url.clone(),
            contact: settings.source.contact.clone(),
        },
        complete: thumbnails.failed == 0,
        counts,
        filters: dump::Filters {
            status: "approved".into(),
            foreign_licenses: if settings.separate_foreign { "separate" } else { "exclude" }.into(),
            excluded_foreign: read.plan.excluded_foreign.clone(),
        },
        privacy: dump::Privacy {
            excluded_tables: read.drift.private_tables.iter().map(|name| (*name).to_owned()).collect(),
            excluded_fields: excluded_fields(read),
            unknown_columns_excluded: unknown(read).count() as u64,
            redactions: (&toll.counts).into(),
        },
        thumbnails: settings.thumbnail_side().map(|max_side| dump::ThumbnailMetadata {
            max_side,
            format: "image/jpeg".into(),
            quality: QUALITY,
        }),
        photos_missing,
        photos_missing_unlisted,
        warnings,
    })
}

/// Known columns that stay in: none is published, or the operator's blacklist takes it.
fn excluded_fields(read: &Read) -> Vec<String> {
    let fields = || DATA_FILES.into_iter().flat_map(|file| file.fields).filter(|field| field.required);
    // What records are known and joined by leaves all the same; tags leave empty.
    let leaves = |name: &str| {
        read.filter.allows(name)
            || name == "artist_id"
            || (name != "tags" && fields().any(|field| field.name == name))
    };
    let kept_in = read.drift.published.iter().filter(|name| !leaves(name));
    let mut names: Vec<String> =
        read.drift.withheld.iter().chain(kept_in).map(|name| (*name).to_owned()).collect();
    names.sort_unstable();
    names
}

/// Columns that nobody has decided on and that stay in.
fn unknown(read: &Read) -> impl Iterator<Item = &String> {
    read.drift.unknown.iter().filter(|place| {
        let named = |(table, column)| read.included.iter().any(|field| field.is(table, column));
        !place.split_once('.').is_some_and(named)
    })
}

/// What only the operator is told: names of columns that are no secret to them, and may be one to the public.
pub fn for_the_operator(settings: &Settings, read: &Read) -> Vec<Warning> {
    let mut warnings = read.snapshot.warnings().to_vec();
    for place in unknown(read) {
        let may_leave =
            |(table, column): (&str, &str)| file_of(table).is_some() && read.filter.allows(column);
        let is_content = place.split_once('.').is_some_and(may_leave);
        let message = match is_content {
            true => {
                "nobody has decided on this column: it is not published; includeFields (--include-fields) lets it out"
            }
            false => "nobody has decided on this column: it is not published",
        };
        warnings.push(Warning::about("UNKNOWN_COLUMN", place.clone(), message));
    }
    for field in settings.included.iter().filter(|field| !field.leaves(&read.filter)) {
        let reason = field.withheld.unwrap_or("its name is on the blacklist");
        let message =
            format!("includeFields (--include-fields) names it, and it is left out all the same: {reason}");
        warnings.push(Warning::about("FIELD_KEPT_IN", field.place(), message));
    }
    for place in &read.absent {
        let message = "includeFields (--include-fields) names it, and the database has no such column: check how it \
                       is spelt";
        warnings.push(Warning::about("FIELD_NOT_FOUND", place.clone(), message));
    }
    let foreign: u64 = read.plan.excluded_foreign.values().sum();
    if foreign > 0 {
        let rows = counted(foreign, "row is", "rows are");
        warnings.push(Warning::new(
            "FOREIGN_LICENSE",
            format!("{rows} under another licence and left out of the CC0 files"),
        ));
    }
    if settings.common.photos.is_none() && settings.max_side.is_some() {
        let message = "no source of photos was given: the dump holds no thumbnails";
        warnings.push(Warning::new("PHOTOS_LEFT_OUT", message));
    }
    warnings
}
