//! Virtual tables: full text of every content kind, and r-trees.

use rand::RngExt;
use rusqlite::params;

use super::Build;

const WORDS: &[&str] = &[
    "mural", "Murals", "statue", "bronze", "köln", "straße", "日本", "it's", "x", "a-b", "123", "the",
    "running", "😀", "BEGIN TRANSACTION", "\r\n", "ſıx", ";", "fountain",
];

fn prose(b: &mut Build) -> Option<String> {
    if b.chance(8) {
        return None;
    }
    let count = b.below(9);
    Some((0..count).map(|_| b.pick(WORDS)).collect::<Vec<_>>().join(" "))
}

fn options(b: &mut Build) -> String {
    let mut found = String::new();
    found += b.pick(&[
        "",
        "",
        ", tokenize = 'porter unicode61'",
        ", tokenize = \"unicode61 remove_diacritics 0 tokenchars '-'\"",
        ", tokenize = trigram",
        ", tokenize='ascii'",
    ]);
    found += b.pick(&["", "", ", prefix='2 3'"]);
    found += b.pick(&["", "", ", columnsize=0"]);
    found += b.pick(&["", "", ", detail=none", ", detail=column", ", detail=full"]);
    found += b.pick(&["", "", " -- the artist's (own, words\n", " /* the public's, */ "]);
    found
}

fn rowid(b: &mut Build, at: i64) -> i64 {
    if b.chance(6) { b.rng.random_range(-500..-1) - at * 1000 } else { at * 3 }
}

pub fn ordinary(b: &mut Build) {
    let options = options(b);
    let name = if b.chance(3) { "\"f;x'y\"".to_owned() } else { b.plain_name("fts") };
    if !b.taken.contains(&name) {
        b.taken.push(name.clone());
        b.run(&format!("CREATE VIRTUAL TABLE {name} USING fts5(\"a b\", title, note UNINDEXED{options})"));
        for at in 0..15 {
            let (rowid, one, two, three) = (rowid(b, at), prose(b), prose(b), prose(b));
            b.db.execute(
                &format!("INSERT INTO {name}(rowid, \"a b\", title, note) VALUES (?, ?, ?, ?)"),
                params![rowid, one, two, three],
            )
            .unwrap();
        }
        b.run(&format!("DELETE FROM {name} WHERE rowid % 5 = 0"));
    }
}

/// The table with its content, and the index as `options` say; nothing is in the index yet.
fn content_and_index(b: &mut Build) -> (String, String) {
    let (content, index, options) = (b.plain_name("content"), b.plain_name("fts"), options(b));
    let comment = b.pick(&["", "-- it's found by this\n"]);
    b.run(&format!(
        "CREATE TABLE {content}(id INTEGER PRIMARY KEY, title, body TEXT, status TEXT);
         CREATE VIRTUAL TABLE {index} USING fts5(title, {comment}body, content='{content}', content_rowid='id'{options});"
    ));
    (content, index)
}

fn fill_content(b: &mut Build, content: &str) {
    for at in 0..12 {
        let (rowid, title, body) = (rowid(b, at), prose(b), prose(b));
        let status = b.pick(&["approved", "pending"]);
        b.db.execute(
            &format!("INSERT INTO {content} VALUES (?, ?, ?, ?)"),
            params![rowid, title, body, status],
        )
        .unwrap();
    }
}

