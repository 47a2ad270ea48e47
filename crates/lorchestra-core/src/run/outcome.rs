//! Records out of the fold: what is listed and shown of a run. Nothing here changes it.

use lorchestra_json::canonical;

use super::machine::RunMachine;
use super::record::{AttemptRecord, RunError, RunRecord, RunStatus, StepOutcome, StepStatus};
use super::state::RunState;
use crate::artifact::{ArtifactRef, StepOutput};
use crate::handler::RunMode;
use crate::manifest::StepManifest;

/// A run's row shows so many errors.
const SHOWN_ERRORS: usize = 100;

impl RunMachine {
    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.state.status()
    }

    /// Whether the run ran out of time.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.state.timed_out
    }

    /// Whether nothing new is dispatched.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.state.paused
    }

    /// What the run may do.
    #[must_use]
    pub fn mode(&self) -> RunMode {
        self.state.mode
    }

    /// When the run was created: its own clock.
    #[must_use]
    pub fn created_at(&self) -> crate::clock::Timestamp {
        self.state.created_at
    }

    /// The job it runs.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.state.instance.job_id
    }

    /// The run's row, given what the fold does not know of it (parents, keys).
    #[must_use]
    pub fn record(&self, known: &RunRecord) -> RunRecord {
        let state = &self.state;
        let started_at = state.started_at();
        RunRecord {
            status: state.status(),
            started_at,
            completed_at: state.completed_at,
            duration_ms: started_at.zip(state.completed_at).map(|(start, end)| end.millis_since(start)),
            rows_read: state.steps.iter().map(|step| step.rows.read).sum(),
            rows_written: state.steps.iter().map(|step| step.rows.written).sum(),
            errors: errors(state),
            result: state.result.clone(),
            ..known.clone()
        }
    }

    /// The attempts, first to last.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.state.attempts
    }

    /// What became of each step, in the order of the job.
    #[must_use]
    pub fn outcomes(&self) -> Vec<StepOutcome> {
        self.state
            .instance
            .steps
            .iter()
            .zip(&self.state.steps)
            .map(|(instance, step)| StepOutcome {
                step_id: instance.step_id.clone(),
                index: None,
                op: instance.op.clone(),
                phase_id: instance.phase_id.clone(),
                status: step.status,
                why: step.why.clone(),
                started_at: step.started_at,
                completed_at: step.completed_at,
                manifest_ref: step.manifest.as_ref().map(|manifest| ArtifactRef(manifest.manifest_sha256)),
                output_ref: step.output.as_ref().map(|output| ArtifactRef(output_digest(output))),
                error: step.error.clone(),
                tries: step.tries,
                rows_read: step.rows.read,
                rows_written: step.rows.written,
            })
            .collect()
    }

    /// What step `step_id` was dispatched with last.
    #[must_use]
    pub fn manifest(&self, step_id: &str) -> Option<&StepManifest> {
        let (position, _) = self.state.step(step_id)?;
        self.state.steps[position].manifest.as_deref()
    }

    /// What step `step_id` gave.
    #[must_use]
    pub fn output(&self, step_id: &str) -> Option<&StepOutput> {
        let (position, _) = self.state.step(step_id)?;
        self.state.steps[position].output.as_ref()
    }

    /// What the run gave.
    #[must_use]
    pub fn result(&self) -> Option<&StepOutput> {
        self.state.result.as_ref()
    }
}

fn errors(state: &RunState) -> Vec<RunError> {
    let mut errors: Vec<RunError> = state
        .instance
        .steps
        .iter()
        .zip(&state.steps)
        .filter(|(_, step)| step.status == StepStatus::Failed)
        .filter_map(|(instance, step)| {
            let error = step.error.as_ref()?;
            Some(RunError {
                step_id: instance.step_id.clone(),
                index: None,
                error_type: error.error_type.clone(),
                message: error.message.clone(),
            })
        })
        .take(SHOWN_ERRORS)
        .collect();
    if let (true, Some(why)) = (state.timed_out, &state.cancel) {
        errors.push(RunError {
            step_id: String::new(),
            index: None,
            error_type: "timeout".into(),
            message: why.clone(),
        });
    }
    errors
}

fn output_digest(output: &StepOutput) -> lorchestra_json::Sha256 {
    // plain data with text keys always serialises
    canonical::digest(&serde_json::to_value(output).unwrap_or_default())
}
