//! The judge of passthrough SQL: one statement, read-only, parameters used = parameters given. Judged by a parser,
//! never by words, so a column called `update` passes and a comment hides nothing.
//!
//! It does not know which tables exist and does not translate between dialects. Table names are rewritten in the text
//! as it was written, so positions in a backend's message stay right as far as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::Value;
use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, Query, SetExpr, Spanned, Statement, Value as Literal, ValueWithSpan,
    Visit, Visitor,
};
use sqlparser::dialect::{BigQueryDialect, Dialect as Parsing, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Span};

use crate::builder::Dialect;
use crate::error::StoracleError;

/// Functions that do more than compute: they load code, touch files, or change settings.
const REFUSED_FUNCTIONS: [&str; 14] = [
    "load_extension",
    "readfile",
    "writefile",
    "edit",
    "fts3_tokenizer",
    "pg_read_file",
    "pg_ls_dir",
    "lo_import",
    "lo_export",
    "dblink",
    "set_config",
    "pg_sleep",
    "nextval",
    "setval",
];

/// Functions that may stand where a table stands. What else has no dataset is the store's own (`sqlite_master`, the
/// `pragma_…` functions) and no table of the data plane.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// A statement that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The statement, its tables renamed for the dialect.
    pub sql: String,
    /// The tables it reads, as `dataset.table`; names of its own WITH and functions are not among them.
    pub tables: BTreeSet<String>,
    /// The names after `@`.
    pub parameters: BTreeSet<String>,
}

/// Judges `sql` and prepares it for `dialect`.
///
/// # Errors
/// `InvalidQuery` with what is not allowed and where.
pub fn judge(sql: &str, dialect: Dialect) -> Result<Judged, StoracleError> {
    let parsing: Box<dyn Parsing> = match dialect {
        Dialect::Sqlite => Box::new(SQLiteDialect {}),
        Dialect::BigQuery => Box::new(BigQueryDialect {}),
        Dialect::Postgres => Box::new(PostgreSqlDialect {}),
    };
    let statements = Parser::parse_sql(parsing.as_ref(), sql).map_err(|error| {
        let whole = error.to_string();
        let message = whole.trim_start_matches("sql parser error: ");
        let (what, _) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
        invalid(format!("the SQL cannot be read: {what}"), position_in(message))
    })?;
    let query = match statements.as_slice() {
        [Statement::Query(query)] => query,
        [other] => {
            let word = other.to_string();
            let word = word.split_whitespace().next().unwrap_or_default().to_owned();
            return Err(invalid(
                format!("the SQL must only read, and this is a statement of the kind {word}"),
                at(other.span()),
            ));
        }
        [] => return Err(invalid("the SQL is empty".to_owned(), None)),
        [_, second, ..] => {
            return Err(invalid(
                "the SQL must be one statement; here a second one begins".to_owned(),
                at(second.span()),
            ));
        }
    };
    let mut found = Found {
        dialect,
        ctes: Vec::new(),
        tables: BTreeSet::new(),
        parameters: BTreeSet::new(),
        edits: Vec::new(),
    };
    if let ControlFlow::Break((message, position)) = query.visit(&mut found) {
        return Err(invalid(message, position));
    }
    let sql = apply(sql, &mut found.edits);
    Ok(Judged { sql, tables: found.tables, parameters: found.parameters })
}

/// Compares the parameters of a statement with the values given for them.
///
/// # Errors
/// `InvalidQuery` naming what is missing and what is unused.
pub fn check_parameters<'a>(
    judged: &Judged,
    given: impl IntoIterator<Item = &'a String>,
) -> Result<(), StoracleError> {
    let given: BTreeSet<&str> = given.into_iter().map(String::as_str).collect();
    let missing: Vec<String> = judged
        .parameters
        .iter()
        .filter(|name| !given.contains(name.as_str()))
        .map(|name| format!("@{name}"))
        .collect();
    let unused: Vec<&str> = given.into_iter().filter(|name| !judged.parameters.contains(*name)).collect();
    match (missing.is_empty(), unused.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => {
            Err(invalid(format!("the SQL uses {}, and params has no such key", missing.join(", ")), None))
        }
        (true, false) => {
            Err(invalid(format!("params has {}, which the SQL does not use", unused.join(", ")), None))
        }
    }
}

/// The values of `params` that a statement binds, by name with its `@`.
#[must_use]
pub fn bound(params: &BTreeMap<String, Value>) -> Vec<(String, &Value)> {
    params.iter().map(|(name, value)| (format!("@{name}"), value)).collect()
}

fn invalid(message: String, position: Option<(u64, u64)>) -> StoracleError {
    let message = match position {
        Some((line, column)) => format!("{message} (line {line}, column {column} of the SQL)"),
        None => message,
    };
    StoracleError::InvalidQuery { message, position }
}

