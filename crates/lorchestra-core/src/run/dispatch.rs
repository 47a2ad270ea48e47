//! From a compiled step to its manifest: late values resolved, key made, digest set. Pure; what lies inside an
//! artifact is asked for, not read.

use lorchestra_json::{canonical, pointer};
use serde_json::Value;

use super::scope::RunScope;
use crate::artifact::{ArtifactAt, Handle};
use crate::handler::StepError;
use crate::instance::{IdempotencyScope, JobInstance, StepInstance};
use crate::manifest::{MANIFEST_VERSION, StepManifest};
use crate::reference::Segment;
use crate::scope::{ResolveError, Resolved};
use crate::template::Template;

/// What came of preparing a step.
pub(super) enum Prepared<T> {
    /// Done.
    Ready(T),
    /// This value inside an artifact is needed first.
    Read(Handle, Vec<Segment>),
    /// It cannot be done.
    Failed(StepError),
}

/// The manifest of `step`.
pub(super) fn manifest(
    instance: &JobInstance,
    step: &StepInstance,
    run_id: &str,
    scope: &RunScope<'_>,
) -> Prepared<StepManifest> {
    let mut params = step.params.clone();
    let mut artifacts: Vec<ArtifactAt> = Vec::new();
    for late in &step.late {
        match resolve(&late.text, scope) {
            Ok(Resolved::Value(value)) => {
                if !pointer::put(&mut params, &late.at, value) {
                    return Prepared::Failed(damaged(step, &late.at));
                }
            }
            Ok(Resolved::Artifact(handle)) => artifacts.push(ArtifactAt { at: late.at.clone(), handle }),
            Ok(Resolved::Mixed(output)) => {
                if !pointer::put(&mut params, &late.at, output.value) {
                    return Prepared::Failed(damaged(step, &late.at));
                }
                let inside = output.artifacts.into_iter();
                artifacts.extend(
                    inside.map(|below| ArtifactAt { at: format!("{}{}", late.at, below.at), ..below }),
                );
            }
            Err(ResolveError::NeedsRead { handle, path }) => return Prepared::Read(handle, path),
            Err(error) => return Prepared::Failed(unresolved(step, &late.text, &error)),
        }
    }
    let explicit = params.as_object_mut().and_then(|members| members.remove("idempotency_key"));
    let idempotency_key = match key(instance, step, run_id, scope, explicit) {
        Prepared::Ready(mut key) => {
            if step.idempotency.include_payload_hash {
                let digest = canonical::digest(&params).to_string();
                key.push(':');
                key.push_str(&digest[..16]);
            }
            key
        }
        Prepared::Read(handle, path) => return Prepared::Read(handle, path),
        Prepared::Failed(error) => return Prepared::Failed(error),
    };
    let manifest = StepManifest {
        manifest_version: MANIFEST_VERSION.to_owned(),
        run_id: run_id.to_owned(),
        step_id: step.step_id.clone(),
        index: None,
        backend: step.backend,
        op: step.op.clone(),
        resolved_params: params,
        secrets: step.secrets.clone(),
        artifacts,
        resources: step.resources.clone(),
        idempotency_key,
        manifest_sha256: lorchestra_json::Sha256::of(b""),
    };
    Prepared::Ready(manifest.sealed())
}

fn key(
    instance: &JobInstance,
    step: &StepInstance,
    run_id: &str,
    scope: &RunScope<'_>,
    explicit: Option<Value>,
) -> Prepared<String> {
    let text = |what: &str, value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(bool)) => Ok(bool.to_string()),
        other => Err(StepError::permanent(
            "invalid_idempotency_key",
            format!(
                "step '{}': {what} must give a text, a number or a bool, got {}",
                step.step_id,
                other.map_or_else(
                    || "nothing".to_owned(),
                    |value| value.to_string().chars().take(80).collect()
                )
            ),
        )),
    };
    let made = match step.idempotency.scope {
        IdempotencyScope::Run => Ok(format!("{run_id}:{}", step.step_id)),
        IdempotencyScope::Explicit => {
            text("params.idempotency_key", explicit).map(|value| format!("explicit:{value}"))
        }
        IdempotencyScope::Semantic => {
            let reference = step.idempotency.semantic_key_ref.as_deref().unwrap_or_default();
            match resolve(reference, scope) {
                Ok(Resolved::Value(value)) => text(reference, Some(value))
                    .map(|value| format!("semantic:{}:{}:{value}", instance.job_id, step.step_id)),
                Ok(Resolved::Artifact(handle)) => return Prepared::Read(handle, Vec::new()),
                Ok(Resolved::Mixed(output)) => text(reference, Some(output.value)),
                Err(ResolveError::NeedsRead { handle, path }) => return Prepared::Read(handle, path),
                Err(error) => Err(unresolved(step, reference, &error)),
            }
        }
    };
    match made {
        Ok(key) => Prepared::Ready(key),
        Err(error) => Prepared::Failed(error),
    }
}

/// The value of `text`, which compiling has checked.
pub(super) fn resolve(text: &str, scope: &RunScope<'_>) -> Result<Resolved, ResolveError> {
    match Template::parse(text) {
        Ok(template) => template.resolve(scope),
        Err(error) => Err(ResolveError::Type(error.to_string())),
    }
}

fn unresolved(step: &StepInstance, text: &str, error: &ResolveError) -> StepError {
    StepError::permanent("unresolved_reference", format!("step '{}': '{text}': {error}", step.step_id))
}

fn damaged(step: &StepInstance, at: &str) -> StepError {
    StepError::permanent("damaged_instance", format!("step '{}' has no param at '{at}'", step.step_id))
}
