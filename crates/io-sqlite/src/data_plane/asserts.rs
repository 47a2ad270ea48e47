//! The three assertions. They judge and report; whether a failed one fails a step, others decide.

use lorchestra_json::RowBatchBuilder;
use rusqlite::Connection;
use serde_json::Value;
use storacle_client::query::{Aggregate, SelectItem, parse_filters};
use storacle_client::table::TableSchema;
use storacle_client::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, QuerySpec, RowsAssertion, SchemaAssertion,
    SchemaMismatch, StoracleError, UniqueAssertion,
};

use super::closest::suggest;
use super::ddl::{self, quoted};
use super::render::Renderer;
use super::{catalog, error, query, select};

/// So many duplicates are shown.
const SAMPLES: usize = 10;

fn invalid(message: String) -> StoracleError {
    StoracleError::InvalidQuery { message, position: None }
}

/// Counts the rows and judges the count.
pub(super) fn rows(connection: &Connection, spec: &AssertRowsSpec) -> Result<RowsAssertion, StoracleError> {
    let bounds = (spec.expected_count, spec.min_count, spec.max_count);
    if bounds == (None, None, None) {
        return Err(invalid("one of expected_count, min_count and max_count must be given".to_owned()));
    }
    ddl::check_table_name(&spec.table)?;
    let (dataset, table) = spec.table.split_once('.').unwrap_or_default();
    let filters = parse_filters(&spec.filters, "/filters", &[]).map_err(|problems| {
        let problems: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.at, problem.message)).collect();
        invalid(problems.join("; "))
    })?;
    let count = QuerySpec {
        dataset: dataset.to_owned(),
        table: table.to_owned(),
        columns: vec![SelectItem::Aggregate {
            function: Aggregate::Count,
            column: None,
            alias: "n".to_owned(),
        }],
        filters,
        order_by: Vec::new(),
        limit: None,
        incremental: None,
        parse_json_columns: Vec::new(),
    };
    let reading = select::reading(connection, count, None)?;
    let wrong = |error: rusqlite::Error| (reading.explain)(connection, &error);
    let mut statement = connection.prepare(&reading.query.sql).map_err(wrong)?;
    query::bind(&mut statement, &reading.query.params)?;
    let mut found = statement.raw_query();
    let actual: i64 = match found.next().map_err(wrong)? {
        Some(row) => row.get(0).map_err(wrong)?,
        None => 0,
    };
    let actual = actual.unsigned_abs();
    let (passed, expected) = match bounds {
        (Some(exactly), _, _) if exactly != actual => (false, format!("exactly {exactly}")),
        (_, Some(least), _) if actual < least => (false, format!("at least {least}")),
        (_, _, Some(most)) if actual > most => (false, format!("at most {most}")),
        _ => (true, String::new()),
    };
    let message = if passed {
        format!("'{}' has {actual} such rows, as expected", spec.table)
    } else {
        format!("'{}' has {actual} such rows, expected {expected}", spec.table)
    };
    Ok(RowsAssertion { passed, actual_count: actual, message })
}

/// Compares the columns.
pub(super) fn schema(
    connection: &Connection,
    spec: &AssertSchemaSpec,
) -> Result<SchemaAssertion, StoracleError> {
    let stored = load(connection, &spec.table)?;
    let mut assertion =
        SchemaAssertion { passed: true, missing: Vec::new(), extra: Vec::new(), mismatched: Vec::new() };
    for expected in &spec.expected_columns {
        let wanted = ddl::type_called(&expected.column_type).ok_or_else(|| {
            invalid(format!(
                "column '{}': there is no type '{}'{}",
                expected.name,
                expected.column_type,
                suggest(&expected.column_type, ddl::TYPES.map(ddl::type_name), "types")
            ))
        })?;
        let Some(actual) = stored.columns.iter().find(|column| column.name == expected.name) else {
            assertion.missing.push(expected.name.clone());
            continue;
        };
        let nullable = expected.nullable.unwrap_or(!actual.required);
        if actual.column_type != wanted || nullable == actual.required {
            let text = |column_type, nullable: bool| {
                let null = match (expected.nullable, nullable) {
                    (None, _) => "",
                    (Some(_), true) => " NULL",
                    (Some(_), false) => " NOT NULL",
                };
                format!("{}{null}", ddl::type_name(column_type))
            };
            assertion.mismatched.push(SchemaMismatch {
                name: expected.name.clone(),
                expected: text(wanted, nullable),
                actual: text(actual.column_type, !actual.required),
            });
        }
    }
    assertion.extra = stored
        .columns
        .iter()
        .filter(|column| spec.expected_columns.iter().all(|expected| expected.name != column.name))
        .map(|column| column.name.clone())
        .collect();
    assertion.passed = assertion.missing.is_empty()
        && assertion.mismatched.is_empty()
        && (spec.allow_extra || assertion.extra.is_empty());
    Ok(assertion)
}

/// Looks for combinations that occur more than once. Two NULLs are equal here, as in GROUP BY: a key of which half is
/// missing twice identifies nothing.
pub(super) fn unique(
    connection: &Connection,
    spec: &AssertUniqueSpec,
) -> Result<UniqueAssertion, StoracleError> {
    let stored = load(connection, &spec.table)?;
    if spec.columns.is_empty() {
        return Err(invalid("columns must name at least one column".to_owned()));
    }
    for name in &spec.columns {
        if stored.columns.iter().all(|column| column.name != *name) {
            let known = stored.columns.iter().map(|column| column.name.as_str());
            return Err(StoracleError::NotFound {
                message: format!(
                    "'{}' has no column '{name}'{}",
                    spec.table,
                    suggest(name, known, "columns")
                ),
            });
        }
    }
    let table = quoted(&spec.table);
    let columns: Vec<String> = spec.columns.iter().map(|name| quoted(name)).collect();
    let columns = columns.join(", ");
    // one snapshot for both statements
    let snapshot = connection.unchecked_transaction().map_err(|error| error::of_read(&error))?;
    let duplicates: i64 = snapshot
        .query_row(
            &format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} GROUP BY {columns} HAVING COUNT(*) > 1)"),
            [],
            |row| row.get(0),
        )
        .map_err(|error| error::of_read(&error))?;
    let mut samples = Vec::new();
    if duplicates > 0 {
        let count = if spec.columns.iter().any(|name| name == "count") { "row_count" } else { "count" };
        let mut statement = snapshot
            .prepare(&format!(
                "SELECT {columns}, COUNT(*) AS \"{count}\" FROM {table} GROUP BY {columns} \
                 HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC, {columns} LIMIT {SAMPLES}"
            ))
            .map_err(|error| error::of_read(&error))?;
        let mut renderer = Renderer::new(&statement, &[])?;
        let mut batch = RowBatchBuilder::default();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| error::of_read(&error))? {
            renderer.push(row, &mut batch)?;
        }
        for sample in batch.finish().rows::<Value>() {
            samples.push(sample.map_err(|error| invalid(error.to_string()))?);
        }
    }
    Ok(UniqueAssertion { passed: duplicates == 0, duplicate_count: duplicates.unsigned_abs(), samples })
}

fn load(connection: &Connection, table: &str) -> Result<TableSchema, StoracleError> {
    ddl::check_table_name(table)?;
    let stored = catalog::load(connection, table).map_err(|error| error::of_read(&error))?;
    Ok(stored.ok_or_else(|| catalog::not_found(connection, table))?.schema)
}
