//! `assert.rows`: how many rows there are.

use lorchestra_core::handler::{Completion, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::Value;
use storacle_client::query::parse_filters;
use storacle_client::{AssertRowsSpec, StoracleClient};

use super::assertion::{judged, severity};
use super::{as_param_problems, check_table, param, required};
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "assert.rows";
const COUNTS: [&str; 3] = ["expected_count", "min_count", "max_count"];

pub(crate) fn spec() -> OpSpec {
    let count = || ParamKind::Int { min: 0 };
    OpSpec {
        name: NAME.into(),
        backend: Backend::DataPlane,
        effect: Effect::Reading,
        summary: "fail unless the table has so many rows",
        params: vec![
            Param::required("table", ParamKind::Str, "dataset.table").literal(),
            Param::optional(
                "filters",
                ParamKind::Either(vec![ParamKind::Map, ParamKind::List(Box::new(ParamKind::Map))]),
                "which rows",
            ),
            Param::optional("expected_count", count(), "exactly so many"),
            Param::optional("min_count", count(), "at least so many"),
            Param::optional("max_count", count(), "at most so many"),
            severity(),
        ],
        output: Output::Fields(["passed", "actual_count", "message"].map(OutputField::scalar).to_vec()),
        check: Some(check),
    }
}

fn check(params: &Value, late: &[String]) -> Vec<ParamProblem> {
    let mut problems = Vec::new();
    check_table(params, "table", &mut problems);
    if let Some(filters) = params.get("filters").filter(|_| !late.iter().any(|at| at == "/filters")) {
        problems.extend(
            parse_filters(filters, "/filters", late).err().map(as_param_problems).unwrap_or_default(),
        );
    }
    // an optional param that is null counts as left out, unless it only comes late
    let given = |name: &str| {
        params.get(name).is_some_and(|value| !value.is_null())
            || late.iter().any(|at| at.strip_prefix('/') == Some(name))
    };
    if !COUNTS.into_iter().any(given) {
        problems.push(
            ParamProblem::new("", "assert.rows says no count")
                .help("give expected_count, or min_count and/or max_count"),
        );
    }
    if given("expected_count") && (given("min_count") || given("max_count")) {
        problems.push(ParamProblem::new(
            "/expected_count",
            "expected_count cannot stand beside min_count and max_count",
        ));
    }
    if let (Some(min), Some(max)) =
        (params.get("min_count").and_then(Value::as_u64), params.get("max_count").and_then(Value::as_u64))
        && min > max
    {
        problems.push(ParamProblem::new(
            "/min_count",
            format!("min_count {min} is more than max_count {max}: no table can pass"),
        ));
    }
    problems
}

pub(crate) async fn execute(
    client: &dyn StoracleClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &[]).await?;
    let spec = AssertRowsSpec {
        table: required(&params, "table")?,
        filters: param(&params, "filters")?.unwrap_or_default(),
        expected_count: param(&params, "expected_count")?,
        min_count: param(&params, "min_count")?,
        max_count: param(&params, "max_count")?,
    };
    let found = client.assert_rows(&meta::storacle(cx, manifest), &spec).await.map_err(errors::storacle)?;
    judged(&params, found.passed, &found, found.message.clone())
}
