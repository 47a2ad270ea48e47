//! Plays a run through the machine: a virtual clock, a journal in memory, and tries that end when the test says so.
//! After every entry the live machine must be what a replay of the journal gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::{Completion, RunMode, StepError};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::run::journal::{Envelope, Event, JournalEntry, RULES, RunCreated};
use lorchestra_core::run::record::{AttemptRecord, RunStatus, StepOutcome, StepStatus};
use lorchestra_core::run::{Command, RunMachine, TryResult};
use lorchestra_core::run_store::InboxMessage;
use lorchestra_core::scope::walk;
use lorchestra_json::Sha256;
use serde_json::{Value, json};

pub const RUN_ID: &str = "run-1";
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A try that is under way.
#[derive(Debug, Clone)]
pub struct Under {
    pub step: String,
    pub dispatch_seq: u64,
    pub retry_count: u32,
}

#[derive(Clone)]
pub struct Play {
    pub instance: Arc<JobInstance>,
    pub entries: Vec<JournalEntry>,
    pub machine: RunMachine,
    pub now: Timestamp,
    pub under: Vec<Under>,
    pub stopped: Vec<String>,
    /// What `Read` finds, by artifact.
    pub artifacts: BTreeMap<Sha256, Value>,
    /// The most tries that were under way at once.
    pub peak: usize,
    epoch: u64,
}

/// All that a fold says of a run.
pub type View =
    (Vec<StepOutcome>, Vec<AttemptRecord>, RunStatus, Option<Timestamp>, bool, bool, Option<Value>);

pub fn view(machine: &RunMachine) -> View {
    (
        machine.outcomes(),
        machine.attempts().to_vec(),
        machine.status(),
        machine.wake_at(),
        machine.paused(),
        machine.timed_out(),
        machine.result().map(|result| serde_json::to_value(result).unwrap()),
    )
}

pub fn gives(value: Value) -> TryResult {
    Ok(Completion::from(value))
}

pub fn fails(message: &str) -> TryResult {
    Err(StepError::permanent("broken", message))
}

pub fn slips(message: &str) -> TryResult {
    Err(StepError::retryable("flaky", message))
}

impl Play {
    /// A run that exists and was taken by nobody.
    pub fn queued(instance: JobInstance) -> Self {
        let instance = Arc::new(instance);
        let created = RunCreated {
            instance_sha256: instance.instance_sha256,
            envelope: Envelope { job_id: instance.job_id.clone(), ..Envelope::default() },
            mode: RunMode::Normal,
            jitter_seed: 7,
            rules: RULES,
        };
        Self::resumed(&instance, vec![JournalEntry { seq: 1, at: START, event: created.into() }], START)
    }

    /// A run as its journal has it.
    pub fn resumed(instance: &Arc<JobInstance>, entries: Vec<JournalEntry>, now: Timestamp) -> Self {
        let machine = RunMachine::replay(RUN_ID, Arc::clone(instance), &entries).unwrap();
        Self {
            instance: Arc::clone(instance),
            epoch: entries.len() as u64,
            entries,
            machine,
            now,
            under: Vec::new(),
            stopped: Vec::new(),
            artifacts: BTreeMap::new(),
            peak: 0,
        }
    }

    /// A run that a worker has taken, with everything begun that can begin.
    pub fn started(instance: JobInstance) -> Self {
        let mut play = Self::queued(instance);
        play.claim();
        play.settle();
        play
    }

    pub fn claim(&mut self) {
        self.epoch += 1;
        self.fold(self.machine.claimed("worker", self.epoch));
        self.under.clear();
    }

    /// The process dies after the entries that are stored; another takes the run.
    pub fn crash(&mut self) {
        let mut again = Self::resumed(&self.instance, self.entries.clone(), self.now);
        again.epoch = self.epoch;
        again.artifacts = std::mem::take(&mut self.artifacts);
        *self = again;
        self.claim();
        self.settle();
    }

