//! Reads an options object: which members it may have, and of which types.

use napi::bindgen_prelude::{Array, FromNapiValue, JsValue, Object, Unknown};
use napi::{Env, Result, ValueType};

use super::js;
use crate::error::Error;

/// Members that are arrays, which are objects to JavaScript.
const LISTS: [&str; 4] = ["tables", "keys", "extraBlacklist", "includeFields"];

/// The members an object may have, and their types.
pub type Members = &'static [(&'static str, ValueType)];

/// A copy of `given` that holds only `known` members of the right types; undefined ones are gone.
pub fn members<'env>(
    env: &'env Env,
    given: Unknown<'env>,
    prefix: &str,
    known: Members,
) -> Result<Object<'env>> {
    let invalid = |message: String| js::error(env, &Error::invalid(message), None);
    let whole = if prefix.is_empty() { "options" } else { prefix.trim_end_matches('.') };
    let kind = given.get_type()?;
    if kind != ValueType::Object {
        return Err(invalid(format!("{whole} is {}; it takes an object", noun(kind))));
    }
    let given = js::copy(env, given).map_err(|thrown| unreadable(env, whole, thrown))?;
    if let Some(stranger) = Object::keys(&given)?.iter().find(|key| known.iter().all(|(name, _)| name != key))
    {
        let known: Vec<_> = known.iter().map(|(name, _)| format!("{prefix}{name}")).collect();
        return Err(invalid(format!("{prefix}{stranger} is not an option; known are {}", known.join(", "))));
    }
    let mut taken = Object::new(env)?;
    for (name, takes) in known {
        let Some(value) = given.get::<Unknown>(name)? else { continue };
        if LISTS.contains(name) {
            taken.set(name, texts(env, value, &format!("{prefix}{name}"))?)?;
            continue;
        }
        let kind = value.get_type()?;
        if kind != *takes {
            return Err(invalid(format!("{prefix}{name} is {}; it takes {}", noun(kind), noun(*takes))));
        }
        taken.set(name, value)?;
    }
    Ok(taken)
}

/// A copy of an array of texts.
fn texts<'env>(env: &'env Env, given: Unknown<'env>, name: &str) -> Result<Vec<String>> {
    let invalid = |message: String| js::error(env, &Error::invalid(message), None);
    let kind = given.get_type()?;
    if kind != ValueType::Object {
        return Err(invalid(format!("{name} is {}; it takes an array of texts", noun(kind))));
    }
    let no_texts = |_| invalid(format!("{name} takes an array of texts"));
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
