//! The run store in memory. It keeps the contract and, beyond it, refuses whatever a correct engine never writes
//! (`checks`). Nothing survives it.

mod checks;
mod claim;
mod write;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::run::journal::JournalEntry;
use lorchestra_core::run::record::RunRecord;
use lorchestra_core::run_store::{InboxRow, ListRuns, LoadRun, RunFilter, StoreError, StoredRun};
use lorchestra_json::Sha256;

/// A run store in memory, stricter than the real ones.
pub struct MemoryRunStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order they were created.
    runs: Vec<Run>,
    last_message: u64,
    gone: HashSet<String>,
    /// What the next append does: whether it happens, although its outcome is reported as unknown.
    unknown: Option<bool>,
}

struct Run {
    record: RunRecord,
    instance: JobInstance,
    request_sha256: Sha256,
    entries: Vec<JournalEntry>,
    inbox: Vec<InboxRow>,
    artifacts: HashSet<Sha256>,
    epoch: u64,
    holder: Option<Holder>,
    wake_at: Option<Timestamp>,
    quarantine: Option<String>,
}

struct Holder {
    worker: String,
    until: Timestamp,
}

impl MemoryRunStore {
    /// An empty store that goes by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The process of `worker` dies: its leases are over at once.
    pub fn worker_dies(&self, worker: &str) {
        self.state().gone.insert(worker.to_owned());
    }

    /// The next append reports an unknown outcome; it happens if `committed`.
    pub fn next_append_is_unknown(&self, committed: bool) {
        self.state().unknown = Some(committed);
    }

    /// Why the run was set apart, if it was.
    #[must_use]
    pub fn quarantined(&self, run_id: &str) -> Option<String> {
        self.state().find(run_id).ok().and_then(|run| run.quarantine.clone())
    }

    /// How many runs are in each state, by its name.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for run in &self.state().runs {
            *counts.entry(run.record.status.as_str()).or_default() += 1;
        }
        counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryRunStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryRunStore").field("runs", &self.state().runs.len()).finish_non_exhaustive()
    }
}

impl State {
    fn position(&self, run_id: &str) -> Result<usize, StoreError> {
        let found = self.runs.iter().position(|run| run.record.run_id == run_id);
        found.ok_or_else(|| StoreError::NotFound(run_id.to_owned()))
    }

    fn find(&self, run_id: &str) -> Result<&Run, StoreError> {
        self.position(run_id).map(|position| &self.runs[position])
    }

    /// The run, if `epoch` is its current claim.
    fn claimed(&mut self, run_id: &str, epoch: u64) -> Result<&mut Run, StoreError> {
        let position = self.position(run_id)?;
        let run = &mut self.runs[position];
        if run.holder.is_none() || run.epoch != epoch {
            return Err(StoreError::StaleEpoch { run_id: run_id.to_owned(), epoch, current: run.epoch });
        }
        Ok(run)
    }
}

impl Run {
    fn last_seq(&self) -> u64 {
        self.entries.len() as u64
    }
}

#[async_trait]
impl LoadRun for MemoryRunStore {
    async fn load_run(&self, run_id: &str) -> Result<StoredRun, StoreError> {
        let state = self.state();
        let run = state.find(run_id)?;
        Ok(StoredRun {
            record: run.record.clone(),
            instance: run.instance.clone(),
            entries: run.entries.clone(),
            inbox: run.inbox.clone(),
        })
    }

    async fn inbox(&self, run_id: &str) -> Result<Vec<InboxRow>, StoreError> {
        Ok(self.state().find(run_id)?.inbox.clone())
    }

    async fn last_seq(&self, run_id: &str) -> Result<u64, StoreError> {
        Ok(self.state().find(run_id)?.last_seq())
    }
}

#[async_trait]
impl ListRuns for MemoryRunStore {
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
        let state = self.state();
        let mut placed: Vec<_> = state
            .runs
            .iter()
            .enumerate()
            .map(|(position, run)| ((run.record.created_at, position), &run.record))
            .collect();
        placed.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        if let Some(after) = &filter.after {
            state.find(after)?;
            let last = placed.iter().position(|(_, record)| record.run_id == *after);
            placed.drain(..=last.unwrap_or(0));
        }
        let wanted = placed.into_iter().map(|(_, record)| record).filter(|record| matches(filter, record));
        Ok(wanted.take(filter.limit).cloned().collect())
    }

    async fn find_run(&self, part: &str) -> Result<Option<String>, StoreError> {
        let state = self.state();
        let ids = || state.runs.iter().map(|run| &run.record.run_id);
        if part.is_empty() {
            return Ok(None);
        }
        if let Some(exact) = ids().find(|id| *id == part) {
            return Ok(Some(exact.clone()));
        }
        let mut found = ids().filter(|id| id.starts_with(part) || id.ends_with(part));
        Ok(found.next().filter(|_| found.next().is_none()).cloned())
    }
}

fn matches(filter: &RunFilter, record: &RunRecord) -> bool {
    filter.job_id.as_ref().is_none_or(|job_id| *job_id == record.envelope.job_id)
        && (filter.statuses.is_empty() || filter.statuses.contains(&record.status))
        && filter.since.is_none_or(|since| record.created_at >= since)
        && filter.until.is_none_or(|until| record.created_at < until)
        && (filter.parent_run_id.is_none() || filter.parent_run_id == record.parent_run_id)
}
