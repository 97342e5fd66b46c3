//! Which room of the core imports which.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path};

/// The rooms, in the order in which they may import one another: each those of the lines above, none of its own line.
const ROOMS: [&[&str]; 11] = [
    &["error", "folder", "private_file", "retry", "seal", "secret", "wrangler"],
    &["flush", "http", "job"],
    &["cloudflare", "sqlite"],
    &["archive", "database", "photos"],
    &["platform"],
    &["dataset", "privacy"],
    &["formats"],
    &["options"],
    &["inputs", "run"],
    &["backup", "data_dump", "restore", "verify"],
    &["node"],
];

/// The rooms that a file names, but for what it names in its tests.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|line| line.split("crate::").skip(1));
    names.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
}

#[test]
fn no_room_imports_another_of_its_line_or_below() {
    let places: HashMap<&str, usize> = ROOMS
        .iter()
        .enumerate()
        .flat_map(|(place, rooms)| rooms.iter().map(move |room| (*room, place)))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in walkdir::WalkDir::new(&root) {
        let file = file.unwrap();
        let path = file.path().strip_prefix(&root).unwrap();
        let is_test = path.components().any(|part| part == Component::Normal("tests".as_ref()));
        if file.file_type().is_dir() || is_test || path.ends_with("tests.rs") || path == Path::new("lib.rs") {
            continue;
        }
        let room = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let own = places[room];
        for name in named(&fs::read_to_string(file.path()).unwrap()) {
            let place = places.get(name).unwrap_or_else(|| panic!("{} names {name}", path.display()));
            assert!(name == room || *place < own, "{} imports {name}", path.display());
        }
    }
}
