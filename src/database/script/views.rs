//! How much the views of a script come to when they are looked into.
//!
//! SQLite puts the text of a view in wherever the view is named. Views that are made of views, twice in each, double it
//! every time, and neither a deadline nor a signal ends the parser. A view may be named before it is made: what is made
//! of it grows when it comes.

use std::collections::{HashMap, HashSet};

use crate::database::lexer::{Token, tokens};

/// Tables that all views together may come to: a second or two, twice as many take ten. A platform has some hundreds.
const MAX_TABLES: u64 = 30_000;
/// What views come to before other statements are looked at too: no honest script gets there.
const MANY_TABLES: u64 = 3000;

/// What ends a list of tables.
const ENDS: [&str; 12] = [
    "SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "VALUES", "SET",
    "RETURNING",
];

/// The views that a script has made or named so far.
#[derive(Debug, Default)]
pub struct Views {
    /// The place of each in `views`, by its name in lower case.
    places: HashMap<String, usize>,
    views: Vec<View>,
    total: u64,
}

#[derive(Debug, Default)]
struct View {
    /// What it comes to; 0 as long as it is not made.
    size: u64,
    /// The views that name it, and how often each does at most.
    users: HashMap<usize, u64>,
}

impl Views {
    /// Takes note of a statement. False when what it makes or looks into is too much.
    pub fn admit(&mut self, statement: &str) -> bool {
        if let Some((name, named)) = view(statement) {
            self.make(name, named);
        } else if self.total > MANY_TABLES {
            let looked_into =
                named(tokens(statement)).into_iter().map(|(name, count)| self.size(&name, count));
            let size = looked_into.fold(0, u64::saturating_add);
            if tokens(statement).next().is_some_and(|token| token.is_word("CREATE")) {
                // A trigger, which any row may set off.
                self.total = self.total.saturating_add(size);
            }
            return size <= MAX_TABLES && self.total <= MAX_TABLES;
        }
        self.total <= MAX_TABLES
    }

    fn size(&self, name: &str, count: u64) -> u64 {
        self.places.get(name).map_or(0, |&place| self.views[place].size.saturating_mul(count))
    }

    fn place(&mut self, name: String) -> usize {
        let next = self.views.len();
        let place = *self.places.entry(name).or_insert(next);
        if place == next {
            self.views.push(View::default());
        }
        place
    }

    /// Notes a view. One of that name may be there already, and IF NOT EXISTS may keep it: the larger of the two counts.
    fn make(&mut self, name: String, named: HashMap<String, u64>) {
        let made = self.place(name);
        let mut size = 1_u64;
        for (name, count) in named {
            let place = self.place(name);
            if place == made {
                continue;
            }
            size = size.saturating_add(self.views[place].size.saturating_mul(count));
            let known = self.views[place].users.entry(made).or_default();
            *known = count.max(*known);
        }
        let growth = size.saturating_sub(self.views[made].size);
        if growth > 0 {
            self.grow(made, growth);
        }
    }

    /// Lets a view grow, and with it all views that are made of it. That ends because every step adds to the total, which
    /// is bounded. A circle of views is passed over: SQLite refuses it when somebody looks into it.
    fn grow(&mut self, view: usize, growth: u64) {
        enum Step {
            Grow(usize, u64),
            Leave(usize),
        }
        let (mut steps, mut path) = (vec![Step::Grow(view, growth)], HashSet::new());
        while let Some(step) = steps.pop() {
            match step {
                Step::Leave(view) => {
                    path.remove(&view);
                }
                Step::Grow(view, growth) if path.insert(view) => {
                    self.views[view].size = self.views[view].size.saturating_add(growth);
                    self.total = self.total.saturating_add(growth);
                    if self.total > MAX_TABLES {
                        return;
                    }
                    steps.push(Step::Leave(view));
                    let users = self.views[view].users.iter();
                    steps.extend(users.map(|(&user, count)| Step::Grow(user, growth.saturating_mul(*count))));
                }
                Step::Grow(..) => {}
            }
        }
    }
}

/// The name of the view that a statement makes, and what it names.
fn view(statement: &str) -> Option<(String, HashMap<String, u64>)> {
    let mut rest = tokens(statement).peekable();
    rest.next_if(|token| token.is_word("CREATE"))?;
    while rest.next_if(|token| token.is_word("TEMP") || token.is_word("TEMPORARY")).is_some() {}
    rest.next_if(|token| token.is_word("VIEW"))?;
    while rest.next_if(|token| ["IF", "NOT", "EXISTS"].iter().any(|word| token.is_word(word))).is_some() {}
    let mut name = name_of(&rest.next()?);
    // A name in quotes leaves the dot to what follows.
    while let Some(more) = rest.next_if(|token| name.is_empty() || is_continued(token)) {
        name = name_of(&more);
    }
    Some((name, named(rest)))
}

