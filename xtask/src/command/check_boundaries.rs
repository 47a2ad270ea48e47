//! `check-boundaries`: the graph of a workspace, this one or any other, against its table. The judging is `boundaries`.

use std::path::PathBuf;

use crate::boundaries::{Format, check, load_graph, load_rules, render};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The workspace's Cargo.toml; this workspace's when absent
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// The table; boundaries.toml beside the manifest when absent
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Outcome {
    let manifest = arguments.manifest_path.clone().unwrap_or_else(|| workspace.root().join("Cargo.toml"));
    let table = arguments.rules.clone().unwrap_or_else(|| manifest.with_file_name("boundaries.toml"));
    let rules = load_rules(&table)?;
    let graph = load_graph(&manifest, &rules)?;
    let verdict = check(&graph, &rules);
    let table = table.file_name().unwrap_or(table.as_os_str()).to_string_lossy().into_owned();
    print!("{}", render(&verdict, &table, arguments.format));
    match verdict.violations.len() {
        0 => Ok(()),
        1 => Err(Failure::found("the boundaries do not hold: 1 violation")),
        count => Err(Failure::found(format!("the boundaries do not hold: {count} violations"))),
    }
}

/// The check of this workspace, as `ci` runs it.
pub(crate) fn run_own(workspace: &Workspace) -> Outcome {
    run(workspace, &Arguments { manifest_path: None, rules: None, format: Format::Text })
}
