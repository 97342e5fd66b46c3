#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::database::schema::Schema;

#[test]
fn limits_are_those_of_d1() {
    let columns = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("c{n}")).collect();
        names.join(", ")
    };
    let rehearsal = Rehearsal::new().unwrap();
    assert_eq!(rehearsal.refuses(&format!("CREATE TABLE a({})", columns(100))), None);
    assert!(rehearsal.refuses(&format!("CREATE TABLE b({})", columns(101))).is_some());
    assert!(rehearsal.refuses("CREATE INDEX i ON b(c1)").is_some());
    assert_eq!(rehearsal.refuses("CREATE INDEX i ON a(c1)"), None);
    let union = ["SELECT 1"; 6].join(" UNION ");
    assert!(rehearsal.refuses(&format!("CREATE VIEW v AS {union}")).is_some());
    assert!(rehearsal.refuses(&format!("CREATE VIEW v AS SELECT '{}'", "x".repeat(MAX_STATEMENT))).is_some());
    assert!(rehearsal.refuses(&format!("CREATE VIRTUAL TABLE f USING fts5({})", columns(99))).is_some());
}

#[test]
fn functions_are_those_of_d1() {
    let rehearsal = Rehearsal::new().unwrap();
    assert_eq!(rehearsal.refuses("CREATE TABLE a(x CHECK (floor(x) <= sqrt(x * x)), y AS (acos(x)))"), None);
    for sql in [
        "CREATE TABLE b(x CHECK (power(x, 2) >= 0))",
        "CREATE TABLE c(x, y AS (Ceiling(x)) STORED)",
        "CREATE INDEX i ON a(soundex(x))",
        "CREATE INDEX j ON a(x) WHERE unistr(x) = 'x'",
    ] {
        assert_eq!(rehearsal.refuses(sql), Some("it calls a function that D1 does not have"), "{sql}");
    }
    // They are looked up when they are called.
    assert_eq!(rehearsal.refuses("CREATE VIEW v AS SELECT log10(x) FROM a"), None);
    let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT log10(new.x); END";
    assert_eq!(rehearsal.refuses(trigger), None);
}

#[test]
fn a_literal_is_the_whole_pattern_unless_more_is_made_of_it() {
    let pattern = |rest: &str| format!("CREATE VIEW v AS SELECT a FROM t WHERE a LIKE 'x%' {rest}");
    for rest in [
        "", "ORDER BY a", "GROUP BY a HAVING a", "LIMIT 100", "UNION SELECT 1", "EXCEPT SELECT 1",
        "WINDOW w AS ()", "COLLATE NOCASE AND a", "ESCAPE '!' OR a", "IS 1", "= 1", "!= 1", "-- || a",
    ] {
        assert!(!has_open_pattern(&pattern(rest)), "{rest}");
    }
    for rest in ["|| a", "-> a", "->> a", "+ a", "COLLATE NOCASE || a", "< a", "<< a"] {
        assert!(has_open_pattern(&pattern(rest)), "{rest}");
    }
    for sql in ["a LIKE b", "a GLOB \"b\"", "a LIKE ('x' || b)", "a LIKE ?"] {
        assert!(has_open_pattern(sql), "{sql}");
    }
    assert!(!has_open_pattern("CASE a GLOB 'x' WHEN 1 THEN 2 END"));
}

#[test]
fn a_key_needs_the_index_that_makes_it_one() {
    let rehearsal = Rehearsal::new().unwrap();
    for sql in ["CREATE TABLE p(a, b)", "CREATE TABLE c(a REFERENCES p(a), b)", "CREATE TABLE plain(a)"] {
        assert_eq!(rehearsal.refuses(sql), None);
    }
    let tables = Schema::read(&rehearsal.connection).unwrap().tables;
    let finds = |name: &str| {
        let table = tables.iter().find(|table| table.name == name).unwrap();
        rehearsal.finds_keys(table).unwrap()
    };
    assert!(!finds("c"));
    assert!(finds("plain"));
    assert_eq!(rehearsal.refuses("CREATE UNIQUE INDEX i ON p(a)"), None);
    assert!(finds("c"));
}
