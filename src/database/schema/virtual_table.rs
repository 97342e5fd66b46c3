//! Virtual tables, and which tables each keeps its content in.

use std::collections::HashMap;

use rusqlite::Connection;

use super::{Kind, Object, Table, table_kinds};
use crate::database::lexer::{self, Token};
use crate::database::{quoted, quoted_list};

/// A virtual table.
#[derive(Debug, Clone)]
pub struct VirtualTable {
    /// Its name.
    pub name: String,
    /// Its CREATE text.
    pub sql: String,
    /// Its module in lower case: `fts5`.
    pub module: String,
    /// What the module was given, each argument as its tokens with a space between them.
    pub arguments: Vec<String>,
    /// What its CREATE text makes here; None where it makes nothing, or not all that it needs is there.
    pub makes: Option<Made>,
    /// The tables where it keeps its content.
    pub shadows: Vec<Table>,
}

/// What a CREATE text makes.
#[derive(Debug, Clone)]
pub struct Made {
    /// The columns that a statement can name.
    pub columns: Vec<String>,
    /// The tables behind it, by their names in lower case.
    pub(super) tables: HashMap<String, Table>,
}

/// FTS5 takes any beginning of an option's name for the option.
const OPTIONS: [&str; 9] = [
    "prefix", "tokenize", "content", "contentless_delete", "contentless_unindexed", "content_rowid",
    "columnsize", "locale", "detail",
];

impl VirtualTable {
    /// What the CREATE text of a virtual table says.
    pub(crate) fn parse(object: Object) -> VirtualTable {
        let mut tokens = lexer::tokens(&object.sql);
        let module = match tokens.find(|token| token.is_word("USING")) {
            Some(_) => tokens.next().map(|token| token.value().to_ascii_lowercase()).unwrap_or_default(),
            None => String::new(),
        };
        let arguments = match tokens.next() {
            Some(Token::Sign('(')) => split_arguments(tokens),
            _ => Vec::new(),
        };
        VirtualTable {
            name: object.name,
            sql: object.sql,
            module,
            arguments,
            makes: None,
            shadows: Vec::new(),
        }
    }

    /// The shadow table with this ending.
    pub fn shadow(&self, ending: &str) -> Option<&Table> {
        self.shadows.iter().find(|table| table.name[self.name.len()..].eq_ignore_ascii_case(ending))
    }

    /// The value of an option of a full-text table.
    pub fn option(&self, name: &str) -> Option<String> {
        self.arguments
            .iter()
            .filter_map(|argument| parse_option(argument))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The full-text table whose vocabulary it shows; None where it shows none.
    pub fn vocabulary_of(&self) -> Option<String> {
        // Only in `temp` a schema stands before it.
        let index = self.arguments.first().filter(|_| matches!(&*self.module, "fts5vocab" | "fts4aux"))?;
        lexer::tokens(index).next().map(|token| token.value())
    }

    /// Whether it can come back: all of its tables are there, or those rows from which FTS5 makes the others; and they
    /// take what stands in them.
    pub(super) fn is_whole(&self) -> bool {
        let Some(made) = &self.makes else { return false };
        let fits = |shadow: &Table| {
            let own = made.tables.get(&shadow.name.to_ascii_lowercase());
            own.is_some_and(|own| own.columns == shadow.columns && own.key == shadow.key)
        };
        let is_inserted_again =
            self.module == "fts5" && self.option("content").is_none() && self.option("locale").is_none();
        (is_inserted_again && self.shadow("_content").is_some_and(fits))
            || (self.shadows.len() == made.tables.len() && self.shadows.iter().all(fits))
    }

    /// Whether SQLite takes the table `name` for one of its own.
    pub(super) fn reserves(&self, name: &str) -> bool {
        self.makes.is_some() && self.is_behind(name)
    }

    /// Whether the table `name` is called like those that this one keeps its content in.
    pub(crate) fn is_behind(&self, name: &str) -> bool {
        let start = name.get(..self.name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(&self.name))
            && name[self.name.len()..].starts_with('_')
    }
}

/// An option of a full-text table and its value; None for a column.
pub fn parse_option(argument: &str) -> Option<(&'static str, String)> {
    let mut tokens = lexer::tokens(argument);
    let (Some(Token::Word(key)), Some(Token::Sign('='))) = (tokens.next(), tokens.next()) else {
        return None;
    };
    let key = key.to_ascii_lowercase();
    let known = OPTIONS.into_iter().find(|option| option.starts_with(&key))?;
    Some((known, tokens.next().map(|token| token.value()).unwrap_or_default()))
}

/// An empty database where virtual tables are made for trial.
pub(super) struct Workshop(Connection);

impl Workshop {
    pub(super) fn new() -> rusqlite::Result<Self> {
        Connection::open_in_memory().map(Workshop)
    }

    /// What a virtual table of `source` makes; None when its module is not known here or refuses to make it.
    pub(super) fn make(&self, source: &Connection, table: &VirtualTable) -> rusqlite::Result<Option<Made>> {
        self.0.execute_batch("BEGIN")?;
        let made = self.try_make(source, table);
        self.0.execute_batch("ROLLBACK")?;
        Ok(made.ok())
    }

    fn try_make(&self, source: &Connection, table: &VirtualTable) -> rusqlite::Result<Made> {
        self.stand_in(source, table)?;
        let before = table_kinds(&self.0)?;
        self.0.execute(&table.sql, [])?;
        let mut tables = HashMap::new();
        for (name, kind) in table_kinds(&self.0)?.into_iter().filter(|(name, _)| !before.contains_key(name)) {
            let (Kind::Ordinary { without_rowid } | Kind::Shadow { without_rowid }) = kind else { continue };
            let object = Object { name: name.clone(), table: name.clone(), sql: String::new() };
            tables.insert(name.to_ascii_lowercase(), Table::read(&self.0, object, without_rowid)?);
        }
        let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";
        let columns =
            self.0.prepare(sql)?.query_map([&table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Made { columns, tables })
    }

    /// FTS4 takes its columns from its content table, where it is not told them; no full-text table asks anything else
    /// of its content when it is made, which may be a broken view.
    fn stand_in(&self, source: &Connection, table: &VirtualTable) -> rusqlite::Result<()> {
        let Some(content) = table.option("content").filter(|content| !content.is_empty()) else {
            return Ok(());
        };
        let columns = columns_of(source, &content).unwrap_or_default();
        if columns.is_empty() {
            return Ok(());
        }
        self.0.execute_batch(&format!("CREATE TABLE {} ({})", quoted(&content), quoted_list(&columns)))
    }
}

fn columns_of(source: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid";
    source.prepare(sql)?.query_map([table], |row| row.get(0))?.collect()
}

/// Splits at the commas that stand outside of parentheses, up to the closing one. Comments are no part of an argument,
/// and SQLite keeps them in the CREATE text: an apostrophe there opens no quote.
fn split_arguments<'t>(tokens: impl Iterator<Item = Token<'t>>) -> Vec<String> {
    let (mut arguments, mut argument, mut depth) = (Vec::new(), Vec::new(), 0);
    for token in tokens {
        match token {
            Token::Sign(end @ (',' | ')')) if depth == 0 => {
                arguments.push(std::mem::take(&mut argument).join(" "));
                if end == ')' {
                    break;
                }
                continue;
            }
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        argument.push(token.written());
    }
    arguments
}
