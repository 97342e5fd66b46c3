//! What is fed with whatever bytes a fuzzer finds. Each function panics when a promise is broken; that an error comes
//! back is none. `__test__/engine/fuzz_corpus.rs` feeds them with what was kept.

use std::io::Write;

use cultural_archiver_backup::database::script::{Budget, Loader};
use cultural_archiver_backup::database::sql::literal;
use cultural_archiver_backup::job::{Job, Phase};
use cultural_archiver_backup::photos::thumbnail::Photo;
use cultural_archiver_backup::platform::content::Cell;
use cultural_archiver_backup::platform::photo_key::classify;
use cultural_archiver_backup::platform::photo_list::PhotoList;
use cultural_archiver_backup::platform::tag_values;
use cultural_archiver_backup::privacy::redact::{Counts, Redactor};
use cultural_archiver_backup::privacy::scan::Scanner;
use cultural_archiver_backup::privacy::values::Values;
use cultural_archiver_backup::verify::verify_archive;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Map;

/// A hostile script is loaded or refused; nothing beside the database is written.
pub fn sql_script(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let job = Job::unattended();
    let path = folder.path().join("loaded.sqlite");
    let Ok(mut loader) = Loader::create(&path, Budget::for_bytes(data.len() as u64), &job) else { return };
    let meter = job.meter(Phase::Snapshot, None, None);
    if loader.run(data, &meter).is_ok() {
        let _ = loader.finish();
    }
    let entries = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert!(entries <= 1, "something was written beside the database");
}

/// A literal reads back as the value that it was made of, type and bytes.
pub fn sql_literal(data: &[u8]) {
    let (kind, rest) = data.split_first().unwrap_or((&0, &[]));
    let number = || rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).unwrap_or_default();
    let value = match kind % 5 {
        0 => ValueRef::Null,
        1 => ValueRef::Integer(number() as i64),
        2 => ValueRef::Real(f64::from_bits(number())),
        3 => ValueRef::Text(rest),
        _ => ValueRef::Blob(rest),
    };
    if let ValueRef::Real(real) = value
        && real.is_nan()
    {
        // SQLite keeps none.
        return;
    }
    let mut sql = b"SELECT ".to_vec();
    literal::write(&mut sql, value);
    let sql = String::from_utf8(sql).expect("a literal is UTF-8");
    let connection = Connection::open_in_memory().expect("a database");
    let mut statement = connection.prepare(&sql).expect("a literal is SQL");
    let mut rows = statement.query([]).expect("a literal can be read");
    let row = rows.next().expect("a row").expect("a row");
    let read = row.get_ref(0).expect("a value");
    match (value, read) {
        (ValueRef::Real(wrote), ValueRef::Real(read)) => assert_eq!(wrote.to_bits(), read.to_bits()),
        (wrote, read) => assert_eq!(wrote, read),
    }
}

/// A file is judged, whatever is in it.
pub fn archive(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(data).expect("a file");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _ = runtime.block_on(verify_archive(file.path().to_owned(), Job::unattended()));
}

/// Tags are read in any shape, or are not.
pub fn tags(data: &[u8]) {
    let cell = Cell::Text(String::from_utf8_lossy(data).into_owned());
    let _ = tag_values::names(&cell);
    let tags = tag_values::tags(&cell).unwrap_or_default();
    let _ = PhotoList::read(&cell, &tags);
}

/// What stands for a photo in a row becomes a key that is one, or none.
pub fn photo_reference(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = classify(&text);
    let _ = PhotoList::read(&Cell::Text(text.into_owned()), &Map::new());
}

/// A picture is made small or refused; one that is made is as small as was asked.
pub fn picture(data: &[u8]) {
    let Ok(photo) = Photo::open(data, 64) else { return };
    if photo.memory() > 16 << 20 {
        return;
    }
    if let Ok(thumbnail) = photo.thumbnail() {
        assert!(thumbnail.width <= 64 && thumbnail.height <= 64);
        assert!(thumbnail.jpeg.starts_with(&[0xff, 0xd8, 0xff]) && thumbnail.jpeg.ends_with(&[0xff, 0xd9]));
    }
}

/// Text out of which identifiers were taken holds none.
pub fn identifiers(data: &[u8]) {
    let mut values = Values::default();
    for value in
        ["3f1c9a52-7b64-4c0e-9d2a-5e8f00112233", "ann.lee@example.org", "203.0.113.9", "2001:db8::17"]
    {
        values.add("users.some", value);
    }
    let text = String::from_utf8_lossy(data);
    let clean = Redactor::new(&values).text(&text, &mut Counts::default()).into_owned();
    assert!(Scanner::new(&values, []).name(&clean).is_none(), "an identifier was left");
}
