//! What is checked of one option, whichever it is: what is given back can be used as it is.
//!
//! `option` is its name as the caller knows it, such as `photos.s3.bucket`. All fail with `INVALID_OPTIONS`, with a
//! message that names it.

use std::path::PathBuf;

use url::Url;

use crate::error::{Error, Result};
use crate::wrangler::DEFAULT_STATE;

/// The folder of wrangler's state, in the member `stateDir` of the option; wrangler's own where none is given.
pub(crate) fn state(option: &str, given: Option<PathBuf>) -> Result<PathBuf> {
    given.map_or(Ok(DEFAULT_STATE.into()), |given| path(&format!("{option}.stateDir"), given))
}

/// The only one of the sources that an option names, each of them checked; `members` says what it takes where it names
/// none.
pub(crate) fn only_source<T>(option: &str, members: &str, mut sources: Vec<Result<T>>) -> Result<T> {
    match (sources.pop(), sources.is_empty()) {
        (Some(only), true) => only,
        (None, _) => Err(Error::invalid(format!("{option} names no source: {members}"))),
        (Some(_), false) => {
            Err(Error::invalid(format!("{option} names several sources: set exactly one of its members")))
        }
    }
}

/// A name, which is not empty.
pub(crate) fn name(option: &str, given: String) -> Result<String> {
    if given.is_empty() {
        Err(Error::invalid(format!("{option} is empty; it takes a name")))
    } else {
        Ok(given)
    }
}

/// The error for a word that an option does not take; `takes` lists those that it does.
pub(crate) fn choice(option: &str, given: &str, takes: &str) -> Error {
    Error::invalid(format!("{option} is {given:?}; it takes {takes}"))
}

/// A path, also of what is not there: not empty, and without a NUL character.
pub(crate) fn path(option: &str, path: PathBuf) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid(format!("{option} is empty; it takes a path")));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Error::invalid(format!("{option} holds a NUL character; no path can")));
    }
    Ok(path)
}

/// A whole number from `least` to `most`; `default` where none is given.
pub(crate) fn whole(option: &str, given: Option<f64>, least: u32, most: u32, default: u32) -> Result<u32> {
    let Some(given) = given else { return Ok(default) };
    if given.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(&given) {
        Ok(given as u32)
    } else {
        Err(Error::invalid(format!("{option} is {given}; it takes a whole number from {least} to {most}")))
    }
}

/// An http or https URL that holds nothing but a place: whatever else stands in one may be secret, and is not said.
pub(crate) fn web_address(option: &str, given: &str) -> Result<Url> {
    let url = Url::parse(given).map_err(|problem| {
        Error::invalid(format!("{option} is no URL ({problem}); it takes one like https://host.example"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::invalid(format!("{option} is no URL of the web; it takes http:// or https://")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid(format!(
            "{option} holds a user name or password; it takes a URL without"
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::invalid(format!("{option} holds a `?` or `#`; it takes a URL that ends before")));
    }
    Ok(url)
}

/// The name of a bucket: one part of a path.
pub(crate) fn bucket_name(option: &str, given: String) -> Result<String> {
    let taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if given.is_empty() || given.len() > 255 || !given.chars().all(taken) || matches!(&*given, "." | "..") {
        return Err(Error::invalid(format!("{option} is {given:?}; it takes the name of a bucket")));
    }
    Ok(given)
}

/// An id as Cloudflare gives it: one part of a path.
pub(crate) fn id(option: &str, given: String) -> Result<String> {
    let taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if given.is_empty() || given.len() > 255 || !given.chars().all(taken) {
        return Err(Error::invalid(format!("{option} is {given:?}; it takes an id as Cloudflare shows it")));
    }
    Ok(given)
}

/// Something that is sent in a header. It is never shown, even when it cannot be taken.
pub(crate) fn credential(option: &str, given: &str) -> Result<String> {
    if given.is_empty() {
        return Err(Error::invalid(format!("{option} is empty; was it set?")));
    }
    if !given.bytes().all(|b| b.is_ascii_graphic()) {
        let problem = "holds a space, a line end or a character that is not ASCII; was it copied whole?";
        return Err(Error::invalid(format!("{option} {problem}")));
    }
    Ok(given.to_owned())
}

/// What the check of options came to, in words: the error, whose code is `INVALID_OPTIONS`, or that they were taken.
#[cfg(test)]
pub(crate) fn outcome<T: std::fmt::Debug>(checked: Result<T>) -> String {
    match checked {
        Err(error) => {
            assert_eq!(error.code(), "INVALID_OPTIONS");
            error.to_string()
        }
        Ok(settings) => format!("taken: {settings:?}"),
    }
}
