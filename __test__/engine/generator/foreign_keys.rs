//! Tables that refer to one another, also where the reference is broken.

use super::Build;
use super::names::double;

pub fn cyclic(b: &mut Build) {
    let names = [b.name(), b.name(), b.name()];
    let [x, y, own] = names.each_ref().map(|n| double(n));
    b.run(&format!(
        "CREATE TABLE {x}(id INTEGER PRIMARY KEY, other INTEGER REFERENCES {y}(id) ON DELETE CASCADE);
         CREATE TABLE {y}(id INTEGER PRIMARY KEY, other INTEGER NOT NULL REFERENCES {x} ON UPDATE SET NULL);
         INSERT INTO {x} VALUES (1, 2), (2, 3), (3, 1), (4, NULL); INSERT INTO {y} VALUES (1, 1), (2, 4), (3, 2);
         CREATE TABLE {own}(id TEXT PRIMARY KEY, parent TEXT REFERENCES {own}(id) DEFERRABLE INITIALLY DEFERRED,
           second TEXT REFERENCES {own});
         INSERT INTO {own} VALUES ('a', 'c', NULL), ('b', 'a', 'b'), ('c', NULL, 'b');"
    ));
}

/// A parent key of two columns, once as a constraint and once as an index of its own.
pub fn composite(b: &mut Build) {
    let names = [b.name(), b.name(), b.name(), b.name()];
    let [child, parent, child2, parent2] = names.each_ref().map(|n| double(n));
    let index = double(&b.name());
    b.run(&format!(
        "CREATE TABLE {child}(x, y, FOREIGN KEY (x, y) REFERENCES {parent}(a, b));
         CREATE TABLE {parent}(a TEXT COLLATE NOCASE, b, c, UNIQUE (a, b));
         INSERT INTO {child} VALUES ('K', 1), (NULL, 7), ('k', 2); INSERT INTO {parent} VALUES ('k', 1, 0), ('K', 2, 0);
         CREATE TABLE {child2}(x, y, FOREIGN KEY (x, y) REFERENCES {parent2}(a, b));
         CREATE TABLE {parent2}(a, b); CREATE UNIQUE INDEX {index} ON {parent2}(a, b);
         INSERT INTO {child2} VALUES (1, 2); INSERT INTO {parent2} VALUES (1, 2), (3, 4);"
    ));
}

pub fn orphans(b: &mut Build) {
    let names = [b.name(), b.name(), b.name()];
    let [parent, child, grandchild] = names.each_ref().map(|n| double(n));
    b.run(&format!(
        "CREATE TABLE {parent}(id INTEGER PRIMARY KEY);
         CREATE TABLE {child}(id INTEGER PRIMARY KEY, up REFERENCES {parent}(id));
         CREATE TABLE {grandchild}(up REFERENCES {child}(id));
         INSERT INTO {parent} VALUES (1); INSERT INTO {child} VALUES (1, 1), (2, 99), (3, 1);
         INSERT INTO {grandchild} VALUES (1), (2), (2), (NULL), (77);"
    ));
}

pub fn missing_table(b: &mut Build) {
    let names = [b.name(), b.name(), b.name()];
    let [rows, empty, nulls] = names.each_ref().map(|n| double(n));
    b.run(&format!(
        "CREATE TABLE {rows}(x REFERENCES \"never made\"(id)); INSERT INTO {rows} VALUES (1), (2);
         CREATE TABLE {empty}(x REFERENCES \"never made\");
         CREATE TABLE {nulls}(x REFERENCES nowhere); INSERT INTO {nulls} VALUES (NULL);"
    ));
}

/// SQLite calls these a mismatch: whoever has foreign keys switched on can write neither table.
pub fn mismatch(b: &mut Build) {
    let names = [b.name(), b.name(), b.name(), b.name()];
    let [parent, child, partial, child2] = names.each_ref().map(|n| double(n));
    let index = double(&b.name());
    b.run(&format!(
        "CREATE TABLE {parent}(a, b); CREATE TABLE {child}(x REFERENCES {parent}(a), y REFERENCES {parent}(zz));
         INSERT INTO {parent} VALUES (1, 2); INSERT INTO {child} VALUES (1, NULL);
         CREATE TABLE {partial}(a); CREATE UNIQUE INDEX {index} ON {partial}(a) WHERE a > 0;
         CREATE TABLE {child2}(x REFERENCES {partial}(a)); INSERT INTO {partial} VALUES (5);"
    ));
}
