//! What is to be done with one statement of a script, told from its first words.
//!
//! This is about dumps as they are found in the field, not about safety: whatever is let through here still runs
//! under the guard.

use super::error::Problem;
use super::splitter::Statement;

/// What is to be done with a statement.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Run it.
    Run,
    /// Leave it out: it is empty, or about the query planner or the layout of the file.
    Skip,
    /// Leave it out, for the load is one transaction of its own; the script promises a COMMIT.
    Begin,
    /// Leave it out; the promise is kept.
    Commit,
    /// Write or empty `sqlite_sequence`, which is there only once a table is AUTOINCREMENT.
    Sequence,
    /// Set up a virtual table the way the sqlite3 shell writes it.
    VirtualTable,
    /// End the load.
    Refuse(Problem),
}

/// Comments with which the sqlite3 shell says that it could not read everything.
const COMPLAINTS: [&str; 3] = ["/****** CORRUPTION ERROR", "/****** ERROR:", "/**** ERROR: ("];

/// Tells what is to be done with a statement.
pub fn task(statement: &Statement<'_>) -> Task {
    if COMPLAINTS.iter().any(|complaint| statement.lead.contains(complaint)) {
        return Task::Refuse(Problem::Broken);
    }
    if statement.text.is_empty() {
        return Task::Skip;
    }
    if statement.text.starts_with('.') {
        return Task::Refuse(Problem::ShellCommand);
    }
    let mut words = Words(statement.text);
    let first = words.next().unwrap_or_default();
    let is = |keyword: &str| first.eq_ignore_ascii_case(keyword);
    if is("INSERT") || is("DELETE") {
        target(words)
    } else if is("PRAGMA") {
        match words.next() {
            // Every dump with a virtual table sets the first around what `ShellRow` does instead; `.recover` writes
            // the others too, and how a file is laid out changes nothing that is in it.
            Some(name)
                if ["writable_schema", "encoding", "page_size", "auto_vacuum"]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known)) =>
            {
                Task::Skip
            }
            _ => Task::Run,
        }
    } else if is("ANALYZE") {
        Task::Skip
    } else if is("BEGIN") {
        Task::Begin
    } else if is("COMMIT") || is("END") {
        Task::Commit
    } else if is("VACUUM") {
        // The guard would refuse it too, but SQLite has another complaint first: our transaction is open.
        Task::Refuse(Problem::Forbidden("ATTACH, DETACH or VACUUM"))
    } else if is("ROLLBACK") {
        // `ROLLBACK; -- due to errors` is how the shell ends a dump that it could not finish.
        Task::Refuse(Problem::Broken)
    } else {
        Task::Run
    }
}

/// What an INSERT or DELETE is about; `words` stands behind its verb.
fn target(mut words: Words<'_>) -> Task {
    let table =
        words.by_ref().find(|word| word.eq_ignore_ascii_case("INTO") || word.eq_ignore_ascii_case("FROM"));
    let table = table.and_then(|_| words.next()).unwrap_or_default();
    let Some(name) = table.get(..7).filter(|start| start.eq_ignore_ascii_case("sqlite_")).and(table.get(7..))
    else {
        return Task::Run;
    };
    if ["schema", "master"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
        Task::VirtualTable
    } else if name.eq_ignore_ascii_case("sequence") {
        Task::Sequence
    } else if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("stat")) {
        Task::Skip
    } else {
        Task::Run
    }
}

/// The first words of a statement: keywords and names, the latter without their quotes. Ends at anything else.
#[derive(Clone)]
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0 = skip_space(self.0);
        let quoted = match self.0.as_bytes().first()? {
            mark @ (b'"' | b'`' | b'\'') => Some(char::from(*mark)),
            b'[' => Some(']'),
            _ => None,
        };
        let (word, rest) = match quoted {
            Some(mark) => self.0[1..].split_once(mark)?,
            None => {
                let end =
                    self.0.find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' && c != '$');
                self.0.split_at(end.unwrap_or(self.0.len()))
            }
        };
        self.0 = rest;
        (quoted.is_some() || !word.is_empty()).then_some(word)
    }
}

/// What follows white space and comments, of which there may be any number.
fn skip_space(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        let rest = if let Some(comment) = text.strip_prefix("--") {
            comment.split_once('\n')
        } else if let Some(comment) = text.strip_prefix("/*") {
            comment.split_once("*/")
        } else {
            return text;
        };
        text = rest.map_or("", |(_, rest)| rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Task {
        task(&Statement { line: 1, lead: "", text, closed: true, end: 0 })
    }

    #[test]
    fn what_dumps_write_around_their_rows_is_left_out() {
        assert_eq!(of("BEGIN TRANSACTION;"), Task::Begin);
        assert_eq!(of("begin;"), Task::Begin);
        assert_eq!(of("COMMIT;"), Task::Commit);
        assert_eq!(of("END TRANSACTION;"), Task::Commit);
        assert_eq!(of("ANALYZE sqlite_schema;"), Task::Skip);
        assert_eq!(of("INSERT INTO sqlite_stat1 VALUES('t',NULL,'3');"), Task::Skip);
        assert_eq!(of("INSERT INTO \"sqlite_stat4\" (\"tbl\") VALUES('t');"), Task::Skip);
        assert_eq!(of("PRAGMA writable_schema=ON;"), Task::Skip);
        assert_eq!(of("DELETE FROM sqlite_sequence;"), Task::Sequence);
        assert_eq!(of("INSERT OR REPLACE INTO [sqlite_sequence] VALUES('t',1);"), Task::Sequence);
    }

    #[test]
    fn everything_else_runs() {
        for text in [
            "INSERT INTO t VALUES(1);",
            "INSERT INTO \"a b\" VALUES('sqlite_stat1');",
            "INSERT INTO sqlite_ VALUES(1);",
            "CREATE TABLE \"BEGIN\"(x);",
            "PRAGMA defer_foreign_keys=TRUE;",
            "INSERT",
            "INSERT INTO 'é",
            "INSERT INTO ééééééé VALUES(1)",
            "(",
        ] {
            assert_eq!(of(text), Task::Run, "{text}");
        }
    }

    #[test]
    fn comments_between_words_hide_nothing() {
        assert_eq!(of("INSERT/**/INTO--x\nsqlite_master VALUES(1);"), Task::VirtualTable);
        assert_eq!(of("pragma /* ; */ writable_schema = 1;"), Task::Skip);
        let comments = "/**/--\n".repeat(500_000);
        assert_eq!(of(&format!("INSERT{comments}INTO sqlite_master VALUES(1);")), Task::VirtualTable);
    }

    #[test]
    fn a_dump_that_is_not_whole_is_refused() {
        assert_eq!(of("ROLLBACK; -- due to errors"), Task::Refuse(Problem::Broken));
        for lead in [
            "\n/****** CORRUPTION ERROR *******/\n",
            "/**** ERROR: (11) database disk image is malformed *****/",
        ] {
            let statement = Statement { line: 1, lead, text: "", closed: false, end: 0 };
            assert_eq!(task(&statement), Task::Refuse(Problem::Broken));
        }
    }

    #[test]
    fn commands_of_the_shell_are_refused() {
        assert_eq!(of(".shell touch x\nSELECT 1;"), Task::Refuse(Problem::ShellCommand));
    }
}
