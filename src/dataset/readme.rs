//! README.md of a dump: what it is, where it is from, what its fields mean, and what is not in it.

use std::collections::BTreeMap;

use crate::job::counted;
use crate::platform::fields::files::{DataFile, Field, Kind, OTHER_LICENSES};

/// Who publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The archive's name.
    pub name: String,
    /// Its site, without a slash at the end.
    pub url: Option<String>,
    /// Whom to write to.
    pub contact: Option<String>,
}

impl Source {
    /// What the publisher says of themselves, as given and as it stands in the text: public of their own will.
    pub fn spellings(&self) -> Vec<String> {
        let given = [Some(&self.name), self.url.as_ref(), self.contact.as_ref()];
        given.into_iter().flatten().flat_map(|text| [text.clone(), cell(text)]).collect()
    }
}

/// What the text says.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Who publishes.
    pub source: &'a Source,
    /// `2026-01-02T03:04:05Z`.
    pub generated_at: &'a str,
    /// Package and version.
    pub generator: &'a str,
    /// `format_version` of metadata.json.
    pub format_version: &'a str,
    /// The data files that are here, with their records and the fields that the operator added.
    pub files: Vec<(&'static DataFile, u64, &'a [String])>,
    /// Thumbnails.
    pub photos: u64,
    /// The longest side of a thumbnail; none without thumbnails.
    pub max_side: Option<u32>,
    /// Rows that are not in artwork.json, by licence.
    pub foreign: &'a BTreeMap<String, u64>,
    /// Whether CHANGES.json is here.
    pub changes: bool,
    /// False when photos are missing that should be here.
    pub complete: bool,
}

/// The whole text.
pub fn text(contents: &Contents<'_>) -> String {
    let mut text = head(contents);
    text += &files(contents);
    text += &citing(contents);
    text += "## Fields\n\nEvery data file is a JSON array with one record per line, in UTF-8. A field with nothing to say is left out. \
             Times are RFC 3339 in UTC. `schemas/` has a JSON Schema for each file.\n\n";
    for (file, _, extra) in &contents.files {
        text += &dictionary(file, extra);
    }
    text + &privacy(contents) + &versions(contents)
}

fn head(contents: &Contents<'_>) -> String {
    let source = contents.source;
    let name = cell(&source.name);
    let mut text = format!(
        "# {name}: public data dump\n\nEvery approved work of public art in this archive, as of {} (UTC).\n\n",
        contents.generated_at
    );
    text += "| | |\n|---|---|\n";
    text += &format!("| from | {name} |\n");
    if let Some(url) = &source.url {
        text += &format!("| site | <{}> |\n", cell(url));
    }
    if let Some(contact) = &source.contact {
        text += &format!("| contact | {} |\n", cell(contact));
    }
    text += &format!(
        "| made by | {} |\n| licence | CC0 1.0, see LICENSE.txt{} |\n\n",
        contents.generator,
        others(contents)
    );
    if !contents.complete {
        text += "**Some photos could not be had**: see `photos_missing` in metadata.json.\n\n";
    }
    text
}

