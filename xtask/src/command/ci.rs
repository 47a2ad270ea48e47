//! `ci`: every stage that a change has to pass, cheapest first. A stage that fails does not hide the next ones.
//! Times are printed beside their budgets: a slow machine gets a warning, a whole run that is far too long fails.

use std::time::{Duration, Instant};

use super::{check_boundaries, codegen, deny, test, tidy};
use crate::failure::{Failure, Outcome};
use crate::workspace::{Workspace, run as run_shown};

/// A run from a cold cache on two cores stays below this.
const TOTAL_BUDGET: Duration = Duration::from_secs(40 * 60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only these stages, by name
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
}

struct Stage {
    name: &'static str,
    budget: Duration,
    run: fn(&Workspace) -> Outcome,
}

const fn stage(name: &'static str, seconds: u64, run: fn(&Workspace) -> Outcome) -> Stage {
    Stage { name, budget: Duration::from_secs(seconds), run }
}

const STAGES: [Stage; 9] = [
    stage("fmt", 20, |workspace| run_shown(&mut workspace.cargo(["fmt", "--all", "--check"]))),
    stage("tidy", 5, tidy::run),
    stage("codegen", 10, codegen::check),
    stage("boundaries", 30, check_boundaries::run_own),
    stage("deny", 120, deny::run),
    stage("clippy", 480, clippy),
    stage("docs", 120, docs),
    stage("doc-tests", 480, test::doc_tests),
    stage("tests", 600, |workspace| test::tests(workspace, &[])),
];

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Outcome {
    let unknown = arguments.stages.iter().find(|name| STAGES.iter().all(|stage| stage.name != name.as_str()));
    if let Some(unknown) = unknown {
        let names = STAGES.map(|stage| stage.name).join(", ");
        return Err(
            Failure::cannot_run(format!("there is no stage `{unknown}`")).help(format!("stages: {names}"))
        );
    }
    let chosen =
        |stage: &&Stage| arguments.stages.is_empty() || arguments.stages.iter().any(|s| s == stage.name);
    let begin = Instant::now();
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for stage in STAGES.iter().filter(chosen) {
        println!("\n==> {}", stage.name);
        let begin = Instant::now();
        let outcome = (stage.run)(workspace);
        lines.push(line(stage, begin.elapsed(), outcome.is_ok()));
        if let Err(failure) = outcome {
            println!("{failure}");
            failed.push(stage.name);
        }
    }
    println!("\nstage            time   budget");
    println!("{}", lines.join("\n"));
    let total = begin.elapsed();
    println!("total      {:>8.1} s {:>6} s", total.as_secs_f64(), TOTAL_BUDGET.as_secs());
    if !failed.is_empty() {
        return Err(Failure::found(format!("failed: {}", failed.join(", "))));
    }
    if total > TOTAL_BUDGET {
        return Err(Failure::found("every stage passed, but the whole took longer than its budget"));
    }
    Ok(())
}

fn line(stage: &Stage, took: Duration, passed: bool) -> String {
    let verdict = match (passed, took > stage.budget) {
        (false, _) => "  FAILED",
        (true, true) => "  OVER BUDGET",
        (true, false) => "",
    };
    format!("{:<10} {:>8.1} s {:>6} s{verdict}", stage.name, took.as_secs_f64(), stage.budget.as_secs())
}

fn clippy(workspace: &Workspace) -> Outcome {
    test::require_c_compiler()?;
    run_shown(&mut workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn docs(workspace: &Workspace) -> Outcome {
    let mut command = workspace.cargo(["doc", "--workspace", "--no-deps"]);
    run_shown(command.env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budgets_of_the_stages_fit_into_the_whole() {
        let sum: Duration = STAGES.iter().map(|stage| stage.budget).sum();
        assert!(sum <= TOTAL_BUDGET, "{sum:?}");
    }
}
