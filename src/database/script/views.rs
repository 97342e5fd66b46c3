//! How much the views of a script come to when they are looked into.
//!
//! SQLite puts the text of a view in wherever the view is named. Views that are made of views, twice in each, double it
//! every time, and neither a deadline nor a signal ends the parser.

use std::collections::HashMap;

use crate::database::lexer::{Token, tokens};

/// Tables that all views together may come to: some tens of seconds. A platform has some hundreds.
const MOST: u64 = 2_000_000;

/// The views that a script has made so far.
#[derive(Debug, Default)]
pub struct Views {
    /// What each comes to, by its name in lower case.
    sizes: HashMap<String, u64>,
    total: u64,
}

impl Views {
    /// Takes note of a statement, if it makes a view. False when that is too much.
    pub fn admit(&mut self, statement: &str) -> bool {
        let Some((name, size)) = self.view(statement) else { return true };
        self.sizes.insert(name, size);
        self.total = self.total.saturating_add(size);
        self.total <= MOST
    }

    /// Name and size of the view that a statement makes.
    fn view(&self, statement: &str) -> Option<(String, u64)> {
        let mut rest = tokens(statement).peekable();
        rest.next_if(|token| token.is_word("CREATE"))?;
        while rest.next_if(|token| token.is_word("TEMP") || token.is_word("TEMPORARY")).is_some() {}
        rest.next_if(|token| token.is_word("VIEW"))?;
        while rest.next_if(|token| ["IF", "NOT", "EXISTS"].iter().any(|word| token.is_word(word))).is_some() {
        }
        let mut name = name_of(&rest.next()?);
        if rest.next_if_eq(&Token::Sign('.')).is_some() {
            name = name_of(&rest.next()?);
        }
        let (mut size, mut is_source) = (1_u64, false);
        for token in rest {
            if is_source && let Some(inner) = self.sizes.get(&name_of(&token)) {
                size = size.saturating_add(*inner);
            }
            // What may stand before the name of a table.
            is_source = token.is_word("FROM")
                || token.is_word("JOIN")
                || token.is_word("IN")
                || matches!(token, Token::Sign(',' | '.' | '('))
                || matches!(token, Token::Word(word) if word.ends_with('.'));
        }
        Some((name, size))
    }
}

/// The name that a token spells; that of a schema before it is left out.
fn name_of(token: &Token<'_>) -> String {
    match token {
        Token::Word(word) => word.rsplit('.').next().unwrap_or_default().to_lowercase(),
        _ => token.value().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(statements: impl IntoIterator<Item = String>) -> usize {
        let mut views = Views::default();
        statements.into_iter().take_while(|statement| views.admit(statement)).count()
    }

    #[test]
    fn views_that_double_each_other_end_soon() {
        let first = "create temp view if not exists main.V0 as select 1 a".to_owned();
        let more =
            (0..100).map(|n| format!("CREATE VIEW v{} AS SELECT x.a FROM v{n} x, main.\"v{n}\" y", n + 1));
        let admitted = admitted([first].into_iter().chain(more));
        assert!((10..25).contains(&admitted), "{admitted}");
    }

    #[test]
    fn many_views_of_tables_and_of_each_other_are_no_matter() {
        let ordinary = (0..5000).map(|n| match n {
            0 => "CREATE VIEW v0 AS SELECT * FROM artwork".to_owned(),
            n => format!("CREATE VIEW v{n}(name, \"v{n}\") AS SELECT v0.name, 'FROM v0' FROM v0 JOIN artwork ON v0.id = id"),
        });
        assert_eq!(admitted(ordinary), 5000);
        let chain = (0..60).map(|n| format!("CREATE VIEW w{} AS SELECT w{n}.a FROM w{n}", n + 1));
        assert_eq!(admitted(chain), 60);
        assert_eq!(admitted(["CREATE TABLE t(a)".into(), String::new(), "CREATE VIEW".into()]), 3);
    }
}
