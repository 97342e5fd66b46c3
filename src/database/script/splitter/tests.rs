#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::scan::MAX_OUTSIDE_LITERALS;
use super::*;

/// Line, text and whether it is closed, for every statement that has a text.
fn cut(script: &[u8]) -> Vec<(u64, String, bool)> {
    cut_by(script, CHUNK)
}

/// The same, read so many bytes at a time.
fn cut_by(script: &[u8], chunk: u64) -> Vec<(u64, String, bool)> {
    let mut splitter = Splitter::new(script);
    splitter.chunk = chunk;
    let mut found = Vec::new();
    while let Some(statement) = splitter.next_statement().unwrap() {
        if !statement.text.is_empty() {
            found.push((statement.line, statement.text.to_owned(), statement.closed));
        }
    }
    found
}

fn texts(script: &str) -> Vec<String> {
    cut(script.as_bytes()).into_iter().map(|(_, text, _)| text).collect()
}

fn problem(script: &[u8]) -> (u64, Problem) {
    let mut splitter = Splitter::new(script);
    loop {
        match splitter.next_statement() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no problem found"),
            Err(LoadError::Script { line, problem, .. }) => return (line, problem),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn semicolons_count_only_as_tokens() {
    let script = "a ';' \";\" `;` [;] /* ; */ -- ;\n b; 'it''s;'; x'00;';";
    assert_eq!(texts(script), ["a ';' \";\" `;` [;] /* ; */ -- ;\n b;", "'it''s;';", "x'00;';"]);
    assert_eq!(texts("a/*/;*/b;c"), ["a/*/;*/b;", "c"]);
    assert_eq!(texts("a-b;a/b;-;/"), ["a-b;", "a/b;", "-;", "/"]);
}

#[test]
fn a_trigger_ends_at_its_end() {
    let trigger =
        "CREATE /**/ temp\nTRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 1; END;";
    assert_eq!(texts(&format!("{trigger} SELECT 1;")), [trigger, "SELECT 1;"]);
    let explained = "EXPLAIN QUERY PLAN CREATE TRIGGER t BEGIN SELECT 1;END ;";
    assert_eq!(texts(explained), [explained]);
    assert_eq!(texts("CREATE TABLE trigger(x); end;"), ["CREATE TABLE trigger(x);", "end;"]);
}

#[test]
fn lines_are_those_of_the_first_token() {
    let found = cut("-- one\n\n;;\nSELECT\n1; SELECT 2;\n/*\n*/ x".as_bytes());
    let lines: Vec<_> = found.iter().map(|(line, _, closed)| (*line, *closed)).collect();
    assert_eq!(lines, [(4, true), (5, true), (7, false)]);
}

#[test]
fn what_is_before_a_statement_is_kept_apart() {
    let mut splitter = Splitter::new("-- é\na; /* last */".as_bytes());
    let first = splitter.next_statement().unwrap().unwrap();
    assert_eq!((first.lead, first.text, first.end), ("-- é\n", "a;", 8));
    let last = splitter.next_statement().unwrap().unwrap();
    assert_eq!((last.lead, last.text, last.closed, last.end), (" /* last */", "", false, 19));
    assert_eq!(splitter.next_statement().unwrap(), None);
}

#[test]
fn what_is_no_script_is_told_apart() {
    assert_eq!(problem(b"a;\n\n'\xff';"), (3, Problem::Encoding));
    assert_eq!(problem(b"a;\nb;\n'\0';"), (3, Problem::Nul));
    assert_eq!(problem(b"\xff\xfeP\0R\0A\0"), (1, Problem::Utf16));
    assert_eq!(problem(b"P\0R\0A\0"), (1, Problem::Utf16));
    assert_eq!(problem(b"\xfe\xff\0P\0R"), (1, Problem::Utf16));
    assert_eq!(problem(b"SQLite format 3\0\x10\0"), (1, Problem::Database));
    assert_eq!(problem(b"\x1f\x8b\x08\0\0\0\0\0"), (1, Problem::Packed));
    assert_eq!(problem(b"PK\x03\x04\x14\0\0\0"), (1, Problem::Packed));
    assert_eq!(problem(b"\x28\xb5\x2f\xfd\x04"), (1, Problem::Packed));
    assert_eq!(texts("\u{feff}SELECT 1;"), ["SELECT 1;"]);
}

#[test]
fn a_statement_may_be_long_but_not_dense() {
    let long = format!("SELECT '{}';", "x".repeat(MAX_OUTSIDE_LITERALS + 1));
    assert_eq!(texts(&long).len(), 1);
    let dense = "(".repeat(MAX_OUTSIDE_LITERALS + 1);
    assert_eq!(problem(format!("\n{dense}").as_bytes()), (1, Problem::Dense));
}

/// Whether SQLite's own parser finds no second statement in `text`.
fn sqlite_agrees(text: &str) -> bool {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    !matches!(connection.prepare(text), Err(rusqlite::Error::MultipleStatement))
}

/// Tokens that decide where a statement ends, and some that must not.
fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        ";", ";", "'", "\"", "`", "[", "]", "-", "--", "/", "*", "/*", "*/", "\n", " ", "\t", "(", ")",
        "create", "CREATE", "temp", "temporary", "trigger", "end", "END", "explain", "ends", "_end", "x",
        "1", ".", "é", "$a", "begin", "select",
    ]);
    prop::collection::vec((token, prop::bool::ANY), 0..40).prop_map(|tokens| {
        tokens
            .into_iter()
            .map(|(token, spaced)| if spaced { format!("{token} ") } else { token.to_owned() })
            .collect()
    })
}

