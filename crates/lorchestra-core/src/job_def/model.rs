//! The types of a job definition. They hold what is written, with defaults; what it resolves to is the instance's.

pub use crate::instance::{Backoff, IdempotencyScope, OnFailure, RetryPolicy};

use crate::diagnostic::{Diagnostics, Source, Span, Spanned};
use crate::params::ParamsSchema;
use crate::yaml::{Key, Node};

/// A job definition.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDef {
    /// The text that it was read from; all places of this job are places in it.
    pub source: Source,
    /// Its id; the stem of its file.
    pub job_id: Spanned<String>,
    /// Its version: any text that is not empty.
    pub version: Spanned<String>,
    /// What people are told about it.
    pub description: Option<String>,
    /// What its payload must look like; without it a payload is free.
    pub params: Option<ParamsSchema>,
    /// How many steps run at a time at most.
    pub max_parallel: u32,
    /// The limit of a whole run, in seconds.
    pub timeout_s: Option<f64>,
    /// What a failed step means for the others.
    pub on_failure: OnFailure,
    /// What the run's result is; without it the output of the last step.
    pub output: Option<Node>,
    /// Its steps in the order written; never empty, ids are unique.
    pub steps: Vec<StepDef>,
    /// The other keys of the top level, reachable as `@self.<key>`.
    pub extras: Vec<(Key, Node)>,
    /// What is worth a look, though the job can be used.
    pub warnings: Diagnostics,
    /// The job as written, config file put in.
    pub(super) document: Node,
    pub(super) config_loaded: bool,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDef {
    /// Its id, unique in the job.
    pub step_id: Spanned<String>,
    /// What it does.
    pub op: Spanned<String>,
    /// With what: always a map.
    pub params: Node,
    /// The steps that it needs; without it the step above.
    pub needs: Option<Vec<Spanned<String>>>,
    /// A condition judged when the job is compiled.
    pub if_: Option<Spanned<String>>,
    /// A condition judged when the step could start.
    pub when: Option<Spanned<String>>,
    /// How often it is tried, and how long apart.
    pub retry: RetryPolicy,
    /// The limit of one try, in seconds.
    pub timeout_s: f64,
    /// Whether the run goes on when it fails.
    pub continue_on_error: bool,
    /// What its idempotency key is made of.
    pub idempotency: Idempotency,
    /// A label that groups steps.
    pub phase_id: Option<String>,
    /// The whole step.
    pub span: Span,
}

/// What the idempotency key of a step is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Idempotency {
    /// What the key is unique in.
    pub scope: IdempotencyScope,
    /// The reference whose value makes the key; there exactly with scope `semantic`.
    pub semantic_key_ref: Option<Spanned<String>>,
    /// Whether the payload's hash is part of the key.
    pub include_payload_hash: bool,
}

impl JobDef {
    /// The step `step_id`.
    #[must_use]
    pub fn step(&self, step_id: &str) -> Option<&StepDef> {
        self.steps.iter().find(|step| *step.step_id == step_id)
    }

    /// The value of an extra key.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&Node> {
        self.extras.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    /// What `@self` is: all extra keys.
    #[must_use]
    pub fn extras_json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.extras.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect()
    }
}
