//! Fence 2: which names may leave, as columns and at every depth of the JSON inside.

use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::platform::decided::Decided;
use crate::platform::fields::blacklist::{rule_for, rule_for_label};
use crate::platform::fields::names::{forms, matches, normal, pattern};
use crate::platform::json;
use crate::platform::loose_json::{Token, tokens};

/// How often tags are cleaned before all of them are taken out: nobody writes any by chance that take more than two.
const ROUNDS: usize = 16;
/// JSON text within JSON text is read this deep; what lies deeper is taken out.
const DEPTH: u32 = 8;
/// What members are called that hold the name of another, which is the value of one of [`VALUES`].
const NAMES: [&str; 14] = [
    "key",
    "k",
    "name",
    "label",
    "tag",
    "trait",
    "trait_type",
    "field",
    "field_name",
    "property",
    "prop",
    "attribute",
    "attr",
    "param",
];
/// See [`NAMES`].
const VALUES: [&str; 4] = ["value", "values", "v", "val"];

/// The built-in blacklist and the operator's.
#[derive(Debug, Default)]
pub struct Filter {
    extra: Vec<String>,
    decided: RwLock<Decided<Leaves>>,
}

/// Whether a name leaves.
#[derive(Debug, Clone, Copy)]
struct Leaves {
    with_value: bool,
    as_label: bool,
}

impl Clone for Filter {
    fn clone(&self) -> Self {
        Filter { extra: self.extra.clone(), decided: RwLock::default() }
    }
}

