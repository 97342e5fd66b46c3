//! The one table of what a public dump may hold, with a reason for each entry.
//!
//! [`files`] are the fields that leave: the writer, the dictionary in the README, the JSON Schemas and the Data Package
//! all read them, so none can say anything else than another. [`tables`] decides on every table and column that the
//! platform has or had. [`blacklist`] names what never leaves, at any depth, whatever else says so; [`names`] is how
//! names are compared.

pub mod blacklist;
pub mod files;
pub mod names;
pub mod tables;
