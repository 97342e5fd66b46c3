//! Identifiers within the JSON of private tables.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Naming;
use crate::platform::decided::Decided;
use crate::platform::json;
use crate::platform::loose_json::{Token, tokens};

/// JSON text within JSON text is followed this deep.
const DEPTH: u32 = 8;

/// Hands every text under a name of identifiers to `visit`, at any depth of JSON text. Nothing is built: there may be
/// more of it than of all else. Where it does not parse, some may be visited twice.
pub(super) fn inside<E>(
    json: &str,
    named: bool,
    names: &mut Names,
    visit: &mut dyn FnMut(&str) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut failure = None;
    let mut hand_on = |text: &str| {
        if failure.is_none() {
            failure = visit(text).err();
        }
    };
    if !(Walk { named, names, visit: &mut hand_on, depth: DEPTH }).parse(json) {
        Walk { named, names, visit: &mut hand_on, depth: DEPTH }.read(json);
    }
    failure.map_or(Ok(()), Err)
}

/// What names say of their values.
#[derive(Default)]
pub(super) struct Names(Decided<Naming>);

impl Names {
    /// Whether the value under a name is named as an identifier; `around`, whether what the name stands in is.
    fn is_named(&mut self, name: &str, around: bool) -> bool {
        let naming = self.0.on(name).unwrap_or_else(|| {
            let decided = Naming::of(name);
            self.0.remember(name, decided);
            decided
        });
        match naming {
            Naming::Identifier => true,
            Naming::Browser => false,
            Naming::Nothing => around,
        }
    }
}

/// A walk through JSON.
struct Walk<'w> {
    named: bool,
    names: &'w mut Names,
    visit: &'w mut dyn FnMut(&str),
    /// How much further JSON text within JSON text is followed.
    depth: u32,
}

impl Walk<'_> {
    /// Through a text, mended or piece by piece where it does not parse: what one bad letter breaks is no free text.
    /// Looks first and then visits once: each level that was visited twice would double what lies within.
    fn read(self, text: &str) {
        let Walk { named, names, visit, depth } = self;
        let mut parses = |text: &str| Walk { named: true, names, visit: &mut |_| {}, depth: 0 }.parse(text);
        let mended =
            if parses(text) { None } else { Some(json::without_halves(text).filter(|it| parses(it))) };
        let walk = Walk { named, names, visit, depth };
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
        let Walk { named, names, visit, depth } = self;
        let mut around = Vec::new();
        // Whether what stands here is named, and what comes next.
        let (mut here, mut next) = (named, named);
        for token in tokens(text) {
            match token {
                Token::Open => around.push(std::mem::replace(&mut here, next)),
                Token::Close => {
                    here = around.pop().unwrap_or(named);
                    next = here;
                }
                Token::Name(name, _) => next = names.is_named(&name, here),
                Token::Value(text) => {
                    Walk { named: next, names, visit, depth }.text(&text);
                    next = here;
                }
            }
        }
    }

    fn text(self, text: &str) {
        let Walk { named, names, visit, depth } = self;
        if named {
            visit(text);
        }
        if let Some(depth) = depth.checked_sub(1)
            && json::may_be(text)
        {
            Walk { named, names, visit, depth }.read(text);
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
        let Walk { named, names, visit, depth } = self;
        while items.next_element_seed(Walk { named, names, visit, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        let Walk { named, names, visit, depth } = self;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let named = names.is_named(&name, named);
            members.next_value_seed(Walk { named, names, visit, depth })?;
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
