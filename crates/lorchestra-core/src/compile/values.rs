//! What is known when a job is compiled: its own keys always, context and payload unless it is only validated.

use serde_json::{Map, Value};

use crate::expression::Known;
use crate::job_def::JobDef;
use crate::params::{ParamType, ParamsSchema};
use crate::reference::{Namespace, Reference, Segment};
use crate::run::record::StepStatus;
use crate::scope::{Found, Scope, find_in_value, walk};

/// The values of `@ctx`, `@payload` and `@self`, where they are known.
pub(super) struct Values<'a> {
    ctx: Option<Value>,
    payload: Option<Value>,
    self_: Value,
    schema: Option<&'a ParamsSchema>,
}

impl<'a> Values<'a> {
    pub(super) fn known(job: &'a JobDef, ctx: &Map<String, Value>, payload: &Map<String, Value>) -> Self {
        let object = |members: &Map<String, Value>| Some(Value::Object(members.clone()));
        Self { ctx: object(ctx), payload: object(payload), ..Self::unknown(job) }
    }

    pub(super) fn unknown(job: &'a JobDef) -> Self {
        let self_ = Value::Object(job.extras_json());
        Self { ctx: None, payload: None, self_, schema: job.params.as_ref() }
    }

    /// What all references of `namespace` look into, where it is known.
    pub(super) fn root(&self, namespace: Namespace) -> Option<&Value> {
        match namespace {
            Namespace::Ctx => self.ctx.as_ref(),
            Namespace::Payload => self.payload.as_ref(),
            Namespace::Self_ => Some(&self.self_),
            Namespace::Run | Namespace::Item | Namespace::Index | Namespace::Secret => None,
        }
    }

    /// What is known of the value of `reference`.
    pub(super) fn known_of(&self, reference: &Reference) -> Known {
        if let Some(root) = self.root(reference.ns) {
            return walk(root, &reference.path).map_or(Known::Nothing, |value| Known::Value(value.clone()));
        }
        self.declared(reference).and_then(declared_kind).map_or(Known::Nothing, Known::Kind)
    }

    /// The declared type of the payload parameter that `reference` is.
    fn declared(&self, reference: &Reference) -> Option<ParamType> {
        match (reference.ns, reference.path.as_slice()) {
            (Namespace::Payload, [Segment::Key(name)]) => Some(self.schema?.get(name)?.checks.kind),
            _ => None,
        }
    }
}

fn declared_kind(declared: ParamType) -> Option<&'static str> {
    (declared != ParamType::Any).then_some(declared.name())
}

impl Scope for Values<'_> {
    fn lookup(&self, reference: &Reference) -> Found<'_> {
        match self.root(reference.ns) {
            Some(root) => find_in_value(root, reference),
            None => Found::Missing { keys: Vec::new(), at: reference.prefix(0) },
        }
    }

    fn step_status(&self, _: &str) -> Option<StepStatus> {
        None
    }
}
