//! Drives one claimed run: ask the machine, commit, perform, wait for what comes back, again.
//!
//! The machine runs ahead of the store by one commit and is thrown away when that fails; nothing is performed before
//! the entry that says so is durable. The one path by which a step ends goes through `settle`.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::{Cancel, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::run::journal::{Event, JournalEntry};
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run::{Command, RunMachine, TryResult};
use lorchestra_core::run_store::{Claim, Commit, StoreError};
use lorchestra_json::Sha256;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::reads;
use crate::step_execution_subscriber::Try;
use crate::{Committed, Engine, EngineError, StepExecutionSubscriber};

/// How driving a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DriveEnd {
    /// The run has ended.
    Finished(Box<RunRecord>),
    /// Nothing to do until then (never, of a paused run). The run was let go.
    Waiting(Option<Timestamp>),
    /// The engine shuts down; the run was let go and can be resumed.
    ShutDown,
}

/// A try that was dispatched and is to be begun once that is durable.
struct Begin {
    step: String,
    dispatch_seq: u64,
    manifest: Arc<StepManifest>,
    timeout: Duration,
    retry_count: u32,
    max_retries: u32,
    cancel: Cancel,
}

struct Ended {
    dispatch_seq: u64,
    step: String,
    result: TryResult,
}

struct Driver<'a> {
    engine: &'a Engine,
    run_id: String,
    epoch: u64,
    machine: RunMachine,
    record: RunRecord,
    /// Entries folded and not yet durable.
    entries: Vec<JournalEntry>,
    taken: Vec<u64>,
    begin: Vec<Begin>,
    running: BTreeMap<u64, Cancel>,
    ended: mpsc::Receiver<Ended>,
    results: mpsc::Sender<Ended>,
    renewed: Instant,
    shutting_down: bool,
}

impl Engine {
    /// Sets apart a run that cannot be read, so that no worker claims it over and over; others go on.
    async fn set_apart(&self, claim: &Claim, why: &str) {
        if let Err(error) = self.parts.store.quarantine(&claim.run_id, claim.epoch, why).await {
            tracing::warn!(run_id = claim.run_id, %error, "a damaged run could not be set apart");
        }
    }

    /// Drives a claimed run until it ends, waits, or the engine shuts down, and lets it go.
    ///
    /// # Errors
    /// When the store goes on failing, the journal contradicts itself, or the claim was lost. Tries that run are
    /// stopped; the run can be claimed again.
    pub async fn drive(&self, claim: Claim) -> Result<DriveEnd, EngineError> {
        let stored = match self.parts.store.load_run(&claim.run_id).await {
            Ok(stored) => stored,
            Err(error @ StoreError::Damaged { .. }) => {
                self.set_apart(&claim, &error.to_string()).await;
                return Err(error.into());
            }
            Err(error) => {
                let _ = self.parts.store.release(&claim.run_id, claim.epoch).await;
                return Err(error.into());
            }
        };
        let machine = match RunMachine::replay(&claim.run_id, Arc::new(stored.instance), &stored.entries) {
            Ok(machine) => machine,
            Err(source) => {
                self.set_apart(&claim, &source.to_string()).await;
                return Err(EngineError::Journal { run_id: claim.run_id, source });
            }
        };
        // a try sends exactly one result, and no more tries run than the job allows
        let (results, ended) = mpsc::channel(64);
        let mut driver = Driver {
            engine: self,
            run_id: claim.run_id,
            epoch: claim.epoch,
            machine,
            record: stored.record,
            entries: Vec::new(),
            taken: Vec::new(),
            begin: Vec::new(),
            running: BTreeMap::new(),
            ended,
            results,
            renewed: Instant::now(),
            shutting_down: false,
        };
        let end = driver.drive().await;
        for cancel in driver.running.values() {
            cancel.cancel();
        }
        match &end {
            Err(EngineError::Lost(_)) => {}
            _ => match self.parts.store.release(&driver.run_id, driver.epoch).await {
                Ok(()) | Err(StoreError::StaleEpoch { .. }) => {}
                // the lease runs out by itself
                Err(error) => tracing::warn!(run_id = driver.run_id, %error, "a run could not be let go"),
            },
        }
        end
    }
}