/// What is under other licences than all the rest.
fn others(contents: &Contents<'_>) -> &'static str {
    let has_others = contents.files.iter().any(|(file, ..)| file.name == OTHER_LICENSES.name);
    if has_others { "; in artwork-other-licenses.json the one that each record names" } else { "" }
}

fn files(contents: &Contents<'_>) -> String {
    let mut text = String::from("## What is here\n\n| file | what it holds |\n|---|---|\n");
    for (file, records, _) in &contents.files {
        text += &format!(
            "| {} | {}, each {} |\n",
            file.name,
            counted(*records, "record", "records"),
            file.record
        );
    }
    match contents.max_side {
        Some(side) => {
            text += &format!(
                "| photos/thumbnails/ | {}, JPEG, longest side at most {side} pixels |\n",
                counted(contents.photos, "photo", "photos")
            );
        }
        None => text += "| photos/thumbnails/ | not in this dump |\n",
    }
    text += "| metadata.json | counts, filters, what was left out and why |\n| datapackage.json | the same files as a Data Package |\n\
             | schemas/ | a JSON Schema for each data file |\n| CITATION.cff | how to cite, for programs |\n";
    if contents.changes {
        text += "| CHANGES.json | ids that were added, changed and removed since the dump before |\n";
    }
    text += "| LICENSE.txt | the legal code of CC0 1.0 |\n| SHA256SUMS | a checksum of every file but itself: `sha256sum -c SHA256SUMS`, on a Mac without that `shasum -a 256 -c SHA256SUMS` |\n\n";
    text
}

fn citing(contents: &Contents<'_>) -> String {
    let source = contents.source;
    let date = contents.generated_at.get(..10).unwrap_or(contents.generated_at);
    let url = source.url.as_ref().map_or(String::new(), |url| format!(" {url}"));
    format!(
        "## How to cite\n\nCC0 asks for nothing. We would be glad if you wrote:\n\n> {} contributors: public data dump, {date}. CC0 1.0.{url}\n\n\
         A photo with a `credit` in artwork.json should be shown with it.\n\n",
        source.name
    )
}

fn dictionary(file: &DataFile, extra: &[String]) -> String {
    let mut text = format!(
        "### {}\n\nSorted by {}.\n\n| field | type | meaning |\n|---|---|---|\n",
        file.name,
        file.key.join(", ")
    );
    rows(file.fields, "", &mut text);
    for name in extra {
        text += &format!("| {} | any | a column that the publisher added |\n", cell(name));
    }
    text + "\n"
}

fn rows(fields: &[Field], prefix: &str, text: &mut String) {
    for field in fields {
        let kind = match field.kind {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Count => "whole number",
            Kind::Instant => "time",
            Kind::Tags => "object",
            Kind::Texts => "array of texts",
            Kind::Objects(_) => "array of objects",
        };
        let optional = if field.required { "" } else { ", optional" };
        *text += &format!("| `{prefix}{}` | {kind}{optional} | {} |\n", field.name, field.about);
        if let Kind::Objects(inner) = field.kind {
            rows(inner, &format!("{prefix}{}[].", field.name), text);
        }
    }
}

fn privacy(contents: &Contents<'_>) -> String {
    let mut text = String::from(
        "## What is not here\n\n\
         - Nothing about users: no accounts, addresses, sessions, submissions, log entries, lists or messages.\n\
         - Only approved works; only creators of these works; only links whose two ends are here.\n\
         - Identifiers of users, e-mail addresses, network addresses and tokens that stood in a text are replaced by `[redacted]`; \
         metadata.json counts them.\n\
         - No tag, at any depth, whose name says who worked on a record or how somebody can be reached: `edited_by`, `phone`, `contact`, \
         `address` and their like. Where a work stands say `lat`, `lon` and tags such as `addr:street`.\n\
         - Photos are made anew from the approved ones: they hold pixels, no place, camera or time.\n",
    );
    for (licence, count) in contents.foreign {
        text += &format!(
            "- {} under another licence ({}), left out of the CC0 files\n",
            counted(*count, "row", "rows"),
            said_by_others(licence)
        );
    }
    text + "\n"
}

fn versions(contents: &Contents<'_>) -> String {
    format!(
        "## What may change\n\nThis is format {}. Within the first number, fields and files may be added; none goes away or changes its \
         meaning. Ids are stable. What is approved today may be gone tomorrow: take the newest dump.\n",
        contents.format_version
    )
}

/// One cell of a table (<https://github.github.com/gfm/#tables-extension->). What is not to be seen becomes a space:
/// any other sign could make a name of what stands before an `@`.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '`') {
            cell.push('\\');
        }
        cell.push(if c.is_control() { ' ' } else { c });
    }
    cell
}

/// Somebody else's text in a sentence: no picture, no HTML, no link with a text of its own, and no sign that reverses
/// the direction of writing. Signs are written as numbers, since a backslash before one would be undone by a backslash
/// before that.
fn said_by_others(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '&' | '[' | '`' => plain += &format!("&#{};", u32::from(c)),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => plain.push(' '),
            c => plain.push(if c.is_control() { ' ' } else { c }),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
