//! Records of a run: folds of its journal, kept as rows so that they can be listed (engine.md §2).

use std::fmt;

use lorchestra_json::Sha256;
use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactRef, StepOutput};
use crate::clock::Timestamp;
use crate::handler::{RunMode, StepError};
use crate::run::journal::{AttemptReason, Envelope};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Created, taken by nobody yet.
    Queued,
    /// A worker has it.
    Running,
    /// Nothing to do until a time, a signal or a person.
    Waiting,
    /// Ended: every step did what it should.
    Success,
    /// Ended: a step failed that was allowed to.
    SuccessWithErrors,
    /// Ended: a step failed.
    Failed,
    /// Ended: it was stopped, or ran out of time.
    Cancelled,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Success,
        Self::SuccessWithErrors,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name as it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Success => "success",
            Self::SuccessWithErrors => "success_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether it is an end: only an explicit retry leaves it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::SuccessWithErrors | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not reached yet.
    Pending,
    /// A try of it is under way.
    Running,
    /// It waits for a retry, a signal or a time.
    Waiting,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Will not run.
    Skipped,
    /// Was stopped.
    Cancelled,
}

impl StepStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// The name as it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is an end.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled)
    }
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One error of a run, for the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The step.
    pub step_id: String,
    /// Position in its loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Which kind.
    #[serde(rename = "type")]
    pub error_type: String,
    /// What, where, why.
    pub message: String,
}

/// A run, as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// UUIDv7.
    pub run_id: String,
    /// The job as written.
    pub job_def_sha256: Sha256,
    /// What it was compiled to.
    pub instance_sha256: Sha256,
    /// What it is run with.
    pub envelope: Envelope,
    /// The run that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<String>,
    /// The step of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_step_id: Option<String>,
    /// What it may do.
    pub mode: RunMode,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Milliseconds from start to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Rows that query ops returned.
    pub rows_read: u64,
    /// Rows that write ops wrote.
    pub rows_written: u64,
    /// The first 100 errors.
    #[serde(default)]
    pub errors: Vec<RunError>,
    /// Its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<StepOutput>,
    /// The key it was submitted under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// One attempt at a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// From 1.
    pub attempt_n: u32,
    /// Why it began.
    pub why: AttemptReason,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The step.
    pub step_id: String,
    /// Position in its loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Its op.
    pub op: String,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_id: Option<String>,
    /// Where it stands.
    pub status: StepStatus,
    /// Why, of a step that was skipped or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When its first try began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// `sha256:` of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub manifest_ref: Option<ArtifactRef>,
    /// `sha256:` of the canonical JSON of its output.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub output_ref: Option<ArtifactRef>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Tries begun.
    pub tries: u32,
    /// Rows read.
    pub rows_read: u64,
    /// Rows written.
    pub rows_written: u64,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::artifact::ArtifactRef;

    pub(super) fn serialize<S: Serializer>(
        value: &Option<ArtifactRef>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(reference) => serializer.collect_str(reference),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ArtifactRef>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}
