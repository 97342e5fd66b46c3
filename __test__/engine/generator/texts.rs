//! CREATE texts that are awkward as texts.

use super::Build;
use super::names::double;

pub fn comments(b: &mut Build) {
    let [t, v, g] = [b.name(), b.name(), b.name()].map(|n| double(&n));
    b.run(&format!(
        "CREATE TABLE {t} ( -- it's a table; \"really\n  a INTEGER, /* one; 'two' \" [ */ b TEXT/**/, -- $x$\n  c/* x */TEXT\n-- end\n);
         INSERT INTO {t} VALUES (1, 'b', 'c');
         CREATE VIEW {v} AS -- the view; `\n SELECT a, /* ; */ b FROM {t};
         CREATE TRIGGER {g} AFTER INSERT ON {t} /* when; */ BEGIN -- it's\n DELETE FROM {t} WHERE a = 99; /* end */ END"
    ));
}

/// SQLite keeps what stands between the last word and the semicolon, so that a text can end in a comment.
pub fn tails(b: &mut Build) {
    let [v, w, t, u, i, j] = [b.name(), b.name(), b.name(), b.name(), b.name(), b.name()].map(|n| double(&n));
    for sql in [
        format!("CREATE VIEW {v} AS SELECT 1 -- tail; it's\n;"),
        format!("CREATE VIEW {w} AS SELECT 2 /* tail */ \n;"),
        format!("CREATE TABLE {t}(a TEXT) STRICT -- tail\n;"),
        format!("CREATE TABLE {u}(a PRIMARY KEY) WITHOUT ROWID /* tail */  ;"),
        format!("CREATE INDEX {i} ON {t}(a) -- tail; it's\n;"),
        format!("CREATE INDEX {j} ON {t}(a)\n\n;"),
    ] {
        b.run(&sql);
    }
}

pub fn long(b: &mut Build) {
    let [t, v] = [b.name(), b.name()].map(|n| double(&n));
    let padding = "a comment that goes on and on; ".repeat(3_600);
    b.run(&format!(
        "CREATE TABLE {t}(a, b /* {padding} */ TEXT); INSERT INTO {t} VALUES (1, 'row'), (2, x'00')"
    ));
    b.run(&format!("CREATE VIEW {v} AS SELECT a, '{}' AS b FROM {t}", "literal ".repeat(14_000)));
}

/// As written on Windows.
pub fn crlf(b: &mut Build) {
    let [t, v] = [b.name(), b.name()].map(|n| double(&n));
    b.run(&format!(
        "CREATE TABLE {t}(\r\n  a INTEGER,\r\n  b TEXT -- note\r\n);\r\nCREATE VIEW {v} AS\r\nSELECT a\r\nFROM {t};\r\n
         INSERT INTO {t} VALUES (1, 'one' || char(13, 10) || 'two')"
    ));
    b.case.crlf_in_schema = true;
}

/// Text within CREATE statements that loaders act on although it is data.
pub fn literals(b: &mut Build) {
    let [t, u, v, w] = [b.name(), b.name(), b.name(), b.name()].map(|n| double(&n));
    b.run(&format!(
        "CREATE TABLE {t}(a TEXT DEFAULT 'BEGIN TRANSACTION; COMMIT;', b DEFAULT 'x;y -- z /* w', c DEFAULT '$x$');
         CREATE TABLE {u}(a TEXT CHECK (a <> 'begin transaction'), [it's $x] , x$y$z, d DEFAULT \"double; quoted\");
         INSERT INTO {t} DEFAULT VALUES; INSERT INTO {u} VALUES ('a', 2, 3, 4);
         CREATE VIEW {v} AS SELECT 'END;' AS a, ' CASE ' AS b, 'line\nbreak' AS c, 'BEGIN TRANSACTION;' AS d;
         CREATE VIEW {w} AS SELECT '\n.exit\n' AS a, '\n/\n' AS b, '\ngo\n' AS c"
    ));
}
