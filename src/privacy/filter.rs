//! Fence 2: which names may leave, as columns and at every depth of the JSON inside.

use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::platform::decided::Decided;
use crate::platform::fields::blacklist::{is_public_name, rule_for, rule_for_label};
use crate::platform::fields::names::{forms, matches, patterns};
use crate::platform::json;
use crate::platform::loose_json::{Token, tokens};
use crate::platform::pairs::{is_of_kind, is_value, kinds, pair};
use crate::platform::photo_key::is_place_of_photo;

/// How often tags are cleaned before all of them are taken out: nobody writes any by chance that take more than two.
const MAX_ROUNDS: usize = 16;
/// Bytes of the longest names that are looked up as one: a hundred thousand members may stand under a name of a
/// megabyte.
const MAX_LABEL: usize = 200;

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
    /// Whether it does whatever it stands in, unless an operator's name keeps it in.
    is_public: bool,
}

/// A member, and those that it stands in.
struct Within<'w> {
    name: &'w str,
    outer: Option<&'w Within<'w>>,
}

impl Within<'_> {
    /// What a member that stands in another is called with it, and with all that it stands in, as tags.json has it:
    /// `created.by`. The wrapper of tags is none of them.
    fn labels(&self) -> impl Iterator<Item = String> {
        let innermost = self.outer.map(|_| self);
        let mut names: Vec<&str> = std::iter::successors(innermost, |within| within.outer)
            .take_while(|within| within.outer.is_some() || within.name != "tags")
            .map(|within| within.name)
            .collect();
        names.reverse();
        let with_one = names.len().checked_sub(2).and_then(|at| label(names.get(at..)?));
        let with_all = (names.len() > 2).then(|| label(&names)).flatten();
        with_one.into_iter().chain(with_all)
    }
}

/// The label that names make, unless it is longer than any that has a rule.
fn label(names: &[&str]) -> Option<String> {
    let is_short = names.iter().map(|name| name.len()).sum::<usize>() <= MAX_LABEL;
    is_short.then(|| names.join("."))
}

