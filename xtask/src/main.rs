//! The workspace's own commands. Each stands in its own file below `command`; here they are only named.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to a terminal")]

mod boundaries;
mod command;
mod failure;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The commands that build, check and measure this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure speed beside the bare store
    Bench,
    /// Hold the dependency graph against boundaries.toml
    CheckBoundaries(command::check_boundaries::Arguments),
    /// Run every stage that a change has to pass
    Ci(command::ci::Arguments),
    /// Write what is generated from the tree, or check that it is fresh
    Codegen(command::codegen::Arguments),
    /// Check licences, bans, sources and advisories of dependencies
    Deny,
    /// Run the main example from nothing to its report
    Demo,
    /// Run all tests: nextest, then the examples in documentation
    Test(command::test::Arguments),
    /// Check what the compiler does not: file sizes, headers, unfinished work
    Tidy,
}

fn main() -> ExitCode {
    let workspace = Workspace::own();
    let outcome = match Arguments::parse().command {
        Command::Bench => command::bench::run(&workspace),
        Command::CheckBoundaries(arguments) => command::check_boundaries::run(&workspace, &arguments),
        Command::Ci(arguments) => command::ci::run(&workspace, &arguments),
        Command::Codegen(arguments) => command::codegen::run(&workspace, &arguments),
        Command::Demo => command::demo::run(&workspace),
        Command::Deny => command::deny::run(&workspace),
        Command::Test(arguments) => command::test::run(&workspace, &arguments),
        Command::Tidy => command::tidy::run(&workspace),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
