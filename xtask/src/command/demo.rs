//! `demo`: the main example from nothing to its report, each command shown before it runs. Its state is kept below
//! `target/demo`, so that the example's folder stays as it is committed.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::test::require_c_compiler;
use crate::failure::{Failure, Outcome};
use crate::workspace::{Workspace, run as run_shown};

const COMMANDS: [&[&str]; 4] = [
    &["load"],
    &["run", "canonize_github_activity"],
    &["run", "measure_activity"],
    &["run", "report_activity"],
];

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    require_c_compiler()?;
    run_shown(&mut workspace.cargo(["build", "--quiet", "--package", "lorchestra", "--bin", "lorchestra"]))?;
    let project = workspace.target().join("demo");
    if project.exists() {
        fs::remove_dir_all(&project).map_err(|error| cannot("remove", &project, &error))?;
    }
    copy(&workspace.root().join("examples/github-activity"), &project)?;
    let binary = workspace.target().join("debug").join("lorchestra");
    for arguments in COMMANDS {
        println!("\n$ lorchestra {}", arguments.join(" "));
        let status = Command::new(&binary).args(arguments).current_dir(&project).status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => {
                return Err(Failure::found(format!(
                    "`lorchestra {}` ended with {status}",
                    arguments.join(" ")
                )));
            }
            Err(error) => return Err(cannot("start", &binary, &error)),
        }
    }
    println!("\nWhere to look next, in {}:", project.display());
    println!("  {} plan canonize_github_activity      what a run would do, step by step", binary.display());
    println!("  {} run canonize_github_activity       again: nothing is left to do", binary.display());
    println!("  {} runs list                          what was run", binary.display());
    println!("  {} query --sql 'SELECT * FROM derived.activity_by_kind LIMIT 5'", binary.display());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| cannot("make", to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| cannot("read", from, &error))? {
        let entry = entry.map_err(|error| cannot("read", from, &error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            // what runs in the example's own folder leaves behind is not part of it
            if entry.file_name() != ".lorchestra" {
                copy(&source, &target)?;
            }
        } else if !entry.file_name().to_string_lossy().contains(".db") {
            fs::copy(&source, &target).map_err(|error| cannot("copy", &source, &error))?;
        }
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::cannot_run(format!("cannot {what} {}: {error}", path.display()))
}