impl Filter {
    /// The built-in list with `extra` names, in any case; `*` stands for any text.
    pub fn new<'n>(extra: impl IntoIterator<Item = &'n str>) -> Filter {
        Filter { extra: extra.into_iter().flat_map(patterns).collect(), decided: RwLock::default() }
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
        let (with_value, as_label) = (rule_for(name).is_none(), rule_for_label(name).is_none());
        let is_extra = (with_value || as_label) && self.is_extra(name);
        let is_public = with_value && is_public_name(name);
        Leaves { with_value: with_value && !is_extra, as_label: as_label && !is_extra, is_public }
    }

    fn is_extra(&self, name: &str) -> bool {
        forms(name).any(|form| self.extra.iter().any(|pattern| matches(pattern, &form)))
    }

    /// Takes out every member that may not leave, at any depth, also of JSON that stands as text, and every text and
    /// name that is the key of a photo of ours.
    pub fn clean(&self, members: &mut Map<String, Value>) {
        let settled = settles(|taken| {
            self.clean_members(members, None, json::DEPTH, taken);
            true
        });
        if !settled {
            members.clear();
        }
    }

    /// Cleans a value as [`clean`](Filter::clean) does its members; `null` where all of it has to go.
    pub fn clean_value(&self, value: &mut Value) {
        if !settles(|taken| self.clean_at(value, None, json::DEPTH, taken)) {
            *value = Value::Null;
        }
    }

    fn clean_members(
        &self,
        members: &mut Map<String, Value>,
        within: Option<&Within<'_>>,
        depth: u32,
        taken: &mut bool,
    ) {
        // `{"key": "phone", "value": …}` is a member called `phone`. Beside others it is only likely to be one: there the
        // name may be a work's.
        let is_kept_in = |name: &&str| !self.may_leave(&Within { name, outer: within }, false);
        let kept_in = pair(members).filter(|pair| pair.names.iter().any(is_kept_in));
        match kept_in.map(|pair| pair.is_whole) {
            Some(true) => members.clear(),
            Some(false) => members.retain(|name, _| !is_value(name)),
            None => {}
        }
        if kinds(members).any(|kind| !self.allows(kind)) {
            members.retain(|name, _| !is_of_kind(name));
        }
        members.retain(|name, value| {
            let is_label = *value == Value::Bool(true);
            let inner = Within { name, outer: within };
            self.may_leave(&inner, is_label)
                && !is_place_of_photo(name)
                && self.clean_at(value, Some(&inner), depth, taken)
        });
    }

    /// Whether a member may leave by its name, and by those that it makes with the names around it.
    fn may_leave(&self, member: &Within<'_>, is_label: bool) -> bool {
        let may_leave = |leaves: Leaves| if is_label { leaves.as_label } else { leaves.with_value };
        let leaves = self.leaves(member.name);
        let label_may_leave = |label: String| {
            if leaves.is_public { !self.is_extra(&label) } else { may_leave(self.leaves(&label)) }
        };
        may_leave(leaves) && member.labels().all(label_may_leave)
    }

    /// Cleans a value; false when all of it has to go. Tells whether anything was `taken` out of a list.
    fn clean_at(&self, value: &mut Value, within: Option<&Within<'_>>, depth: u32, taken: &mut bool) -> bool {
        match value {
            Value::Object(members) => self.clean_members(members, within, depth, taken),
            Value::Array(items) => {
                let before = items.len();
                let are_pairs = items.iter().all(|item| name_of_pair(item).is_some());
                items.retain_mut(|item| {
                    let may_leave = |name| self.may_leave(&Within { name, outer: within }, false);
                    let leaves = !are_pairs || name_of_pair(item).is_none_or(may_leave);
                    leaves && self.clean_at(item, within, depth, taken)
                });
                *taken |= items.len() < before;
            }
            Value::String(text) => {
                if is_place_of_photo(text) {
                    return false;
                }
                let Some(read) = json::within(text) else { return !self.is_broken_and_names(text) };
                let mut clean = read.clone();
                let is_clean =
                    depth.checked_sub(1).is_some_and(|depth| self.clean_at(&mut clean, within, depth, taken));
                if !is_clean {
                    clean = Value::Null;
                }
                // Of two members of one name the last is read, and the text has both.
                if clean != read || names_in_text(text) != names_in(&read) {
                    *text = clean.to_string();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        true
    }

    /// Whether a text begins as JSON does, does not parse, and has a name in it that may not leave. Nobody can say
    /// where its value ends. Without quotes it is one in braces alone: `[Address: unknown]` is a remark. Behind a
    /// remark in brackets or braces that holds no name words stand, of which none is one.
    fn is_broken_and_names(&self, text: &str) -> bool {
        let mut start = json::bare(text);
        let inner;
        if start.starts_with('"') {
            // JSON as a text of JSON, as far as it goes, however often it was made one.
            inner = start.replace('\\', "");
            start = inner.trim_start_matches(|c: char| c == '"' || json::is_before(c));
        }
        if !start.starts_with(['{', '[']) {
            return false;
        }
        let in_braces = start.trim_start_matches(|c: char| c == '[' || c.is_whitespace()).starts_with('{');
        let is_name =
            |token: &Token<'_>| matches!(token, Token::Name(_, is_quoted) if *is_quoted || in_braces);
        let is_json = tokens(start).find(|token| *token != Token::Open).is_some_and(|first| is_name(&first));
        let mut depth = 0_usize;
        tokens(start).any(|token| {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                Token::Name(..) | Token::Value(_) => {}
            }
            (is_json || depth > 0)
                && is_name(&token)
                && matches!(token, Token::Name(name, _) if !self.allows(&name))
        })
    }
}

/// Cleans again and again until nothing more is `taken` out of a list: what was taken may have kept the rest from being
/// read as pairs. False when `clean` says that all has to go, or when there is no end of it.
fn settles(mut clean: impl FnMut(&mut bool) -> bool) -> bool {
    for _ in 0..MAX_ROUNDS {
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

/// How many members there are in a text that is JSON, or JSON of such a text.
fn names_in_text(text: &str) -> usize {
    match json::parse(text) {
        Ok(Value::String(inner)) => names_in_text(&inner),
        _ => tokens(text).filter(|token| matches!(token, Token::Name(_, true))).count(),
    }
}

/// How many members there are in JSON, at all depths.
fn names_in(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(names_in).sum::<usize>(),
        Value::Array(items) => items.iter().map(names_in).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The name in `["phone", …]`, as lists of pairs have it.
fn name_of_pair(item: &Value) -> Option<&str> {
    match item.as_array()?.as_slice() {
        [name, _] => name.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
