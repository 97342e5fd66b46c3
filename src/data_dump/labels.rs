//! Tags as tags.json has them: each scalar with its label.

use serde_json::{Map, Value};

use crate::error::Result;

/// Bytes of the longest label that is repeated for each of several values: 100 kB of tags could else be gigabytes.
const MAX_REPEATED_LABEL: usize = 200;

/// Hands each scalar of the tags to `visit` with its label: arrays are spread, members of objects have dotted names.
/// Gives how many arrays and members are passed over for the length of their label.
pub fn each_tag(tags: &Map<String, Value>, visit: &mut impl FnMut(&str, &str) -> Result<()>) -> Result<u64> {
    tags.iter().try_fold(0, |passed, (label, value)| Ok(passed + each_scalar(label, value, visit)?))
}

fn each_scalar(label: &str, value: &Value, visit: &mut impl FnMut(&str, &str) -> Result<()>) -> Result<u64> {
    match value {
        Value::Null => Ok(0),
        Value::Bool(flag) => visit(label, if *flag { "true" } else { "false" }).map(|()| 0),
        Value::Number(number) => visit(label, &number.to_string()).map(|()| 0),
        Value::String(text) => visit(label, text).map(|()| 0),
        Value::Array(items) if items.len() > 1 && label.len() > MAX_REPEATED_LABEL => Ok(1),
        Value::Array(items) => {
            items.iter().try_fold(0, |passed, item| Ok(passed + each_scalar(label, item, visit)?))
        }
        Value::Object(members) => members.iter().try_fold(0, |passed, (name, value)| {
            if label.len() + name.len() >= MAX_REPEATED_LABEL {
                return Ok(passed + 1);
            }
            Ok(passed + each_scalar(&format!("{label}.{name}"), value, visit)?)
        }),
    }
}
