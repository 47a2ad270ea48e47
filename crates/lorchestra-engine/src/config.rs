//! The engine's settings and their defaults (engine.md §8).

use std::time::Duration;

/// How an engine behaves. `Default` is what production uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// The name under which this process claims runs; unique among living ones.
    pub worker: String,
    /// How many tries run at the same time in this process, over all runs.
    pub max_parallel: usize,
    /// How long a claim lasts unless renewed.
    pub lease: Duration,
    /// How often a claim is renewed.
    pub heartbeat: Duration,
    /// How often expired claims and due timers are looked for.
    pub sweep: Duration,
    /// How often a run that is under way looks into its inbox for messages of other processes.
    pub inbox_poll: Duration,
    /// How long a try may take to stop after it was told to.
    pub cancel_grace: Duration,
    /// How long running tries may take to end when the process is to stop.
    pub shutdown_grace: Duration,
    /// A step's output is refused beyond this many bytes of JSON (row sets are streamed and have no limit).
    pub max_output_bytes: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            worker: "worker".into(),
            max_parallel: 4 * std::thread::available_parallelism().map_or(1, usize::from),
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            sweep: Duration::from_secs(5),
            inbox_poll: Duration::from_millis(250),
            cancel_grace: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(30),
            max_output_bytes: 64 << 20,
        }
    }
}
