//! How the objects of a database are made, in a form that can be compared.

use super::lexer;

/// One object of a database and how it is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its CREATE text, a space between the tokens.
    text: String,
}

impl Definition {
    /// The object that `sql` makes.
    pub fn new(kind: &'static str, name: &str, sql: &str) -> Self {
        let tokens: Vec<String> = lexer::tokens(sql).map(|token| token.written()).collect();
        Definition { kind, name: name.to_owned(), text: tokens.join(" ") }
    }
}
