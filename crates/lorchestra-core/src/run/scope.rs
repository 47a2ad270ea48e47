//! What refs see of a run: its context, payload and extras, the outputs of its steps, and values read for it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lorchestra_json::Sha256;
use serde_json::{Map, Value};

use super::record::StepStatus;
use super::state::RunState;
use crate::artifact::{Handle, StepOutput};
use crate::reference::{Namespace, Reference, Segment};
use crate::scope::{Found, Scope, find_in_output, find_in_value, walk};

/// Values that were read out of artifacts because a ref goes into them. Never journaled: they can be read again.
pub(super) type Reads = BTreeMap<(Sha256, Vec<Segment>), Result<Value, String>>;

/// A run as its refs see it.
pub(super) struct RunScope<'a> {
    pub(super) state: &'a RunState,
    pub(super) reads: &'a Reads,
    /// The envelope as JSON; refs reach it as `run.envelope`.
    pub(super) envelope: &'a Value,
}

impl Scope for RunScope<'_> {
    fn lookup(&self, reference: &Reference) -> Found<'_> {
        let instance = &self.state.instance;
        match reference.ns {
            Namespace::Ctx => in_map(&instance.ctx, reference),
            Namespace::Payload => in_map(&instance.payload, reference),
            Namespace::Self_ => in_map(&instance.self_, reference),
            Namespace::Run => self.in_run(reference),
            // loops give these and no job with one compiles yet; secrets are never values
            Namespace::Item | Namespace::Index | Namespace::Secret => nothing(reference, Vec::new()),
        }
    }

    fn step_status(&self, step_id: &str) -> Option<StepStatus> {
        self.state.step(step_id).map(|(position, _)| self.state.steps[position].status)
    }
}

impl RunScope<'_> {
    fn in_run(&self, reference: &Reference) -> Found<'_> {
        let step_ids = || self.state.instance.steps.iter().map(|step| step.step_id.clone()).collect();
        let Some(step_id) = reference.path.first().and_then(Segment::as_key) else {
            return nothing(reference, step_ids());
        };
        if step_id == "envelope" {
            let below = Reference { ns: reference.ns, path: reference.path[1..].to_vec() };
            return match find_in_value(self.envelope, &below) {
                Found::Missing { keys, .. } => Found::Missing { keys, at: "@run.envelope".into() },
                found => found,
            };
        }
        let Some((position, _)) = self.state.step(step_id) else {
            return nothing(reference, step_ids());
        };
        let step = &self.state.steps[position];
        match &step.output {
            Some(output) => match find_in_output(output, &with_main_name(reference, output), 1) {
                Found::Artifact(handle) => self.read(handle, &[]).unwrap_or(Found::Artifact(handle)),
                Found::Inside { handle, path } => {
                    self.read(handle, &path).unwrap_or(Found::Inside { handle, path })
                }
                found => found,
            },
            None => Found::Missing {
                keys: Vec::new(),
                at: format!("step '{step_id}', which is {},", step.status),
            },
        }
    }

    /// What was read at `path` of the artifact, if it was.
    fn read(&self, handle: &Handle, path: &[Segment]) -> Option<Found<'_>> {
        Some(match self.reads.get(&(handle.sha256, path.to_vec()))? {
            Ok(value) => Found::Value(Cow::Borrowed(value)),
            Err(why) => {
                Found::Missing { keys: handle.fields.clone().unwrap_or_default(), at: format!("({why}) it") }
            }
        })
    }
}

/// `rows` is another name of the `items` of a query's output.
fn with_main_name(reference: &Reference, output: &StepOutput) -> Reference {
    let mut reference = reference.clone();
    if let Some(Segment::Key(field)) = reference.path.get_mut(1)
        && field == "rows"
        && output.value.get("rows").is_none()
        && output.value.get("items").is_some()
    {
        *field = "items".into();
    }
    reference
}

fn in_map<'a>(members: &'a Map<String, Value>, reference: &Reference) -> Found<'a> {
    let Some((first, rest)) = reference.path.split_first() else {
        return Found::Value(Cow::Owned(Value::Object(members.clone())));
    };
    match first.as_key().and_then(|key| members.get(key)) {
        None => nothing(reference, members.keys().cloned().collect()),
        Some(value) => match walk(value, rest) {
            Ok(found) => Found::Value(Cow::Borrowed(found)),
            Err(stopped) => Found::Missing { keys: stopped.keys, at: reference.prefix(stopped.depth + 1) },
        },
    }
}

fn nothing<'a>(reference: &Reference, keys: Vec<String>) -> Found<'a> {
    Found::Missing { keys, at: reference.prefix(0) }
}