/// What stands where a table may, and how often. A name of something else does no harm.
fn named<'a>(statement: impl Iterator<Item = Token<'a>>) -> HashMap<String, u64> {
    let mut found = HashMap::new();
    // Of each open parenthesis: whether a comma leads to another table.
    let (mut outer, mut in_list) = (Vec::new(), false);
    let (mut is_next, mut was_name) = (false, false);
    for token in statement {
        let is_name = matches!(token, Token::Word(_) | Token::Quoted(_))
            && (is_next || (was_name && is_continued(&token)));
        was_name = false;
        match token {
            Token::Sign('(') => {
                outer.push(in_list);
                in_list = is_next;
            }
            Token::Sign(')') => in_list = outer.pop().unwrap_or_default(),
            Token::Sign(',') => is_next = in_list,
            _ if token.is_word("FROM") || token.is_word("JOIN") => (in_list, is_next) = (true, true),
            _ if ["IN", "INTO", "UPDATE"].iter().any(|word| token.is_word(word)) => is_next = true,
            _ if ENDS.iter().any(|word| token.is_word(word)) => (in_list, is_next) = (false, false),
            _ if is_name => {
                let name = name_of(&token);
                // What ends in a dot is a schema: the table is still to come.
                is_next = name.is_empty();
                was_name = !is_next;
                if was_name {
                    *found.entry(name).or_insert(0) += 1;
                }
            }
            _ => is_next = false,
        }
    }
    found
}

/// Whether a token goes on with the name before it: `."v"` or `.v`, of `"main"."v"` or `main .v`.
fn is_continued(token: &Token<'_>) -> bool {
    matches!(token, Token::Word(word) if word.starts_with('.'))
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

    fn doubled(n: usize) -> String {
        format!("CREATE VIEW v{} AS SELECT x.a FROM v{n} x, main.\"v{n}\" y", n + 1)
    }

    fn first() -> String {
        "create temp view if not exists main.V0 as select 1 a".to_owned()
    }

    #[test]
    fn views_that_double_each_other_end_soon() {
        let admitted = admitted([first()].into_iter().chain((0..100).map(doubled)));
        assert!((10..16).contains(&admitted), "{admitted}");
    }

    #[test]
    fn views_that_double_each_other_end_soon_in_whatever_order_they_are_made() {
        for depth in [18, 60] {
            let backwards = (0..depth).rev().map(doubled).chain([first()]);
            assert!(admitted(backwards) <= depth, "{depth}");
            let odd_ones_first = (0..depth).filter(|n| n % 2 == 1).chain((0..depth).filter(|n| n % 2 == 0));
            assert!(admitted([first()].into_iter().chain(odd_ones_first.map(doubled))) <= depth, "{depth}");
        }
        let chains = (0..30).flat_map(|chain| {
            let backwards = (0..14).rev().map(doubled).chain([first()]);
            backwards
                .map(move |sql| sql.replace('v', &format!("v{chain}_")).replace("V0", &format!("v{chain}_0")))
        });
        assert!(admitted(chains) < 30 * 15);
    }

    #[test]
    fn a_view_counts_however_it_is_named() {
        for twice in [
            "\"main\".v0, \"main\" . v0",
            "main .v0 JOIN [main].[V0]",
            "main . 'v0' x INNER JOIN (`v0`)",
            "t ON f(a, b), v0 x ON 1, v0 y",
            "((v0), (t, v0))",
            "t WHERE a IN v0 OR a NOT IN main.v0",
            "t WHERE a IN (SELECT b, c FROM v0) OR EXISTS (SELECT * FROM v0)",
            "v0 GROUP BY a, b UNION ALL SELECT a, b FROM/**/v0",
        ] {
            let doubled = |n: usize| {
                let twice = twice.replace("v0", &format!("v{n}")).replace("V0", &format!("V{n}"));
                format!("CREATE VIEW \"main\".v{} AS SELECT * FROM {twice}", n + 1)
            };
            let admitted = admitted([first()].into_iter().chain((0..100).map(doubled)));
            assert!(admitted < 18, "{admitted}: {twice}");
        }
    }

    #[test]
    fn a_view_that_is_there_already_keeps_its_size() {
        let again = |n: usize| format!("CREATE VIEW IF NOT EXISTS v{} AS SELECT 1", n + 1);
        let made = (0..100).flat_map(|n| [doubled(n), again(n)]);
        assert!(admitted([first()].into_iter().chain(made)) < 36);
    }

    #[test]
    fn what_looks_into_large_views_is_counted_too() {
        let views: Vec<String> = [first()].into_iter().chain((0..12).map(doubled)).collect();
        let with = |more: String| admitted(views.iter().cloned().chain([more])) > views.len();
        assert!(with("INSERT INTO t SELECT a FROM v12".to_owned()));
        assert!(!with(format!("INSERT INTO t {}", ["SELECT a FROM v12"; 9].join(" UNION ALL "))));
        assert!(!with(format!("SELECT {}", ["(SELECT 1 FROM v12)"; 9].join(", "))));
        let trigger = |n| format!("CREATE TRIGGER t{n} AFTER INSERT ON t BEGIN SELECT * FROM v11, v11; END");
        let triggers = admitted(views.iter().cloned().chain((0..100).map(trigger))) - views.len();
        assert!((1..7).contains(&triggers), "{triggers}");
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

    #[test]
    fn views_of_each_other_and_columns_called_like_views_are_no_matter() {
        let names: Vec<String> = (0..20).map(|n| format!("v{n}")).collect();
        let columns = names.join(", ");
        let like_columns = names
            .iter()
            .map(|name| format!("CREATE VIEW {name} AS SELECT {columns} FROM t ORDER BY {columns}"));
        assert_eq!(admitted(like_columns), 20);
        let circle = (0..5).map(|n| format!("CREATE VIEW v{n} AS SELECT * FROM v{}, v{n}", (n + 1) % 5));
        assert_eq!(admitted(circle), 5);
    }
}
