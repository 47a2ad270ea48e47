//! `test`: all tests of the workspace with one set of features; installs the runner when it is missing.

use std::env;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::tools::NEXTEST;
use crate::workspace::{Workspace, run as run_shown, succeeds};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the runner gets: filters, `-p CRATE`, `--no-capture`; the examples in documentation are then left out
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    runner: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Outcome {
    tests(workspace, &arguments.runner)?;
    if arguments.runner.is_empty() { doc_tests(workspace) } else { Ok(()) }
}

/// Unit and integration tests.
pub(crate) fn tests(workspace: &Workspace, runner: &[String]) -> Outcome {
    require_c_compiler()?;
    let nextest = NEXTEST.ensure(workspace)?;
    let mut command = Command::new(nextest);
    command.args(["nextest", "run"]).current_dir(workspace.root());
    if !runner.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        command.arg("--workspace");
    }
    run_shown(command.args(runner))
}

/// The examples in documentation, which the runner does not know.
pub(crate) fn doc_tests(workspace: &Workspace) -> Outcome {
    require_c_compiler()?;
    run_shown(&mut workspace.cargo(["test", "--workspace", "--doc"]))
}

/// SQLite and zstd are compiled in: without a C compiler the build fails late and far from the reason.
pub(crate) fn require_c_compiler() -> Outcome {
    let chosen = env::var_os("CC");
    let candidates =
        chosen.iter().map(|chosen| chosen.as_os_str()).chain(["cc", "gcc", "clang"].map(AsRef::as_ref));
    for candidate in candidates {
        if succeeds(Command::new(candidate).arg("--version")) {
            return Ok(());
        }
    }
    Err(Failure::cannot_run("no C compiler found, and SQLite and zstd are compiled from C")
        .help("install one (Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)"))
}
