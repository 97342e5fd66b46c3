//! Indexes, triggers, views and what a file holds besides.

use super::Build;
use super::names::double;
use super::tables;

pub fn indexes(b: &mut Build) {
    let table = tables::make_random(b);
    let (on, column) = (double(&table.name), table.columns[0].0.clone());
    for form in 0..8 {
        let (name, c) = (b.name(), b.spell(&column));
        let spelled = b.spell(&name);
        b.run(&match form {
            0 => format!("CREATE INDEX {spelled} ON {on}({c} DESC)"),
            1 => format!("CREATE INDEX {spelled} ON {on}({c} COLLATE NOCASE)"),
            2 => format!("CREATE INDEX {spelled} ON {on}(lower({c}), {c})"),
            3 => format!("CREATE INDEX {spelled} ON {on}({c}) WHERE {c} IS NOT NULL AND {c} <> 'it''s; --'"),
            4 => format!(
                "CREATE UNIQUE INDEX IF NOT EXISTS {spelled} ON {on}({c}) WHERE typeof({c}) = 'nothing'"
            ),
            5 => format!("create index {spelled} on {on}( CASE WHEN {c} IS NULL THEN 0 ELSE 1 END )"),
            6 => format!("CREATE INDEX {spelled} ON {on}(substr({c}, 1, 3) || '$x')"),
            _ => format!("CREATE INDEX {spelled} ON {on}(json_valid({c}))"),
        });
    }
}

/// A table for triggers to hang on.
fn logged(b: &mut Build) -> [String; 3] {
    let [t, log, name] = [b.name(), b.name(), b.name()].map(|n| double(&n));
    b.run(&format!("CREATE TABLE {t}(a, b TEXT); CREATE TABLE {log}(what, at)"));
    [t, log, name]
}

pub fn triggers(b: &mut Build) {
    let [t, log, name] = logged(b);
    let other = [b.name(), b.name(), b.name()].map(|n| b.spell(&n));
    b.run(&format!(
        "CREATE TRIGGER {name} BEFORE INSERT ON {t} WHEN new.a > 5 BEGIN
           INSERT INTO {log} VALUES ('before; it''s', CASE WHEN new.b IS NULL THEN 1 ELSE 2 END );
           DELETE FROM {log} WHERE what = 'none';
         END;
         CREATE TRIGGER {} AFTER UPDATE OF b ON {t} FOR EACH ROW BEGIN SELECT RAISE(IGNORE) WHERE old.a < 0;
           UPDATE {log} SET at = CASE what WHEN 'x' THEN CASE WHEN 1 THEN 2 END  ELSE 3 END ; END;
         CREATE TRIGGER IF NOT EXISTS {} AFTER DELETE ON {t} BEGIN INSERT INTO {log} VALUES ('gone', old.a); END;
         CREATE TRIGGER {} AFTER INSERT ON {t} BEGIN INSERT INTO {log} SELECT name, 1 FROM \"never made\"; END;",
        other[0], other[1], other[2]
    ));
    b.run(&format!("INSERT INTO {log} VALUES ('row', 1)"));
}

/// Bodies that wrangler's splitter takes apart, or in which it never finds the end.
pub fn awkward_triggers(b: &mut Build) {
    let [t, log, name] = logged(b);
    let other = [b.name(), b.name(), b.name(), b.name()].map(|n| double(&n));
    b.run(&format!(
        "CREATE TRIGGER {name} AFTER INSERT ON {t} BEGIN
           UPDATE {t} SET b=CASE WHEN new.a > 2 THEN 'x' ELSE 'y' END WHERE a = 1; DELETE FROM {log}; END;
         CREATE TRIGGER {} AFTER INSERT ON {t} BEGIN INSERT INTO {log} VALUES (1,CASE WHEN 1 THEN 2 END); DELETE FROM {log}; END;
         create trigger {} after delete on {t} begin delete from {log}; insert into {log} values (1, 2); end;
         CREATE TRIGGER {} AFTER INSERT ON {t} BEGIN /* one; */ INSERT INTO {log} VALUES (1,2); -- two; it's
           DELETE FROM {log}; END;
         CREATE TRIGGER {} AFTER INSERT ON {t} BEGIN
           INSERT INTO {log} SELECT [a;b], [it's] FROM (SELECT 1 AS [a;b], 2 AS [it's]); SELECT 1 AS x$; END;",
        other[0], other[1], other[2], other[3]
    ));
}

