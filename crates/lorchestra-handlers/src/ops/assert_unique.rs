//! `assert.unique`: whether columns identify a row.

use lorchestra_core::handler::{Completion, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::Value;
use storacle_client::{AssertUniqueSpec, StoracleClient};

use super::assertion::{judged, severity};
use super::{check_columns, check_table, required};
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "assert.unique";

pub(crate) fn spec() -> OpSpec {
    OpSpec {
        name: NAME.into(),
        backend: Backend::DataPlane,
        effect: Effect::Reading,
        summary: "fail when a combination of values occurs twice",
        params: vec![
            Param::required("table", ParamKind::Str, "dataset.table").literal(),
            Param::required("columns", ParamKind::List(Box::new(ParamKind::Str)), "the columns").literal(),
            severity(),
        ],
        output: Output::Fields(vec![
            OutputField::scalar("passed"),
            OutputField::scalar("duplicate_count"),
            OutputField::open("samples"),
        ]),
        check: Some(check),
    }
}

fn check(params: &Value, _late: &[String]) -> Vec<ParamProblem> {
    let mut problems = Vec::new();
    check_table(params, "table", &mut problems);
    check_columns(params, "columns", &mut problems);
    if params.get("columns").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        problems.push(ParamProblem::new("/columns", "'columns' is empty: nothing to compare"));
    }
    problems
}

pub(crate) async fn execute(
    client: &dyn StoracleClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &[]).await?;
    let spec =
        AssertUniqueSpec { table: required(&params, "table")?, columns: required(&params, "columns")? };
    let found = client.assert_unique(&meta::storacle(cx, manifest), &spec).await.map_err(errors::storacle)?;
    let sample = found.samples.first().map(|sample| format!(", such as {sample}")).unwrap_or_default();
    let message = format!(
        "{}: {} values of ({}) occur more than once{sample}",
        spec.table,
        found.duplicate_count,
        spec.columns.join(", ")
    );
    judged(&params, found.passed, &found, message)
}
