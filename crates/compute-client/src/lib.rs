#![doc = include_str!("../README.md")]

mod client;
mod error;
mod meta;
mod noop;
mod render;
mod transform;

pub use client::{ComputeClient, LocalCompute};
pub use error::{ComputeError, Problem};
pub use meta::{CallMeta, Stop};
pub use noop::NoOpComputeClient;
pub use render::{RenderRequest, Rendered};
pub use transform::{
    Language, MAX_REPORTED_ERRORS, Mode, OnError, RowFailure, RowStream, TransformItem, TransformRequest,
    TransformStats, TransformStream,
};
