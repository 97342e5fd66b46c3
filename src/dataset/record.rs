//! Writes records as JSON, one per line, with no other fields than the table has and in no other order.

use std::io::{self, BufRead, Read, Write};

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::platform::fields::files::Field;

/// Bytes that are set aside for a record: it would grow in many small steps.
const USUAL_RECORD: usize = 256;

/// A record that is being written.
pub struct Record {
    fields: &'static [Field],
    /// The first field that may still come.
    next: usize,
    json: Vec<u8>,
}

impl Record {
    /// A record without a field.
    pub fn new(fields: &'static [Field]) -> Record {
        let mut json = Vec::with_capacity(USUAL_RECORD);
        json.push(b'{');
        Record { fields, next: 0, json }
    }

    /// Adds a field. Fails when the table has no such field after those that are there.
    pub fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        self.begin(name)?;
        serde_json::to_writer(&mut self.json, value).map_err(|error| defect(name, &error.to_string()))
    }

    /// Adds a field, or nothing where `value` is None.
    pub fn put_some(&mut self, name: &str, value: Option<&(impl Serialize + ?Sized)>) -> Result<()> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    /// Adds a list of what is JSON already, such as finished records.
    pub fn put_list(&mut self, name: &str, items: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<()> {
        self.begin(name)?;
        self.json.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.json.push(b',');
            }
            self.json.extend_from_slice(item.as_ref());
        }
        self.json.push(b']');
        Ok(())
    }

    /// Adds a field that the operator asked for; they come after all others.
    pub fn put_extra(&mut self, name: &str, value: &Value) -> Result<()> {
        self.skip_to(self.fields.len(), name)?;
        self.write_name(name)?;
        serde_json::to_writer(&mut self.json, value).map_err(|error| defect(name, &error.to_string()))
    }

    /// Ends the record. Fails when a field is missing that every record has.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.skip_to(self.fields.len(), "its end")?;
        self.json.push(b'}');
        Ok(self.json)
    }

    fn begin(&mut self, name: &str) -> Result<()> {
        let place = self.fields.iter().skip(self.next).position(|field| field.name == name);
        let place = place.ok_or_else(|| defect(name, "it is no field of this record, or comes too late"))?;
        self.skip_to(self.next + place, name)?;
        self.next += 1;
        self.write_name(name)
    }

    fn skip_to(&mut self, place: usize, name: &str) -> Result<()> {
        let skipped = self.fields.get(self.next..place).unwrap_or_default();
        if let Some(field) = skipped.iter().find(|field| field.required) {
            return Err(defect(name, &format!("{} is missing before it", field.name)));
        }
        self.next = place;
        Ok(())
    }

    fn write_name(&mut self, name: &str) -> Result<()> {
        if self.json.len() > 1 {
            self.json.push(b',');
        }
        serde_json::to_writer(&mut self.json, name).map_err(|error| defect(name, &error.to_string()))?;
        self.json.push(b':');
        Ok(())
    }
}

fn defect(name: &str, problem: &str) -> Error {
    Error::Internal { problem: format!("the field {name} of a record: {problem}") }
}

/// An array of records, one per line: a whole JSON text for those who take it as such, lines for those who stream.
pub struct RecordWriter<W> {
    out: W,
    count: u64,
}

impl<W: Write> RecordWriter<W> {
    /// An empty array.
    pub fn new(out: W) -> RecordWriter<W> {
        RecordWriter { out, count: 0 }
    }

    /// Adds a finished record.
    pub fn write(&mut self, record: &[u8]) -> io::Result<()> {
        self.out.write_all(if self.count == 0 { b"[\n" } else { b",\n" })?;
        self.out.write_all(record)?;
        self.count += 1;
        Ok(())
    }

    /// Records so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends the array.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(if self.count == 0 { b"[]\n" } else { b"\n]\n" })?;
        Ok(self.out)
    }
}

