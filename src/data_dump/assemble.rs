//! The archive of a dump, entry after entry in its fixed order.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::files::WrittenFile;
use super::included::{IncludedField, file_of};
use super::options::Settings;
use super::photos::{MadeThumbnail, Thumbnails};
use super::plan::Work;
use super::records::photo_name;
use crate::archive::{ArchiveWriter, EntryNames, Stored, Workspace};
use crate::dataset::changes::{self, Changes};
use crate::dataset::package::{self, Others, Table};
use crate::dataset::readme::{self, Contents};
use crate::dataset::{CC0, LICENSE, citation, schemas};
use crate::error::{Error, Result};
use crate::formats::dump::{DataDumpMetadata, FORMAT_VERSION};
use crate::formats::{GENERATOR, METADATA, README, SUMS, metadata_json, pretty};
use crate::job::{Job, Meter, Phase};
use crate::platform::fields::files::DataFile;

/// Everything that goes into the archive.
pub struct Parts<'p> {
    /// What was asked for.
    pub settings: &'p Settings,
    /// Columns that the operator adds.
    pub included: &'p [IncludedField],
    /// The data files.
    pub files: &'p [WrittenFile],
    /// Works with photos.
    pub works: &'p [Work],
    /// Their thumbnails.
    pub thumbnails: &'p Thumbnails,
    /// The names of the thumbnails in the archive.
    pub names: &'p EntryNames,
    /// metadata.json.
    pub metadata: &'p DataDumpMetadata,
    /// CHANGES.json, if there is one.
    pub changes: Option<&'p Changes>,
}

