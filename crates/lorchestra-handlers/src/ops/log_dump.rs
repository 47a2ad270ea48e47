//! `log.dump`: counts items. The smallest op: it shows that a value arrived.

use futures_util::TryStreamExt;
use lorchestra_core::artifact::ArtifactKind;
use lorchestra_core::handler::{Completion, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind};
use serde_json::{Value, json};

use crate::{errors, input};

pub(crate) const NAME: &str = "log.dump";

pub(crate) fn spec() -> OpSpec {
    OpSpec {
        name: NAME.into(),
        backend: Backend::Orchestration,
        effect: Effect::Pure,
        summary: "count items",
        params: vec![
            Param::required("items", ParamKind::List(Box::new(ParamKind::Any)), "the items"),
            Param::not_built("file"),
        ],
        output: Output::Fields(vec![OutputField::scalar("items_count")]),
        check: None,
    }
}

pub(crate) async fn execute(cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
    let is_row_set = manifest.artifact("/items").is_some_and(|handle| handle.kind == ArtifactKind::Rows);
    let count = if is_row_set {
        let mut rows = input::rows(cx, manifest, "/items").await?;
        let mut count = 0;
        while let Some(batch) = rows.try_next().await? {
            count += batch.len();
        }
        count
    } else {
        match input::value(cx, manifest, "/items").await? {
            Value::Array(items) => items.len(),
            _ => return Err(errors::params("'items' must be a list")),
        }
    };
    Ok(json!({ "items_count": count }).into())
}
