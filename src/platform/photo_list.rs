//! The photos of a work as its row lists them: in order, with their credits.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::content::Cell;
use super::json;
use super::licences::{is_foreign, may_be_foreign};
use super::photo_key::{Reference, classify};
use super::photo_values::{HOLDERS, NAMES, PhotoText};
use super::tag_values::PHOTOS;

/// One photo of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPhoto {
    /// Its 1-based place in the row's list. What cannot be read and what is there twice leaves a gap.
    pub n: u32,
    /// What it refers to.
    pub reference: Reference,
    /// Who is to be credited.
    pub credit: Option<String>,
    /// Whether the row says that it is under another licence than ours.
    pub is_licensed: bool,
}

/// The photos of a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PhotoList {
    /// In the order of the row, each reference once.
    pub photos: Vec<ListedPhoto>,
    /// Whether something stood there that is no photo.
    pub unreadable: bool,
    places: u32,
    /// Whether licences are looked for.
    may_be_licensed: bool,
    /// Where each photo of ours is in `photos`, by the last of the keys that it may have.
    seen: HashMap<String, usize>,
}

/// What an object says of the photos in it.
#[derive(Debug, Clone, Copy, Default)]
struct Said<'s> {
    credit: Option<&'s str>,
    is_licensed: bool,
}

impl PhotoList {
    /// Reads the `photos` column, then `_photos` of the tags, where the first schema kept them.
    pub fn read(photos: &Cell, tags: &Map<String, Value>) -> PhotoList {
        let mut list = PhotoList::default();
        match photos {
            Cell::Null => {}
            Cell::Text(text) => {
                // Most lists are of keys alone.
                list.may_be_licensed = text.contains('{') && may_be_foreign(text);
                list.add_text(text, Said::default(), json::DEPTH);
            }
            Cell::Integer(_) | Cell::Real(_) | Cell::Unreadable(_) => list.unreadable = true,
        }
        if let Some(legacy) = tags.get(PHOTOS) {
            list.may_be_licensed = true;
            list.add_value(legacy, Said::default(), json::DEPTH);
        }
        list
    }

    fn add_text(&mut self, text: &str, around: Said<'_>, depth: u32) {
        match PhotoText::read(text, depth) {
            PhotoText::Nothing => {}
            PhotoText::Reference => self.add(text, around),
            PhotoText::Json(value, depth) => self.add_value(&value, around, depth),
            PhotoText::Broken => self.miss(),
        }
    }

    fn add_value(&mut self, value: &Value, around: Said<'_>, depth: u32) {
        match value {
            Value::Null => {}
            Value::String(text) => self.add_text(text, around, depth),
            Value::Array(items) => items.iter().for_each(|item| self.add_item(item, around, depth)),
            Value::Object(members) => self.add_object(members, around, depth),
            Value::Bool(_) | Value::Number(_) => self.miss(),
        }
    }

    /// An item takes a place in the list even when nothing can be made of it.
    fn add_item(&mut self, item: &Value, around: Said<'_>, depth: u32) {
        let before = self.places;
        self.add_value(item, around, depth);
        self.places = self.places.max(before + 1);
    }

    fn add_object(&mut self, members: &Map<String, Value>, around: Said<'_>, depth: u32) {
        let text =
            |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let credit = text("credit").map(str::trim).or(around.credit);
        let may_be_licensed = self.may_be_licensed;
        let said = |of: &dyn Fn(&str) -> bool| {
            let of = members
                .iter()
                .filter(|(name, _)| of(name))
                .map(|(name, value)| (name.clone(), value.clone()));
            let is_licensed = around.is_licensed || (may_be_licensed && is_foreign(&of.collect()));
            Said { credit, is_licensed }
        };
        let named = NAMES.iter().find_map(|name| text(name));
        if let Some(value) = named {
            self.add(value, said(&|_| true));
        }
        let mut held = HOLDERS.iter().filter_map(|name| members.get(*name)).peekable();
        match depth.checked_sub(1).filter(|_| held.peek().is_some()) {
            Some(depth) => {
                // What is said of one of them is said of no other.
                let said = said(&|name| !HOLDERS.contains(&name));
                held.for_each(|held| self.add_value(held, said, depth));
            }
            None if named.is_none() && !members.is_empty() => self.miss(),
            None => {}
        }
    }

    fn add(&mut self, value: &str, Said { credit, is_licensed }: Said<'_>) {
        self.places += 1;
        let reference = classify(value);
        if reference == Reference::Unusable {
            self.unreadable = true;
        }
        let credit = credit.map(str::to_owned);
        // Those on other hosts are only counted.
        if let Some(key) = reference.identity() {
            let at = *self.seen.entry(key.to_owned()).or_insert(self.photos.len());
            if let Some(photo) = self.photos.get_mut(at) {
                // What is said of one of the two is said of the photo.
                photo.is_licensed |= is_licensed;
                photo.credit = photo.credit.take().or(credit);
                return;
            }
        }
        self.photos.push(ListedPhoto { n: self.places, reference, credit, is_licensed });
    }