fn at(span: Span) -> Option<(u64, u64)> {
    (span.start.line > 0).then_some((span.start.line, span.start.column))
}

/// `… at Line: 1, Column: 8`, as the parser ends its messages.
fn position_in(message: &str) -> Option<(u64, u64)> {
    let (_, rest) = message.rsplit_once("Line: ")?;
    let (line, column) = rest.split_once(", Column: ")?;
    Some((line.parse().ok()?, column.trim().parse().ok()?))
}

type Refusal = (String, Option<(u64, u64)>);

struct Found {
    dialect: Dialect,
    /// Names that WITH gives, innermost query last.
    ctes: Vec<Vec<String>>,
    tables: BTreeSet<String>,
    parameters: BTreeSet<String>,
    edits: Vec<(Span, String)>,
}

impl Found {
    fn is_cte(&self, name: &str) -> bool {
        self.ctes.iter().flatten().any(|cte| cte.eq_ignore_ascii_case(name))
    }

    /// Renames `dataset.table` at `idents` for dialects that store it otherwise.
    fn rename(&mut self, idents: &[&Ident], dataset: &str, table: &str) {
        let (Some(first), Some(last)) = (idents.first(), idents.last()) else { return };
        if first.span.start.line > 0 {
            let span = Span { start: first.span.start, end: last.span.end };
            let quoted = self.dialect.table(&dataset.replace(['"', '`'], ""), &table.replace(['"', '`'], ""));
            self.edits.push((span, quoted));
        }
    }
}