impl Parts<'_> {
    /// Writes every entry but leaves the archive open; the phase `finish`, which counts data files and thumbnails. Fails
    /// with `ARCHIVE_TOO_LARGE` as soon as it is.
    pub fn write(&self, workspace: &Workspace, job: &Job) -> Result<ArchiveWriter> {
        let files = self.files.iter().map(|written| written.deflated.compressed_size);
        let thumbnails = self.thumbnails.outcomes.iter().flatten().map(|made| made.bytes);
        let sizes = files.chain(thumbnails);
        let meter = job.meter(Phase::Finish, Some(sizes.clone().count() as u64), Some(sizes.sum()));
        let common = &self.settings.common;
        let mut archive = ArchiveWriter::create(workspace, common.now, common.compression_level)?;
        archive.add_bytes(LICENSE, CC0.as_bytes())?;
        archive.add_bytes(README, self.readme().as_bytes())?;
        for WrittenFile { file, deflated, .. } in self.files {
            job.check()?;
            archive.add_deflated(file.name, deflated, workspace.open_file(file.name)?)?;
            self.check_size(&archive)?;
            meter.add(1, deflated.compressed_size);
        }
        let photos = self.add_photos(&mut archive, workspace, job, &meter)?;
        archive.add_bytes(METADATA, &metadata_json(self.metadata)?)?;
        let schemas: Vec<String> = self.files.iter().map(|written| schemas::name(written.file)).collect();
        let others = Others { schemas, changes: self.changes.is_some(), photos };
        archive.add_bytes(package::NAME, &pretty(package::NAME, &self.package(&others))?)?;
        for WrittenFile { file, .. } in self.files {
            let (name, schema) = (schemas::name(file), schemas::schema(file, &self.extra(file)));
            archive.add_bytes(&name, &pretty(&name, &schema)?)?;
        }
        let date = common.now.format("%Y-%m-%d").to_string();
        let citation = citation::text(&self.settings.source, &date, &date);
        archive.add_bytes(citation::NAME, citation.as_bytes())?;
        if let Some(changes) = self.changes {
            archive.add_bytes(changes::NAME, &pretty(changes::NAME, changes)?)?;
        }
        let checksums = archive.checksums();
        archive.add_bytes(SUMS, checksums.as_bytes())?;
        self.check_size(&archive)?;
        meter.finish();
        Ok(archive)
    }

    fn add_photos(
        &self,
        archive: &mut ArchiveWriter,
        workspace: &Workspace,
        job: &Job,
        meter: &Meter,
    ) -> Result<Vec<String>> {
        let mut names = Vec::new();
        if self.thumbnails.outcomes.iter().all(Result::is_err) {
            return Ok(names);
        }
        let mut file = workspace.open_file(&self.thumbnails.file)?;
        let unreadable = |error| Error::output(workspace.folder(), error);
        for work in self.works {
            for (at, (n, _)) in work.photos.iter().enumerate() {
                let Some(Ok(made)) = self.thumbnails.outcomes.get(work.first_photo + at) else { continue };
                job.check()?;
                let name = photo_name(self.names, &work.id, *n);
                file.seek(SeekFrom::Start(made.offset)).map_err(unreadable)?;
                let mut jpeg = (&mut file).take(made.bytes);
                let MadeThumbnail { bytes: size, crc32, sha256, .. } = *made;
                let stored = Stored { modified: self.settings.common.now, size, crc32, sha256 };
                archive.add_stored(&name, stored, &mut jpeg)?;
                self.check_size(archive)?;
                meter.add(1, made.bytes);
                names.push(name);
            }
        }
        Ok(names)
    }

    fn check_size(&self, archive: &ArchiveWriter) -> Result<()> {
        match self.settings.max_archive_bytes {
            Some(limit) if archive.finished_size() > limit => Err(too_large(limit, self.settings.in_memory)),
            _ => Ok(()),
        }
    }

    /// Fields that the operator added to a file.
    fn extra(&self, file: &DataFile) -> Vec<String> {
        // The file of foreign works has the fields of the other.
        let has_fields = |of: &&DataFile| std::ptr::eq(of.fields, file.fields);
        let of_file =
            self.included.iter().filter(|field| file_of(field.table).as_ref().is_some_and(has_fields));
        let mut names: Vec<String> = Vec::new();
        // Two tables may have a column of one name.
        for field in of_file {
            if !names.contains(&field.field) {
                names.push(field.field.clone());
            }
        }
        names
    }

    fn package(&self, others: &Others) -> serde_json::Value {
        let extra: Vec<_> = self.files.iter().map(|written| self.extra(written.file)).collect();
        let tables: Vec<_> = self
            .files
            .iter()
            .zip(&extra)
            .map(|(written, extra)| Table {
                file: written.file,
                extra,
                sha256: hex::encode(written.deflated.sha256),
                has_records: written.records > 0,
            })
            .collect();
        package::descriptor(&self.settings.source, &self.metadata.generated_at, &tables, others)
    }

    fn readme(&self) -> String {
        let extra: Vec<_> = self.files.iter().map(|written| self.extra(written.file)).collect();
        let files = self.files.iter().zip(&extra);
        let none = BTreeMap::new();
        let separate = self.settings.separate_foreign;
        readme::text(&Contents {
            source: &self.settings.source,
            generated_at: &self.metadata.generated_at,
            generator: GENERATOR,
            format_version: FORMAT_VERSION,
            files: files.map(|(written, extra)| (written.file, written.records, extra.as_slice())).collect(),
            photos: self.metadata.counts.total_photos,
            max_side: self.settings.thumbnail_side(),
            foreign: if separate { &none } else { &self.metadata.filters.excluded_foreign },
            changes: self.changes.is_some(),
            complete: self.metadata.complete,
        })
    }
}

/// An archive of more than `limit` bytes, which `maxArchiveBytes` does not allow.
pub fn too_large(limit: u64, in_memory: bool) -> Error {
    let problem = match in_memory {
        true => {
            "raise maxArchiveBytes, make smaller thumbnails or none, or have the archive written to a folder"
        }
        false => "raise maxArchiveBytes (--max-archive-bytes), or make smaller thumbnails or none",
    };
    Error::ArchiveTooLarge { limit: format!("{limit} bytes"), problem: problem.into() }
}
