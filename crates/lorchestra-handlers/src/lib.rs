#![doc = include_str!("../README.md")]

mod cut_rows;
mod errors;
mod input;
mod meta;
mod noop;
mod ops;
mod output;
mod registry;

pub use noop::NoOpHandler;
pub use ops::{ops, planned_ops};
pub use registry::{ComputeHandler, DataPlaneHandler, OrchestrationHandler, registry};