impl Visitor for Found {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        self.ctes.push(
            query
                .with
                .iter()
                .flat_map(|with| &with.cte_tables)
                .map(|cte| cte.alias.name.value.clone())
                .collect(),
        );
        if !query.locks.is_empty() {
            return ControlFlow::Break(("the SQL must only read; it locks rows".into(), at(query.span())));
        }
        if !query.pipe_operators.is_empty() {
            return ControlFlow::Break(("pipe operators are not supported".into(), at(query.span())));
        }
        writes(&query.body)
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Refusal> {
        self.ctes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Refusal> {
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            other => {
                ControlFlow::Break(("the SQL must only read; it writes inside".into(), at(other.span())))
            }
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Refusal> {
        let idents: Vec<&Ident> = relation.0.iter().filter_map(|part| part.as_ident()).collect();
        match idents.as_slice() {
            [one] if one.value.contains('.') => {
                let whole = one.value.clone();
                if let Some((dataset, table)) = whole.split_once('.') {
                    self.tables.insert(whole.clone());
                    self.rename(&[one], dataset, table);
                }
            }
            [one] if self.is_cte(&one.value) => {}
            [one] if TABLE_FUNCTIONS.iter().any(|function| one.value.eq_ignore_ascii_case(function)) => {}
            [one] => {
                let message = format!("'{}' is no table: tables are dataset.table", one.value);
                return ControlFlow::Break((message, at(one.span)));
            }
            [dataset, table] => {
                self.tables.insert(format!("{}.{}", dataset.value, table.value));
                let (dataset_name, table_name) = (dataset.value.clone(), table.value.clone());
                self.rename(&[dataset, table], &dataset_name, &table_name);
            }
            _ => {
                let message = format!("'{relation}' is no table: tables are dataset.table");
                return ControlFlow::Break((message, at(relation.span())));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refusal> {
        match expr {
            Expr::Function(function) => refused_function(function),
            // a column by its table's whole name: raw.raw_objects.payload
            Expr::CompoundIdentifier(idents) if idents.len() >= 3 => {
                if let [dataset, table, ..] = idents.as_slice() {
                    let (dataset_name, table_name) = (dataset.value.clone(), table.value.clone());
                    self.rename(&[dataset, table], &dataset_name, &table_name);
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<Refusal> {
        if let Literal::Placeholder(text) = &value.value {
            match text.strip_prefix('@').filter(|name| crate::query::is_identifier(name)) {
                Some(name) => {
                    self.parameters.insert(name.to_owned());
                }
                None => {
                    let message = format!("'{text}' is no parameter: parameters are @name");
                    return ControlFlow::Break((message, at(value.span)));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn refused_function(function: &Function) -> ControlFlow<Refusal> {
    let name =
        function.name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_ascii_lowercase());
    match name {
        Some(name) if REFUSED_FUNCTIONS.contains(&name.as_str()) => {
            ControlFlow::Break((format!("the function {name} does more than read"), at(function.span())))
        }
        _ => ControlFlow::Continue(()),
    }
}

fn writes(body: &SetExpr) -> ControlFlow<Refusal> {
    match body {
        SetExpr::Select(select) => match &select.into {
            Some(_) => {
                ControlFlow::Break(("the SQL must only read; SELECT INTO writes".into(), at(select.span())))
            }
            None => ControlFlow::Continue(()),
        },
        SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => ControlFlow::Continue(()),
        SetExpr::SetOperation { left, right, .. } => {
            writes(left)?;
            writes(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            ControlFlow::Break(("the SQL must only read; it writes inside".into(), at(body.span())))
        }
    }
}

/// `sql` with the text of each span replaced.
fn apply(sql: &str, edits: &mut Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| std::cmp::Reverse((span.start.line, span.start.column)));
    edits.dedup_by_key(|(span, _)| span.start);
    let mut text = sql.to_owned();
    for (span, new) in edits.iter() {
        if let (Some(start), Some(end)) = (offset(sql, span.start), offset(sql, span.end)) {
            text.replace_range(start..end, new);
        }
    }
    text
}

/// The byte of a line and column (in characters), both from 1.
fn offset(sql: &str, location: Location) -> Option<usize> {
    let mut start = 0;
    for _ in 1..location.line {
        start += sql[start..].find('\n')? + 1;
    }
    let line = &sql[start..];
    let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
    line.char_indices().map(|(byte, _)| byte).chain([line.len()]).nth(column).map(|byte| start + byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sql: &str) -> String {
        match judge(sql, Dialect::Sqlite) {
            Ok(judged) => format!("ACCEPTED {}", judged.sql),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_writes_is_refused_however_it_is_hidden() {
        let statements = [
            "DELETE FROM raw.raw_objects",
            "SELECT 1; DELETE FROM raw.raw_objects",
            "SELECT 1 -- ;\n; DROP TABLE x",
            "/* SELECT */ UPDATE raw.raw_objects SET payload = 1",
            "WITH gone AS (DELETE FROM raw.raw_objects RETURNING *) SELECT * FROM gone",
            "WITH a AS (SELECT 1) INSERT INTO raw.raw_objects SELECT * FROM a",
            "PRAGMA journal_mode = DELETE",
            "ATTACH DATABASE 'x' AS y",
            "SELECT * INTO raw.copy FROM raw.raw_objects",
            "SELECT load_extension('x')",
            "SELECT * FROM (SELECT writefile('a', 'b'))",
            "SELECT * FROM raw.raw_objects WHERE id = ?",
            "SELECT * FROM raw.raw_objects WHERE id = :id",
            "SELECT * FROM a.b.c",
            "SELECT sql FROM sqlite_master",
            "SELECT * FROM pragma_table_info('raw.raw_objects')",
            "SELECT * FROM (WITH r AS (SELECT 1) SELECT * FROM r) JOIN r",
            "SELECT @",
            "SELEC 1",
            "",
            "VACUUM",
            "EXPLAIN DELETE FROM raw.raw_objects",
        ];
        let told: Vec<String> = statements.iter().map(|sql| format!("{sql:?}\n  {}", refused(sql))).collect();
        assert!(told.iter().all(|line| !line.contains("ACCEPTED")), "{}", told.join("\n"));
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_reads_passes_with_its_tables_renamed() {
        let statements = [
            "SELECT `update`, 'delete from x; drop' AS text FROM raw.raw_objects WHERE id = @id -- @not_one",
            "WITH r AS (SELECT * FROM raw.raw_objects) SELECT r.payload FROM r JOIN `canonical.canonical_objects` c ON 1 = 1",
            "SELECT raw.raw_objects.payload\nFROM raw.raw_objects\nORDER BY é",
            "SELECT payload ->> '$.a' AS \"@x\" FROM raw.raw_objects UNION ALL SELECT x FROM derived.t",
            "SELECT j.value FROM raw.raw_objects s, json_each(s.payload, '$.items') j",
            "SELECT COUNT(*) OVER (PARTITION BY kind) FROM derived.t WHERE a IN (SELECT b FROM raw.u WHERE c = @id)",
        ];
        let told: Vec<String> = statements
            .iter()
            .map(|sql| match judge(sql, Dialect::Sqlite) {
                Ok(judged) => {
                    format!("{}\n  tables {:?} parameters {:?}", judged.sql, judged.tables, judged.parameters)
                }
                Err(error) => format!("REFUSED {sql}: {error}"),
            })
            .collect();
        assert!(told.iter().all(|line| !line.contains("REFUSED")), "{}", told.join("\n"));
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn parameters_missing_and_unused_are_named() {
        let judged = judge("SELECT @a, @b", Dialect::Sqlite).unwrap();
        let given = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check_parameters(&judged, &given(&["a", "b"])).is_ok());
        assert_eq!(
            check_parameters(&judged, &given(&["a"])).unwrap_err().to_string(),
            "the SQL uses @b, and params has no such key"
        );
        assert_eq!(
            check_parameters(&judged, &given(&["a", "b", "c"])).unwrap_err().to_string(),
            "params has c, which the SQL does not use"
        );
    }
}
