//! The engine as a value: what it is made of, and what one asks of it.

use std::sync::Arc;

use lorchestra_core::artifact::ArtifactStore;
use lorchestra_core::clock::{Clock, IdSource};
use lorchestra_core::handler::{Cancel, HandlerRegistry, SecretSource};
use lorchestra_core::run::journal::JournalEntry;
use lorchestra_core::run_store::{InboxMessage, RunStore};
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::panics;

/// Watchers that are slower than this many commits miss some, and are told how many.
const WATCH_CAPACITY: usize = 1024;

/// What an engine works with.
#[derive(Clone)]
pub struct EngineParts {
    /// Where runs are kept.
    pub store: Arc<dyn RunStore>,
    /// Where outputs are kept.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Who performs steps.
    pub handlers: HandlerRegistry,
    /// Where secrets come from.
    pub secrets: Arc<dyn SecretSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and seeds.
    pub ids: Arc<dyn IdSource>,
    /// Settings.
    pub config: EngineConfig,
}

/// Entries that have just become durable.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The run.
    pub run_id: String,
    /// The entries.
    pub entries: Arc<[JournalEntry]>,
}

/// Drives runs. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) parts: Arc<EngineParts>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) committed: broadcast::Sender<Committed>,
    /// Told when a message was left or a run was submitted in this process.
    pub(crate) nudge: Arc<Notify>,
    pub(crate) shutdown: Cancel,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine of these parts. It does nothing until asked.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        panics::remember_backtraces();
        Self {
            slots: Arc::new(Semaphore::new(parts.config.max_parallel.max(1))),
            parts: Arc::new(parts),
            committed: broadcast::channel(WATCH_CAPACITY).0,
            nudge: Arc::new(Notify::new()),
            shutdown: Cancel::default(),
        }
    }

    /// Entries as they become durable. An observer changes nothing: a slow one misses entries and is told how many.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Committed> {
        self.committed.subscribe()
    }

    /// Leaves a message for whoever holds or will hold the run.
    ///
    /// # Errors
    /// When the store fails or has no such run.
    pub async fn send(&self, run_id: &str, message: InboxMessage) -> Result<(), EngineError> {
        self.parts.store.send(run_id, message).await?;
        self.nudge.notify_waiters();
        Ok(())
    }

    /// Stops claiming and dispatching, gives running tries their grace, and lets runs go: they can be resumed.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }
}
