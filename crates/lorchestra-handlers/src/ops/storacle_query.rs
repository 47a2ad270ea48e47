//! `storacle.query`: rows by the DSL, or by passthrough SQL.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt};
use lorchestra_core::artifact::StepOutput;
use lorchestra_core::handler::{Completion, RowCounts, StepContext, StepError, StepSuccess};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::{Value, json};
use storacle_client::builder::Dialect;
use storacle_client::passthrough;
use storacle_client::query::QuerySpec;
use storacle_client::{SqlQuery, StoracleClient};

use super::{as_param_problems, param};
use crate::output::rows_out;
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "storacle.query";

pub(crate) fn spec() -> OpSpec {
    let text = || ParamKind::Str;
    let texts = || ParamKind::List(Box::new(ParamKind::Str));
    OpSpec {
        name: NAME.into(),
        backend: Backend::DataPlane,
        effect: Effect::Reading,
        summary: "rows of one table, or of a read-only SQL statement",
        params: vec![
            Param::optional("dataset", text(), "the logical dataset").literal(),
            Param::optional("table", text(), "the table").literal(),
            Param::optional("columns", texts(), "what to select; all columns when left out").literal(),
            Param::optional(
                "filters",
                ParamKind::Either(vec![ParamKind::Map, ParamKind::List(Box::new(ParamKind::Map))]),
                "{column: value}, or a list of {column, op, value}; all must hold",
            ),
            Param::optional("order_by", text(), "column [ASC|DESC], …").literal(),
            Param::optional("limit", ParamKind::Int { min: 1 }, "at most so many rows"),
            Param::optional("incremental", ParamKind::Map, "only rows that a target table does not have yet")
                .literal(),
            Param::optional("parse_json_columns", texts(), "text columns whose JSON is parsed").literal(),
            Param::optional(
                "sql",
                ParamKind::Either(vec![text(), ParamKind::Map]),
                "one read-only statement with @name parameters, or one per dialect: {sqlite: …, bigquery: …}",
            )
            .literal(),
            Param::optional("params", ParamKind::Map, "a value for each @name of the sql"),
        ],
        output: Output::Fields(vec![OutputField::open("items").or("rows"), OutputField::scalar("count")]),
        check: Some(check),
    }
}

fn check(params: &Value, late: &[String]) -> Vec<ParamProblem> {
    let given = |name: &str| params.get(name).filter(|value| !value.is_null());
    let Some(sql) = given("sql") else {
        if given("params").is_some() || late.iter().any(|at| at == "/params") {
            return vec![ParamProblem::new("/params", "'params' belongs to 'sql'; a DSL query has filters")];
        }
        return QuerySpec::parse(&dsl(params), late).err().map(as_param_problems).unwrap_or_default();
    };
    let mut problems: Vec<ParamProblem> = params
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| !value.is_null() && !matches!(name.as_str(), "sql" | "params"))
        .map(|(name, _)| {
            ParamProblem::new(
                format!("/{name}"),
                format!("'{name}' belongs to the DSL and cannot stand beside 'sql'"),
            )
        })
        .collect();
    let texts: Vec<(String, &Value, Dialect)> = match sql {
        Value::Object(dialects) => {
            if !dialects.contains_key("sqlite") {
                problems.push(ParamProblem::new("/sql", "'sql' has no text for sqlite, the embedded store"));
            }
            dialects
                .iter()
                .filter_map(|(name, text)| {
                    let dialect = match name.as_str() {
                        "sqlite" => Dialect::Sqlite,
                        "bigquery" => Dialect::BigQuery,
                        "postgres" => Dialect::Postgres,
                        _ => {
                            let at = lorchestra_json::pointer::join("/sql", name);
                            problems.push(
                                ParamProblem::new(at, format!("unknown dialect '{name}'"))
                                    .help("allowed: sqlite, bigquery, postgres"),
                            );
                            return None;
                        }
                    };
                    Some((format!("/sql/{name}"), text, dialect))
                })
                .collect()
        }
        text => vec![("/sql".to_owned(), text, Dialect::Sqlite)],
    };
    let given: Vec<String> = params
        .get("params")
        .and_then(Value::as_object)
        .map(|members| members.keys().cloned().collect())
        .unwrap_or_default();
    for (at, text, dialect) in texts {
        let Some(text) = text.as_str() else {
            problems.push(ParamProblem::new(at, "the SQL must be a text"));
            continue;
        };
        // whole params that come late are judged when they came
        let params_known = !late.iter().any(|pointer| pointer == "/params");
        let judged = passthrough::judge(text, dialect).and_then(|judged| {
            if params_known { passthrough::check_parameters(&judged, &given) } else { Ok(()) }
        });
        if let Err(error) = judged {
            problems.push(ParamProblem::new(at, error.to_string()));
        }
    }
    problems
}

pub(crate) async fn execute(
    client: &dyn StoracleClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &[]).await?;
    let meta = meta::storacle(cx, manifest);
    let rows = match sql_of(&params) {
        Some(sql) => {
            let values: BTreeMap<String, Value> = param(&params, "params")?.unwrap_or_default();
            client.query_sql(&meta, &SqlQuery { sql, params: values }).await
        }
        None => {
            let spec = QuerySpec::parse(&dsl(&params), &[]).map_err(|problems| {
                let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
                errors::params(texts.join("; "))
            })?;
            client.query(&meta, &spec).await
        }
    };
    let rows = rows.map_err(errors::storacle)?.map_err(errors::storacle);
    let rows = rows_out(cx, rows.boxed()).await?;
    let count = rows.count;
    let mut output = StepOutput::from(json!({"items": null, "count": count}));
    rows.into_member(&mut output, "items");
    Ok(Completion::Output(StepSuccess { output, rows: RowCounts { read: count, written: 0 } }))
}

/// The params of the DSL alone: `sql` and `params` that resolved to null count as left out.
fn dsl(params: &Value) -> Value {
    let mut dsl = params.clone();
    if let Some(members) = dsl.as_object_mut() {
        members.remove("sql");
        members.remove("params");
    }
    dsl
}

fn sql_of(params: &Value) -> Option<String> {
    match params.get("sql")? {
        Value::String(text) => Some(text.clone()),
        Value::Object(dialects) => dialects.get("sqlite").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}
