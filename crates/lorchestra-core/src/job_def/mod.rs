//! A job as it is written: typed, checked by itself, with the places of everything that later checks may blame.
//!
//! What needs other jobs, handlers or a payload (references, ops, `needs`) is not judged here.

mod canonical;
mod config;
mod id;
mod keys;
mod model;
mod options;
mod parse;
mod step;

pub use id::{is_job_id, is_step_id};
pub use model::{Backoff, Idempotency, IdempotencyScope, JobDef, OnFailure, RetryPolicy, StepDef};

pub(crate) use config::named_in as config_file_of;
