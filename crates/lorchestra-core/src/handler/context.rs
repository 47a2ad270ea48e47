//! What a try knows beside its manifest: who it is, how long it has, and what it may ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Cancel;
use crate::artifact::ArtifactStore;
use crate::clock::{Clock, Timestamp};

/// What a run may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Everything.
    #[default]
    Normal,
    /// Pure and reading ops; a writing op reports what it would have sent.
    DryRun,
    /// Nothing: no-op clients answer.
    Noop,
}

/// A secret that could not be had. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("secret '{name}' is not available: {why}")]
pub struct SecretError {
    /// Its name.
    pub name: String,
    /// Why, and where it was looked for.
    pub why: String,
}

/// Where secrets come from.
pub trait SecretSource: Send + Sync {
    /// The value of secret `name`.
    ///
    /// # Errors
    /// When the source has none of that name.
    fn secret(&self, name: &str) -> Result<String, SecretError>;
}

/// A source that has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, name: &str) -> Result<String, SecretError> {
        Err(SecretError { name: name.to_owned(), why: "no secret source is configured".into() })
    }
}

/// One try of one step.
#[derive(Clone)]
pub struct StepContext {
    /// The run.
    pub run_id: String,
    /// Its job.
    pub job_id: String,
    /// The step.
    pub step_id: String,
    /// Of one element of a loop: its position.
    pub index: Option<u32>,
    /// Follows a piece of work through systems: the run's own id unless its envelope brought another.
    pub correlation_id: String,
    /// 0 on the first try.
    pub retry_count: u32,
    /// Tries in all: the last one has `retry_count` = `max_retries` − 1.
    pub max_retries: u32,
    /// When the run was created: the run's clock, the same on every try and after every crash.
    pub run_started_at: Timestamp,
    /// When this try is over time.
    pub deadline: Timestamp,
    /// What the run may do.
    pub mode: RunMode,
    /// Fires when the try is to stop.
    pub cancel: Cancel,
    /// Reads and stores artifacts.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Resolves secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// The engine's clock.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for StepContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepContext")
            .field("run_id", &self.run_id)
            .field("step_id", &self.step_id)
            .field("index", &self.index)
            .field("retry_count", &self.retry_count)
            .finish_non_exhaustive()
    }
}
