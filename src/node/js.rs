//! The few things done with JavaScript objects that the caller made.
//!
//! A property read through Node-API leaves what a getter throws pending, and a pending exception is thrown at the
//! caller whatever is returned. So everything here that may run the caller's code goes through a function call,
//! which napi turns into an `Err`.

use std::path::{Path, PathBuf};

use napi::bindgen_prelude::{
    Array, FnArgs, FromNapiValue, Function, JsObjectValue, JsValue, Null, Object, Unknown,
};
use napi::{Env, Result, ValueType};

use crate::error::Error;

/// An object without a prototype: it has what is put into it, whatever the name, and nothing else.
pub fn bare(env: &Env) -> Result<Object<'_>> {
    let create: Function<FnArgs<(Null,)>, Object> = builtin(env, "Object", "create")?;
    create.call((Null,).into())
}

/// The own enumerable members of an object, in one that is [bare].
pub fn copy<'env>(env: &'env Env, object: Unknown<'env>) -> Result<Object<'env>> {
    let assign: Function<FnArgs<(Object, Unknown)>, Object> = builtin(env, "Object", "assign")?;
    assign.call((bare(env)?, object).into())
}

/// The elements of an array, as `Array.from(array)` has them.
pub fn copy_array<'env>(env: &'env Env, array: Array<'env>) -> Result<Array<'env>> {
    let from: Function<Array, Array> = builtin(env, "Array", "from")?;
    from.call(array)
}

/// A path as it stands when the caller gives it: the process may be in another folder by the time the job gets there.
/// What can be no path stays, for the check of the options to name.
pub fn path(given: impl AsRef<Path>) -> PathBuf {
    std::path::absolute(&given).unwrap_or_else(|_| given.as_ref().to_owned())
}

/// A path as [`path`] makes it; `default` where none is given.
pub fn path_or(given: Option<String>, default: &str) -> PathBuf {
    path(given.as_deref().unwrap_or(default))
}

/// The path of an archive.
pub fn archive_path<'env>(env: &'env Env, given: Unknown<'env>) -> Result<PathBuf> {
    let invalid = |problem: &str| error(env, &Error::invalid(problem), None);
    if given.get_type()? != ValueType::String {
        return Err(invalid("path is the path of an archive, as text"));
    }
    let path = String::from_unknown(given)?;
    if path.is_empty() || path.contains('\0') {
        return Err(invalid("path is empty or holds NUL; it takes the path of an archive"));
    }
    Ok(self::path(path))
}

/// `object[name]`.
pub fn get<'env, V: FromNapiValue>(env: &'env Env, object: Object<'env>, name: &str) -> Result<V> {
    let get: Function<FnArgs<(Object, String)>, V> = builtin(env, "Reflect", "get")?;
    get.call((object, name.to_owned()).into())
}

/// `object[name](...arguments)`.
pub fn call<'env>(
    env: &'env Env,
    object: Object<'env>,
    name: &str,
    arguments: Vec<Unknown<'env>>,
) -> Result<()> {
    let method: Unknown = get(env, object, name)?;
    let apply: Function<FnArgs<(Unknown, Object, Vec<Unknown>)>, ()> = builtin(env, "Reflect", "apply")?;
    apply.call((method, object, arguments).into())
}

/// The JavaScript `Error` of an error of the core: its code and message, and in `cause` what lies underneath, or
/// `cause` where the caller's own code was the reason. An aborted job gets the name that Node gives it.
pub fn error(env: &Env, error: &Error, cause: Option<napi::Error>) -> napi::Error {
    let build = || {
        let mut object = plain(env, error, cause)?;
        object.set("code", error.code())?;
        if matches!(error, Error::Aborted) {
            object.set("name", "AbortError")?;
        }
        Ok(napi::Error::from_unknown_without_coercion(object.to_unknown()))
    };
    build().unwrap_or_else(|failure| failure)
}

/// `new Error(message, { cause })`, and so on down the chain.
fn plain<'env>(
    env: &'env Env,
    error: &(dyn std::error::Error + 'static),
    cause: Option<napi::Error>,
) -> Result<Object<'env>> {
    let mut options = Object::new(env)?;
    match (cause, error.source()) {
        (Some(cause), _) => options.set("cause", cause)?,
        (None, Some(source)) => options.set("cause", plain(env, source, None)?)?,
        (None, None) => {}
    }
    let constructor: Function<FnArgs<(String, Object)>> = env.get_global()?.get_named_property("Error")?;
    constructor.new_instance((error.to_string(), options).into())?.coerce_to_object()
}

fn builtin<V: FromNapiValue>(env: &Env, object: &str, name: &str) -> Result<V> {
    let object: Object = env.get_global()?.get_named_property_unchecked(object)?;
    object.get_named_property_unchecked(name)
}
