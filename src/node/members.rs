//! Reads an options object: which members it may have, and of which types.

use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Result, ValueType};

use super::js;
use crate::error::Error;

/// The members of an object.
pub struct Members {
    /// Those that it may have, in groups, of which it may share some with other objects.
    pub known: &'static [Group],
    /// Those that it must have.
    pub needed: &'static [&'static str],
}

/// Names of members, and what each takes.
pub type Group = &'static [(&'static str, Takes)];

/// What makes an archive: the members that a backup and a data dump share.
pub const ARCHIVE: Group = &[
    ("database", Takes::Object),
    ("photos", Takes::Object),
    ("outputDir", Takes::String),
    ("overwrite", Takes::Boolean),
    ("now", Takes::String),
    ("concurrency", Takes::Number),
    ("compressionLevel", Takes::Number),
];

/// How any job is watched, and stopped.
pub const WATCH: Group = &[("onProgress", Takes::Function), ("signal", Takes::Object)];

/// What a member takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Boolean,
    Function,
    Number,
    Object,
    String,
    /// An array of texts.
    Texts,
}

impl Takes {
    /// What it is to JavaScript.
    fn kind(self) -> ValueType {
        match self {
            Takes::Boolean => ValueType::Boolean,
            Takes::Function => ValueType::Function,
            Takes::Number => ValueType::Number,
            Takes::Object | Takes::Texts => ValueType::Object,
            Takes::String => ValueType::String,
        }
    }

    fn noun(self) -> &'static str {
        if self == Takes::Texts { "an array of texts" } else { noun(self.kind()) }
    }
}

/// Reads the object in the member `name` of `parent`, if there is one, and puts what [`members`] makes of it in its
/// place. `within` is the place of `parent`: empty, or with a dot at its end.
pub fn nested<'env>(
    env: &'env Env,
    parent: &mut Object<'env>,
    within: &str,
    name: &str,
    known: &Members,
) -> Result<Option<Object<'env>>> {
    let Some(given) = parent.get::<Unknown>(name)? else { return Ok(None) };
    let read = members(env, given, &format!("{within}{name}."), known)?;
    parent.set(name, read)?;
    Ok(Some(read))
}

/// A bare copy of `given` that holds only known members of the right types; undefined ones are gone. Fails with
/// `INVALID_OPTIONS` when it has others, or lacks one that it needs.
pub fn members<'env>(
    env: &'env Env,
    given: Unknown<'env>,
    prefix: &str,
    Members { known, needed }: &Members,
) -> Result<Object<'env>> {
    let invalid = |message: String| js::error(env, &Error::invalid(message), None);
    let whole = if prefix.is_empty() { "options" } else { prefix.trim_end_matches('.') };
    let kind = given.get_type()?;
    if kind != ValueType::Object {
        return Err(invalid(format!("{whole} is {}; it takes an object", noun(kind))));
    }
    let given = js::copy(env, given).map_err(|thrown| unreadable(env, whole, thrown))?;
    let known = || known.iter().copied().flatten();
    if let Some(stranger) = Object::keys(&given)?.iter().find(|key| known().all(|(name, _)| name != key)) {
        let known: Vec<_> = known().map(|(name, _)| format!("{prefix}{name}")).collect();
        return Err(invalid(format!("{prefix}{stranger} is not an option; known are {}", known.join(", "))));
    }
    let mut taken = js::bare(env)?;
    for (name, takes) in known() {
        let Some(value) = given.get::<Unknown>(name)? else { continue };
        let kind = value.get_type()?;
        if kind != takes.kind() {
            return Err(invalid(format!("{prefix}{name} is {}; it takes {}", noun(kind), takes.noun())));
        }
        match takes {
            Takes::Texts => taken.set(name, texts(env, value, &format!("{prefix}{name}"))?)?,
            _ => taken.set(name, value)?,
        }
    }
    for name in *needed {
        if !taken.has_own_property(name)? {
            return Err(invalid(format!("{prefix}{name} is missing")));
        }
    }
    Ok(taken)
}

/// A copy of an array of texts.
fn texts<'env>(env: &'env Env, given: Unknown<'env>, name: &str) -> Result<Vec<String>> {
    let no_texts = |_| js::error(env, &Error::invalid(format!("{name} takes an array of texts")), None);
    let array = Array::from_unknown(given).map_err(no_texts)?;
    let array = js::copy_array(env, array).map_err(|thrown| unreadable(env, name, thrown))?;
    Vec::from_unknown(array.to_unknown()).map_err(no_texts)
}

/// Code of the caller's threw while it was asked for what `name` holds.
fn unreadable(env: &Env, name: &str, thrown: napi::Error) -> napi::Error {
    let error = Error::invalid(format!("{name} cannot be read: a getter or proxy threw, see cause"));
    js::error(env, &error, Some(thrown))
}

fn noun(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Object => "an object",
        ValueType::Function => "a function",
        ValueType::BigInt => "a bigint",
        _ => "a value of another kind",
    }
}
