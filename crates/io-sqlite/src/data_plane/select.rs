//! Queries of the DSL: the builder's statement, with filters on TIMESTAMP columns in the stored form.

use rusqlite::Connection;
use serde_json::Value;
use storacle_client::builder::{Dialect, build};
use storacle_client::query::{Filter, Incremental};
use storacle_client::table::{ColumnType, TableSchema};
use storacle_client::{QuerySpec, SqlQuery, StoracleError};

use super::closest::suggest;
use super::query::Reading;
use super::{catalog, error, time};

/// The statement of `spec`. `declared` decides the order of a limited query, `schema` (declared or stored) the types.
pub(super) fn statement(
    spec: &QuerySpec,
    declared: Option<&TableSchema>,
    schema: Option<&TableSchema>,
) -> Result<SqlQuery, StoracleError> {
    let mut spec = spec.clone();
    if let Some(schema) = schema {
        for filter in &mut spec.filters {
            normalise(filter, schema)?;
        }
    }
    let columns: Option<Vec<String>> =
        declared.map(|schema| schema.columns.iter().map(|column| column.name.clone()).collect());
    Ok(build(&spec, Dialect::Sqlite, columns.as_deref()))
}

/// The same, ready to run on `connection`.
pub(super) fn reading(
    connection: &Connection,
    spec: QuerySpec,
    declared: Option<&TableSchema>,
) -> Result<Reading, StoracleError> {
    let table = source(&spec);
    let stored = catalog::load(connection, &table).map_err(|error| error::of_read(&error))?;
    let stored = stored.ok_or_else(|| catalog::not_found(connection, &table))?;
    let query = statement(&spec, declared, Some(&stored.schema))?;
    let parse_json_columns = spec.parse_json_columns.clone();
    let explain = Box::new(move |connection: &Connection, problem: &rusqlite::Error| {
        explain(connection, &spec, problem).unwrap_or_else(|| error::of_read(problem))
    });
    Ok(Reading { query, parse_json_columns, explain })
}

/// The tables that `spec` reads.
pub(super) fn tables(spec: &QuerySpec) -> Vec<String> {
    std::iter::once(source(spec)).chain(spec.incremental.as_ref().map(target)).collect()
}

fn source(spec: &QuerySpec) -> String {
    format!("{}.{}", spec.dataset, spec.table)
}

fn target(incremental: &Incremental) -> String {
    format!("{}.{}", incremental.target_dataset, incremental.target_table)
}

/// A time is compared as text, so it must be in the stored form; a date stands for its midnight.
fn normalise(filter: &mut Filter, schema: &TableSchema) -> Result<(), StoracleError> {
    let column = schema.columns.iter().find(|column| column.name == filter.column);
    let is_time = column.is_some_and(|column| column.column_type == ColumnType::Timestamp);
    let Value::String(text) = &mut filter.value else { return Ok(()) };
    if !is_time {
        return Ok(());
    }
    let given = if time::is_date(text) { format!("{text}T00:00:00Z") } else { text.clone() };
    let mut stored = Vec::new();
    if !time::write_timestamp(&given, &mut stored) {
        return Err(StoracleError::InvalidQuery {
            message: format!(
                "the filter on '{}': {text:?} is no TIMESTAMP; it takes {} or {}",
                filter.column,
                time::TIMESTAMP_FORM,
                time::DATE_FORM
            ),
            position: None,
        });
    }
    *text = String::from_utf8_lossy(&stored).into_owned();
    Ok(())
}

/// What is missing, when that is the problem. The builder calls the source `s` and the target `t`.
fn explain(connection: &Connection, spec: &QuerySpec, problem: &rusqlite::Error) -> Option<StoracleError> {
    let text = error::text(problem);
    if let Some(table) = text.strip_prefix("no such table: ") {
        return Some(catalog::not_found(connection, table));
    }
    let (alias, column) = text.strip_prefix("no such column: ")?.split_once('.')?;
    let table = match alias {
        "s" => source(spec),
        "t" => target(spec.incremental.as_ref()?),
        _ => return None,
    };
    let stored = catalog::load(connection, &table).ok()??;
    let known = stored.schema.columns.iter().map(|column| column.name.as_str());
    Some(StoracleError::NotFound {
        message: format!("'{table}' has no column '{column}'{}", suggest(column, known, "columns")),
    })
}
