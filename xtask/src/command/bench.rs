//! `bench`: ours beside the bare store, in one run; prints a table, never fails because of a number.

use super::test::require_c_compiler;
use crate::failure::Outcome;
use crate::workspace::{Workspace, run as run_shown};

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    require_c_compiler()?;
    run_shown(&mut workspace.cargo([
        "build",
        "--release",
        "--package",
        "lorchestra",
        "--bin",
        "lorchestra",
    ]))?;
    run_shown(&mut workspace.cargo(["run", "--release", "--quiet", "--package", "bench"]))
}
