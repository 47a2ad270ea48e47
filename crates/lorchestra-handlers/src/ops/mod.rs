//! The ops, each in its file: spec and execution side by side.

pub(crate) mod assert_rows;
pub(crate) mod assert_schema;
pub(crate) mod assert_unique;
mod assertion;
pub(crate) mod compute_render;
pub(crate) mod compute_transform;
pub(crate) mod log_dump;
pub(crate) mod storacle_query;
pub(crate) mod write_upsert;

use lorchestra_core::op::{OpSpec, ParamProblem};
use serde::de::DeserializeOwned;
use serde_json::Value;
use storacle_client::query::{QueryProblem, is_identifier};

/// The specs of all ops.
#[must_use]
pub fn ops() -> Vec<OpSpec> {
    vec![
        assert_rows::spec(),
        assert_schema::spec(),
        assert_unique::spec(),
        compute_render::spec(),
        compute_transform::spec(),
        log_dump::spec(),
        storacle_query::spec(),
        write_upsert::spec(),
    ]
}

/// Ops of the design that nothing performs yet: a job that names one is refused by that name.
#[must_use]
pub fn planned_ops() -> Vec<&'static str> {
    vec![
        "query.raw_objects",
        "query.canonical_objects",
        "query.last_sync",
        "write.insert",
        "write.delete",
        "write.merge",
        "plan.build",
        "storacle.submit",
        "compute.llm",
        "compute.extract",
        "call",
        "api.request",
        "job.run",
        "decide",
        "wait.signal",
        "wait.until",
    ]
}

/// Problems of the query DSL as problems of params.
fn as_param_problems(problems: Vec<QueryProblem>) -> Vec<ParamProblem> {
    problems
        .into_iter()
        .map(|problem| ParamProblem { at: problem.at, message: problem.message, help: problem.help })
        .collect()
}

/// Adds a problem when the text at `name` is no `dataset.table`.
fn check_table(params: &Value, name: &str, problems: &mut Vec<ParamProblem>) {
    if let Some(text) = params.get(name).and_then(Value::as_str) {
        let whole = text
            .split_once('.')
            .is_some_and(|(dataset, table)| is_identifier(dataset) && is_identifier(table));
        if !whole {
            problems.push(
                ParamProblem::new(format!("/{name}"), format!("'{text}' is no table"))
                    .help("a table is dataset.table, as in raw.raw_objects"),
            );
        }
    }
}

/// Adds a problem for each text at `name` that is no column.
fn check_columns(params: &Value, name: &str, problems: &mut Vec<ParamProblem>) {
    let columns = params.get(name).and_then(Value::as_array).into_iter().flatten().enumerate();
    for (position, column) in columns {
        if let Some(text) = column.as_str().filter(|text| !is_identifier(text)) {
            problems.push(ParamProblem::new(
                format!("/{name}/{position}"),
                format!("'{text}' is no name of a column"),
            ));
        }
    }
}

/// A param that compiling has checked, as what it is.
fn param<T: DeserializeOwned>(
    params: &Value,
    name: &str,
) -> Result<Option<T>, lorchestra_core::handler::StepError> {
    match params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|error| crate::errors::params(format!("'{name}': {error}"))),
    }
}

fn required<T: DeserializeOwned>(
    params: &Value,
    name: &str,
) -> Result<T, lorchestra_core::handler::StepError> {
    param(params, name)?.ok_or_else(|| crate::errors::params(format!("'{name}' is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_op_is_built_and_planned_and_every_param_says_what_it_is_for() {
        let planned = planned_ops();
        for spec in ops() {
            assert!(!planned.contains(&spec.name.as_str()), "{}", spec.name);
            assert!(spec.params.iter().all(|param| !param.doc.is_empty()), "{}", spec.name);
        }
    }
}
