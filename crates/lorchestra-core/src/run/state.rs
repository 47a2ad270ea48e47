//! The fold: what a journal says of a run. Live and after a crash it is the same function.
//!
//! It refuses entries that cannot follow from what went before; it decides nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::journal::{AttemptReason, Dispatched, Envelope, Event, JournalEntry, RULES, WaitReason};
use super::record::{AttemptRecord, RunStatus, StepStatus};
use super::retry;
use crate::artifact::StepOutput;
use crate::clock::Timestamp;
use crate::handler::{RowCounts, RunMode, StepError};
use crate::instance::{JobInstance, StepInstance};
use crate::manifest::StepManifest;

/// An entry that cannot follow from the ones before it: the journal is damaged, or of another job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {seq} ({entry}) cannot follow: {why}")]
pub struct FoldError {
    /// Its position.
    pub seq: u64,
    /// Its type.
    pub entry: &'static str,
    /// Why not.
    pub why: String,
}

/// One step, as the journal has it.
#[derive(Debug, Clone)]
pub(super) struct StepState {
    pub(super) status: StepStatus,
    /// Why it was skipped or cancelled.
    pub(super) why: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) manifest: Option<Arc<StepManifest>>,
    /// Dispatches, all told.
    pub(super) tries: u32,
    /// Failed tries since it began or was reopened: what counts against `max_attempts`.
    pub(super) failed_tries: u32,
    /// Tries whose process died, since it began or was reopened.
    pub(super) interruptions: u32,
    /// `seq` of the dispatch whose result is awaited: results of others are refused.
    pub(super) dispatch_seq: u64,
    /// What it waits for, and until when.
    pub(super) waiting: Option<(Option<WaitReason>, Timestamp)>,
    pub(super) output: Option<StepOutput>,
    pub(super) error: Option<StepError>,
    pub(super) rows: RowCounts,
    /// Needs that have not ended.
    pub(super) open_needs: usize,
}

impl StepState {
    fn new(open_needs: usize) -> Self {
        Self {
            status: StepStatus::Pending,
            why: None,
            started_at: None,
            completed_at: None,
            manifest: None,
            tries: 0,
            failed_tries: 0,
            interruptions: 0,
            dispatch_seq: 0,
            waiting: None,
            output: None,
            error: None,
            rows: RowCounts::default(),
            open_needs,
        }
    }
}

/// A run, as the journal has it.
#[derive(Debug, Clone)]
pub(super) struct RunState {
    pub(super) instance: Arc<JobInstance>,
    pub(super) seq: u64,
    pub(super) created_at: Timestamp,
    pub(super) envelope: Envelope,
    pub(super) mode: RunMode,
    pub(super) jitter_seed: u64,
    pub(super) attempts: Vec<AttemptRecord>,
    /// Whether an attempt is under way.
    pub(super) open: bool,
    pub(super) steps: Vec<StepState>,
    pub(super) dependents: Vec<Vec<usize>>,
    /// Where each step stands, by id: a run of many steps asks for it at every turn.
    positions: BTreeMap<String, usize>,
    /// Pending steps whose needs have all ended.
    pub(super) ready: BTreeSet<usize>,
    pub(super) running: BTreeSet<usize>,
    /// Steps that wait for a time, earliest first.
    pub(super) timers: BTreeSet<(Timestamp, usize)>,
    /// Steps that have not ended.
    pub(super) unfinished: usize,
    /// The first step that failed for good and was not allowed to.
    pub(super) failed_step: Option<usize>,
    /// `seq` of the entry that failed it.
    pub(super) failed_seq: u64,
    pub(super) paused: bool,
    pub(super) cancel: Option<String>,
    pub(super) timed_out: bool,
    pub(super) finished: Option<RunStatus>,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) result: Option<StepOutput>,
}

