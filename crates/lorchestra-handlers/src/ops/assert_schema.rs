//! `assert.schema`: which columns a table has.

use lorchestra_core::handler::{Completion, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::Value;
use storacle_client::{AssertSchemaSpec, SchemaAssertion, StoracleClient};

use super::assertion::{judged, severity};
use super::{check_table, param, required};
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "assert.schema";
const TYPES: &[&str] = &["STRING", "INT64", "FLOAT64", "BOOL", "TIMESTAMP", "DATE", "JSON"];

pub(crate) fn spec() -> OpSpec {
    let column = ParamKind::Object(vec![
        Param::required("name", ParamKind::Str, "the column's name"),
        Param::required("type", ParamKind::OneOf(TYPES), "its type"),
        Param::optional("nullable", ParamKind::Bool, "whether it takes NULL; not judged when left out"),
    ]);
    OpSpec {
        name: NAME.into(),
        backend: Backend::DataPlane,
        effect: Effect::Reading,
        summary: "fail unless the table has these columns",
        params: vec![
            Param::required("table", ParamKind::Str, "dataset.table").literal(),
            Param::required("expected_columns", ParamKind::List(Box::new(column)), "the columns").literal(),
            Param::optional(
                "allow_extra",
                ParamKind::Bool,
                "whether there may be others; false when left out",
            )
            .literal(),
            severity(),
        ],
        output: Output::Fields(vec![
            OutputField::scalar("passed"),
            OutputField::open("missing"),
            OutputField::open("extra"),
            OutputField::open("mismatched"),
        ]),
        check: Some(check),
    }
}

fn check(params: &Value, _late: &[String]) -> Vec<ParamProblem> {
    let mut problems = Vec::new();
    check_table(params, "table", &mut problems);
    problems
}

pub(crate) async fn execute(
    client: &dyn StoracleClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &[]).await?;
    let spec = AssertSchemaSpec {
        table: required(&params, "table")?,
        expected_columns: required(&params, "expected_columns")?,
        allow_extra: param(&params, "allow_extra")?.unwrap_or(false),
    };
    let found = client.assert_schema(&meta::storacle(cx, manifest), &spec).await.map_err(errors::storacle)?;
    judged(&params, found.passed, &found, format!("{}: {}", spec.table, words(&found)))
}

fn words(found: &SchemaAssertion) -> String {
    let mut parts = Vec::new();
    if !found.missing.is_empty() {
        parts.push(format!("missing {}", found.missing.join(", ")));
    }
    if !found.extra.is_empty() {
        parts.push(format!("unexpected {}", found.extra.join(", ")));
    }
    parts.extend(
        found
            .mismatched
            .iter()
            .map(|column| format!("{} is {}, not {}", column.name, column.actual, column.expected)),
    );
    parts.join("; ")
}
