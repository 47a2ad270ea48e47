//! How a run store is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lorchestra_core::clock::Clock;

/// When a commit counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// When the disk has it: what was acknowledged survives a power cut.
    #[default]
    Full,
    /// When the operating system has it: what was acknowledged survives the process, but a power cut loses the commits
    /// since the last checkpoint (at most some four megabytes of them). The file stays consistent.
    Normal,
}

impl Synchronous {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// How a run store is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// Decides about leases and timers.
    pub clock: Arc<dyn Clock>,
    /// Where the lock files of workers are, one for each. It must be on this machine, and the same for all processes
    /// that use the store.
    pub worker_dir: PathBuf,
    /// When a commit counts as durable.
    pub synchronous: Synchronous,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
}

impl OpenOptions {
    /// Full durability, and five seconds of patience.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, worker_dir: impl Into<PathBuf>) -> Self {
        Self {
            clock,
            worker_dir: worker_dir.into(),
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
        }
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("worker_dir", &self.worker_dir)
            .field("synchronous", &self.synchronous)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}
