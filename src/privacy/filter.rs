//! Fence 2: which names may leave, as columns and at every depth of the JSON inside.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::platform::fields::blacklist::{forms, matches, normal, rule_for};
use crate::platform::json;

/// How many names are remembered. Rows repeat the same few; hostile ones must not fill the memory.
const REMEMBERED: usize = 10_000;
/// JSON text within JSON text is read this deep; what lies deeper is taken out.
const DEPTH: u32 = 8;

/// The built-in blacklist and the operator's.
#[derive(Debug, Default)]
pub struct Filter {
    extra: Vec<String>,
    /// What was decided on names that were met.
    decided: RwLock<HashMap<String, bool>>,
}

impl Clone for Filter {
    fn clone(&self) -> Self {
        Filter { extra: self.extra.clone(), decided: RwLock::default() }
    }
}

impl Filter {
    /// The built-in list with `extra` names, of which `*` stands for any text.
    pub fn new<'n>(extra: impl IntoIterator<Item = &'n str>) -> Filter {
        let form = |name: &str| normal(name).replace(':', "_");
        Filter { extra: extra.into_iter().map(form).collect(), decided: RwLock::default() }
    }

    /// Whether a column or member of that name may leave.
    pub fn allows(&self, name: &str) -> bool {
        if let Some(&allowed) = self.decided.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return allowed;
        }
        let allowed = self.decide(name);
        let mut decided = self.decided.write().unwrap_or_else(PoisonError::into_inner);
        if decided.len() < REMEMBERED {
            decided.insert(name.to_owned(), allowed);
        }
        allowed
    }

    fn decide(&self, name: &str) -> bool {
        let is_extra = |form: &str| self.extra.iter().any(|pattern| matches(pattern, form));
        rule_for(name).is_none() && !forms(name).any(|form| is_extra(&form))
    }

    /// Takes out every member that may not leave, at any depth, also of JSON that stands as text.
    pub fn clean(&self, members: &mut Map<String, Value>) {
        self.clean_members(members, DEPTH);
    }

    /// The same within a value.
    pub fn clean_value(&self, value: &mut Value) {
        self.clean_at(value, DEPTH);
    }

    fn clean_members(&self, members: &mut Map<String, Value>, depth: u32) {
        if self.names_what_stays(members) {
            members.clear();
        }
        members.retain(|name, value| {
            let allowed = self.allows(name);
            if allowed {
                self.clean_at(value, depth);
            }
            allowed
        });
    }

    fn clean_at(&self, value: &mut Value, depth: u32) {
        match value {
            Value::Object(members) => self.clean_members(members, depth),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_at(item, depth)),
            Value::String(text) => {
                let Some(read) = json::within(text) else { return };
                let mut clean = read.clone();
                match depth.checked_sub(1) {
                    Some(depth) => self.clean_at(&mut clean, depth),
                    None => clean = Value::Null,
                }
                if clean != read {
                    *text = clean.to_string();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// `{"key": "phone", "value": …}` is a member called `phone`, however it is written.
    fn names_what_stays(&self, members: &Map<String, Value>) -> bool {
        let has_value = members.keys().any(|name| ["value", "v"].contains(&normal(name).as_str()));
        has_value
            && members.iter().any(|(name, value)| {
                ["key", "k", "name", "label", "tag"].contains(&normal(name).as_str())
                    && value.as_str().is_some_and(|name| !self.allows(name))
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn cleaned(filter: &Filter, json: &str) -> String {
        let mut value: Value = serde_json::from_str(json).unwrap();
        filter.clean_value(&mut value);
        value.to_string()
    }

    #[test]
    fn members_are_taken_out_at_every_depth() {
        let json = r#"{"material":"bronze","email":"x","a":[{"user_token":"x","b":{"_c":"x","d":1}}],"addr:full":"1 Mill Lane"}"#;
        assert_eq!(
            cleaned(&Filter::default(), json),
            r#"{"material":"bronze","a":[{"b":{"d":1}}],"addr:full":"1 Mill Lane"}"#
        );
    }

    #[test]
    fn members_are_taken_out_of_json_that_stands_as_text_or_in_pairs() {
        let clean = |json: &str| cleaned(&Filter::default(), json);
        assert_eq!(
            clean(r#"{"a":"{\"phone\":\"x\",\"b\":[{\"user_token\":1}]}","c":"{\"d\":1 }","e":"{no json"}"#),
            r#"{"a":"{\"b\":[{}]}","c":"{\"d\":1 }","e":"{no json"}"#
        );
        assert_eq!(
            clean(r#"[{"key":"phone","value":"x"},{"Name":"user token","v":1},{"key":"height","value":2}]"#),
            r#"[{},{},{"key":"height","value":2}]"#
        );
        let nested = (0..12)
            .fold(r#"{"phone":"x"}"#.to_owned(), |inner, _| serde_json::json!({ "a": inner }).to_string());
        assert!(!clean(&nested).contains("phone"));
    }

    #[test]
    fn the_operator_may_add_names_and_patterns() {
        let filter = Filter::new(["Fee", "art*ist", "donor name", "addr:*"]);
        let json =
            r#"{"fee":"no","artist":"x","Donor_Name":"x","a":{"FEE":1},"addr:full":"x","material":"bronze"}"#;
        assert_eq!(cleaned(&filter, json), r#"{"a":{},"material":"bronze"}"#);
    }
}
