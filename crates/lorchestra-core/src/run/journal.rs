//! The journal: what happened in a run, append-only, gap-free, versioned (engine.md §1).
//!
//! An entry is stored as one JSON object that begins with `type` and `v`. Each type and version has its own struct
//! and stays readable for ever; an entry this code does not know is an error, never a guess. Nothing here decides.

use lorchestra_json::Sha256;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::artifact::StepOutput;
use crate::clock::Timestamp;
use crate::handler::{RowCounts, RunMode, StepError};
use crate::manifest::StepManifest;

/// The rules of retry, skip and order that this version folds new runs by; pinned in `run_created`.
pub const RULES: u32 = 1;

/// One fact about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// From 1, without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What a run is run with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Envelope {
    /// The job.
    pub job_id: String,
    /// Its version.
    pub version: String,
    /// The context.
    pub ctx: Map<String, Value>,
    /// The payload, defaults filled in.
    pub payload: Map<String, Value>,
    /// The extras of the job.
    #[serde(rename = "self")]
    pub self_: Map<String, Value>,
    /// The profile's name.
    pub profile: String,
    /// What the submitter called it by.
    #[serde(default)]
    pub labels: Map<String, Value>,
    /// Who asked: `cli`, `api`, `schedule`, `parent`.
    pub trigger: String,
    /// W3C trace context of the submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Why an attempt began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptReason {
    /// The run starts.
    Started,
    /// The worker that had it is gone.
    Reclaimed,
    /// It was paused or waiting.
    Resumed,
    /// Somebody asked for another attempt at an ended run.
    Retried,
}

/// Why a step waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// For a signal.
    Signal,
    /// For a time.
    Timer,
    /// For a child run.
    Child,
    /// For somebody who knows whether its effect happened.
    Ambiguous,
}

macro_rules! events {
    ($( $(#[$doc:meta])* $variant:ident = ($name:literal, $version:literal) { $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)? } )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub struct $variant { $( $(#[$field_doc])* pub $field: $type, )* }

            impl From<$variant> for Event {
                fn from(body: $variant) -> Self { Self::$variant(Box::new(body)) }
            }
        )*

        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Event { $( $(#[$doc])* $variant(Box<$variant>), )* }

        impl Event {
            /// Every type this version writes, with its version.
            pub const TYPES: &'static [(&'static str, u16)] = &[ $( ($name, $version), )* ];

            /// The name of its type: `step_succeeded`.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $( Self::$variant(_) => $name, )* }
            }

            /// The stored form: one JSON object on one line, `type` and `v` first.
            #[must_use]
            pub fn encode(&self) -> String {
                match self { $( Self::$variant(body) => encode($name, $version, &**body), )* }
            }

            fn decode_body(name: &str, version: u16, stored: &[u8]) -> Result<Self, DecodeError> {
                match (name, version) {
                    $( ($name, $version) => serde_json::from_slice::<$variant>(stored)
                        .map(Self::from)
                        .map_err(|source| DecodeError::Malformed { name: $name, source }), )*
                    _ => Err(DecodeError::Unknown { name: name.to_owned(), version }),
                }
            }
        }
    };
}

events! {
    /// The run exists.
    RunCreated = ("run_created", 1) {
        /// What it was compiled to.
        instance_sha256: Sha256,
        /// What it is run with.
        envelope: Envelope,
        /// What it may do.
        mode: RunMode,
        /// Seed of the jitter of its retries.
        jitter_seed: u64,
        /// The rules it is folded by, for ever.
        rules: u32,
    }
    /// An attempt began.
    AttemptStarted = ("attempt_started", 1) {
        /// From 1.
        n: u32,
        /// Why.
        why: AttemptReason,
    }
    /// A worker took the run.
    RunClaimed = ("run_claimed", 1) {
        /// Who.
        worker: String,
        /// The fencing number of the claim.
        epoch: u64,
    }
    /// A try begins. Its number was counted here, before the call.
    StepDispatched = ("step_dispatched", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// From 1; interrupted tries count here, not against `max_attempts`.
        r#try: u32,
        /// What is dispatched: whole the first time, by digest when it is sent again.
        manifest: Dispatched,
    }
    /// A try ended because its process did.
    StepInterrupted = ("step_interrupted", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// Why.
        why: String,
    }
    /// A step waits, without a slot.
    StepWaiting = ("step_waiting", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// For what.
        reason: WaitReason,
        /// The name of the signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
        /// Until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    }
    /// A step is done.
    StepSucceeded = ("step_succeeded", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// What it gave.
        output: StepOutput,
        /// Rows moved.
        #[serde(default)]
        rows: RowCounts,
    }
    /// A try failed; for good when there is no `retry_at`.
    StepFailed = ("step_failed", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// Why.
        error: StepError,
        /// When the next try begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    }
    /// A step will not run.
    StepSkipped = ("step_skipped", 1) {
        /// The step.
        step: String,
        /// Why.
        why: String,
    }
    /// A step was stopped.
    StepCancelled = ("step_cancelled", 1) {
        /// The step.
        step: String,
        /// Position in its loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// Why.
        why: String,
    }
    /// Nothing new is dispatched from here on.
    RunPaused = ("run_paused", 1) {}
    /// Dispatching goes on.
    RunUnpaused = ("run_unpaused", 1) {}
    /// Somebody, or the run's time limit, asked for the end.
    CancelRequested = ("cancel_requested", 1) {
        /// Who and why.
        why: String,
        /// Whether the run's own time limit asked.
        #[serde(default)]
        timed_out: bool,
    }
    /// Somebody asked for another attempt at an ended run.
    RetryRequested = ("retry_requested", 1) {
        /// The steps that begin afresh.
        steps: Vec<String>,
    }
    /// The run ended.
    RunFinished = ("run_finished", 1) {
        /// How.
        status: crate::run::record::RunStatus,
        /// Its result.
        result: StepOutput,
    }
}

/// The manifest of a dispatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispatched {
    /// The whole, the first time.
    Whole(Box<StepManifest>),
    /// The digest of the one that this step was given before.
    Same(Sha256),
}

/// A stored entry that cannot be read. The run it belongs to is set apart; others go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not an object with `type` and `v`.
    #[error("journal entry has no type and version")]
    NoType(#[source] serde_json::Error),
    /// A type or version of a newer program.
    #[error(
        "journal entry '{name}' v{version} is not known to this version of lorchestra; a newer one wrote it"
    )]
    Unknown {
        /// Its type.
        name: String,
        /// Its version.
        version: u16,
    },
    /// The body does not fit its type.
    #[error("journal entry '{name}' is damaged")]
    Malformed {
        /// Its type.
        name: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
}

fn encode<T: Serialize>(name: &str, version: u16, body: &T) -> String {
    // bodies are plain structs with text keys: they always serialise
    let body = serde_json::to_string(body).unwrap_or_else(|_| "{}".into());
    let rest = &body[1..];
    let comma = if rest == "}" { "" } else { "," };
    format!("{{\"type\":\"{name}\",\"v\":{version}{comma}{rest}")
}

impl Event {
    /// Reads the stored form of any version that was ever written.
    ///
    /// # Errors
    /// When the bytes are damaged or of a newer program.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            r#type: std::borrow::Cow<'a, str>,
            v: u16,
        }
        let head: Head<'_> = serde_json::from_slice(stored).map_err(DecodeError::NoType)?;
        Self::decode_body(&head.r#type, head.v, stored)
    }
}