pub fn views(b: &mut Build) {
    let table = tables::make_random(b);
    let (on, columns) = (double(&table.name), table.columns.len());
    let renamed: Vec<String> = (0..columns).map(|n| format!("v{n}")).collect();
    let names = [b.name(), b.name(), b.name(), b.name(), b.name()];
    let [one, two, three, four, five] = names.each_ref().map(|n| b.spell(n));
    b.run(&format!(
        "CREATE VIEW {one}({}) AS SELECT * FROM {on};
         CREATE VIEW {two} AS SELECT v0, CASE WHEN v0 IS NULL THEN 'none; ' ELSE 'it''s' END AS kind FROM {one};
         CREATE VIEW {three} AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
           SELECT i, (SELECT count(*) FROM {two}) FROM n;
         CREATE VIEW IF NOT EXISTS {four} AS VALUES (1, 'a;b'), (2, \"not a column\");
         create view {five} as select CASE WHEN 1 THEN 2 END, (case 1 when 2 then 3 end) from \"never made\"",
        renamed.join(", ")
    ));
}

/// Six terms in a compound, and an expression 150 deep: D1 takes 5 and 100.
pub fn refused_views(b: &mut Build) {
    let [one, two] = [b.name(), b.name()].map(|n| double(&n));
    b.run(&format!(
        "CREATE VIEW {one} AS SELECT 1{}; CREATE VIEW {two} AS SELECT 1{}",
        " UNION SELECT 2".repeat(5),
        "+1".repeat(150)
    ));
}

/// A pattern of more than 50 bytes: D1 takes the table, but no row.
pub fn long_patterns(b: &mut Build) {
    let table = double(&b.name());
    b.run(&format!(
        "CREATE TABLE {table}(a CHECK (a NOT LIKE '{}%')); INSERT INTO {table} VALUES ('short')",
        "long pattern ".repeat(5)
    ));
}

/// What distances on a map are made with, but for what two SQLites compute differently in the last bit.
pub fn mathematics(b: &mut Build) {
    let call = b.pick(&["sqrt(abs(a))", "floor(a)", "pow(a, 2)", "trunc(radians(a))", "mod(a, 2)"]);
    calling(b, call);
}

pub fn refused_functions(b: &mut Build) {
    let call = b.pick(&["ceiling(a)", "power(a, 2)", "soundex(a)"]);
    calling(b, call);
}

/// `call`, a function of `a`, in every place of a schema.
fn calling(b: &mut Build, call: &str) {
    let names = [b.name(), b.name(), b.name(), b.name(), b.name(), b.name(), b.name()];
    let [checked, made, plain, index, part, view, trigger] = names.map(|name| double(&name));
    b.run(&format!(
        "CREATE TABLE {checked}(a CHECK ({call} IS NOT 'never'));
         CREATE TABLE {made}(a, stored REAL AS ({call}) STORED, fresh AS ({call}) VIRTUAL);
         CREATE TABLE {plain}(a);
         INSERT INTO {checked} VALUES (1), (2.5); INSERT INTO {made}(a) VALUES (3), (4); INSERT INTO {plain} VALUES (5), (6);
         CREATE INDEX {index} ON {plain}({call}); CREATE INDEX {part} ON {plain}(a) WHERE {call} > 0;
         CREATE VIEW {view} AS SELECT {call} FROM {plain};
         CREATE TRIGGER {trigger} AFTER DELETE ON {plain} BEGIN SELECT {call} FROM (SELECT old.a AS a); END"
    ));
}

pub fn instead_of(b: &mut Build) {
    let [t, log, name] = logged(b);
    let view = double(&b.name());
    b.run(&format!(
        "CREATE VIEW {view} AS SELECT a, b FROM {t};
         CREATE TRIGGER {name} INSTEAD OF INSERT ON {view} BEGIN INSERT INTO {t} VALUES (new.a, new.b);
           INSERT INTO {log} VALUES ('view', 1); END;
         INSERT INTO {view} VALUES (1, 'through the view')"
    ));
}

pub fn statistics(b: &mut Build) {
    indexes(b);
    b.run("ANALYZE");
}

pub fn versions(b: &mut Build) {
    let sql = b
        .pick(&["PRAGMA user_version = 42; PRAGMA application_id = -7", "PRAGMA user_version = -2147483648"]);
    b.run(sql);
}
