//! Tags as tags.json has them: each scalar with its label.

use serde_json::{Map, Value};

/// Bytes of the longest label that is repeated for each of several values: 100 kB of tags could else be gigabytes.
const MAX_REPEATED_LABEL: usize = 200;

/// Hands each scalar of the tags to `visit` with its label: arrays are spread, members of objects have dotted names.
/// Gives how many arrays and members are passed over for the length of their label.
pub fn each_tag(tags: &Map<String, Value>, visit: &mut impl FnMut(&str, &str)) -> u64 {
    tags.iter().map(|(label, value)| each_scalar(label, value, visit)).sum()
}

fn each_scalar(label: &str, value: &Value, visit: &mut impl FnMut(&str, &str)) -> u64 {
    match value {
        Value::Null => {}
        Value::Bool(flag) => visit(label, if *flag { "true" } else { "false" }),
        Value::Number(number) => visit(label, &number.to_string()),
        Value::String(text) => visit(label, text),
        Value::Array(items) if items.len() > 1 && label.len() > MAX_REPEATED_LABEL => return 1,
        Value::Array(items) => return items.iter().map(|item| each_scalar(label, item, visit)).sum(),
        Value::Object(members) => {
            let passed = members.iter().map(|(name, value)| {
                if label.len() + name.len() >= MAX_REPEATED_LABEL {
                    return 1;
                }
                each_scalar(&format!("{label}.{name}"), value, visit)
            });
            return passed.sum();
        }
    }
    0
}
