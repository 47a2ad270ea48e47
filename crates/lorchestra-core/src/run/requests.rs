//! What others ask of a run, as entries: a worker that takes it, messages from its inbox. The machine decides what
//! follows from them.

use super::journal::{
    AttemptReason, AttemptStarted, CancelRequested, Event, RetryRequested, RunClaimed, RunPaused,
    RunUnpaused, StepInterrupted,
};
use super::machine::RunMachine;
use super::record::StepStatus;
use crate::run_store::InboxMessage;

impl RunMachine {
    /// The entries with which `worker` takes the run under `epoch`. Tries that were under way are over: whoever ran
    /// them is gone, or would have let them end.
    #[must_use]
    pub fn claimed(&self, worker: &str, epoch: u64) -> Vec<Event> {
        let mut events = Vec::new();
        if self.state.finished.is_some() {
            return events;
        }
        let lost = !self.state.running.is_empty();
        let why = if !self.state.open {
            Some(if self.state.attempts.is_empty() { AttemptReason::Started } else { AttemptReason::Retried })
        } else if lost {
            Some(AttemptReason::Reclaimed)
        } else {
            None
        };
        if let Some(why) = why {
            events.push(AttemptStarted { n: self.next_attempt(), why }.into());
        }
        events.push(RunClaimed { worker: worker.to_owned(), epoch }.into());
        for position in &self.state.running {
            events.push(
                StepInterrupted {
                    step: self.state.instance.steps[*position].step_id.clone(),
                    index: None,
                    why: "the process that ran it is gone".into(),
                }
                .into(),
            );
        }
        events
    }

    /// The entries that take `message` in. A message that asks for what is so already gives none.
    #[must_use]
    pub fn message(&self, message: &InboxMessage) -> Vec<Event> {
        let ended = self.state.finished.is_some();
        match message {
            InboxMessage::Cancel { why } if !ended && self.state.cancel.is_none() => {
                let mut events = Vec::new();
                if !self.state.open {
                    events
                        .push(AttemptStarted { n: self.next_attempt(), why: AttemptReason::Started }.into());
                }
                events.push(CancelRequested { why: why.clone(), timed_out: false }.into());
                events
            }
            InboxMessage::Pause if !ended && !self.state.paused => vec![RunPaused {}.into()],
            // a run that has not begun is not resumed: it starts, and its time limit counts from there
            InboxMessage::Unpause if !ended && !self.state.open && self.state.paused => {
                vec![RunUnpaused {}.into()]
            }
            InboxMessage::Unpause if !ended && self.state.paused => {
                vec![
                    RunUnpaused {}.into(),
                    AttemptStarted { n: self.next_attempt(), why: AttemptReason::Resumed }.into(),
                ]
            }
            InboxMessage::Retry { steps } if ended => self.retry(steps),
            _ => Vec::new(),
        }
    }

    /// Reopens `wanted` and everything that did not complete because of them; all that did not complete when empty.
    fn retry(&self, wanted: &[String]) -> Vec<Event> {
        let steps: Vec<String> = self
            .state
            .instance
            .steps
            .iter()
            .zip(&self.state.steps)
            .filter(|(instance, step)| {
                step.status != StepStatus::Completed || wanted.contains(&instance.step_id)
            })
            .filter(|(instance, _)| instance.compiled_skip.is_none())
            .map(|(instance, _)| instance.step_id.clone())
            .collect();
        if steps.is_empty() {
            return Vec::new();
        }
        vec![
            RetryRequested { steps }.into(),
            AttemptStarted { n: self.next_attempt(), why: AttemptReason::Retried }.into(),
        ]
    }

    fn next_attempt(&self) -> u32 {
        u32::try_from(self.state.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}