    pub fn fold(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let stored = Event::decode(event.encode().as_bytes()).unwrap();
            assert_eq!(stored, event, "an entry comes back as it was");
            self.entries.push(JournalEntry { seq: self.machine.seq() + 1, at: self.now, event });
            let entry = self.entries.last().unwrap();
            self.machine.apply(entry).unwrap();
            let replayed = RunMachine::replay(RUN_ID, Arc::clone(&self.instance), &self.entries).unwrap();
            assert_eq!(view(&self.machine), view(&replayed), "after {entry:?}");
        }
    }

    /// Does what the machine says until it says nothing more.
    pub fn settle(&mut self) {
        for _ in 0..1000 {
            let mut again = false;
            for command in self.machine.next(self.now) {
                match command {
                    Command::Record(event) => {
                        self.fold([event]);
                        again = true;
                    }
                    Command::Dispatch { event, retry_count, .. } => {
                        let step = event.step.clone();
                        self.fold([event.into()]);
                        let dispatch_seq = self.machine.seq();
                        self.under.push(Under { step, dispatch_seq, retry_count });
                        self.peak = self.peak.max(self.under.len());
                    }
                    Command::Stop { step, .. } => self.stopped.push(step),
                    Command::Read { handle, path } => {
                        let value = self.artifacts.get(&handle.sha256).ok_or_else(|| "it is gone".to_owned());
                        let value = value.and_then(|value| {
                            walk(value, &path).cloned().map_err(|_| "nothing is there".to_owned())
                        });
                        self.machine.supply(handle.sha256, path, value);
                        again = true;
                    }
                    Command::SleepUntil(_) => {}
                    other => panic!("unknown command {other:?}"),
                }
            }
            if !again {
                return;
            }
        }
        panic!("the machine does not come to rest");
    }

    /// The try of `step` that is under way ends.
    #[track_caller]
    pub fn end(&mut self, step: &str, result: TryResult) {
        let at = self.under.iter().position(|under| under.step == step);
        let under = self.under.remove(at.unwrap_or_else(|| panic!("step '{step}' is not under way")));
        let event = self.machine.completed(step, under.dispatch_seq, result, self.now);
        self.fold(event);
        self.settle();
    }

    pub fn tell(&mut self, message: InboxMessage) {
        self.fold(self.machine.message(&message));
        self.settle();
    }

    pub fn after_ms(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
        self.settle();
    }

    /// Until the end: tries end as `outcome` says, in the order they began; time passes when nothing is under way.
    pub fn play(&mut self, mut outcome: impl FnMut(&Under) -> TryResult) -> RunStatus {
        self.settle();
        for _ in 0..10_000 {
            if self.machine.status().is_terminal() {
                return self.machine.status();
            }
            match self.under.first().cloned() {
                Some(under) => self.end(&under.step, outcome(&under)),
                None => {
                    let wake_at = self.machine.wake_at().expect("a run that does nothing is woken");
                    assert!(wake_at > self.now, "a run that does nothing has nothing due");
                    self.now = wake_at;
                    self.settle();
                }
            }
        }
        panic!("the run does not end");
    }

    /// Until the end, every try a success that gives its step's id.
    pub fn play_well(&mut self) -> RunStatus {
        self.play(|under| gives(json!({"from": under.step})))
    }

    #[track_caller]
    pub fn outcome(&self, step: &str) -> StepOutcome {
        self.machine.outcomes().into_iter().find(|outcome| outcome.step_id == step).unwrap()
    }

    #[track_caller]
    pub fn status(&self, step: &str) -> StepStatus {
        self.outcome(step).status
    }

    #[track_caller]
    pub fn why(&self, step: &str) -> String {
        self.outcome(step).why.unwrap_or_default()
    }

    pub fn under_way(&self) -> Vec<&str> {
        self.under.iter().map(|under| under.step.as_str()).collect()
    }

    /// `a completed, b failed`.
    pub fn states(&self) -> String {
        let states: Vec<String> = self
            .machine
            .outcomes()
            .iter()
            .map(|outcome| format!("{} {}", outcome.step_id, outcome.status))
            .collect();
        states.join(", ")
    }
}
