//! Which cases the generator has really made, counted, so that a property over random schemas cannot pass
//! because nothing interesting was ever generated.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// How often each case was made.
#[derive(Debug, Default, Clone)]
pub struct Coverage(BTreeMap<String, u64>);

/// Every case of values that [`Coverage::observe`] must have seen over a whole run; what the recipes must have made
/// is registered by them.
const OBSERVED: &[&str] = &[
    "INTEGER affinity holding integer",
    "INTEGER affinity holding real",
    "INTEGER affinity holding text",
    "INTEGER affinity holding blob",
    "INTEGER affinity holding null",
    "REAL affinity holding real",
    "REAL affinity holding text",
    "REAL affinity holding blob",
    "REAL affinity holding null",
    "TEXT affinity holding text",
    "TEXT affinity holding blob",
    "TEXT affinity holding null",
    "NUMERIC affinity holding integer",
    "NUMERIC affinity holding real",
    "NUMERIC affinity holding text",
    "NUMERIC affinity holding blob",
    "NUMERIC affinity holding null",
    "BLOB affinity holding integer",
    "BLOB affinity holding real",
    "BLOB affinity holding text",
    "BLOB affinity holding blob",
    "BLOB affinity holding null",
    "real: +Inf",
    "real: -Inf",
    "real: -0.0",
    "real: subnormal",
    "real: extreme",
    "real: ordinary",
    "integer: i64::MIN",
    "integer: i64::MAX",
    "integer: beyond 2^53",
    "text: empty",
    "text: NUL",
    "text: invalid UTF-8",
    "text: lone CR",
    "text: CR LF",
    "text: LF",
    "text: quote",
    "text: backslash n",
    "text: emoji",
    "text: dotless i or long s",
    "text: BEGIN TRANSACTION",
    "text: begin transaction in another case",
    "text: COMMIT;",
    "text: over 100 kB",
    "blob: empty",
    "blob: over 100 kB",
    "row: over 100 kB, no value is",
    "rowid: negative",
    "rowid: gap",
    "table: without rows",
];

impl Coverage {
    /// One case was made.
    pub fn hit(&mut self, case: &str) {
        *self.0.entry(case.to_owned()).or_default() += 1;
    }

    /// Takes over what another has counted.
    pub fn merge(&mut self, other: &Coverage) {
        other.0.iter().for_each(|(case, count)| *self.0.entry(case.clone()).or_default() += count);
    }

    /// The cases of `wanted` and of the values that never came up.
    pub fn missing<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let values = OBSERVED.iter().copied();
        values.chain(wanted).filter(|case| !self.0.contains_key(*case)).collect()
    }

    /// Looks at every cell of a finished database.
    pub fn observe(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let tables: Vec<(String, bool)> = db
            .prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (table, without_rowid) in tables {
            self.observe_table(db, &table, without_rowid)?;
        }
        Ok(())
    }

    fn observe_table(&mut self, db: &Connection, table: &str, without_rowid: bool) -> rusqlite::Result<()> {
        let columns: Vec<(String, String)> = db
            .prepare("SELECT name, type FROM pragma_table_xinfo(?1)")?
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let has_rowid = !without_rowid && !columns.iter().any(|(name, _)| name.eq_ignore_ascii_case("rowid"));
        let mut rows = db.prepare(&format!(
            "SELECT {}, * FROM \"{}\" ORDER BY 1",
            if has_rowid { "rowid" } else { "NULL" },
            table.replace('"', "\"\"")
        ))?;
        let mut rows = rows.query([])?;
        let (mut last, mut empty) = (None::<i64>, true);
        while let Some(row) = rows.next()? {
            empty = false;
            if let ValueRef::Integer(rowid) = row.get_ref(0)? {
                if rowid < 0 {
                    self.hit("rowid: negative");
                }
                if last.is_some_and(|last| rowid != last.wrapping_add(1)) {
                    self.hit("rowid: gap");
                }
                last = Some(rowid);
            }
            let (mut total, mut longest) = (0, 0);
            for (at, (_, declared)) in columns.iter().enumerate() {
                let value = row.get_ref(at + 1)?;
                let class = self.observe_value(value);
                self.hit(&format!("{} affinity holding {class}", affinity(declared)));
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
                    total += bytes.len();
                    longest = longest.max(bytes.len());
                }
            }
            if total > 100_000 && longest <= 40_000 {
                self.hit("row: over 100 kB, no value is");
            }
        }
        if empty {
            self.hit("table: without rows");
        }
        Ok(())
    }

    fn observe_value(&mut self, value: ValueRef<'_>) -> &'static str {
        match value {
            ValueRef::Null => "null",
            ValueRef::Integer(i) => {
                match i {
                    i64::MIN => self.hit("integer: i64::MIN"),
                    i64::MAX => self.hit("integer: i64::MAX"),
                    _ if i.unsigned_abs() > 1 << 53 => self.hit("integer: beyond 2^53"),
                    _ => {}
                }
                "integer"
            }
            ValueRef::Real(r) => {
                self.hit(match r {
                    f64::INFINITY => "real: +Inf",
                    f64::NEG_INFINITY => "real: -Inf",
                    _ if r == 0.0 && r.is_sign_negative() => "real: -0.0",
                    _ if r.is_subnormal() => "real: subnormal",
                    _ if !(1e-83..1e117).contains(&r.abs()) => "real: extreme",
                    _ => "real: ordinary",
                });
                "real"
            }
            ValueRef::Text(bytes) => {
                self.observe_text(bytes);
                "text"
            }
            ValueRef::Blob(bytes) => {
                match bytes.len() {
                    0 => self.hit("blob: empty"),
                    100_001.. => self.hit("blob: over 100 kB"),
                    _ => {}
                }
                "blob"
            }
        }
    }

    fn observe_text(&mut self, bytes: &[u8]) {
        match bytes.len() {
            0 => self.hit("text: empty"),
            100_001.. => self.hit("text: over 100 kB"),
            _ => {}
        }
        if std::str::from_utf8(bytes).is_err() {
            self.hit("text: invalid UTF-8");
        }
        let text = String::from_utf8_lossy(bytes);
        let upper = text.to_ascii_uppercase();
        let begin = text.contains("BEGIN TRANSACTION");
        for (found, case) in [
            (text.contains('\0'), "text: NUL"),
            (text.contains("\r\n"), "text: CR LF"),
            (text.replace("\r\n", "").contains('\r'), "text: lone CR"),
            (text.contains('\n'), "text: LF"),
            (text.contains('\''), "text: quote"),
            (text.contains("\\n"), "text: backslash n"),
            (text.contains('😀'), "text: emoji"),
            (text.contains(['ı', 'ſ']), "text: dotless i or long s"),
            (begin, "text: BEGIN TRANSACTION"),
            (!begin && upper.contains("BEGIN TRANSACTION"), "text: begin transaction in another case"),
            (upper.contains("COMMIT;"), "text: COMMIT;"),
        ] {
            if found {
                self.hit(case);
            }
        }
    }
}

/// Column affinity, by the rules of <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    if has("INT") {
        "INTEGER"
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        "TEXT"
    } else if declared.is_empty() || has("BLOB") || declared == "ANY" {
        "BLOB"
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        "REAL"
    } else {
        "NUMERIC"
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(case, count)| writeln!(f, "{count:>8}  {case}"))
    }
}
