//! What a caller may ask of a data dump, and the one place where it is checked.

use std::path::PathBuf;

use url::Url;

use super::included::IncludedField;
use crate::dataset::readme::Source;
use crate::error::{Error, Result};
use crate::options::{Common, CommonOptions, choice, path, whole};
use crate::platform::fields::files::{ARTWORK, CREATORS, LINKS};
use crate::platform::fields::names::patterns;

/// The archive's name where the caller gives none.
const DEFAULT_NAME: &str = "Cultural Archiver";
/// The most bytes of an archive in memory, unless the caller says otherwise.
const MAX_IN_MEMORY: u64 = 512 << 20;
/// Whole numbers of JavaScript are exact up to here.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Options of a data dump as the caller gave them.
#[derive(Debug, Clone, Default)]
pub struct DataDumpOptions {
    /// What a backup takes as well.
    pub common: CommonOptions,
    /// Whether the archive is a value and no file; default no.
    pub in_memory: Option<bool>,
    /// The most bytes the archive may have; default 512 MiB in memory, else any number.
    pub max_archive_bytes: Option<f64>,
    /// Who publishes.
    pub source: SourceOptions,
    /// `make` (default) or `none`.
    pub thumbnails: Option<String>,
    /// The longest side of a thumbnail in pixels, 64 to 2048; default 800.
    pub thumbnail_size: Option<f64>,
    /// More names that never leave, at any depth; `*` stands for any text.
    pub extra_blacklist: Vec<String>,
    /// `table.column` of columns that nobody has decided on and that may leave.
    pub include_fields: Vec<String>,
    /// `exclude` (default) or `separate`.
    pub foreign_licenses: Option<String>,
    /// `redact` (default) or `fail`.
    pub on_leak: Option<String>,
    /// An earlier dump to compare with.
    pub previous: Option<PathBuf>,
    /// Whether the dump may hold far fewer records than the one before; default no.
    pub allow_shrink: Option<bool>,
}

/// Who publishes, as the caller says it.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// The archive's name; default `Cultural Archiver`.
    pub name: Option<String>,
    /// Its site, http or https.
    pub url: Option<String>,
    /// Whom to write to.
    pub contact: Option<String>,
}

/// Options of a data dump, checked and complete.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a backup has as well.
    pub common: Common,
    /// Whether the archive is a value and no file.
    pub in_memory: bool,
    /// The most bytes the archive may have.
    pub max_archive_bytes: Option<u64>,
    /// Who publishes.
    pub source: Source,
    /// The longest side of a thumbnail in pixels; None when none is wanted, see [`Settings::thumbnail_side`].
    pub max_side: Option<u32>,
    /// More names that never leave.
    pub extra_blacklist: Vec<String>,
    /// Columns that leave because the operator says so.
    pub included: Vec<IncludedField>,
    /// Whether works under another licence get a file of their own; else they are left out.
    pub separate_foreign: bool,
    /// Whether an identifier in a text ends the job; else it is redacted.
    pub fail_on_leak: bool,
    /// An earlier dump to compare with.
    pub previous: Option<PathBuf>,
    /// Whether the dump may hold far fewer records than the one before.
    pub allow_shrink: bool,
}

impl Settings {
    /// The longest side of a thumbnail in pixels; None when none is made.
    pub fn thumbnail_side(&self) -> Option<u32> {
        self.max_side.filter(|_| self.common.photos.is_some())
    }
}

impl DataDumpOptions {
    /// Checks every option; the first that cannot be taken is named in the error.
    pub fn check(self) -> Result<Settings> {
        let in_memory = self.in_memory.unwrap_or(false);
        let max_side = whole("thumbnailSize", self.thumbnail_size, 64, 2048, 800)?;
        Ok(Settings {
            common: self.common.check()?,
            in_memory,
            max_archive_bytes: match self.max_archive_bytes {
                None => in_memory.then_some(MAX_IN_MEMORY),
                Some(bytes) => Some(bytes_limit(bytes)?),
            },
            source: self.source.check()?,
            max_side: match self.thumbnails.as_deref() {
                None | Some("make") => Some(max_side),
                Some("none") => None,
                Some(other) => return Err(choice("thumbnails", other, "'make' or 'none'")),
            },
            extra_blacklist: blacklist(self.extra_blacklist)?,
            included: IncludedField::check(&self.include_fields)?,
            separate_foreign: match self.foreign_licenses.as_deref() {
                None | Some("exclude") => false,
                Some("separate") => true,
                Some(other) => return Err(choice("foreignLicenses", other, "'exclude' or 'separate'")),
            },
            fail_on_leak: match self.on_leak.as_deref() {
                None | Some("redact") => false,
                Some("fail") => true,
                Some(other) => return Err(choice("onLeak", other, "'redact' or 'fail'")),
            },
            previous: self.previous.map(|previous| path("previous", previous)).transpose()?,
            allow_shrink: self.allow_shrink.unwrap_or(false),
        })
    }
}

impl SourceOptions {
    fn check(self) -> Result<Source> {
        Ok(Source {
            name: self.name.map_or(Ok(DEFAULT_NAME.into()), |name| line("source.name", name))?,
            url: self.url.map(site).transpose()?,
            contact: self.contact.map(|contact| line("source.contact", contact)).transpose()?,
        })
    }
}

