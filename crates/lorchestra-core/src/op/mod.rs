//! What an op is: its name, its backend, what it takes, what it gives and what a crash in the middle of it means.
//!
//! Plain data. The ops themselves live with the handlers; the binary fills the `Catalog` with their specs.

mod params;
mod spec;

pub use params::{Param, ParamKind, ParamProblem};

pub(crate) use params::check_members;
pub use spec::{Backend, Effect, OpSpec, Output, OutputField, ParamCheck};
