//! What happens next in a run: a pure function of its journal and the time (engine.md §1).
//!
//! The engine performs the commands, turns what came back into entries, commits them and asks again. The machine
//! reads no clock, draws no number, stores nothing and waits for nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use lorchestra_json::Sha256;
use serde_json::Value;

use super::dispatch::{self, Prepared};
use super::journal::{
    CancelRequested, Dispatched, Event, JournalEntry, RunFinished, StepCancelled, StepDispatched, StepFailed,
    StepSkipped, StepSucceeded, StepWaiting, WaitReason,
};
use super::record::{RunStatus, StepStatus};
use super::retry;
use super::scope::{Reads, RunScope};
use super::state::{FoldError, RunState, millis};
use crate::artifact::{ArtifactAt, Handle, StepOutput};
use crate::clock::Timestamp;
use crate::expression::Expr;
use crate::handler::{Completion, StepError, WaitRequest};
use crate::instance::{JobInstance, OnFailure};
use crate::manifest::StepManifest;
use crate::reference::Segment;
use crate::scope::{ResolveError, Resolved};

/// What the engine is to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Journal this decision.
    Record(Event),
    /// Journal the dispatch, and once it is durable call the handler.
    Dispatch {
        /// The entry.
        event: StepDispatched,
        /// What the handler gets.
        manifest: Arc<StepManifest>,
        /// The try's time limit in milliseconds.
        timeout_ms: u64,
        /// 0 on the first try.
        retry_count: u32,
        /// Tries in all.
        max_retries: u32,
    },
    /// Stop the try that runs: its result is awaited all the same.
    Stop {
        /// The step.
        step: String,
        /// `seq` of its dispatch.
        dispatch_seq: u64,
    },
    /// Read this value out of an artifact and hand it to `supply`.
    Read {
        /// The artifact.
        handle: Handle,
        /// Where in it.
        path: Vec<Segment>,
    },
    /// Ask again at this time, if nothing happens before.
    SleepUntil(Timestamp),
}

/// How a try ended.
pub type TryResult = Result<Completion, StepError>;

/// A run, folded, ready to say what comes next.
#[derive(Debug, Clone)]
pub struct RunMachine {
    pub(super) run_id: String,
    pub(super) state: RunState,
    reads: Reads,
    envelope: Value,
    /// Dispatches that were told to stop; not journaled: a stop that is lost with the process has nothing to stop.
    stopped: BTreeSet<u64>,
}

