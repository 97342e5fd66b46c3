//! What the Cultural Archiver means by its rows.
//!
//! Both generations of the schema, and what lies between, are read by looking at what is there: a table or column
//! that is absent is no error, and no value can make reading fail. Messages carry counts, hosts and keys, never
//! other content of a row.

pub mod content;
pub mod decided;
pub mod drift;
pub mod fields;
pub mod identifiers;
pub mod json;
pub mod licences;
pub mod loose_json;
pub mod pairs;
pub mod photo_choice;
pub mod photo_key;
pub mod photo_list;
pub mod photo_plan;
pub mod tag_values;
pub mod times;

mod photo_family;
mod photo_mentions;
mod photo_rows;
mod photo_values;
mod tables;