/// Longer records are none of ours, and would only fill the memory.
const MAX_RECORD: u64 = 64 << 20;

/// The records of a data file, line by line, as [`RecordWriter`] wrote them. Any other layout is `InvalidData`.
pub fn each_record(
    mut lines: impl BufRead,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
) -> io::Result<Result<()>> {
    let other = |problem| io::Error::new(io::ErrorKind::InvalidData, problem);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> io::Result<bool> {
        line.clear();
        lines.by_ref().take(MAX_RECORD).read_until(b'\n', line)?;
        match line.pop() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) => Err(other("a line of it does not end, or is longer than any record")),
        }
    };
    let begins = next(&mut line)?;
    let is_empty = line == b"[]";
    if !begins || !(is_empty || line == b"[") {
        return Err(other("it does not begin as an array of records"));
    }
    let mut goes_on = !is_empty;
    while goes_on {
        if !next(&mut line)? {
            return Err(other("its array does not end"));
        }
        goes_on = line.last() == Some(&b',');
        let record = line.strip_suffix(b",").unwrap_or(&line);
        if !record.starts_with(b"{") {
            return Err(other("a line of it is no record"));
        }
        if let Err(error) = visit(record) {
            return Ok(Err(error));
        }
    }
    if !is_empty && (!next(&mut line)? || line != b"]") {
        return Err(other("its array does not end"));
    }
    if next(&mut line)? {
        return Err(other("something follows its array"));
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::platform::fields::files::LINKS;

    #[test]
    fn a_record_has_the_fields_of_the_table_in_its_order() {
        let mut record = Record::new(LINKS.fields);
        record.put("artwork_id", "a\"b").unwrap();
        record.put("creator_id", "c").unwrap();
        record.put_some("created_at", Some("t")).unwrap();
        record.put_extra("more", &serde_json::json!([1])).unwrap();
        let json = String::from_utf8(record.finish().unwrap()).unwrap();
        assert_eq!(json, r#"{"artwork_id":"a\"b","creator_id":"c","created_at":"t","more":[1]}"#);
    }

    #[test]
    fn no_other_field_can_be_written() {
        let mut record = Record::new(LINKS.fields);
        assert!(record.put("email", "x").is_err());
        assert!(record.put("creator_id", "x").is_err(), "artwork_id is missing");
        record.put("artwork_id", "x").unwrap();
        record.put("creator_id", "x").unwrap();
        assert!(record.put("artwork_id", "x").is_err(), "it comes too late");
        assert!(Record::new(LINKS.fields).finish().is_err());
    }

    #[test]
    fn an_array_is_whole_and_has_a_record_per_line() {
        let written = |records: &[&str]| {
            let mut writer = RecordWriter::new(Vec::new());
            records.iter().for_each(|record| writer.write(record.as_bytes()).unwrap());
            String::from_utf8(writer.finish().unwrap()).unwrap()
        };
        assert_eq!(written(&[]), "[]\n");
        assert_eq!(written(&["{}", "{}"]), "[\n{},\n{}\n]\n");
    }

    #[test]
    fn records_are_read_as_they_are_written_and_nothing_else_is() {
        let read = |text: &[u8]| {
            let mut found = Vec::new();
            each_record(text, |record| {
                found.push(String::from_utf8_lossy(record).into_owned());
                Ok(())
            })
            .map(|done| done.map(|()| found).unwrap())
        };
        for records in [&[][..], &["{}"], &["{\"a\":1}", "{}", "{}"]] {
            let mut writer = RecordWriter::new(Vec::new());
            records.iter().for_each(|record| writer.write(record.as_bytes()).unwrap());
            assert_eq!(read(&writer.finish().unwrap()).unwrap(), records);
        }
        for text in [
            "", "[", "[\n]\n", "[\n{}\n", "[\n{},\n]\n", "[\n1\n]\n", "[]\n[]\n", "[]", "[\n{}\n]\nx\n",
            "{}\n",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
