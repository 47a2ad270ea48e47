#![doc = include_str!("../README.md")]

mod errors;
mod input;
mod meta;
mod ops;
mod output;
mod registry;

pub use ops::{ops, planned_ops};
pub use registry::{ComputeHandler, DataPlaneHandler, OrchestrationHandler, registry};
