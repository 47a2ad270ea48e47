//! How a try ends well: with an output, or by asking the engine for a child run or a wait. Handlers never know the
//! engine; a step that waits holds no slot and no worker.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::artifact::StepOutput;
use crate::clock::Timestamp;

/// What a handler answers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Completion {
    /// The step is done.
    Output(StepSuccess),
    /// The step is done when this child run is.
    Child(ChildRequest),
    /// The step is done when this happens.
    Wait(WaitRequest),
}

/// An output, and the rows that were moved to get it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepSuccess {
    /// The output.
    pub output: StepOutput,
    /// Rows read and written.
    pub rows: RowCounts,
}

/// What query ops returned and what write ops reported. Transforms count nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that came out of a table.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u64,
    /// Rows that a table took.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<Value> for Completion {
    fn from(value: Value) -> Self {
        Self::Output(StepSuccess { output: value.into(), rows: RowCounts::default() })
    }
}

/// A run to start and wait for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildRequest {
    /// Its job.
    pub job_id: String,
    /// Its payload.
    pub payload: Map<String, Value>,
    /// Its context.
    pub ctx: Map<String, Value>,
}

/// Something to wait for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitRequest {
    /// A point in time.
    Until(Timestamp),
    /// A signal of this name, at the latest until then.
    Signal {
        /// Its name.
        name: String,
        /// When the wait fails.
        until: Option<Timestamp>,
    },
}
