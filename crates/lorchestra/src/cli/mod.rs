//! The command line: what may be said, and who answers. Results go to stdout, talk to stderr.

mod args;
mod fail;
mod gc;
mod init;
mod jobs;
mod load;
mod out;
mod plan;
mod progress;
mod query;
mod run;
mod runs;
mod table;
mod validate;

use std::process::ExitCode;

use clap::Parser;

pub use args::Cli;
use args::Command;
use fail::Failure;

/// How long the end of the process waits for work that was told to stop.
const SHUTDOWN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Reads the command line, does what it says, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { crate::exit::USAGE } else { crate::exit::OK };
            // a closed pipe is the reader's choice
            let _ = error.print();
            return code.into();
        }
    };
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(format!(
            "lorchestra={level},io_sqlite={level},lorchestra_engine={level}"
        )))
        .with_writer(std::io::stderr)
        .with_ansi(out::stderr_is_coloured(cli.color))
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::talk(&format!("error: the runtime cannot start: {error}"));
            return crate::exit::INTERNAL.into();
        }
    };
    let code = runtime.block_on(answer(cli)).unwrap_or_else(|failure| failure.tell());
    // stores close when the last task that holds them is gone; blocking work that outlives its answer (an interrupted
    // read) must not hold the process for long
    runtime.shutdown_timeout(SHUTDOWN_PATIENCE);
    code.into()
}

async fn answer(cli: Cli) -> Result<u8, Failure> {
    let global = args::Global { profile: cli.profile, output: cli.output, quiet: cli.quiet };
    match cli.command {
        Command::Init(args) => init::init(&args),
        Command::Validate(args) => validate::validate(&args, &global),
        Command::Plan(args) => plan::plan(&args, &global),
        Command::Run(args) => run::run(args, &global).await,
        Command::Runs(args) => runs::runs(args, &global).await,
        Command::Jobs(args) => jobs::jobs(&args, &global),
        Command::Query(args) => query::query(args, &global).await,
        Command::Load(args) => load::load(&args, &global).await,
        Command::Gc(args) => gc::gc(&args, &global).await,
    }
}
