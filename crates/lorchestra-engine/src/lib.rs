#![doc = include_str!("../README.md")]

mod config;
mod driver;
mod engine;
mod error;
mod panics;
mod reads;
mod redact;
mod spill;
mod step_execution_subscriber;
mod submit;
mod worker;

pub use config::EngineConfig;
pub use driver::DriveEnd;
pub use engine::{Committed, Engine, EngineParts};
pub use error::EngineError;
pub use step_execution_subscriber::{StepExecutionSubscriber, Try};
pub use submit::{Submission, Submitted};
