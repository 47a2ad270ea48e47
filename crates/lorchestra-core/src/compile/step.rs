//! One step put together from its parts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diagnostic::{Spanned, codes};
use crate::instance::{Idempotency, IdempotencyScope, StepInstance};
use crate::job_def::StepDef;
use crate::op::{OpSpec, ParamProblem};
use crate::reference::Namespace;
use crate::scope::{ResolveError, Resolved};
use crate::template::Template;

use super::params::BoundParams;
use super::pass::{Pass, Text};
use super::references::Site;

/// The param that every op takes when a step's idempotency scope is `explicit`.
const IDEMPOTENCY_KEY: &str = "idempotency_key";

impl Pass<'_> {
    /// The step at `position`; `None`, reported, when its op is not there.
    pub(super) fn step(&mut self, position: usize) -> Option<StepInstance> {
        let step = &self.job.steps[position];
        let spec = self.op(step);
        let turned_off = step.if_.as_ref().filter(|condition| self.judge_if(condition) == Some(false));
        let when = step.when.as_ref().map(|condition| self.when(condition, position));
        let idempotency = self.idempotency(step, position);
        // what a step does that never runs is not looked at: its params may name what is not there
        let bound = if turned_off.is_some() { BoundParams::default() } else { self.bind(position, spec) };
        let spec = spec?;
        let mut resources = BTreeMap::new();
        if turned_off.is_none() {
            let op_params = self.without_idempotency_key(step, spec, &bound);
            self.check_params(step, spec, &op_params, &bound.open);
            resources = self.resources(step, &spec.params, &Value::Object(op_params));
        }
        let needs = self.graph.needs(position).iter();
        Some(StepInstance {
            step_id: step.step_id.value.clone(),
            op: step.op.value.clone(),
            backend: spec.backend,
            effect: spec.effect,
            params: Value::Object(bound.value),
            late: bound.late,
            secrets: bound.secrets,
            needs: needs.map(|needed| self.job.steps[*needed].step_id.value.clone()).collect(),
            when,
            compiled_skip: turned_off.map(|condition| format!("if is false: {}", condition.value)),
            retry: step.retry,
            timeout_s: step.timeout_s,
            continue_on_error: step.continue_on_error,
            idempotency,
            phase_id: step.phase_id.clone(),
            resources,
        })
    }

    /// The params that the op itself gets to check. The explicit idempotency key is not one of them.
    fn without_idempotency_key(
        &mut self,
        step: &StepDef,
        spec: &OpSpec,
        bound: &BoundParams,
    ) -> Map<String, Value> {
        let mut params = bound.value.clone();
        if step.idempotency.scope != IdempotencyScope::Explicit {
            return params;
        }
        let at = format!("/{IDEMPOTENCY_KEY}");
        let key = params.remove(IDEMPOTENCY_KEY);
        let usable = match &key {
            Some(Value::String(key)) => !key.is_empty(),
            Some(Value::Number(_)) => true,
            _ => false,
        };
        if !usable && !bound.open.contains(&at) {
            let got = key.map_or_else(|| "nothing".to_owned(), |key| key.to_string());
            let problem = ParamProblem::new(at, format!("must be a text or a number, got {got}"))
                .help("it makes the idempotency key of the step, so it must be there");
            self.report_param(step, spec, problem);
        }
        params
    }

    fn idempotency(&mut self, step: &StepDef, position: usize) -> Idempotency {
        let written = &step.idempotency;
        Idempotency {
            scope: written.scope,
            semantic_key_ref: written
                .semantic_key_ref
                .as_ref()
                .map(|reference| self.semantic_key(reference, position)),
            include_payload_hash: written.include_payload_hash,
        }
    }

    /// The reference of a semantic key as the run will read it.
    fn semantic_key(&mut self, reference: &Spanned<String>, position: usize) -> String {
        let text = Text::of(reference);
        let Some(template) = self.template(text) else { return reference.value.clone() };
        let Template::Whole(whole) = &template else {
            let error = self
                .error(codes::INVALID_VALUE, "'semantic_key_ref' must be one reference", text.span)
                .help("such as '@payload.order_id'");
            self.report(error);
            return reference.value.clone();
        };
        let known = whole.ns != Namespace::Run && self.values.root(whole.ns).is_some();
        if self.check_template(&template, text, Site::Dispatch(position)) && known {
            let wrong = match template.resolve(&self.values) {
                Ok(Resolved::Value(Value::Null)) => {
                    Some(format!("{whole} is null: the step has no idempotency key"))
                }
                Ok(_) => None,
                Err(ResolveError::Missing { .. }) => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(message) = wrong {
                let error = self.error(codes::INVALID_VALUE, message, text.span);
                self.report(error);
            }
        }
        self.late_text(template, text)
    }
}