/// `sqlite3_complete()` written down a second time, slowly: whether `text` is whole, and not empty.
fn is_complete(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut words: Vec<String> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let until = |from: usize, mark: &str| rest[from..].find(mark).map(|at| from + at + mark.len());
        let (length, word) = match first {
            ' ' | '\n' | '\t' => (Some(1), None),
            '-' if rest.starts_with("--") => (until(2, "\n"), None),
            '/' if rest.starts_with("/*") => (until(2, "*/"), None),
            '\'' | '"' | '`' => (until(1, &first.to_string()), Some("quoted".to_owned())),
            '[' => (until(1, "]"), Some("quoted".to_owned())),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' && c != '$' => {
                (Some(1), Some(c.to_string()))
            }
            _ => {
                let name = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '_' || c == '$';
                let length = rest.find(|c| !name(c)).unwrap_or(rest.len());
                (Some(length), Some(rest[..length].to_owned()))
            }
        };
        let Some(length) = length else { return false };
        words.extend(word);
        rest = &rest[length..];
    }
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == ";").collect();
    let trigger = match words.as_slice() {
        ["explain", middle @ ..] => {
            let stop = middle
                .iter()
                .position(|w| ["create", "explain", "temp", "temporary", "trigger", "end", ";"].contains(w));
            stop.is_some_and(|at| middle[at] == "create" && is_trigger(&middle[at + 1..]))
        }
        ["create", after @ ..] => is_trigger(after),
        _ => false,
    };
    match words.as_slice() {
        [] => false,
        words if trigger => words.len() > 3 && words.ends_with(&[";", "end", ";"]),
        [.., last] => *last == ";",
    }
}

fn is_trigger(after_create: &[&str]) -> bool {
    after_create.iter().find(|word| !["temp", "temporary"].contains(word)) == Some(&"trigger")
}

proptest! {
    #[test]
    fn the_size_of_chunks_changes_nothing(script in soup(), size in 1u64..9) {
        prop_assert_eq!(cut(script.as_bytes()), cut_by(script.as_bytes(), size));
    }

    #[test]
    fn nothing_is_lost_or_made_up(script in soup()) {
        let mut splitter = Splitter::new(script.as_bytes());
        let mut all = String::new();
        while let Some(statement) = splitter.next_statement().unwrap() {
            all.push_str(statement.lead);
            all.push_str(statement.text);
        }
        prop_assert_eq!(all, script);
    }

    #[test]
    fn a_statement_is_the_shortest_complete_text(script in soup()) {
        for (_, text, closed) in cut(script.as_bytes()) {
            prop_assert_eq!(is_complete(&text), closed, "{}", text);
            let shorter = text.char_indices().filter(|(at, c)| *c == ';' && at + 1 < text.len());
            for (at, _) in shorter {
                prop_assert!(!is_complete(&text[..=at]), "{} ends at {}", text, at);
            }
        }
    }

    #[test]
    fn sqlite_finds_one_statement_in_each(script in soup()) {
        for (_, text, closed) in cut(script.as_bytes()) {
            if closed && !text.contains('$') {
                prop_assert!(sqlite_agrees(&text), "{}", text);
            }
        }
    }
}
