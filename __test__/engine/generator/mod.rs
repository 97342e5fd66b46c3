//! Random SQLite databases: a seed in, a file out that holds a few random tables and a few of the recipes, each of
//! which makes one thing that a dump can lose.

pub mod coverage;
mod foreign_keys;
mod fulltext;
mod keys;
mod names;
mod objects;
mod sizes;
mod tables;
mod texts;
mod values;

use std::path::Path;

use rand::RngExt;
use rand::SeedableRng;
use rand_pcg::Pcg64;
use rusqlite::Connection;

pub use coverage::Coverage;

/// A generated database.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Makes the same database again.
    pub seed: u64,
    /// What was put in.
    pub recipes: Vec<&'static str>,
    /// Holds what SQLite 3.40 cannot open.
    pub needs_new_sqlite: bool,
    /// A CREATE text holds CR LF, of which the shell keeps LF.
    pub crlf_in_schema: bool,
}

type Recipe = (&'static str, fn(&mut Build));

/// Every recipe; the case of that name counts how often it was used.
const RECIPES: &[Recipe] = &[
    ("strict table", tables::strict),
    ("without rowid", tables::without_rowid),
    ("integer primary keys", keys::integer_primary_keys),
    ("sqlite_sequence", keys::sequences),
    ("leftover sqlite_sequence", keys::leftover_sequence),
    ("columns named like the rowid", keys::rowid_columns),
    ("generated columns", tables::generated),
    ("altered table", tables::altered),
    ("create table as select", tables::as_select),
    ("likely scratch names", tables::scratch_names),
    ("internal tables", tables::internal),
    ("wide tables", sizes::wide),
    ("long values", sizes::long_values),
    ("long rows", sizes::long_rows),
    (HUGE, sizes::beyond_d1),
    ("rows that grow beyond D1", sizes::grown),
    ("many rows", sizes::many_rows),
    ("foreign keys in circles", foreign_keys::cyclic),
    ("composite foreign keys", foreign_keys::composite),
    ("orphan rows", foreign_keys::orphans),
    ("foreign key naming a missing table", foreign_keys::missing_table),
    ("foreign key onto a key that is not unique", foreign_keys::mismatch),
    ("fts5", fulltext::ordinary),
    ("fts5, external content", fulltext::external),
    ("fts5, external content, partial", fulltext::external_partial),
    ("fts5, contentless", fulltext::contentless),
    ("fts5, contentless_delete", fulltext::contentless_delete),
    ("fts5, configured", fulltext::configured),
    ("fts4", fulltext::fts4),
    ("rtree", fulltext::rtree),
    ("indexes", objects::indexes),
    ("triggers", objects::triggers),
    ("triggers that wrangler splits", objects::awkward_triggers),
    ("views", objects::views),
    ("views that D1 refuses", objects::refused_views),
    ("patterns that D1 refuses", objects::long_patterns),
    ("mathematical functions", objects::mathematics),
    ("functions that D1 refuses", objects::refused_functions),
    ("instead of triggers", objects::instead_of),
    ("statistics", objects::statistics),
    ("versions", objects::versions),
    ("comments in create texts", texts::comments),
    ("create text ending in a comment", texts::tails),
    ("long create text", texts::long),
    ("create text with CR LF", texts::crlf),
    ("literals in create texts", texts::literals),
];

/// Comes in its turn alone: its megabytes take most of the time of any case that has them.
const HUGE: &str = "values beyond D1";

/// The cases that a whole run must have counted.
pub fn wanted() -> impl Iterator<Item = &'static str> {
    let recipes = RECIPES.iter().map(|(name, _)| *name);
    recipes.chain(names::CASES.iter().copied()).chain(["UTF-8", "UTF-16le", "UTF-16be"])
}

/// Makes the database `path`, which must not exist. Over `index` 0, 1, 2… every recipe comes up in turn.
pub fn generate(path: &Path, seed: u64, index: usize, coverage: &mut Coverage) -> Case {
    let mut rng = Pcg64::seed_from_u64(seed);
    let db = Connection::open(path).unwrap();
    let encoding =
        if rng.random_ratio(1, 6) { ["UTF-16le", "UTF-16be"][rng.random_range(0..2)] } else { "UTF-8" };
    coverage.hit(encoding);
    db.execute_batch(&format!(
        "PRAGMA encoding = '{encoding}'; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;
         PRAGMA foreign_keys = OFF; BEGIN;"
    ))
    .unwrap();
    let mut build = Build {
        db,
        rng,
        coverage,
        taken: Vec::new(),
        utf16: encoding != "UTF-8",
        case: Case { seed, ..Case::default() },
    };
    for _ in 0..build.rng.random_range(1..4) {
        tables::random(&mut build);
    }
    let turn = index % RECIPES.len();
    let mut chosen = vec![turn];
    for _ in 0..build.rng.random_range(2..6) {
        chosen.push(build.rng.random_range(0..RECIPES.len()));
    }
    chosen.retain(|at| *at == turn || RECIPES[*at].0 != HUGE);
    chosen.sort_unstable();
    chosen.dedup();
    for at in chosen {
        let (name, make) = RECIPES[at];
        build.case.recipes.push(name);
        make(&mut build);
        build.coverage.hit(name);
    }
    build.finish()
}

/// A database in the making.
pub struct Build<'a> {
    db: Connection,
    rng: Pcg64,
    coverage: &'a mut Coverage,
    taken: Vec<String>,
    utf16: bool,
    case: Case,
}

impl Build<'_> {
    /// Runs `sql`, which must be right.
    fn run(&self, sql: &str) {
        if let Err(error) = self.db.execute_batch(sql) {
            let shown: String = sql.chars().take(3000).collect();
            panic!("seed {}: {error} in {shown}", self.case.seed);
        }
    }

    /// A new name for a table, index, trigger or view.
    fn name(&mut self) -> String {
        names::invent(&mut self.rng, self.coverage, &mut self.taken)
    }

    /// A new ordinary name, for what cannot have any name.
    fn plain_name(&mut self, stem: &str) -> String {
        let name = format!("{stem}_{}", self.taken.len());
        self.taken.push(name.clone());
        name
    }

    /// `count` names for columns of one table.
    fn column_names(&mut self, count: usize) -> Vec<String> {
        let mut taken = Vec::new();
        (0..count).map(|_| names::invent(&mut self.rng, self.coverage, &mut taken)).collect()
    }

    fn spell(&mut self, name: &str) -> String {
        names::spell(&mut self.rng, self.coverage, name)
    }

    fn spell_new(&mut self, name: &str) -> String {
        names::spell_new(&mut self.rng, self.coverage, name)
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.rng.random_ratio(1, one_in)
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    fn finish(self) -> Case {
        self.run("COMMIT");
        self.coverage.observe(&self.db).unwrap();
        self.db.close().unwrap();
        self.case
    }
}
