//! The `lorchestra` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lorchestra::cli::main()
}