impl Driver<'_> {
    async fn drive(&mut self) -> Result<DriveEnd, EngineError> {
        let worker = self.engine.parts.config.worker.clone();
        self.take_inbox().await?;
        let claimed = self.machine.claimed(&worker, self.epoch);
        self.fold(claimed)?;
        loop {
            if !self.shutting_down {
                self.decide().await?;
            }
            self.commit().await?;
            self.begin_tries();
            match self.machine.status() {
                status if status.is_terminal() => {
                    return Ok(DriveEnd::Finished(Box::new(self.record.clone())));
                }
                RunStatus::Waiting => return Ok(DriveEnd::Waiting(self.machine.wake_at())),
                _ if self.shutting_down && self.running.is_empty() => return Ok(DriveEnd::ShutDown),
                _ => {}
            }
            self.wait().await?;
        }
    }

    fn now(&self) -> Timestamp {
        self.engine.parts.clock.now()
    }

    /// Asks the machine until it has nothing more to say.
    async fn decide(&mut self) -> Result<(), EngineError> {
        loop {
            let mut again = false;
            for command in self.machine.next(self.now()) {
                match command {
                    Command::Record(event) => {
                        self.fold([event])?;
                        again = true;
                    }
                    Command::Dispatch { event, manifest, timeout_ms, retry_count, max_retries } => {
                        let step = event.step.clone();
                        self.fold([event.into()])?;
                        let timeout = Duration::from_millis(timeout_ms);
                        let dispatch_seq = self.machine.seq();
                        // known from here on: the next decision may already be to stop it
                        let cancel = Cancel::default();
                        self.running.insert(dispatch_seq, cancel.clone());
                        self.begin.push(Begin {
                            step,
                            dispatch_seq,
                            manifest,
                            timeout,
                            retry_count,
                            max_retries,
                            cancel,
                        });
                    }
                    Command::Stop { dispatch_seq, .. } => {
                        if let Some(cancel) = self.running.get(&dispatch_seq) {
                            cancel.cancel();
                        }
                    }
                    Command::Read { handle, path } => {
                        let value = reads::read(&handle, &path, self.engine.parts.artifacts.as_ref()).await;
                        self.machine.supply(handle.sha256, path, value);
                        again = true;
                    }
                    Command::SleepUntil(_) => {}
                    other => tracing::error!(?other, "the engine does not know this command"),
                }
            }
            if !again {
                return Ok(());
            }
        }
    }

    /// Folds `events` as the next entries.
    fn fold(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), EngineError> {
        let now = self.now();
        for event in events {
            let entry = JournalEntry { seq: self.machine.seq() + 1, at: now, event };
            self.machine
                .apply(&entry)
                .map_err(|source| EngineError::Journal { run_id: self.run_id.clone(), source })?;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// The one path by which a try's end is recorded.
    fn settle(&mut self, ended: Ended) -> Result<(), EngineError> {
        self.running.remove(&ended.dispatch_seq);
        match self.machine.completed(&ended.step, ended.dispatch_seq, ended.result, self.now()) {
            Some(event) => self.fold([event]),
            None => {
                tracing::warn!(
                    run_id = self.run_id,
                    step = ended.step,
                    "a result came that nobody awaits; it was refused"
                );
                Ok(())
            }
        }
    }

    async fn take_inbox(&mut self) -> Result<(), EngineError> {
        for row in self.engine.parts.store.inbox(&self.run_id).await? {
            if !self.taken.contains(&row.id) {
                let events = self.machine.message(&row.message);
                self.fold(events)?;
                self.taken.push(row.id);
            }
        }
        Ok(())
    }

    /// Makes everything folded durable, with what follows from it, in one commit.
    async fn commit(&mut self) -> Result<(), EngineError> {
        if self.entries.is_empty() && self.taken.is_empty() {
            return Ok(());
        }
        let entries = std::mem::take(&mut self.entries);
        let status_changed = self.machine.status() != self.record.status;
        // an attempt that fails as the one before did leaves the status as it was, and is another end all the same
        let row_changed = status_changed
            || entries
                .iter()
                .any(|entry| matches!(entry.event, Event::RunFinished(_) | Event::RetryRequested(_)));
        if row_changed {
            self.record = self.machine.record(&self.record);
        }
        let commit = Commit {
            artifacts: named_artifacts(&entries),
            record: row_changed.then(|| self.record.clone()),
            wake_at: self.machine.wake_at(),
            take_inbox: std::mem::take(&mut self.taken),
            children: Vec::new(),
            notify_parent: None,
            entries: entries.clone(),
        };
        self.append(commit, self.machine.seq() - entries.len() as u64).await?;
        if !entries.is_empty() {
            // nobody watching is fine
            let _ = self
                .engine
                .committed
                .send(Committed { run_id: self.run_id.clone(), entries: entries.into() });
        }
        Ok(())
    }

    /// Appends; an unknown outcome is read back before anything is tried again, an unavailable store is asked again
    /// until two thirds of the lease are over.
    async fn append(&mut self, commit: Commit, expected_seq: u64) -> Result<(), EngineError> {
        let store = &self.engine.parts.store;
        let last = expected_seq + commit.entries.len() as u64;
        let fence = self.renewed + self.engine.parts.config.lease * 2 / 3;
        let mut pause = Duration::from_millis(10);
        let mut unknown = false;
        loop {
            let error = match store.append(&self.run_id, self.epoch, expected_seq, commit.clone()).await {
                Ok(()) => return Ok(()),
                // the epoch is ours and the journal ends where this commit does: the earlier call wrote it
                Err(StoreError::StaleSeq { actual, .. }) if unknown && actual == last => return Ok(()),
                Err(StoreError::StaleEpoch { .. } | StoreError::StaleSeq { .. }) => {
                    return Err(EngineError::Lost(self.run_id.clone()));
                }
                Err(error) => error,
            };
            unknown |= matches!(error, StoreError::Unknown(_));
            match &error {
                StoreError::Unknown(_) => {
                    if self.is_written(&commit, last).await {
                        // still ours: whoever took it over would have had to write first
                        store
                            .heartbeat(&self.run_id, self.epoch, self.lease_ms())
                            .await
                            .map_err(|error| self.lost(error))?;
                        return Ok(());
                    }
                }
                StoreError::Unavailable(_) => {}
                _ => return Err(error.into()),
            }
            if Instant::now() + pause >= fence {
                return Err(error.into());
            }
            tracing::warn!(run_id = self.run_id, %error, "the run store failed; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Reads an unknown commit back: by its entries, or by the messages it took when it has none.
    async fn is_written(&self, commit: &Commit, last: u64) -> bool {
        let store = &self.engine.parts.store;
        if commit.entries.is_empty() {
            let waiting = store.inbox(&self.run_id).await;
            return waiting.is_ok_and(|rows| !rows.iter().any(|row| commit.take_inbox.contains(&row.id)));
        }
        store.last_seq(&self.run_id).await.is_ok_and(|seq| seq == last)
    }

    fn begin_tries(&mut self) {
        for begin in std::mem::take(&mut self.begin) {
            let subscriber = StepExecutionSubscriber::new(Arc::clone(&self.engine.parts));
            let slots = Arc::clone(&self.engine.slots);
            let results = self.results.clone();
            let work = Try {
                manifest: begin.manifest,
                job_id: self.machine.job_id().to_owned(),
                timeout: begin.timeout,
                retry_count: begin.retry_count,
                max_retries: begin.max_retries,
                run_started_at: self.machine.created_at(),
                mode: self.machine.mode(),
                cancel: begin.cancel,
            };
            tokio::spawn(async move {
                // a try that is stopped before it has a slot never begins
                let result = tokio::select! {
                    biased;
                    () = work.cancel.cancelled() => {
                        Err(StepError::permanent("cancelled", "stopped before it began"))
                    }
                    // the semaphore is never closed
                    _slot = slots.acquire_owned() => {
                        // handlers are guarded inside; this guards the stores around them: a result always comes
                        AssertUnwindSafe(subscriber.execute(work.clone()))
                            .catch_unwind()
                            .await
                            .unwrap_or_else(|_| Err(StepError::permanent("engine_panic", "storing the output panicked")))
                    }
                };
                // a driver that is gone does not want it: the run was let go or lost
                let _ =
                    results.send(Ended { dispatch_seq: begin.dispatch_seq, step: begin.step, result }).await;
            });
        }
    }

    /// Waits for whatever comes first, and folds it.
    async fn wait(&mut self) -> Result<(), EngineError> {
        let config = &self.engine.parts.config;
        let wake = self
            .machine
            .wake_at()
            .map_or(config.heartbeat, |at| Duration::from_millis(at.millis_since(self.now()).max(1)));
        let renew_at = self.renewed + config.heartbeat;
        let shutdown = self.engine.shutdown.clone();
        tokio::select! {
            biased;
            Some(ended) = self.ended.recv() => {
                self.settle(ended)?;
                // what ended in the meantime shares the commit
                while let Ok(ended) = self.ended.try_recv() {
                    self.settle(ended)?;
                }
            }
            () = shutdown.cancelled(), if !self.shutting_down => {
                self.shutting_down = true;
                self.await_running().await?;
            }
            () = tokio::time::sleep_until(renew_at) => self.renew().await?,
            () = self.engine.nudge.notified() => self.take_inbox().await?,
            () = tokio::time::sleep(config.inbox_poll.min(wake)) => self.take_inbox().await?,
        }
        Ok(())
    }

    /// At shutdown: running tries may end; what has not ended after the grace is stopped, and begins again elsewhere.
    async fn await_running(&mut self) -> Result<(), EngineError> {
        let until = Instant::now() + self.engine.parts.config.shutdown_grace;
        while !self.running.is_empty() {
            tokio::select! {
                Some(ended) = self.ended.recv() => {
                    self.settle(ended)?;
                    self.commit().await?;
                }
                () = tokio::time::sleep_until(until) => {
                    for cancel in std::mem::take(&mut self.running).into_values() {
                        cancel.cancel();
                    }
                }
            }
        }
        Ok(())
    }

    fn lease_ms(&self) -> u64 {
        u64::try_from(self.engine.parts.config.lease.as_millis()).unwrap_or(u64::MAX)
    }

    fn lost(&self, error: StoreError) -> EngineError {
        match error {
            StoreError::StaleEpoch { .. } => EngineError::Lost(self.run_id.clone()),
            other => other.into(),
        }
    }

    /// Renews the lease. A worker that cannot for two thirds of it stops its steps, by its own monotonic clock.
    async fn renew(&mut self) -> Result<(), EngineError> {
        let config = &self.engine.parts.config;
        match self.engine.parts.store.heartbeat(&self.run_id, self.epoch, self.lease_ms()).await {
            Ok(()) => {
                self.renewed = Instant::now();
                Ok(())
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_)))
                if self.renewed.elapsed() < config.lease * 2 / 3 =>
            {
                tracing::warn!(run_id = self.run_id, %error, "the lease could not be renewed; trying again");
                tokio::time::sleep(config.heartbeat / 20).await;
                Ok(())
            }
            Err(error) => Err(self.lost(error)),
        }
    }
}

fn named_artifacts(entries: &[JournalEntry]) -> Vec<Sha256> {
    let mut named = Vec::new();
    for entry in entries {
        match &entry.event {
            Event::StepSucceeded(succeeded) => {
                named.extend(succeeded.output.artifacts.iter().map(|at| at.handle.sha256))
            }
            Event::RunFinished(finished) => {
                named.extend(finished.result.artifacts.iter().map(|at| at.handle.sha256))
            }
            _ => {}
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}