pub fn external(b: &mut Build) {
    let (content, index) = content_and_index(b);
    b.run(&format!(
        "CREATE TRIGGER {content}_ai AFTER INSERT ON {content} BEGIN
           INSERT INTO {index}(rowid, title, body) VALUES (new.id, new.title, new.body); END;
         CREATE TRIGGER {content}_ad AFTER DELETE ON {content} BEGIN
           INSERT INTO {index}({index}, rowid, title, body) VALUES ('delete', old.id, old.title, old.body); END;
         CREATE TRIGGER {content}_au AFTER UPDATE ON {content} BEGIN
           INSERT INTO {index}({index}, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
           INSERT INTO {index}(rowid, title, body) VALUES (new.id, new.title, new.body); END;"
    ));
    fill_content(b, &content);
    b.run(&format!("UPDATE {content} SET title = 'renamed mural' WHERE id % 4 = 0; DELETE FROM {content} WHERE id % 5 = 0"));
}

/// Only approved rows are searchable: a plain rebuild would let the others in.
pub fn external_partial(b: &mut Build) {
    let (content, index) = content_and_index(b);
    fill_content(b, &content);
    b.run(&format!(
        "INSERT INTO {index}(rowid, title, body) SELECT id, title, body FROM {content} WHERE status = 'approved'"
    ));
    let (content, empty) = content_and_index(b);
    fill_content(b, &content);
    let _never_filled = empty;
}

fn fill_contentless(b: &mut Build, index: &str) {
    for at in 0..12 {
        let (rowid, title, body) = (rowid(b, at), prose(b), prose(b));
        b.db.execute(
            &format!("INSERT INTO {index}(rowid, title, body) VALUES (?, ?, ?)"),
            params![rowid, title, body],
        )
        .unwrap();
    }
}

pub fn contentless(b: &mut Build) {
    let (index, options) = (b.plain_name("fts"), options(b));
    b.run(&format!("CREATE VIRTUAL TABLE {index} USING fts5(title, body, content=''{options})"));
    fill_contentless(b, &index);
    if b.chance(2) {
        b.run(&format!("INSERT INTO {index}({index}, rank) VALUES ('rank', 'bm25(10.0, 5.0)')"));
    }
}

pub fn contentless_delete(b: &mut Build) {
    let index = b.plain_name("fts");
    b.run(&format!("CREATE VIRTUAL TABLE {index} USING fts5(title, body, content='', contentless_delete=1)"));
    fill_contentless(b, &index);
    b.run(&format!("DELETE FROM {index} WHERE rowid % 2 = 0"));
    b.case.needs_new_sqlite = true;
}

pub fn configured(b: &mut Build) {
    let index = b.plain_name("fts");
    b.run(&format!(
        "CREATE VIRTUAL TABLE {index} USING fts5(title);
         INSERT INTO {index}({index}, rank) VALUES ('rank', 'bm25(10.0)'), ('automerge', 8), ('crisismerge', 12), ('usermerge', 6),
           ('pgsz', 512), ('hashsize', 32768);"
    ));
    for at in 0..40 {
        // The trigram tokenizer of SQLite 3.40 stops at a NUL; this one does not.
        let title = prose(b).map(|title| title + "\0after");
        b.db.execute(&format!("INSERT INTO {index}(rowid, title) VALUES (?, ?)"), params![at, title])
            .unwrap();
    }
}

pub fn fts4(b: &mut Build) {
    let index = b.plain_name("old_fts");
    let options = b.pick(&["", ", tokenize=porter", ", matchinfo=fts3", ", order=desc", ", notindexed=body"]);
    b.run(&format!("CREATE VIRTUAL TABLE {index} USING fts4(title, body{options})"));
    for at in 1..10 {
        let (title, body) = (prose(b), prose(b));
        b.db.execute(
            &format!("INSERT INTO {index}(docid, title, body) VALUES (?, ?, ?)"),
            params![at * 2, title, body],
        )
        .unwrap();
    }
}

pub fn rtree(b: &mut Build) {
    let (tree, whole) = (b.plain_name("tree"), b.plain_name("tree"));
    b.run(&format!(
        "CREATE VIRTUAL TABLE {tree} USING rtree(id, west, east, south, north, +label TEXT);
         CREATE VIRTUAL TABLE {whole} USING rtree_i32(id, low, high);
         INSERT INTO {whole} VALUES (5, -7, 9), (-6, 1, 1);"
    ));
    for at in 1..30 {
        let (x, y): (f64, f64) = (b.rng.random_range(-180.0..180.0), b.rng.random_range(-90.0..90.0));
        let label = prose(b);
        b.db.execute(
            &format!("INSERT INTO {tree} VALUES (?, ?, ?, ?, ?, ?)"),
            params![at * 3, x, x + 0.5, y, y, label],
        )
        .unwrap();
    }
}
