//! A run: its journal, the fold of it, and what comes next.
//!
//! `journal` what happened · `record` rows for listing · `state` the fold · `machine` what happens next ·
//! `requests` what others ask of a run · `dispatch` from compiled step to manifest · `scope` what refs see ·
//! `retry` when a try is repeated · `outcome` records out of the fold.

mod dispatch;
pub mod journal;
mod machine;
mod outcome;
pub mod record;
mod requests;
mod retry;
mod scope;
mod state;

pub use machine::{Command, RunMachine, TryResult};
pub use state::FoldError;
