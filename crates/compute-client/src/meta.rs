//! What every call carries, and how it learns that it should stop. No clock: times are plain numbers.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// For whom a call is made, and until when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMeta {
    /// The run that asks.
    pub run_id: String,
    /// The step of the run that asks.
    pub step_id: String,
    /// The job the run is of.
    pub job_id: String,
    /// What ties the calls of one business event together across runs and systems.
    pub correlation_id: String,
    /// Equal for every try of the same step.
    pub idempotency_key: String,
    /// When the call must have ended, in milliseconds since the Unix epoch; none is no limit.
    pub deadline_ms: Option<u64>,
    /// When the run started, in microseconds since the Unix epoch: the only time a pure call may speak of.
    pub run_started_at_us: Option<i64>,
}

/// Asks the caller whether the work should end early; cheap to clone and to ask.
#[derive(Clone)]
pub struct Stop(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Stop {
    /// Work that nobody stops.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Work that ends as `cancelled` once `stopped` returns true. It is asked often, from any thread.
    #[must_use]
    pub fn when(stopped: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(stopped)))
    }

    /// Whether the work should end now.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.as_ref().is_some_and(|stopped| stopped())
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Stop::when(..)" } else { "Stop::never()" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn stop_asks_its_hook_each_time() {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&flag);
        let stop = Stop::when(move || seen.load(Ordering::Relaxed));
        assert!(!stop.is_set());
        flag.store(true, Ordering::Relaxed);
        assert!(stop.clone().is_set());
        assert!(!Stop::never().is_set());
    }
}
