//! The run store: what it promises, method by method, by crash point (engine.md §4). Implementations are edges.
//!
//! Only the holder of a run's epoch writes its journal; everybody else writes to its inbox. The store decides about
//! leases by its own clock. It does not fold journals: core computes rows, the store keeps them.

use async_trait::async_trait;
use lorchestra_json::Sha256;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::instance::JobInstance;
use crate::run::journal::JournalEntry;
use crate::run::record::{RunRecord, RunStatus};

/// Why a store refused or failed, split by what the caller does next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such run.
    #[error("run '{0}' is not in the store")]
    NotFound(String),
    /// The key was used for another request.
    #[error("idempotency key '{key}' was used for another request (run {run_id})")]
    KeyConflict {
        /// The key.
        key: String,
        /// The run that has it.
        run_id: String,
    },
    /// The caller's claim is over: another holds the run, or it was let go. Nothing was written.
    #[error(
        "claim of run '{run_id}' is over: its epoch {epoch} was let go or passed (the store is at {current})"
    )]
    StaleEpoch {
        /// The run.
        run_id: String,
        /// The caller's.
        epoch: u64,
        /// The store's.
        current: u64,
    },
    /// The journal is not where the caller believes. Nothing was written.
    #[error("journal of run '{run_id}' ends at {actual}, not at {expected}")]
    StaleSeq {
        /// The run.
        run_id: String,
        /// The caller's.
        expected: u64,
        /// The store's.
        actual: u64,
    },
    /// What was to be written contradicts itself or what is stored: the caller's mistake. Nothing was written.
    #[error("the store refuses a write to run '{run_id}': {why}")]
    Invalid {
        /// The run.
        run_id: String,
        /// What does not fit.
        why: String,
    },
    /// What is stored cannot be read.
    #[error("run '{run_id}' cannot be read: {why}")]
    Damaged {
        /// The run.
        run_id: String,
        /// What is wrong.
        why: String,
    },
    /// A commit returned an error: it may have happened or not. Read back before anything is tried again.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(String),
    /// The store is held by another, busy, or out of space; trying again may help.
    #[error("the run store is not available: {0}")]
    Unavailable(String),
    /// The store cannot be used: another format, another program's file, not permitted.
    #[error("{0}")]
    Unusable(String),
}

/// A run to create.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its row: status `queued`.
    pub record: RunRecord,
    /// What it was compiled to; stored once by its digest.
    pub instance: JobInstance,
    /// Its first entries, `run_created` first.
    pub entries: Vec<JournalEntry>,
    /// Digest of canonical `{job_id, version, ctx, payload after defaults}`: what the idempotency key stands for.
    pub request_sha256: Sha256,
    /// Artifacts the entries or the instance name.
    pub artifacts: Vec<Sha256>,
}

/// What `create_run` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The run is new.
    New,
    /// The same request was submitted under this key before; this is its run.
    Existing {
        /// Its id.
        run_id: String,
    },
}

/// Something for the holder of a run to take into its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum InboxMessage {
    /// End the run.
    Cancel {
        /// Who and why.
        why: String,
    },
    /// Dispatch nothing new.
    Pause,
    /// Dispatch again.
    Unpause,
    /// Another attempt at an ended run.
    Retry {
        /// These steps; empty means all that did not complete.
        steps: Vec<String>,
    },
}

/// A stored message.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// Grows with time within a run.
    pub id: u64,
    /// What it says.
    pub message: InboxMessage,
}

/// All that one step forward writes: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// The entries, gap-free after `expected_seq`.
    pub entries: Vec<JournalEntry>,
    /// The run's row, when it changed.
    pub record: Option<RunRecord>,
    /// When the run is to be looked at next: the earliest of its timers. `None` clears.
    pub wake_at: Option<Timestamp>,
    /// Artifacts the entries name, so that collection keeps them.
    pub artifacts: Vec<Sha256>,
    /// The inbox messages that the entries took in; deleted with them.
    pub take_inbox: Vec<u64>,
    /// Runs that the entries start.
    pub children: Vec<NewRun>,
    /// Of a run with a parent that ends here: what its parent is told.
    pub notify_parent: Option<(String, InboxMessage)>,
}

/// A run that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The run.
    pub run_id: String,
    /// The fencing number: greater than any this run had before.
    pub epoch: u64,
    /// Whether another worker held it and is gone.
    pub reclaimed: bool,
}

/// What came of asking for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is the caller's.
    Claimed(Claim),
    /// Another lives and holds it.
    Held {
        /// Who.
        worker: String,
        /// Until when, unless renewed.
        until: Timestamp,
    },
}

