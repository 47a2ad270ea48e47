//! Exit codes of the `lorchestra` command: part of its interface.

use lorchestra_core::run::record::{RunRecord, RunStatus};

/// All went well; a run that ended `success_with_errors` too.
pub const OK: u8 = 0;
/// The run failed.
pub const RUN_FAILED: u8 = 1;
/// The command line, the payload or the context is wrong.
pub const USAGE: u8 = 2;
/// A job or its project is wrong.
pub const DEFINITION: u8 = 3;
/// The run failed because an assertion did not hold.
pub const ASSERTION: u8 = 4;
/// The run was cancelled or ran out of time.
pub const CANCELLED: u8 = 5;
/// The run waits: for a time, a person, another process.
pub const WAITING: u8 = 6;
/// A store or the configuration cannot be used.
pub const STORE: u8 = 7;
/// A defect of lorchestra.
pub const INTERNAL: u8 = 70;
/// Interrupted from the keyboard; the run can be resumed.
pub const INTERRUPTED: u8 = 130;

/// The code that says how a run stands.
#[must_use]
pub fn of_run(record: &RunRecord) -> u8 {
    match record.status {
        RunStatus::Success | RunStatus::SuccessWithErrors => OK,
        RunStatus::Failed if record.errors.iter().any(|error| error.error_type == "assertion_failed") => {
            ASSERTION
        }
        RunStatus::Failed => RUN_FAILED,
        RunStatus::Cancelled => CANCELLED,
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => WAITING,
    }
}