impl RunState {
    /// The state after `first`, which must be `run_created`.
    pub(super) fn begin(instance: Arc<JobInstance>, first: &JournalEntry) -> Result<Self, FoldError> {
        let refuse = |why: String| FoldError { seq: first.seq, entry: first.event.type_name(), why };
        let Event::RunCreated(created) = &first.event else {
            return Err(refuse("a journal begins with run_created".into()));
        };
        if first.seq != 1 {
            return Err(refuse("a journal begins at 1".into()));
        }
        if created.rules != RULES {
            return Err(refuse(format!(
                "it is folded by rules {}, this version knows {RULES}",
                created.rules
            )));
        }
        if created.instance_sha256 != instance.instance_sha256 {
            return Err(refuse(format!("it belongs to instance {}", created.instance_sha256)));
        }
        let mut state = Self {
            seq: 1,
            created_at: first.at,
            envelope: created.envelope.clone(),
            mode: created.mode,
            jitter_seed: created.jitter_seed,
            attempts: Vec::new(),
            open: false,
            steps: Vec::new(),
            dependents: vec![Vec::new(); instance.steps.len()],
            positions: instance
                .steps
                .iter()
                .enumerate()
                .map(|(position, step)| (step.step_id.clone(), position))
                .collect(),
            ready: BTreeSet::new(),
            running: BTreeSet::new(),
            timers: BTreeSet::new(),
            unfinished: 0,
            failed_step: None,
            failed_seq: 0,
            paused: false,
            cancel: None,
            timed_out: false,
            finished: None,
            completed_at: None,
            result: None,
            instance,
        };
        for (position, step) in state.instance.steps.iter().enumerate() {
            for need in &step.needs {
                match state.positions.get(need) {
                    Some(needed) => state.dependents[*needed].push(position),
                    None => {
                        return Err(refuse(format!(
                            "step '{}' needs '{need}', which does not exist",
                            step.step_id
                        )));
                    }
                }
            }
        }
        state.steps = state.instance.steps.iter().map(|step| StepState::new(step.needs.len())).collect();
        state.reindex();
        Ok(state)
    }

    /// Takes one more fact.
    pub(super) fn apply(&mut self, entry: &JournalEntry) -> Result<(), FoldError> {
        let refuse =
            |why: &str| FoldError { seq: entry.seq, entry: entry.event.type_name(), why: why.to_owned() };
        if entry.seq != self.seq + 1 {
            return Err(refuse(&format!("the one before is {}", self.seq)));
        }
        self.fold(entry).map_err(|why| refuse(&why))?;
        self.seq = entry.seq;
        Ok(())
    }

