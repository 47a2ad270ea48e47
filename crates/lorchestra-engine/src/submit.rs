//! From a compiled job to a run that exists.

use lorchestra_core::handler::RunMode;
use lorchestra_core::instance::JobInstance;
use lorchestra_core::run::journal::{Envelope, JournalEntry, RULES, RunCreated};
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{Created, NewRun};
use lorchestra_json::canonical;
use serde_json::{Map, Value};

use crate::{Engine, EngineError};

/// A job to run.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The compiled job. Its resources are stored as artifacts already.
    pub instance: JobInstance,
    /// What the run may do.
    pub mode: RunMode,
    /// The profile's name.
    pub profile: String,
    /// What it can be found by.
    pub labels: Map<String, Value>,
    /// Who asks: `cli`, `api`, …
    pub trigger: String,
    /// Submitting the same again under this key gives the run that exists.
    pub idempotency_key: Option<String>,
}

/// A run that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub run_id: String,
    /// Whether it existed before.
    pub existing: bool,
}

impl Engine {
    /// Makes a run exist: once this returns, it survives a power cut and will end or be visibly parked.
    ///
    /// # Errors
    /// When the store fails, or the idempotency key stands for another request.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, EngineError> {
        let Submission { instance, mode, profile, labels, trigger, idempotency_key } = submission;
        let now = self.parts.clock.now();
        let run_id = self.parts.ids.run_id(now);
        let envelope = Envelope {
            job_id: instance.job_id.clone(),
            version: instance.job_version.clone(),
            ctx: instance.ctx.clone(),
            payload: instance.payload.clone(),
            self_: instance.self_.clone(),
            profile,
            labels,
            trigger,
            traceparent: None,
        };
        let request = serde_json::json!({
            "job_id": envelope.job_id, "version": envelope.version, "ctx": envelope.ctx, "payload": envelope.payload,
        });
        let created = RunCreated {
            instance_sha256: instance.instance_sha256,
            envelope: envelope.clone(),
            mode,
            jitter_seed: self.parts.ids.seed(),
            rules: RULES,
        };
        let run = NewRun {
            record: RunRecord {
                run_id: run_id.clone(),
                job_def_sha256: instance.job_def_sha256,
                instance_sha256: instance.instance_sha256,
                envelope,
                parent_run_id: None,
                parent_step_id: None,
                mode,
                status: RunStatus::Queued,
                created_at: now,
                started_at: None,
                completed_at: None,
                duration_ms: None,
                rows_read: 0,
                rows_written: 0,
                errors: Vec::new(),
                result: None,
                idempotency_key,
            },
            entries: vec![JournalEntry { seq: 1, at: now, event: created.into() }],
            request_sha256: canonical::digest(&request),
            artifacts: instance.resources.values().copied().collect(),
            instance,
        };
        let submitted = match self.parts.store.create_run(run).await? {
            Created::New => Submitted { run_id, existing: false },
            Created::Existing { run_id } => Submitted { run_id, existing: true },
        };
        self.nudge.notify_waiters();
        Ok(submitted)
    }
}