/// A run as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Its row.
    pub record: RunRecord,
    /// What it was compiled to.
    pub instance: JobInstance,
    /// Its journal, from the first entry on.
    pub entries: Vec<JournalEntry>,
    /// What waits in its inbox, oldest first.
    pub inbox: Vec<InboxRow>,
}

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Of this job.
    pub job_id: Option<String>,
    /// In one of these states; empty means any.
    pub statuses: Vec<RunStatus>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// Started by this run.
    pub parent_run_id: Option<String>,
    /// Older than this run: the last one of the page before.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Creates runs.
#[async_trait]
pub trait CreateRun: Send + Sync {
    /// Makes `run` exist. When it returned, the run survives a power cut; before, there is nothing of it.
    ///
    /// With an idempotency key: the same key and request gives the run that exists, another request is `KeyConflict`.
    /// The same run id and request gives the run that exists too, so a call whose outcome is unknown can be repeated.
    async fn create_run(&self, run: NewRun) -> Result<Created, StoreError>;
}

/// Writes journals.
#[async_trait]
pub trait Append: Send + Sync {
    /// Appends under the caller's epoch. When it returned `Ok`, all of `commit` survives a power cut; on `StaleEpoch`
    /// and `StaleSeq` nothing was written; on `Unknown` either. Called twice, the second call is `StaleSeq`.
    ///
    /// While messages wait that the commit does not take, the run stays due, whatever `wake_at` says. A child that
    /// exists already under its id, key and request is left as it is.
    async fn append(
        &self,
        run_id: &str,
        epoch: u64,
        expected_seq: u64,
        commit: Commit,
    ) -> Result<(), StoreError>;

    /// Leaves a message for whoever holds or will hold the run, and wakes it. Needs no claim. Called twice, it leaves
    /// two messages.
    async fn send(&self, run_id: &str, message: InboxMessage) -> Result<(), StoreError>;
}

/// Reads runs.
#[async_trait]
pub trait LoadRun: Send + Sync {
    /// The run as stored.
    async fn load_run(&self, run_id: &str) -> Result<StoredRun, StoreError>;

    /// The messages waiting for the run, oldest first.
    async fn inbox(&self, run_id: &str) -> Result<Vec<InboxRow>, StoreError>;

    /// The `seq` of the last entry; how an unknown commit is read back.
    async fn last_seq(&self, run_id: &str) -> Result<u64, StoreError>;
}

/// Lists runs.
#[async_trait]
pub trait ListRuns: Send + Sync {
    /// A page, newest first; of runs created at the same time the one stored last. Runs whose row cannot be read are
    /// left out: `load_run` says why.
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError>;

    /// The one run whose id begins or ends with `part`; `None` when none or several do.
    async fn find_run(&self, part: &str) -> Result<Option<String>, StoreError>;
}

/// Gives runs to workers.
#[async_trait]
pub trait ClaimRuns: Send + Sync {
    /// Claims up to `limit` runs: first those whose holder is gone, in the order they were created; then those that
    /// nobody holds and that are due, longest due first. A new run is due when it is created, others at their
    /// `wake_at`. When it returned, the claims survive a power cut; a crash before that costs at most one lease.
    async fn claim(&self, worker: &str, lease_ms: u64, limit: usize) -> Result<Vec<Claim>, StoreError>;

    /// Claims this run, whether its time has come or not. A run that has ended and has no message waiting is
    /// claimed too: the caller sees that there is nothing to do and lets it go.
    async fn claim_run(&self, run_id: &str, worker: &str, lease_ms: u64) -> Result<ClaimOutcome, StoreError>;

    /// Renews the lease. `StaleEpoch` when it is lost.
    async fn heartbeat(&self, run_id: &str, epoch: u64, lease_ms: u64) -> Result<(), StoreError>;

    /// Lets the run go. The epoch stays: it only ever grows. A run let go while queued or running is due at once.
    async fn release(&self, run_id: &str, epoch: u64) -> Result<(), StoreError>;

    /// Lets a run go that cannot be read, and sets it apart: `claim` does not give it out any more, whatever its
    /// state. `claim_run` still does (a newer version may know how to read it), and the next append ends it.
    async fn quarantine(&self, run_id: &str, epoch: u64, why: &str) -> Result<(), StoreError>;

    /// When the next of the runs that nobody holds is due; in the past when one is due already.
    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// Everything a run store does.
pub trait RunStore: CreateRun + Append + LoadRun + ListRuns + ClaimRuns {}

impl<S: CreateRun + Append + LoadRun + ListRuns + ClaimRuns + ?Sized> RunStore for S {}
