//! Transforms over streams: rows go to worker threads in chunks, and their outputs come back in order.
//!
//! Memory is bounded: a few chunks are in flight, and a worker waits when nobody takes its outputs. How one row runs
//! is `jq`'s.

mod pipe;
mod pool;
mod stream;
mod task;

pub(crate) use pipe::channel;
pub(crate) use pool::spawn;
pub(crate) use stream::transform;
