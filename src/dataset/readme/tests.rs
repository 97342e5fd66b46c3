#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::platform::fields::files::{ARTWORK, CREATORS, DATA_FILES};

/// Of a publisher who says nothing but a name.
fn source() -> Source {
    Source { name: "A city".into(), url: None, contact: None }
}

fn contents<'a>(source: &'a Source, foreign: &'a BTreeMap<String, u64>) -> Contents<'a> {
    Contents {
        source,
        generated_at: "2026-01-02T03:04:05Z",
        generator: "a package 1.2.3",
        format_version: "1.0",
        files: vec![(&ARTWORK, 1, &[]), (&CREATORS, 20, &[])],
        photos: 7,
        max_side: Some(800),
        foreign,
        changes: false,
        complete: true,
    }
}

#[test]
fn a_reader_learns_what_it_is_from_where_and_how_to_cite_it() {
    let foreign = BTreeMap::from([("ODbL-1.0".to_owned(), 2)]);
    let told = text(&contents(&source(), &foreign));
    assert!(told.starts_with("# A city: public data dump\n\n"), "{told}");
    for part in [
        "as of 2026-01-02T03:04:05Z (UTC)",
        "| from | A city |\n",
        "| made by | a package 1.2.3 |\n",
        "| licence | CC0 1.0, see LICENSE.txt |\n",
        "| artwork.json | 1 record, each a work of public art |\n",
        "| creators.json | 20 records, each a person or group that made works in artwork.json |\n",
        "| photos/thumbnails/ | 7 photos, JPEG, longest side at most 800 pixels |\n",
        "> A city contributors: public data dump, 2026-01-02. CC0 1.0.\n",
        "- 2 rows under another licence (ODbL-1.0), left out of the CC0 files\n",
        "This is format 1.0.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for start in ["\n| site |", "\n| contact |", "\n| CHANGES.json |", "\n**Some photos"] {
        assert!(!told.contains(start), "{start}: {told}");
    }
}

#[test]
fn what_not_every_dump_has_is_told_where_it_is_there() {
    let (url, contact) = (Some("https://art.example".into()), Some("a|b@art.example".into()));
    let source = Source { url, contact, ..source() };
    let (foreign, extra) = (BTreeMap::new(), ["height_m".to_owned()]);
    let told = text(&Contents {
        files: vec![(&ARTWORK, 1, &extra), (&OTHER_LICENSES, 3, &extra)],
        max_side: None,
        changes: true,
        complete: false,
        ..contents(&source, &foreign)
    });
    for part in [
        "| site | <https://art.example> |\n",
        "| contact | a\\|b@art.example |\n",
        "; in artwork-other-licenses.json the one that each record names |\n",
        "**Some photos could not be had**: see `photos_missing` in metadata.json.\n",
        "| photos/thumbnails/ | not in this dump |\n",
        "| CHANGES.json | ids that were added, changed and removed since the dump before |\n",
        "CC0 1.0. https://art.example\n",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.matches("| height_m | any | a column that the publisher added |\n").count(), 2);
}

#[test]
fn every_field_is_in_the_dictionary() {
    let foreign = BTreeMap::new();
    let files = DATA_FILES.map(|file| (file, 1, &[][..])).to_vec();
    let told = text(&Contents { files, ..contents(&source(), &foreign) });
    for file in DATA_FILES {
        let (_, section) = told.split_once(&format!("### {}\n", file.name)).unwrap();
        let section = section.split("\n#").next().unwrap();
        for field in file.fields {
            let Field { name, about, .. } = field;
            let mut rows = section.lines().filter(|line| line.starts_with(&format!("| `{name}` | ")));
            assert!(rows.next().is_some_and(|row| row.ends_with(&format!(" | {about} |"))), "{name}");
            let Kind::Objects(inner) = field.kind else { continue };
            assert!(
                inner.iter().all(|member| section.contains(&format!("\n| `{name}[].{}` | ", member.name)))
            );
        }
    }
}