/// A site as browsers write it, without a slash at its end: they take `https:example.org` as well, readers do not.
fn site(url: String) -> Result<String> {
    let url = line("source.url", url)?;
    match Url::parse(&url) {
        Ok(url) if is_site(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(Error::invalid(
            "source.url is no URL of a site: it begins with http:// or https://, and has no user, ? or #",
        )),
    }
}

/// Pages are linked below it, and everybody reads it.
fn is_site(url: &Url) -> bool {
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && is_anonymous
}

/// A text of one line that says something.
fn line(option: &str, text: String) -> Result<String> {
    let text = text.trim().to_owned();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "{option} is empty, or has the end of a line, a tab or another control character in it; it takes one line \
             of text"
        )));
    }
    Ok(text)
}

fn bytes_limit(given: f64) -> Result<u64> {
    if given.fract() == 0.0 && (1.0..=SAFE_INTEGER).contains(&given) {
        return Ok(given as u64);
    }
    Err(Error::invalid(format!("maxArchiveBytes is {given}; it takes a whole number of bytes from 1 on")))
}

/// The names that records are known and joined by stay; a pattern that also takes one of them does not mean it.
fn blacklist(names: Vec<String>) -> Result<Vec<String>> {
    for name in &names {
        if patterns(name).all(|pattern| pattern.is_empty()) {
            return Err(Error::invalid("extraBlacklist holds an empty name; leave it out of the list"));
        }
        let fields = [&ARTWORK, &CREATORS, &LINKS].into_iter().flat_map(|file| file.fields);
        let mut required = fields.filter(|field| field.required);
        if let Some(field) = required.find(|field| patterns(name).any(|pattern| field.name == pattern)) {
            return Err(Error::invalid(format!(
                "extraBlacklist holds {:?}, which every record has; leave it out of the list",
                field.name
            )));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{DatabaseOptions, outcome};

    fn file() -> DataDumpOptions {
        let database = DatabaseOptions { file: Some("a.db".into()), ..DatabaseOptions::default() };
        DataDumpOptions {
            common: CommonOptions { database, ..CommonOptions::default() },
            ..DataDumpOptions::default()
        }
    }

    fn refused(options: DataDumpOptions) -> String {
        outcome(options.check())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let found = |options: DataDumpOptions| {
            options.check().ok().map(|s| {
                (
                    s.max_archive_bytes, s.source.name, s.max_side, s.separate_foreign, s.fail_on_leak,
                    s.allow_shrink,
                )
            })
        };
        let usual = |bytes| Some((bytes, DEFAULT_NAME.to_owned(), Some(800), false, false, false));
        assert_eq!(found(file()), usual(None));
        assert_eq!(found(DataDumpOptions { in_memory: Some(true), ..file() }), usual(Some(512 << 20)));
    }

    #[test]
    fn words_and_numbers_are_those_of_the_contract() {
        let word = || Some("x".to_owned());
        assert!(refused(DataDumpOptions { thumbnails: word(), ..file() }).contains("thumbnails"));
        assert!(refused(DataDumpOptions { foreign_licenses: word(), ..file() }).contains("foreignLicenses"));
        assert!(refused(DataDumpOptions { on_leak: word(), ..file() }).contains("onLeak"));
        for size in [63.0, 2049.0, 100.5, f64::NAN] {
            assert!(
                refused(DataDumpOptions { thumbnail_size: Some(size), ..file() }).contains("thumbnailSize")
            );
        }
        for bytes in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
            let options = DataDumpOptions { max_archive_bytes: Some(bytes), ..file() };
            assert!(refused(options).contains("maxArchiveBytes"), "{bytes}");
        }
    }

    #[test]
    fn a_publisher_is_said_in_one_line_and_a_site_is_one() {
        let source = |source: SourceOptions| refused(DataDumpOptions { source, ..file() });
        let text = |text: &str| Some(text.to_owned());
        assert!(source(SourceOptions { name: text(" "), ..Default::default() }).contains("source.name"));
        assert!(
            source(SourceOptions { contact: text("a\nb"), ..Default::default() }).contains("source.contact")
        );
        let told = source(SourceOptions { name: text("a\tb"), ..Default::default() });
        assert!(told.contains("source.name") && told.contains("a tab"), "{told}");
        for url in [
            "example.org", "ftp://example.org", "javascript:alert(1)", "https://",
            "https://u:secret@example.org", "https://u@example.org", "https://example.org/?a=1",
            "https://example.org/#a",
        ] {
            assert!(
                source(SourceOptions { url: text(url), ..Default::default() }).contains("source.url"),
                "{url}"
            );
        }
        for (url, site) in [
            ("https://example.org/art//", "https://example.org/art"),
            ("https:example.org", "https://example.org"),
            (r"https:\\example.org\art", "https://example.org/art"),
            ("https://example.org/my art", "https://example.org/my%20art"),
        ] {
            let told = source(SourceOptions { url: text(url), ..Default::default() });
            assert!(told.contains(&format!("{site:?}")), "{url}: {told}");
        }
    }

    #[test]
    fn what_every_record_has_stays() {
        let with = |name: &str| DataDumpOptions { extra_blacklist: vec![name.into()], ..file() };
        for name in ["id", "iD", "Artwork_Id", "tags", " "] {
            assert!(refused(with(name)).contains("extraBlacklist"), "{name}");
        }
        for name in ["title", "*_id", "donor", "*"] {
            assert!(with(name).check().is_ok(), "{name}");
        }
    }
}
