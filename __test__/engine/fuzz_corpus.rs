//! What `cargo fuzz` found, fed once more to what it was found for. New finds are put into `__test__/fixtures/fuzz`.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

fn feed(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/fixtures/fuzz").join(name);
    let mut fed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        target(&fs::read(entry.unwrap().path()).unwrap());
        fed += 1;
    }
    assert!(fed > 0, "nothing is kept for {name}");
    target(b"");
}

#[test]
fn scripts_are_loaded_or_refused() {
    feed("sql_script", targets::sql_script);
}

#[test]
fn literals_read_back() {
    feed("sql_literal", targets::sql_literal);
}

#[test]
fn archives_are_judged() {
    feed("archive", targets::archive);
}

#[test]
fn tags_are_read_or_not() {
    feed("tags", targets::tags);
}

#[test]
fn photo_references_are_keys_or_not() {
    feed("photo_reference", targets::photo_reference);
}

#[test]
fn pictures_are_made_small_or_refused() {
    feed("picture", targets::picture);
}

#[test]
fn redacted_text_holds_no_identifier() {
    feed("identifiers", targets::identifiers);
}
