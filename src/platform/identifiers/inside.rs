//! Identifiers within the JSON of private tables.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Around, Author, Naming};
use crate::platform::decided::Decided;
use crate::platform::json;
use crate::platform::loose_json::{Token, tokens};

/// Hands every text under a name of identifiers to `visit`, at any depth of JSON text, and every name that stands there.
/// Nothing is built: there may be more of it than of all else. Where it does not parse, some may be visited twice.
pub(super) fn inside(json: &str, around: Around, names: &mut Names, visit: &mut dyn FnMut(&str, Author)) {
    if !(Walk { around, names, visit, depth: json::DEPTH }).parse(json) {
        Walk { around, names, visit, depth: json::DEPTH }.read(json);
    }
}

/// What names say of their values, remembered.
#[derive(Debug, Default)]
pub struct Names(Decided<Naming>);

impl Names {
    /// What is known of the value under a name that stands in `around`.
    fn under(&mut self, name: &str, around: Around) -> Around {
        around.under(self.0.on(name).unwrap_or_else(|| {
            let decided = Naming::of(name);
            self.0.remember(name, decided);
            decided
        }))
    }
}

/// A walk through JSON.
struct Walk<'w> {
    around: Around,
    names: &'w mut Names,
    visit: &'w mut dyn FnMut(&str, Author),
    /// How much further JSON text within JSON text is followed.
    depth: u32,
}

impl Walk<'_> {
    /// Through a text, mended or piece by piece where it does not parse: what one bad letter breaks is no free text.
    /// Looks first and then visits once: each level that was visited twice would double what lies within.
    fn read(self, text: &str) {
        let Walk { around, names, visit, depth } = self;
        let mut parses = |text: &str| Walk { around, names, visit: &mut |_, _| {}, depth: 0 }.parse(text);
        let mended =
            if parses(text) { None } else { Some(json::without_halves(text).filter(|it| parses(it))) };
        let walk = Walk { around, names, visit, depth };
        match mended {
            None => drop(walk.parse(text)),
            Some(Some(mended)) => drop(walk.parse(&mended)),
            Some(None) => walk.pieces(text),
        }
    }

    /// Whether the whole text is JSON.
    fn parse(self, text: &str) -> bool {
        let mut json = serde_json::Deserializer::from_str(json::bare(text));
        self.deserialize(&mut json).is_ok() && json.end().is_ok()
    }

    fn pieces(self, text: &str) {
        let Walk { around, names, visit, depth } = self;
        let mut outside = Vec::new();
        // What is known of what stands here, and of what comes next.
        let (mut here, mut next) = (around, around);
        for token in tokens(text) {
            match token {
                Token::Open => outside.push(std::mem::replace(&mut here, next)),
                Token::Close => {
                    here = outside.pop().unwrap_or(around);
                    next = here;
                }
                Token::Name(name, _) => {
                    if here.is_named {
                        visit(&name, here.author);
                    }
                    next = names.under(&name, here);
                }
                Token::Value(text) => {
                    Walk { around: next, names, visit, depth }.text(&text);
                    next = here;
                }
            }
        }
    }

    fn text(self, text: &str) {
        let Walk { around, names, visit, depth } = self;
        if around.is_named {
            visit(text, around.author);
        }
        if let Some(depth) = depth.checked_sub(1)
            && json::may_be(text)
        {
            Walk { around, names, visit, depth }.read(text);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        let Walk { around, names, visit, depth } = self;
        while items.next_element_seed(Walk { around, names, visit, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        let Walk { around, names, visit, depth } = self;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            if around.is_named {
                visit(&name, around.author);
            }
            let around = names.under(&name, around);
            members.next_value_seed(Walk { around, names, visit, depth })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }
}
