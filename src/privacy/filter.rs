//! Fence 2: which names may leave, as columns and at every depth of the JSON inside.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::platform::fields::blacklist::{forms, matches, normal, rule_for};

/// How many names are remembered. Rows repeat the same few; hostile ones must not fill the memory.
const REMEMBERED: usize = 10_000;

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

    /// Takes out every member that may not leave, at any depth.
    pub fn clean(&self, members: &mut Map<String, Value>) {
        members.retain(|name, value| {
            let allowed = self.allows(name);
            if allowed {
                self.clean_value(value);
            }
            allowed
        });
    }

    /// The same within a value.
    pub fn clean_value(&self, value: &mut Value) {
        match value {
            Value::Object(members) => self.clean(members),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            _ => {}
        }
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
    fn the_operator_may_add_names_and_patterns() {
        let filter = Filter::new(["Fee", "art*ist", "donor name", "addr:*"]);
        let json =
            r#"{"fee":"no","artist":"x","Donor_Name":"x","a":{"FEE":1},"addr:full":"x","material":"bronze"}"#;
        assert_eq!(cleaned(&filter, json), r#"{"a":{},"material":"bronze"}"#);
    }
}