impl Filter {
    /// The built-in list with `extra` names, of which `*` stands for any text.
    pub fn new<'n>(extra: impl IntoIterator<Item = &'n str>) -> Filter {
        Filter { extra: extra.into_iter().map(pattern).collect(), decided: RwLock::default() }
    }

    /// Whether a column or member of that name may leave.
    pub fn allows(&self, name: &str) -> bool {
        self.leaves(name).with_value
    }

    fn leaves(&self, name: &str) -> Leaves {
        if let Some(leaves) = self.decided.read().unwrap_or_else(PoisonError::into_inner).on(name) {
            return leaves;
        }
        let leaves = self.decide(name);
        self.decided.write().unwrap_or_else(PoisonError::into_inner).remember(name, leaves);
        leaves
    }

    fn decide(&self, name: &str) -> Leaves {
        let is_extra = |form: String| self.extra.iter().any(|pattern| matches(pattern, &form));
        let is_extra = forms(name).any(is_extra);
        Leaves {
            with_value: !is_extra && rule_for(name).is_none(),
            as_label: !is_extra && rule_for_label(name).is_none(),
        }
    }

    /// Takes out every member that may not leave, at any depth, also of JSON that stands as text.
    pub fn clean(&self, members: &mut Map<String, Value>) {
        let settled = settles(|taken| {
            self.clean_members(members, DEPTH, taken);
            true
        });
        if !settled {
            members.clear();
        }
    }

    /// The same within a value.
    pub fn clean_value(&self, value: &mut Value) {
        if !settles(|taken| self.clean_at(value, DEPTH, taken)) {
            *value = Value::Null;
        }
    }

    fn clean_members(&self, members: &mut Map<String, Value>, depth: u32, taken: &mut bool) {
        if self.names_what_stays(members) {
            members.clear();
        }
        members.retain(|name, value| {
            let leaves = self.leaves(name);
            let allowed = if *value == Value::Bool(true) { leaves.as_label } else { leaves.with_value };
            allowed && self.clean_at(value, depth, taken)
        });
    }

    /// Cleans a value; false when all of it has to go. Tells whether anything was `taken` out of a list.
    fn clean_at(&self, value: &mut Value, depth: u32, taken: &mut bool) -> bool {
        match value {
            Value::Object(members) => self.clean_members(members, depth, taken),
            Value::Array(items) => {
                let before = items.len();
                let are_pairs = items.iter().all(|item| name_of_pair(item).is_some());
                items.retain_mut(|item| {
                    let leaves = !are_pairs || name_of_pair(item).is_none_or(|name| self.allows(name));
                    leaves && self.clean_at(item, depth, taken)
                });
                *taken |= items.len() < before;
            }
            Value::String(text) => {
                let Some(read) = json::within(text) else { return !self.is_broken_and_names(text) };
                let mut clean = read.clone();
                let is_clean =
                    depth.checked_sub(1).is_some_and(|depth| self.clean_at(&mut clean, depth, taken));
                if !is_clean {
                    clean = Value::Null;
                }
                if clean != read {
                    *text = clean.to_string();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        true
    }

    /// `{"key": "phone", "value": …}` is a member called `phone`, however it is written.
    fn names_what_stays(&self, members: &Map<String, Value>) -> bool {
        let has_value = members.keys().any(|name| VALUES.contains(&normal(name).as_str()));
        has_value
            && members.iter().any(|(name, value)| {
                NAMES.contains(&normal(name).as_str())
                    && value.as_str().is_some_and(|name| !self.allows(name))
            })
    }

    /// Whether a text begins as JSON does, does not parse, and has a name in it that may not leave. Nobody can say
    /// where its value ends. Without quotes it is one in braces alone: `[Address: unknown]` is a remark.
    fn is_broken_and_names(&self, text: &str) -> bool {
        let start = json::bare(text);
        let in_braces = start.starts_with('{');
        (in_braces || start.starts_with('['))
            && tokens(text).any(|token| {
                matches!(token, Token::Name(name, is_quoted) if (is_quoted || in_braces) && !self.allows(&name))
            })
    }
}

/// Cleans until nothing more is `taken` out of a list: that may be what kept the rest from being a pair, or from being
/// pairs all. False when `clean` says that all has to go, or there is no end of it.
fn settles(mut clean: impl FnMut(&mut bool) -> bool) -> bool {
    for _ in 0..ROUNDS {
        let mut taken = false;
        if !clean(&mut taken) {
            return false;
        }
        if !taken {
            return true;
        }
    }
    false
}

/// The name in `["phone", …]`, as lists of pairs have it.
fn name_of_pair(item: &Value) -> Option<&str> {
    match item.as_array()?.as_slice() {
        [name, _] => name.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

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
    fn pairs_of_every_kind_and_json_that_does_not_parse_hide_no_name() {
        let clean = |json: &str| cleaned(&Filter::default(), json);
        assert_eq!(
            clean(
                r#"{"a":[["phone","604"],["height","2"]],"b":[["phone","booth","red"]],"c":["phone","x"]}"#
            ),
            r#"{"a":[["height","2"]],"b":[["phone","booth","red"]],"c":["phone","x"]}"#
        );
        assert_eq!(
            clean(
                r#"[{"trait":"phone","value":"x"},{"field":"email","value":"Jane"},{"property":"phone","val":"x"}]"#
            ),
            "[{},{},{}]"
        );
        assert_eq!(
            clean(
                r#"{"a":"{\"phone\":\"604\", broken","b":["{\"phone\":\"604\"} more","{phone: 604}","x"],"c":1}"#
            ),
            r#"{"b":["x"],"c":1}"#
        );
        // What is taken out makes a pair of the rest.
        assert_eq!(
            clean(r#"{"a":[["phone","{phone: 604","604"]],"b":[["phone","604"],"{phone: 1"]}"#),
            r#"{"a":[],"b":[]}"#
        );
        let remarks =
            r#"{"a":"[Untitled]","b":"[Address: unknown] \"sic\"","c":"{no json","d":"{heart} phone"}"#;
        assert_eq!(clean(remarks), remarks);
    }

    #[test]
    fn labels_without_a_value_are_content() {
        let filter = Filter::new(["fee"]);
        let json = r#"{"secret garden":true,"telephone box":true,"mobile":true,"Phase 2: north":true,"fee":true,"_x":true,"user_token":true,"phone: 604":true,"address":"x"}"#;
        assert_eq!(
            cleaned(&filter, json),
            r#"{"secret garden":true,"telephone box":true,"mobile":true,"Phase 2: north":true}"#
        );
    }

    #[test]
    fn the_operator_may_add_names_and_patterns() {
        let filter = Filter::new(["Fee", "art*ist", "donor name", "addr:*"]);
        let json =
            r#"{"fee":"no","artist":"x","Donor_Name":"x","a":{"FEE":1},"addr:full":"x","material":"bronze"}"#;
        assert_eq!(cleaned(&filter, json), r#"{"a":{},"material":"bronze"}"#);
        let filter = Filter::new(["Phase 2: north side", "donor : name", "meta:-x"]);
        let json = r#"{"Phase 2: north side":1,"donor:name":1,"donor : name":1,"meta:-x":1,"phase":2}"#;
        assert_eq!(cleaned(&filter, json), r#"{"phase":2}"#);
    }

    /// Tags out of few names, with JSON that stands as text, whole and broken.
    fn tags() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("phone".to_owned()),
            Just("key".to_owned()),
            Just("value".to_owned()),
            Just("a".to_owned()),
            Just("phone: 604".to_owned()),
            Just("{phone: 604".to_owned()),
            Just("[\"phone\", ".to_owned()),
            Just("[\"phone\",1]".to_owned()),
        ];
        let leaf = prop_oneof![
            word.clone().prop_map(Value::from),
            Just(Value::Bool(true)),
            Just(Value::Null),
            Just(Value::from(1))
        ];
        leaf.prop_recursive(5, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((word.clone(), inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|value| Value::from(value.to_string())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_is_left_for_a_second_look(tags in tags()) {
            let filter = Filter::default();
            let mut once = tags.clone();
            filter.clean_value(&mut once);
            let mut twice = once.clone();
            filter.clean_value(&mut twice);
            prop_assert_eq!(&once, &twice, "{}", tags);
        }
    }
}
