//! Why the engine gave up on a run. The run itself is unharmed: whoever claims it next goes on.

use lorchestra_core::run::FoldError;
use lorchestra_core::run_store::StoreError;

/// Why a run could not be driven on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store failed, and went on failing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run's journal contradicts itself: it is set apart, others go on.
    #[error("run '{run_id}' cannot be continued")]
    Journal {
        /// The run.
        run_id: String,
        /// Where.
        source: FoldError,
    },
    /// Another worker took the run over.
    #[error("run '{0}' was taken over by another worker")]
    Lost(String),
    /// Another worker holds the run.
    #[error("run '{run_id}' is held by worker '{worker}', which is alive")]
    Held {
        /// The run.
        run_id: String,
        /// Who.
        worker: String,
    },
}
