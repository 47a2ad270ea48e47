//! Test doubles of the traits: a clock that stands still, ids that count, and stores in memory that are stricter than
//! the real ones.

mod clock;
mod ids;
mod instances;
mod memory_artifacts;
mod memory_run_store;

pub use clock::FixedClock;
pub use ids::CountingIds;
pub use instances::{job_of, sealed, step_of, with_late};
pub use memory_artifacts::{MemoryArtifacts, bytes_of, read_all};
pub use memory_run_store::MemoryRunStore;
