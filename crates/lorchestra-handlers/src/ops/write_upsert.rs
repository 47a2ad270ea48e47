//! `write.upsert`: inserts rows, or updates them where their key exists; all of them or none.

use futures_util::{StreamExt, TryStreamExt};
use lorchestra_core::artifact::StepOutput;
use lorchestra_core::handler::{Completion, RowCounts, RunMode, StepContext, StepError, StepSuccess};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::{Value, json};
use storacle_client::query::is_identifier;
use storacle_client::{CallMeta, StopFlag, StoracleClient, StoracleError, UpsertCounts, UpsertSpec};

use super::{check_columns, check_table, param, required};
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "write.upsert";
const DEFAULT_KEY: &str = "idem_key";

pub(crate) fn spec() -> OpSpec {
    OpSpec {
        name: NAME.into(),
        backend: Backend::DataPlane,
        effect: Effect::Transactional,
        summary: "insert rows, or update them where their key exists",
        params: vec![
            Param::required("table", ParamKind::Str, "dataset.table").literal(),
            Param::required("objects", ParamKind::Rows, "the rows"),
            Param::optional(
                "idem_key_field",
                ParamKind::Str,
                "the column that identifies a row; idem_key when left out",
            )
            .literal(),
            Param::optional(
                "skip_update_columns",
                ParamKind::List(Box::new(ParamKind::Str)),
                "columns that an existing row keeps",
            )
            .literal(),
            Param::optional(
                "on_duplicate",
                ParamKind::OneOf(&["error", "last"]),
                "when a key occurs twice among the rows: an error, or the last one wins",
            )
            .literal(),
            Param::not_built("create"),
        ],
        output: Output::Fields(
            ["inserted", "updated", "unchanged", "total", "repeated", "dry_run", "would_write"]
                .map(OutputField::scalar)
                .to_vec(),
        ),
        check: Some(check),
    }
}

fn check(params: &Value, _late: &[String]) -> Vec<ParamProblem> {
    let mut problems = Vec::new();
    check_table(params, "table", &mut problems);
    check_columns(params, "skip_update_columns", &mut problems);
    if let Some(key) = params.get("idem_key_field").and_then(Value::as_str).filter(|key| !is_identifier(key))
    {
        problems.push(ParamProblem::new("/idem_key_field", format!("'{key}' is no name of a column")));
    }
    problems
}

pub(crate) async fn execute(
    client: &dyn StoracleClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &["/objects"]).await?;
    let mut rows = input::rows(cx, manifest, "/objects").await?;
    if cx.mode != RunMode::Normal {
        let mut count = 0;
        while let Some(batch) = rows.try_next().await? {
            count += batch.len();
        }
        return Ok(json!({"dry_run": true, "would_write": count, "inserted": 0, "updated": 0, "unchanged": 0, "total": count}).into());
    }
    let spec = UpsertSpec {
        table: required(&params, "table")?,
        idem_key_field: param(&params, "idem_key_field")?.unwrap_or_else(|| DEFAULT_KEY.to_owned()),
        skip_update_columns: param(&params, "skip_update_columns")?.unwrap_or_default(),
        last_duplicate_wins: param::<String>(&params, "on_duplicate")?.as_deref() == Some("last"),
    };
    let meta = meta::storacle(cx, manifest);
    let rows = rows.map_err(|error| StoracleError::Input(Box::new(error))).boxed();
    match client.upsert(&meta, &spec, rows).await {
        Ok(counts) => Ok(success(counts)),
        Err(error) if matches!(error, StoracleError::Cancelled) || error.is_retryable() => {
            settle(client, meta, error).await
        }
        Err(error) => Err(errors::storacle(error)),
    }
}

/// A write that broke off in the middle is unknown: whether it was before or after the commit, the ledger knows. The
/// question itself is not stopped by what stopped the write; the engine's grace bounds it.
async fn settle(
    client: &dyn StoracleClient,
    meta: CallMeta,
    error: StoracleError,
) -> Result<Completion, StepError> {
    let meta = CallMeta { deadline_us: None, stop: StopFlag::default(), ..meta };
    match client.recorded_upsert(&meta).await {
        Ok(Some(counts)) => Ok(success(counts)),
        Ok(None) | Err(_) => Err(errors::storacle(error)),
    }
}

fn success(counts: UpsertCounts) -> Completion {
    // counts are plain numbers: they always serialise
    let value = serde_json::to_value(counts).unwrap_or_default();
    let rows = RowCounts { read: 0, written: counts.inserted + counts.updated };
    Completion::Output(StepSuccess { output: StepOutput::from(value), rows })
}
