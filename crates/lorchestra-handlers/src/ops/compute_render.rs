//! `compute.render`: a template with a context.

use compute_client::{ComputeClient, RenderRequest};
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::handler::{Completion, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use serde_json::Value;

use super::param;
use crate::{errors, input, meta};

pub(crate) const NAME: &str = "compute.render";

pub(crate) fn spec() -> OpSpec {
    OpSpec {
        name: NAME.into(),
        backend: Backend::Compute,
        effect: Effect::Pure,
        summary: "a text from a template",
        params: vec![
            Param::optional("template_ref", ParamKind::Template, "a template below templates/").literal(),
            Param::optional("template", ParamKind::Str, "the template itself, in place of template_ref")
                .literal(),
            Param::optional("context", ParamKind::Map, "what the template may name"),
            Param::not_built("items"),
        ],
        output: Output::Fields(vec![OutputField::scalar("rendered"), OutputField::scalar("subject")]),
        check: Some(check),
    }
}

fn check(params: &Value, _late: &[String]) -> Vec<ParamProblem> {
    let given = |name: &str| params.get(name).filter(|value| !value.is_null());
    match (given("template_ref"), given("template")) {
        (Some(_), None) | (None, Some(_)) => Vec::new(),
        (Some(_), Some(_)) => {
            vec![ParamProblem::new("/template", "'template' and 'template_ref' cannot both stand there")]
        }
        (None, None) => vec![ParamProblem::new("", "'template_ref' or 'template' is missing")],
    }
}

pub(crate) async fn execute(
    client: &dyn ComputeClient,
    cx: &StepContext,
    manifest: &StepManifest,
) -> Result<Completion, StepError> {
    let params = input::params(cx, manifest, &[]).await?;
    let (name, template) = match param::<String>(&params, "template_ref")? {
        Some(name) => {
            let bytes = input::resource(cx, manifest, ResourceKind::Template, &name).await?;
            let text = String::from_utf8(bytes.to_vec())
                .map_err(|_| errors::params(format!("template '{name}' is not UTF-8 text")))?;
            (name, text)
        }
        None => (format!("{}.txt", cx.step_id), param(&params, "template")?.unwrap_or_default()),
    };
    let context = Value::Object(param(&params, "context")?.unwrap_or_default());
    let request = RenderRequest { template, name, context };
    let rendered = client.render(&meta::compute(cx, manifest), request).await.map_err(errors::compute)?;
    // two texts always serialise
    Ok(serde_json::to_value(rendered).unwrap_or_default().into())
}
