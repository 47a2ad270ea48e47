//! `validate`: everything that can be known of jobs without running them, all problems at once.

use std::path::{Path, PathBuf};

use lorchestra_core::compile;
use lorchestra_core::diagnostic::Diagnostics;
use lorchestra_core::handler::HandlerRegistry;
use serde_json::json;

use super::args::{Global, Output, ValidateArgs};
use super::fail::Failure;
use super::out;
use crate::exit;
use crate::host;
use crate::project::Project;

pub(super) fn validate(args: &ValidateArgs, global: &Global) -> Result<u8, Failure> {
    let here = std::env::current_dir()?;
    let start = args.paths.first().map_or_else(|| here.clone(), |path| here.join(path));
    let project = Project::find(&start, global.profile.as_deref())?;
    let wanted = wanted(&project, &here, &args.paths)?;
    let catalog = host::catalog(&project, &HandlerRegistry::default());
    let mut all = Diagnostics::default();
    // a problem belongs to the file that its place is in
    let shown_below = format!("{}/", project.config.jobs.trim_end_matches('/'));
    let broken = project.jobs.problems().iter().filter(|problem| {
        let source = problem.primary.as_ref().map(|label| label.source.as_ref()).unwrap_or_default();
        includes(&wanted, source.strip_prefix(&shown_below).unwrap_or(source))
    });
    all.extend(broken.cloned());
    let mut names: std::collections::BTreeSet<String> =
        all.iter().filter_map(|problem| Some(problem.primary.as_ref()?.source.to_string())).collect();
    for file in project.jobs.iter() {
        let path = file.path.as_deref().unwrap_or_default();
        if includes(&wanted, path) {
            names.insert(format!("{shown_below}{path}"));
            all.extend(compile::validate(&file.job, &catalog));
        }
    }
    let files = names.len();
    if files == 0 {
        return Err(Failure::usage("there is no job file in what was given"));
    }
    all.sort();
    if global.output == Output::Text {
        if !all.is_empty() {
            out::talk(all.render(project.jobs.sources()).trim_end());
            out::talk("");
        }
        let problems = all.len();
        let noun = if files == 1 { "job" } else { "jobs" };
        out::line(&match problems {
            0 => format!("{files} {noun} checked, no problems"),
            1 => format!("{files} {noun} checked, 1 problem"),
            _ => format!("{files} {noun} checked, {problems} problems"),
        });
    } else {
        out::json(global.output, "validation", &json!({"files": files, "diagnostics": all}));
    }
    Ok(if all.has_errors() { exit::DEFINITION } else { exit::OK })
}

/// The given paths, relative to the folder of jobs. Empty means all.
fn wanted(project: &Project, here: &Path, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let jobs_root = project.root.join(&project.config.jobs);
    let jobs_root = jobs_root.canonicalize().unwrap_or(jobs_root);
    paths
        .iter()
        .map(|path| {
            let full = here.join(path);
            let full = full
                .canonicalize()
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            if jobs_root.starts_with(&full) {
                return Ok(String::new());
            }
            full.strip_prefix(&jobs_root).map(|path| path.display().to_string()).map_err(|_| {
                Failure::usage(format!(
                    "{} is not below the folder of jobs, {}",
                    path.display(),
                    jobs_root.display()
                ))
            })
        })
        .collect()
}

fn includes(wanted: &[String], path: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|prefix| Path::new(path).starts_with(prefix))
}
