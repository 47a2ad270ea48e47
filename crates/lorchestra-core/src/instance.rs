//! A compiled job: everything decided that can be decided before running (jobs.md §3). Immutable, hashed, stored whole.

use std::collections::BTreeMap;

use lorchestra_json::{Sha256, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::op::{Backend, Effect};

/// The format this version writes.
pub const INSTANCE_FORMAT: u32 = 1;

/// A job, compiled with a context and a payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInstance {
    /// `INSTANCE_FORMAT` of the version that compiled it.
    pub format: u32,
    /// The job's id.
    pub job_id: String,
    /// The job's version.
    pub job_version: String,
    /// Digest of the job as written.
    pub job_def_sha256: Sha256,
    /// Digest of this instance, `compiled_at` and this field left out.
    pub instance_sha256: Sha256,
    /// When it was compiled.
    pub compiled_at: Timestamp,
    /// The payload, defaults filled in.
    pub payload: Map<String, Value>,
    /// The context.
    pub ctx: Map<String, Value>,
    /// The extras of the job that refs reach as `@self`.
    #[serde(rename = "self")]
    pub self_: Map<String, Value>,
    /// The digest of every resource its steps name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Sha256>,
    /// How many steps run at the same time at most.
    pub max_parallel: u32,
    /// The run's time limit in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// What a failed step means for the others.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// The ref whose value is the run's result, as written; absent means the last step's output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The steps, in the order written.
    pub steps: Vec<StepInstance>,
}

/// What a failed step means for the steps that do not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing new starts, what runs ends.
    #[default]
    Finish,
    /// What runs is cancelled.
    Cancel,
    /// Independent branches go on.
    Continue,
}

/// One compiled step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepInstance {
    /// Unique in the job.
    pub step_id: String,
    /// The op.
    pub op: String,
    /// Who performs it.
    pub backend: Backend,
    /// What a repeat of it does.
    pub effect: Effect,
    /// Params with `@ctx`, `@payload` and `@self` resolved. What is still to resolve stands as null here and in
    /// `late` by pointer, so a payload that holds the text of a ref stays that text.
    pub params: Value,
    /// What is resolved when the step is dispatched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LateValue>,
    /// Secrets to fill in inside the handler call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<crate::manifest::SecretAt>,
    /// The steps that must have ended before, by id.
    pub needs: Vec<String>,
    /// The run-time condition as written; parsed again by the machine that judges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Why it will not run, decided at compile (`if` was false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled_skip: Option<String>,
    /// Its retries.
    pub retry: RetryPolicy,
    /// Time limit of one try in seconds.
    pub timeout_s: f64,
    /// A failure counts as an end like any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_error: bool,
    /// How its idempotency key is made.
    #[serde(default)]
    pub idempotency: Idempotency,
    /// Label that groups steps in views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_id: Option<String>,
    /// The digest of every resource it names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Sha256>,
}

/// A value that is known only when the step is dispatched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateValue {
    /// JSON pointer into `params`.
    pub at: String,
    /// The text as written: one whole ref (`@run.read.items`) or a text with `${}`; compile-time parts stay refs too,
    /// they resolve from the instance.
    pub text: String,
}

/// How often and how long after a failure a step is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// Tries in all, the first included; at least 1.
    pub max_attempts: u32,
    /// How the pause grows.
    pub backoff: Backoff,
    /// The first pause, in milliseconds.
    pub initial_ms: u64,
    /// The longest pause, in milliseconds.
    pub max_ms: u64,
    /// Whether the pause is drawn between half of it and all of it.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff: Backoff::Exponential,
            initial_ms: 1000,
            max_ms: 30_000,
            jitter: true,
        }
    }
}

/// How the pause between tries grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// Doubles each time.
    #[default]
    Exponential,
    /// Grows by the first pause each time.
    Linear,
    /// Stays the same.
    Fixed,
    /// No pause.
    None,
}

/// How a step's idempotency key is made (engine.md §5).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Idempotency {
    /// What the key is made of.
    pub scope: IdempotencyScope,
    /// Of scope `semantic`: the ref whose value is in the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantic_key_ref: Option<String>,
    /// Whether the digest of the resolved params is in the key too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_payload_hash: bool,
}

/// What an idempotency key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdempotencyScope {
    /// Run, step and index.
    #[default]
    Run,
    /// Job, step and a value of the data.
    Semantic,
    /// The param `idempotency_key`.
    Explicit,
}

impl JobInstance {
    /// The digest of `self` as `instance_sha256` defines it: canonical JSON without `compiled_at` and the digest itself.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        // an instance is plain data with text keys: it always serialises
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(members) = value.as_object_mut() {
            members.remove("compiled_at");
            members.remove("instance_sha256");
        }
        canonical::digest(&value)
    }

    /// The step called `step_id` and its position.
    #[must_use]
    pub fn step(&self, step_id: &str) -> Option<(usize, &StepInstance)> {
        self.steps.iter().enumerate().find(|(_, step)| step.step_id == step_id)
    }
}
