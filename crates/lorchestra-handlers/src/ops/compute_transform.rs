//! `compute.transform`: a jq program over rows, streamed.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use compute_client::{
    ComputeClient, ComputeError, Language, Mode, OnError, TransformItem, TransformRequest, TransformStats,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_core::artifact::{LIST_LIMIT_BYTES, StepOutput};
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::handler::{Completion, RowCounts, StepContext, StepError, StepSuccess};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use lorchestra_json::RowBatch;
use serde_json::{Value, json};

use super::{param, required};
use crate::output::rows_out;
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "compute.transform";
/// Threads of one transform when the step says nothing.
const DEFAULT_PARALLEL: usize = 2;

pub(crate) fn spec() -> OpSpec {
    OpSpec {
        name: NAME.into(),
        backend: Backend::Compute,
        effect: Effect::Pure,
        summary: "a jq program over each row, or over the whole list",
        params: vec![
            Param::required("input", ParamKind::Rows, "the rows"),
            Param::required("transform_ref", ParamKind::Transform, "name@version of a transform").literal(),
            Param::optional(
                "mode",
                ParamKind::OneOf(&["each", "all"]),
                "row by row (each), or the whole list as one input (all)",
            )
            .literal(),
            Param::optional(
                "on_error",
                ParamKind::OneOf(&["fail", "skip", "quarantine"]),
                "a row the program fails on: fails the step, is counted, or is set aside",
            )
            .literal(),
            Param::optional("max_parallel", ParamKind::Int { min: 1 }, "threads").literal(),
        ],
        output: Output::Fields(vec![
            OutputField::open("output"),
            OutputField::open("stats"),
            OutputField::open("quarantined"),
        ]),
        check: Some(check),
    }
}

fn check(params: &Value, _late: &[String]) -> Vec<ParamProblem> {
    let is = |name: &str, value: &str| params.get(name).and_then(Value::as_str) == Some(value);
    if is("mode", "all") && (is("on_error", "skip") || is("on_error", "quarantine")) {
        return vec![ParamProblem::new(
            "/on_error",
            "mode: all has one input, which cannot be skipped or set aside",
        )];
    }
    Vec::new()
}

/// What a transform tells beside its rows.
#[derive(Default)]
struct Beside {
    stats: TransformStats,
    quarantined: Vec<RowBatch>,
    quarantined_bytes: u64,
}

pub(crate) async fn execute(
    client: &dyn ComputeClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &["/input"]).await?;
    let reference: String = required(&params, "transform_ref")?;
    let on_error = param::<OnError>(&params, "on_error")?.unwrap_or_default();
    let request = TransformRequest {
        program: input::resource(cx, manifest, ResourceKind::Transform, &reference).await?,
        reference,
        language: Language::Jq,
        mode: param::<Mode>(&params, "mode")?.unwrap_or_default(),
        on_error,
        max_parallel: param::<NonZeroUsize>(&params, "max_parallel")?
            .or(NonZeroUsize::new(DEFAULT_PARALLEL))
            .unwrap_or(NonZeroUsize::MIN),
    };
    let rows = input::rows(cx, manifest, "/input").await?;
    let rows =
        rows.map_err(|error| ComputeError::Input { retryable: error.retryable, source: Box::new(error) });
    let items = client
        .transform(&meta::compute(cx, manifest), request, rows.boxed(), meta::stop(cx))
        .await
        .map_err(errors::compute)?;
    let beside: Arc<Mutex<Beside>> = Arc::default();
    let aside = Arc::clone(&beside);
    let rows = items.map_err(errors::compute).try_filter_map(move |item| {
        let rows = match item {
            TransformItem::Rows(batch) => Ok(Some(batch)),
            TransformItem::Quarantined(batch) => set_aside(&aside, batch).map(|()| None),
            TransformItem::Done(stats) => {
                aside.lock().unwrap_or_else(PoisonError::into_inner).stats = stats;
                Ok(None)
            }
        };
        std::future::ready(rows)
    });
    let rows = rows_out(cx, rows.boxed()).await?;
    let Beside { stats, quarantined, .. } =
        std::mem::take(&mut *beside.lock().unwrap_or_else(PoisonError::into_inner));
    let mut output = StepOutput::from(json!({"output": null, "stats": stats}));
    rows.into_member(&mut output, "output");
    if on_error == OnError::Quarantine {
        let rows = rows_out(cx, stream::iter(quarantined.into_iter().map(Ok)).boxed()).await?;
        rows.into_member(&mut output, "quarantined");
    }
    Ok(Completion::Output(StepSuccess { output, rows: RowCounts::default() }))
}

/// Rows set aside are kept until the others are stored; so many that they do not fit memory are an error, not a loss.
fn set_aside(beside: &Mutex<Beside>, batch: RowBatch) -> Result<(), StepError> {
    let mut beside = beside.lock().unwrap_or_else(PoisonError::into_inner);
    beside.quarantined_bytes += batch.ndjson().len() as u64;
    if beside.quarantined_bytes > LIST_LIMIT_BYTES {
        return Err(StepError::permanent(
            "quarantine_limit",
            format!(
                "the rows to set aside have more than {LIST_LIMIT_BYTES} bytes: the transform hardly fits its input"
            ),
        ));
    }
    beside.quarantined.push(batch);
    Ok(())
}
