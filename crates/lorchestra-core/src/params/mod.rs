//! The `params` schema of a job: what its payload must look like, what is filled in, and what is refused.
//!
//! Pure: the same payload gives the same values and the same messages. References in defaults are not known here: a
//! default is a plain value.

mod apply;
mod check;
mod cli;
mod number;
mod parse;
mod schema;

pub use apply::ParamProblem;
pub use cli::untyped;
pub use schema::{Checks, ParamSpec, ParamType, ParamsSchema, Pattern};
