//! `jobs list` and `jobs show`.

use serde_json::json;

use super::args::{Global, JobsArgs, JobsCommand, Output};
use super::fail::Failure;
use super::{out, table};
use crate::exit;
use crate::project::Project;

pub(super) fn jobs(args: &JobsArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    match &args.command {
        JobsCommand::List => list(&project, global),
        JobsCommand::Show { job } => show(&project, job, global),
    }
}

fn list(project: &Project, global: &Global) -> Result<u8, Failure> {
    let defs: Vec<_> = project.jobs.iter().map(|file| file.job.as_ref()).collect();
    if global.output == Output::Text {
        let rows = defs
            .iter()
            .map(|def| {
                let description = def.description.as_deref().unwrap_or_default().to_owned();
                vec![
                    def.job_id.value.clone(),
                    def.version.value.clone(),
                    def.steps.len().to_string(),
                    description,
                ]
            })
            .collect();
        out::line(&table::table(&["job", "version", "steps", "description"], rows));
    } else {
        let list: Vec<_> = defs
            .iter()
            .map(|def| json!({"job_id": def.job_id.value, "version": def.version.value, "description": def.description, "steps": def.steps.len()}))
            .collect();
        out::json(global.output, "jobs", &json!(list));
    }
    if project.jobs.problems().has_errors() {
        out::talk(
            "warning: some files are left out because they are not valid; `lorchestra validate` shows why",
        );
    }
    Ok(exit::OK)
}

fn show(project: &Project, job: &str, global: &Global) -> Result<u8, Failure> {
    let def = super::run::find_job(project, job)?;
    if global.output == Output::Text {
        out::line(&format!("{} {}", def.job_id.value, def.version.value));
        if let Some(description) = &def.description {
            out::line(description);
        }
        let rows =
            def.steps.iter().map(|step| vec![step.step_id.value.clone(), step.op.value.clone()]).collect();
        out::line("");
        out::line(&table::table(&["step", "op"], rows));
    } else {
        out::json(global.output, "job", &def.to_json());
    }
    Ok(exit::OK)
}
