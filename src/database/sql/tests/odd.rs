//! Databases that SQLite allows and hardly anybody makes.

use super::*;

fn warned(files: &Files) -> Vec<(&str, &str)> {
    let warnings = files.dump.warnings.iter();
    warnings.map(|it| (it.code.as_str(), it.subject.as_deref().unwrap_or_default())).collect()
}

#[test]
fn what_the_shell_would_read_otherwise_is_guarded_or_told() {
    let files = round_trip(
        "CREATE TABLE t(a, b, c AS (a\n/\nb));
         CREATE INDEX i ON t(a\n/ -- b\nb);
         CREATE VIEW v AS SELECT a AS\ngo\nFROM t;
         CREATE TABLE \"x\r\ny\"(a DEFAULT 'x\r\ny');
         INSERT INTO t VALUES (6, 3); INSERT INTO \"x\r\ny\" VALUES (1);",
    );
    assert_eq!(files.extra, "");
    assert!(in_order(&files.main, &["c AS (a\n/**//\nb)", "(a\n/**// -- b\nb)", "AS\n/**/go\n"]));
    let expected =
        [("SCHEMA_LINE", "t"), ("SCHEMA_CRLF", "x\r\ny"), ("SCHEMA_LINE", "i"), ("SCHEMA_LINE", "v")];
    assert_eq!(warned(&files), expected);
}
