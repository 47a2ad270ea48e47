//! The command line as clap reads it. A flag that does nothing does not exist.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Jobs as YAML: see the plan, run it durably, resume it.
#[derive(Debug, Parser)]
#[command(name = "lorchestra", version, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    /// Profile of lorchestra.yaml that names the stores
    #[arg(long, global = true, env = "LORCHESTRA_PROFILE")]
    pub profile: Option<String>,
    /// How results are printed
    #[arg(long, short = 'o', global = true, value_enum, default_value_t = Output::Text, env = "LORCHESTRA_OUTPUT")]
    pub output: Output,
    /// Colours on the terminal
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Only results and errors
    #[arg(long, short = 'q', global = true)]
    pub quiet: bool,
    /// More talk; twice for still more
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What every command is told.
#[derive(Debug, Clone)]
pub(super) struct Global {
    pub(super) profile: Option<String>,
    pub(super) output: Output,
    pub(super) quiet: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Ndjson,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project that runs at once
    Init(InitArgs),
    /// Check jobs without running them
    Validate(ValidateArgs),
    /// Show what a job would do: every step's manifest
    Plan(JobArgs),
    /// Run a job to its end
    Run(RunArgs),
    /// Look at runs, and steer them
    Runs(RunsArgs),
    /// Look at jobs
    Jobs(JobsArgs),
    /// Read tables
    Query(QueryArgs),
    /// Bring a file into a table
    Load(LoadArgs),
    /// Delete artifacts that nothing names
    Gc(GcArgs),
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; made when it does not exist
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

/// `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Files and folders; all jobs of the project when left out
    pub paths: Vec<PathBuf>,
}

/// A job and what it is run with.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The job's id
    pub job: String,
    /// The payload as JSON
    #[arg(long, conflicts_with = "payload_file", value_name = "JSON")]
    pub payload: Option<String>,
    /// A file with the payload as JSON
    #[arg(long, value_name = "FILE")]
    pub payload_file: Option<PathBuf>,
    /// One payload key, typed by the job's params schema
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE")]
    pub params: Vec<String>,
    /// One context key
    #[arg(long = "ctx", value_name = "KEY=VALUE")]
    pub ctx: Vec<String>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job
    #[command(flatten)]
    pub job: JobArgs,
    /// Read and compute, write nothing: writing steps report what they would have written
    #[arg(long)]
    pub dry_run: bool,
    /// Submitting the same again under this key gives the run that exists
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: RunsCommand,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Runs, newest first
    List(ListArgs),
    /// One run: its steps, errors and result
    Show(ShowArgs),
    /// Go on with a run that has not ended
    Resume(RunIdArgs),
    /// End a run
    Cancel(CancelArgs),
    /// Another attempt at an ended run: steps that completed are kept
    Retry(RetryArgs),
}

/// `runs list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Runs of this job
    #[arg(long)]
    pub job: Option<String>,
    /// Runs in this state; may be repeated
    #[arg(long, value_parser = parse_status)]
    pub status: Vec<lorchestra_core::run::record::RunStatus>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Runs older than this one: the last of the page before
    #[arg(long, value_name = "RUN")]
    pub after: Option<String>,
}

/// `runs show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run's id, or a unique beginning or end of it
    pub run: String,
    /// Manifests and outputs too
    #[arg(long)]
    pub verbose_steps: bool,
}

/// A run.
#[derive(Debug, Args)]
pub struct RunIdArgs {
    /// The run's id, or a unique beginning or end of it
    pub run: String,
}

/// `runs cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The run's id, or a unique beginning or end of it
    pub run: String,
    /// Why, for the record
    #[arg(long, default_value = "cancelled from the command line")]
    pub why: String,
}

/// `runs retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The run's id, or a unique beginning or end of it
    pub run: String,
    /// Run this completed step again too; may be repeated
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,
}

/// `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: JobsCommand,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// All jobs of the project
    List,
    /// One job: its params and steps
    Show {
        /// The job's id
        job: String,
    },
}

/// `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// A query of the DSL, as JSON or YAML: {dataset: raw, table: raw_objects, limit: 5}
    #[arg(required_unless_present = "sql")]
    pub spec: Option<String>,
    /// One read-only SQL statement instead
    #[arg(long, conflicts_with = "spec")]
    pub sql: Option<String>,
    /// A value for @KEY in the SQL, as JSON or text
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE", requires = "sql")]
    pub params: Vec<String>,
}

/// `load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A load declared in lorchestra.yaml, or a file (.ndjson, .json, .csv); every declared load when left out
    pub what: Option<String>,
    /// Of a file: the table, dataset.table
    #[arg(long, requires = "what")]
    pub table: Option<String>,
    /// Of a file: the column that identifies a row
    #[arg(long, requires = "table", default_value = "idem_key")]
    pub key: String,
    /// Of a file: make the table when it does not exist, with types inferred from the file
    #[arg(long, requires = "table")]
    pub create: bool,
}

/// `gc`.
#[derive(Debug, Args)]
pub struct GcArgs {
    /// Say what would be deleted, delete nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn parse_status(text: &str) -> Result<lorchestra_core::run::record::RunStatus, String> {
    use lorchestra_core::run::record::RunStatus;
    RunStatus::parse(text).ok_or_else(|| {
        let all: Vec<&str> = RunStatus::ALL.iter().map(|status| status.as_str()).collect();
        format!("allowed: {}", all.join(", "))
    })
}
