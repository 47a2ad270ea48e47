//! How much one call may use. A host sets them once; a job cannot raise them.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Limits of transforms and renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Worker threads of one transform, whatever the job asks for; the machine's cores by default.
    pub max_workers: NonZeroUsize,
    /// How long a program may take over one row.
    pub row_time: Duration,
    /// How long a program may take over a whole list (`mode: all`).
    pub list_time: Duration,
    /// How much JSON a program may write for one row.
    pub row_output_bytes: usize,
    /// How much JSON a program may write for a whole list (`mode: all`).
    pub list_output_bytes: usize,
    /// How many rows `mode: all` takes.
    pub list_rows: usize,
    /// How many bytes of JSON `mode: all` takes.
    pub list_bytes: usize,
    /// How many steps a template may take.
    pub template_fuel: u64,
    /// How much text a template may write.
    pub template_output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            row_time: Duration::from_secs(10),
            list_time: Duration::from_secs(120),
            row_output_bytes: 16 << 20,
            list_output_bytes: 64 << 20,
            list_rows: 100_000,
            list_bytes: 64 << 20,
            template_fuel: 50_000_000,
            template_output_bytes: 16 << 20,
        }
    }
}