impl RunMachine {
    /// Folds a journal.
    ///
    /// # Errors
    /// When an entry cannot follow from the ones before it.
    pub fn replay<'a>(
        run_id: impl Into<String>,
        instance: Arc<JobInstance>,
        entries: impl IntoIterator<Item = &'a JournalEntry>,
    ) -> Result<Self, FoldError> {
        let mut entries = entries.into_iter();
        let Some(first) = entries.next() else {
            return Err(FoldError { seq: 0, entry: "none", why: "the journal is empty".into() });
        };
        let state = RunState::begin(instance, first)?;
        let envelope = serde_json::to_value(&state.envelope).unwrap_or_default();
        let mut machine =
            Self { run_id: run_id.into(), state, reads: Reads::new(), envelope, stopped: BTreeSet::new() };
        for entry in entries {
            machine.apply(entry)?;
        }
        Ok(machine)
    }

    /// Folds one more fact.
    ///
    /// # Errors
    /// When it cannot follow from what went before.
    pub fn apply(&mut self, entry: &JournalEntry) -> Result<(), FoldError> {
        self.state.apply(entry)
    }

    /// `seq` of the last entry folded.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.state.seq
    }

    /// Hands over what `Command::Read` asked for; an error counts as a missing path.
    pub fn supply(&mut self, artifact: Sha256, path: Vec<Segment>, value: Result<Value, String>) {
        self.reads.insert((artifact, path), value);
    }

    /// When the run is to be looked at next, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        if self.state.finished.is_some() {
            return None;
        }
        if self.state.attempts.is_empty() || !self.state.open {
            return Some(self.state.created_at);
        }
        // a retry without a free slot waits for another step's end, and a limit that has struck strikes once:
        // to wake for either would be to poll
        let full = self.state.running.len() >= self.state.instance.max_parallel as usize;
        let needs_slot = |position: usize| matches!(self.state.steps[position].waiting, Some((None, _)));
        let mut timers = self.state.timers.iter().filter(|(_, position)| !(full && needs_slot(*position)));
        let timer = if self.state.paused { None } else { timers.next().map(|(at, _)| *at) };
        let deadline = if self.state.cancel.is_some() { None } else { self.state.deadline() };
        [timer, deadline].into_iter().flatten().min()
    }

    /// The entry that records how a try ended; `None` when the result is not awaited (a late one, a second one).
    #[must_use]
    pub fn completed(
        &self,
        step_id: &str,
        dispatch_seq: u64,
        result: TryResult,
        now: Timestamp,
    ) -> Option<Event> {
        let (position, instance) = self.state.step(step_id)?;
        let step = &self.state.steps[position];
        if step.status != StepStatus::Running || step.dispatch_seq != dispatch_seq {
            return None;
        }
        let failed = |error: StepError, retry_at| {
            StepFailed { step: step_id.to_owned(), index: None, error, retry_at }.into()
        };
        Some(match result {
            Ok(Completion::Output(success)) => StepSucceeded {
                step: step_id.to_owned(),
                index: None,
                output: success.output,
                rows: success.rows,
            }
            .into(),
            Ok(Completion::Wait(WaitRequest::Until(until))) => StepWaiting {
                step: step_id.to_owned(),
                index: None,
                reason: WaitReason::Timer,
                signal: None,
                until: Some(until),
            }
            .into(),
            Ok(Completion::Wait(_)) => failed(
                StepError::permanent("not_supported", "waiting for a signal is not supported yet"),
                None,
            ),
            Ok(Completion::Child(_)) => {
                failed(StepError::permanent("not_supported", "child runs are not supported yet"), None)
            }
            Err(error) if self.stopped.contains(&dispatch_seq) => {
                let why = match &self.state.cancel {
                    Some(why) => why.clone(),
                    None => format!("step '{}' failed", self.failed_step_id()),
                };
                let why = if error.error_type == "cancelled" { why } else { format!("{why} ({error})") };
                StepCancelled { step: step_id.to_owned(), index: None, why }.into()
            }
            Err(error) => {
                let salt = retry::mix(self.state.jitter_seed ^ retry::mix(position as u64));
                let retry_at = retry::next_try(
                    &instance.retry,
                    &error,
                    step.failed_tries + 1,
                    salt,
                    now,
                    self.state.deadline(),
                );
                failed(error, retry_at)
            }
        })
    }

    /// What happens next. Ask again after the entries it gave are folded, until it gives none.
    #[must_use]
    pub fn next(&mut self, now: Timestamp) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.state.finished.is_some() || !self.state.open {
            return commands;
        }
        // before the time limit: a run whose steps have all ended has no time to pass
        if self.state.unfinished == 0 {
            self.finish(&mut commands);
            return commands;
        }
        if self.state.cancel.is_none() && self.state.deadline().is_some_and(|deadline| now >= deadline) {
            let limit = self.state.instance.timeout_s.unwrap_or_default();
            commands.push(Command::Record(
                CancelRequested {
                    why: format!("the run passed its time limit of {limit} s"),
                    timed_out: true,
                }
                .into(),
            ));
            return commands;
        }
        self.stop_what_must(&mut commands);
        let mut free = (self.state.instance.max_parallel as usize).saturating_sub(self.state.running.len());
        let due: Vec<usize> = self
            .state
            .timers
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, position)| *position)
            .collect();
        for position in due {
            self.timer(position, &mut free, &mut commands);
        }
        for position in self.state.ready.clone() {
            self.begin(position, &mut free, &mut commands);
        }
        if commands.is_empty() {
            commands.extend(self.wake_at().map(Command::SleepUntil));
        }
        commands
    }

    /// A waiting step whose time has come.
    fn timer(&self, position: usize, free: &mut usize, commands: &mut Vec<Command>) {
        let instance = &self.state.instance.steps[position];
        let step = &self.state.steps[position];
        if self.must_stop(position) || self.state.paused {
            return;
        }
        match step.waiting {
            Some((Some(_), _)) => commands.push(Command::Record(
                StepSucceeded {
                    step: instance.step_id.clone(),
                    index: None,
                    output: Value::Object(serde_json::Map::new()).into(),
                    rows: crate::handler::RowCounts::default(),
                }
                .into(),
            )),
            _ if step.interruptions >= retry::MAX_INTERRUPTIONS => {
                let error = StepError::permanent(
                    "crash_loop",
                    format!(
                        "step '{}' was under way {} times when its process died",
                        instance.step_id, step.interruptions
                    ),
                );
                commands.push(Command::Record(
                    StepFailed { step: instance.step_id.clone(), index: None, error, retry_at: None }.into(),
                ));
            }
            _ if *free == 0 => {}
            _ => {
                if let Some(manifest) = step.manifest.clone() {
                    *free -= 1;
                    commands.push(self.dispatch(
                        position,
                        Dispatched::Same(manifest.manifest_sha256),
                        manifest,
                    ));
                }
            }
        }
    }

    /// A pending step whose needs have all ended.
    fn begin(&self, position: usize, free: &mut usize, commands: &mut Vec<Command>) {
        let step_id = &self.state.instance.steps[position].step_id;
        match self.judge(position) {
            Judgement::Skip(why) => {
                commands.push(Command::Record(StepSkipped { step: step_id.clone(), why }.into()));
            }
            Judgement::Fail(error) => commands.push(self.failed_before_try(position, error)),
            Judgement::Read(handle, path) => commands.push(Command::Read { handle, path }),
            Judgement::Run if self.state.paused || *free == 0 => {}
            Judgement::Run => match dispatch::manifest(
                &self.state.instance,
                &self.state.instance.steps[position],
                &self.run_id,
                &self.scope(),
            ) {
                Prepared::Ready(manifest) => {
                    *free -= 1;
                    let manifest = Arc::new(manifest);
                    commands.push(self.dispatch(
                        position,
                        Dispatched::Whole(Box::new((*manifest).clone())),
                        manifest,
                    ));
                }
                Prepared::Read(handle, path) => commands.push(Command::Read { handle, path }),
                Prepared::Failed(error) => commands.push(self.failed_before_try(position, error)),
            },
        }
    }

    fn failed_before_try(&self, position: usize, error: StepError) -> Command {
        let step = self.state.instance.steps[position].step_id.clone();
        Command::Record(StepFailed { step, index: None, error, retry_at: None }.into())
    }

    fn dispatch(&self, position: usize, dispatched: Dispatched, manifest: Arc<StepManifest>) -> Command {
        let instance = &self.state.instance.steps[position];
        let step = &self.state.steps[position];
        Command::Dispatch {
            event: StepDispatched {
                step: instance.step_id.clone(),
                index: None,
                r#try: step.tries + 1,
                manifest: dispatched,
            },
            manifest,
            timeout_ms: millis(instance.timeout_s),
            retry_count: step.failed_tries,
            max_retries: instance.retry.max_attempts,
        }
    }

    /// Whether a ready step runs.
    fn judge(&self, position: usize) -> Judgement {
        let instance = &self.state.instance.steps[position];
        if let Some(why) = &instance.compiled_skip {
            return Judgement::Skip(why.clone());
        }
        if let Some(why) = &self.state.cancel {
            return Judgement::Skip(format!("run cancelled: {why}"));
        }
        let when = match instance.when.as_deref().map(Expr::parse).transpose() {
            Ok(when) => when,
            Err(error) => {
                return Judgement::Fail(StepError::permanent("invalid_condition", error.to_string()));
            }
        };
        // a condition over the states of steps is how a job reacts to a failure: it is judged, not skipped
        let reacts = when.as_ref().is_some_and(Expr::mentions_steps);
        if !reacts {
            if let Some(why) = self.blocked_by_needs(position) {
                return Judgement::Skip(why);
            }
            if self.state.failed_step.is_some() && self.state.instance.on_failure != OnFailure::Continue {
                return Judgement::Skip(format!("not started: step '{}' failed", self.failed_step_id()));
            }
        }
        match when {
            None => Judgement::Run,
            Some(when) => match when.judge(&self.scope()) {
                Ok(true) => Judgement::Run,
                Ok(false) => Judgement::Skip(format!(
                    "when is false: {}",
                    instance.when.as_deref().unwrap_or_default()
                )),
                Err(ResolveError::NeedsRead { handle, path }) => Judgement::Read(handle, path),
                Err(error) => Judgement::Fail(StepError::permanent(
                    "invalid_condition",
                    format!("step '{}': when: {error}", instance.step_id),
                )),
            },
        }
    }

    fn blocked_by_needs(&self, position: usize) -> Option<String> {
        self.state.instance.steps[position].needs.iter().find_map(|need| {
            let (needed, needed_instance) = self.state.step(need)?;
            let needed = &self.state.steps[needed];
            match needed.status {
                StepStatus::Failed if !needed_instance.continue_on_error => {
                    Some(format!("upstream failed ({need})"))
                }
                StepStatus::Cancelled => Some(format!("upstream cancelled ({need})")),
                // the first cause is what the reader looks for, not the chain of skips behind it
                StepStatus::Skipped => match &needed.why {
                    Some(why) if why.starts_with("upstream ") || why.starts_with("not started: ") => {
                        Some(why.clone())
                    }
                    _ => Some(format!("upstream skipped ({need})")),
                },
                _ => None,
            }
        })
    }

    /// Whether a step that has begun is to end: of a cancelled run every one, after a failure that cancels those that
    /// began before it. What began later reacts to the failure.
    fn must_stop(&self, position: usize) -> bool {
        let failure_stops = self.state.instance.on_failure == OnFailure::Cancel
            && self.state.failed_step.is_some()
            && self.state.steps[position].dispatch_seq < self.state.failed_seq;
        self.state.cancel.is_some() || failure_stops
    }

    fn stop_what_must(&mut self, commands: &mut Vec<Command>) {
        let why = match &self.state.cancel {
            Some(why) => why.clone(),
            None => format!("step '{}' failed", self.failed_step_id()),
        };
        for position in self.state.running.clone() {
            if !self.must_stop(position) {
                continue;
            }
            let dispatch_seq = self.state.steps[position].dispatch_seq;
            if self.stopped.insert(dispatch_seq) {
                commands.push(Command::Stop {
                    step: self.state.instance.steps[position].step_id.clone(),
                    dispatch_seq,
                });
            }
        }
        for (_, position) in self.state.timers.iter().filter(|(_, position)| self.must_stop(*position)) {
            let step = self.state.instance.steps[*position].step_id.clone();
            commands.push(Command::Record(StepCancelled { step, index: None, why: why.clone() }.into()));
        }
    }

    fn finish(&self, commands: &mut Vec<Command>) {
        let status = self.end_status();
        let result = match &self.state.instance.output {
            Some(text) if matches!(status, RunStatus::Success | RunStatus::SuccessWithErrors) => {
                match dispatch::resolve(text, &self.scope()) {
                    Ok(Resolved::Value(value)) => value.into(),
                    Ok(Resolved::Artifact(handle)) => StepOutput {
                        value: Value::Null,
                        artifacts: vec![ArtifactAt { at: String::new(), handle }],
                    },
                    Ok(Resolved::Mixed(output)) => output,
                    Err(ResolveError::NeedsRead { handle, path }) => {
                        commands.push(Command::Read { handle, path });
                        return;
                    }
                    // the step it names was skipped: there is no result
                    Err(_) => StepOutput::default(),
                }
            }
            Some(_) => StepOutput::default(),
            None => self.state.steps.last().and_then(|step| step.output.clone()).unwrap_or_default(),
        };
        commands.push(Command::Record(RunFinished { status, result }.into()));
    }

    fn end_status(&self) -> RunStatus {
        let any = |status| self.state.steps.iter().any(|step| step.status == status);
        let everything_ran = self.state.steps.iter().all(|step| step.status == StepStatus::Completed);
        if self.state.cancel.is_some() && !everything_ran {
            RunStatus::Cancelled
        } else if self.state.failed_step.is_some() {
            RunStatus::Failed
        } else if any(StepStatus::Failed) {
            RunStatus::SuccessWithErrors
        } else {
            RunStatus::Success
        }
    }

    fn failed_step_id(&self) -> &str {
        self.state.failed_step.map_or("", |position| &self.state.instance.steps[position].step_id)
    }

    fn scope(&self) -> RunScope<'_> {
        RunScope { state: &self.state, reads: &self.reads, envelope: &self.envelope }
    }
}

enum Judgement {
    Run,
    Skip(String),
    Fail(StepError),
    Read(Handle, Vec<Segment>),
}