    fn miss(&mut self) {
        self.places += 1;
        self.unreadable = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(column: &str, tags: &str) -> (Vec<String>, bool) {
        let tags = serde_json::from_str(tags).unwrap_or_default();
        let list = PhotoList::read(&Cell::Text(column.into()), &tags);
        let told = list.photos.iter().map(|photo| {
            let place = match &photo.reference {
                Reference::Own(keys) => keys.last().cloned().unwrap_or_default(),
                Reference::Foreign(host) => format!("at {host}"),
                Reference::Unusable => "unusable".into(),
            };
            let credit = photo.credit.as_deref().map_or(String::new(), |credit| format!(" by {credit}"));
            format!("{} {place}{credit}", photo.n)
        });
        (told.collect(), list.unreadable)
    }

    fn sound(photos: &[&str]) -> (Vec<String>, bool) {
        (photos.iter().map(|&photo| photo.into()).collect(), false)
    }

    #[test]
    fn photos_keep_their_order_and_places() {
        assert_eq!(read(r#"["b.jpg","a.jpg"]"#, "{}"), sound(&["1 b.jpg", "2 a.jpg"]));
        assert_eq!(
            read(
                r#"["https://example.org/x.jpg",{"url":"a.jpg","credit":"Ann","thumbnail_url":"t.jpg"},null,"c.jpg"]"#,
                "{}"
            ),
            sound(&["1 at example.org", "2 a.jpg by Ann", "4 c.jpg"])
        );
        assert_eq!(read("a.jpg", "{}"), sound(&["1 a.jpg"]));
        for nothing in ["", "null", "[]", "[null]", "\"[]\"", "{}"] {
            assert_eq!(read(nothing, "{}"), sound(&[]), "{nothing}");
        }
    }

    #[test]
    fn a_photo_may_have_a_licence_of_its_own() {
        let licensed = |column: &str| {
            let list = PhotoList::read(&Cell::Text(column.into()), &Map::new());
            list.photos.iter().filter(|photo| photo.is_licensed).map(|photo| photo.n).collect::<Vec<_>>()
        };
        let photos = r#"["a.jpg",{"url":"b.jpg","license":"CC BY-NC"},{"url":"c.jpg","license":"CC0"},
            {"url":"d.jpg","credit":"Ann (CC BY 2.0)"},{"url":"e.jpg","credit":"Ann"},{"url":"/photos/a.jpg","licence":"x"},
            {"url":"f.jpg","license":4}]"#;
        assert_eq!(licensed(photos), [1, 2, 4, 7]);
        assert_eq!(licensed(r#"[{"url":"a.jpg","credit":"Ann"}]"#), [0; 0]);
        assert_eq!(licensed(r#"[{"url":"a.jpg","credit":"Photo: CC Attribution 4.0"}]"#), [1]);
    }

    #[test]
    fn what_is_said_of_a_list_is_said_of_its_photos() {
        let told = |column: &str| {
            let list = PhotoList::read(&Cell::Text(column.into()), &Map::new());
            let told = list.photos.into_iter().map(|photo| (photo.n, photo.is_licensed, photo.credit));
            told.collect::<Vec<_>>()
        };
        let ann = || Some("Ann".to_owned());
        let listed = r#"{"photos":["a.jpg",["b.jpg"]],"license":"CC BY-NC 4.0","credit":"Ann"}"#;
        assert_eq!(told(listed), [(1, true, ann()), (2, true, ann())]);
        let beside = r#"[{"url":"a.jpg","license":"CC BY","photos":["b.jpg"]},"c.jpg"]"#;
        assert_eq!(told(beside), [(1, true, None), (2, true, None), (3, false, None)]);
        let each = r#"{"photos":[{"url":"a.jpg","license":"CC BY"},"b.jpg",{"url":"c.jpg","credit":"Bea"}],"credit":"Ann"}"#;
        assert_eq!(told(each), [(1, true, ann()), (2, false, ann()), (3, false, Some("Bea".into()))]);
    }

    #[test]
    fn the_same_photo_twice_leaves_a_gap() {
        assert_eq!(
            read(
                r#"["originals/a.jpg",{"url":"/photos/originals/a.jpg"},"b.jpg"]"#,
                r#"{"_photos":["b.jpg","c.jpg"]}"#
            ),
            sound(&["1 originals/a.jpg", "3 b.jpg", "5 c.jpg"])
        );
    }

    #[test]
    fn a_credit_counts_whichever_of_two_has_it() {
        let photos = r#"["a.jpg",{"url":"/photos/a.jpg","credit":"Ann"},{"url":"a.jpg","credit":"Bea"}]"#;
        assert_eq!(read(photos, "{}"), sound(&["1 a.jpg by Ann"]));
        assert_eq!(
            read(r#"["a.jpg"]"#, r#"{"_photos":[{"url":"a.jpg","credit":"Ann"}]}"#),
            sound(&["1 a.jpg by Ann"])
        );
    }

    #[test]
    fn a_row_may_list_as_many_photos_twice_as_it_has_room_for() {
        // Took minutes while each was looked for among all before it.
        let keys: Vec<String> = (0..50_000).map(|n| format!("originals/2025/{n}.jpg")).collect();
        let photos: Vec<&String> = keys.iter().chain(&keys).collect();
        let list = PhotoList::read(&Cell::Text(serde_json::json!(photos).to_string()), &Map::new());
        assert_eq!(list.photos.len(), 50_000);
    }

    #[test]
    fn what_is_no_photo_is_told_and_keeps_its_place() {
        assert_eq!(read(r#"[7,{"caption":"x"},"a.jpg"]"#, "{}"), (vec!["3 a.jpg".into()], true));
        assert_eq!(read("[broken", "{}"), (vec![], true));
        assert_eq!(read("", r#"{"_photos":"[\"a.jpg\"]"}"#), sound(&["1 a.jpg"]));
        assert_eq!(
            read("", r#"{"_photos":["a.jpg",["b.jpg","c.jpg"]]}"#),
            sound(&["1 a.jpg", "2 b.jpg", "3 c.jpg"])
        );
    }
}
