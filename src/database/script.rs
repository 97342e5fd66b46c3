//! SQL scripts, all of them hostile: cut into statements, and loaded into a database of their own.
//!
//! A script can change nothing but that database. It runs in one transaction under an authorizer, within limits
//! of size, memory and time that grow with its length; one statement that is refused ends the load.

mod clock;
mod error;
mod functions;
mod guard;
mod load;
mod splitter;
mod statement;
mod views;
mod virtual_table;

pub use error::LoadError;
pub use guard::{ANY_VALUE, Budget, PATTERN, PER_MIB, is_known_module, reaches_outside};
pub use load::Loader;
pub use virtual_table::ShellRow;
