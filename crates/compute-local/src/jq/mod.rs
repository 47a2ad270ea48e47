//! The jq language of transforms, on jaq. Here one program runs over one value; rows and threads are `transform`'s.

mod functions;
mod json_in;
mod json_out;
mod problems;
mod program;

pub use program::check_transform;
pub(crate) use program::{Failure, Outputs, Program, RunLimits};