    fn fold(&mut self, entry: &JournalEntry) -> Result<(), String> {
        let at = entry.at;
        if self.finished.is_some() && !matches!(entry.event, Event::RetryRequested(_)) {
            return Err("the run has ended".into());
        }
        match &entry.event {
            Event::RunCreated(_) => return Err("the run exists".into()),
            Event::AttemptStarted(attempt) => {
                if attempt.n as usize != self.attempts.len() + 1 {
                    return Err(format!("attempt {} follows attempt {}", attempt.n, self.attempts.len()));
                }
                self.close_attempt(at);
                self.open = true;
                self.attempts.push(AttemptRecord {
                    attempt_n: attempt.n,
                    why: attempt.why,
                    started_at: at,
                    completed_at: None,
                });
            }
            Event::RunClaimed(_) => {}
            Event::StepDispatched(dispatched) => {
                let position = self.position(&dispatched.step, dispatched.index)?;
                let step = &mut self.steps[position];
                match (step.status, &step.waiting) {
                    (StepStatus::Pending, _) if step.open_needs == 0 => {}
                    (StepStatus::Waiting, Some((None, _))) => {}
                    (status, _) => return Err(format!("step '{}' is {status}", dispatched.step)),
                }
                if dispatched.r#try != step.tries + 1 {
                    return Err(format!(
                        "try {} of step '{}' follows try {}",
                        dispatched.r#try, dispatched.step, step.tries
                    ));
                }
                match (&dispatched.manifest, &step.manifest) {
                    (Dispatched::Whole(manifest), _) => step.manifest = Some(Arc::new((**manifest).clone())),
                    (Dispatched::Same(digest), Some(manifest)) if *digest == manifest.manifest_sha256 => {}
                    (Dispatched::Same(_), _) => {
                        return Err(format!("step '{}' has no such manifest", dispatched.step));
                    }
                }
                step.tries = dispatched.r#try;
                step.dispatch_seq = entry.seq;
                step.started_at.get_or_insert(at);
                self.enter(position, StepStatus::Running, None);
            }
            Event::StepInterrupted(interrupted) => {
                let position = self.running_step(&interrupted.step, interrupted.index)?;
                self.steps[position].interruptions += 1;
                let until = retry::after_interruption(self.steps[position].interruptions, at);
                self.enter(position, StepStatus::Waiting, Some((None, until)));
            }
            Event::StepWaiting(waiting) => {
                let position = self.running_step(&waiting.step, waiting.index)?;
                let until = waiting.until.unwrap_or(Timestamp::from_micros(i64::MAX));
                self.enter(position, StepStatus::Waiting, Some((Some(waiting.reason), until)));
            }
            Event::StepSucceeded(succeeded) => {
                let position = self.position(&succeeded.step, succeeded.index)?;
                match self.steps[position].status {
                    StepStatus::Running | StepStatus::Waiting => {}
                    status => return Err(format!("step '{}' is {status}", succeeded.step)),
                }
                let step = &mut self.steps[position];
                step.output = Some(succeeded.output.clone());
                step.rows = succeeded.rows;
                step.error = None;
                self.end(position, StepStatus::Completed, None, at);
            }
            Event::StepFailed(failed) => {
                let position = self.position(&failed.step, failed.index)?;
                let step = &mut self.steps[position];
                if step.status.is_terminal() {
                    return Err(format!("step '{}' is {}", failed.step, step.status));
                }
                if step.status == StepStatus::Running {
                    step.failed_tries += 1;
                }
                step.error = Some(failed.error.clone());
                match failed.retry_at {
                    Some(until) => self.enter(position, StepStatus::Waiting, Some((None, until))),
                    None => {
                        step.started_at.get_or_insert(at);
                        if self.instance.steps[position].continue_on_error {
                            let error = serde_json::json!({"type": failed.error.error_type, "message": failed.error.message});
                            step.output = Some(serde_json::json!({ "error": error }).into());
                        } else {
                            if self.failed_step.is_none() {
                                self.failed_step = Some(position);
                                self.failed_seq = entry.seq;
                            }
                        }
                        self.end(position, StepStatus::Failed, None, at);
                    }
                }
            }
            Event::StepSkipped(skipped) => {
                let position = self.position(&skipped.step, None)?;
                if self.steps[position].status != StepStatus::Pending {
                    return Err(format!("step '{}' is {}", skipped.step, self.steps[position].status));
                }
                self.end(position, StepStatus::Skipped, Some(skipped.why.clone()), at);
            }
            Event::StepCancelled(cancelled) => {
                let position = self.position(&cancelled.step, cancelled.index)?;
                if !matches!(self.steps[position].status, StepStatus::Running | StepStatus::Waiting) {
                    return Err(format!("step '{}' is {}", cancelled.step, self.steps[position].status));
                }
                self.end(position, StepStatus::Cancelled, Some(cancelled.why.clone()), at);
            }
            Event::RunPaused(_) => self.paused = true,
            Event::RunUnpaused(_) => self.paused = false,
            Event::CancelRequested(cancel) => {
                self.cancel.get_or_insert_with(|| cancel.why.clone());
                self.timed_out |= cancel.timed_out;
                self.paused = false;
            }
            Event::RetryRequested(retry) => self.reopen(&retry.steps)?,
            Event::RunFinished(finished) => {
                if self.unfinished > 0 {
                    return Err(format!("{} steps have not ended", self.unfinished));
                }
                if !finished.status.is_terminal() {
                    return Err(format!("'{}' is no end", finished.status));
                }
                self.finished = Some(finished.status);
                self.completed_at = Some(at);
                self.result = Some(finished.result.clone());
                self.close_attempt(at);
                self.open = false;
            }
        }
        Ok(())
    }

    fn close_attempt(&mut self, at: Timestamp) {
        if let Some(last) = self.attempts.last_mut() {
            last.completed_at.get_or_insert(at);
        }
    }

    fn reopen(&mut self, step_ids: &[String]) -> Result<(), String> {
        if self.finished.is_none() {
            return Err("the run has not ended".into());
        }
        for step_id in step_ids {
            let position = self.position(step_id, None)?;
            let tries = self.steps[position].tries;
            self.steps[position] = StepState { tries, ..StepState::new(0) };
        }
        self.finished = None;
        self.completed_at = None;
        self.result = None;
        self.cancel = None;
        self.timed_out = false;
        self.paused = false;
        self.reindex();
        Ok(())
    }

    /// Everything that follows from the steps' states alone.
    fn reindex(&mut self) {
        self.ready.clear();
        self.running.clear();
        self.timers.clear();
        for position in 0..self.steps.len() {
            let instance = &self.instance.steps[position];
            let open = instance
                .needs
                .iter()
                .filter(|need| {
                    self.step(need).is_some_and(|(needed, _)| !self.steps[needed].status.is_terminal())
                })
                .count();
            self.steps[position].open_needs = open;
            if open == 0 && self.steps[position].status == StepStatus::Pending {
                self.ready.insert(position);
            }
        }
        self.unfinished = self.steps.iter().filter(|step| !step.status.is_terminal()).count();
        self.failed_step = (0..self.steps.len()).find(|position| {
            self.steps[*position].status == StepStatus::Failed
                && !self.instance.steps[*position].continue_on_error
        });
    }

    /// The step called `step_id` and its position.
    pub(super) fn step(&self, step_id: &str) -> Option<(usize, &StepInstance)> {
        let position = *self.positions.get(step_id)?;
        Some((position, &self.instance.steps[position]))
    }

    fn position(&self, step_id: &str, index: Option<u32>) -> Result<usize, String> {
        match (self.step(step_id), index) {
            (Some((position, _)), None) => Ok(position),
            (Some(_), Some(index)) => Err(format!("step '{step_id}' has no element {index}")),
            (None, _) => Err(format!("the job has no step '{step_id}'")),
        }
    }

    fn running_step(&self, step_id: &str, index: Option<u32>) -> Result<usize, String> {
        let position = self.position(step_id, index)?;
        match self.steps[position].status {
            StepStatus::Running => Ok(position),
            status => Err(format!("step '{step_id}' is {status}")),
        }
    }

    fn enter(
        &mut self,
        position: usize,
        status: StepStatus,
        waiting: Option<(Option<WaitReason>, Timestamp)>,
    ) {
        if let Some((_, until)) = self.steps[position].waiting.take() {
            self.timers.remove(&(until, position));
        }
        self.ready.remove(&position);
        self.running.remove(&position);
        match status {
            StepStatus::Running => {
                self.running.insert(position);
            }
            StepStatus::Waiting => {
                if let Some((_, until)) = waiting {
                    self.timers.insert((until, position));
                }
            }
            _ => {}
        }
        self.steps[position].waiting = waiting;
        self.steps[position].status = status;
    }

    /// The one way a step ends, whatever ended it.
    fn end(&mut self, position: usize, status: StepStatus, why: Option<String>, at: Timestamp) {
        self.enter(position, status, None);
        let step = &mut self.steps[position];
        step.why = why;
        if status != StepStatus::Skipped {
            step.completed_at = Some(at);
        }
        self.unfinished -= 1;
        for dependent in self.dependents[position].clone() {
            let waiting = &mut self.steps[dependent];
            waiting.open_needs -= 1;
            if waiting.open_needs == 0 && waiting.status == StepStatus::Pending {
                self.ready.insert(dependent);
            }
        }
    }

    /// Where the run stands.
    pub(super) fn status(&self) -> RunStatus {
        if let Some(status) = self.finished {
            return status;
        }
        let idle = self.running.is_empty() && (self.ready.is_empty() || self.paused) && self.unfinished > 0;
        if !self.open {
            RunStatus::Queued
        } else if idle && self.cancel.is_none() {
            RunStatus::Waiting
        } else {
            RunStatus::Running
        }
    }

    /// When the first attempt since the run was created or reopened began.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        self.attempts.first().map(|attempt| attempt.started_at)
    }

    /// When the run is over time: counted from the attempt that began or reopened it.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let limit = self.instance.timeout_s?;
        let begun = self
            .attempts
            .iter()
            .rev()
            .find(|attempt| matches!(attempt.why, AttemptReason::Started | AttemptReason::Retried))?;
        Some(begun.started_at.plus_millis(millis(limit)))
    }
}

/// Seconds as whole milliseconds, at least 1.
pub(super) fn millis(seconds: f64) -> u64 {
    // a float cast saturates: a limit beyond 584 million years is that
    ((seconds * 1000.0).ceil() as u64).max(1)
}
