//! `load`: a declared load, or a file into a table.

use std::path::Path;

use serde_json::json;
use storacle_client::UpsertCounts;

use super::args::{Global, LoadArgs, Output};
use super::fail::Failure;
use super::{out, table};
use crate::exit;
use crate::host::Host;
use crate::load::{self, FileLoad, LoadError};
use crate::project::Project;

pub(super) async fn load(args: &LoadArgs, global: &Global) -> Result<u8, Failure> {
    let here = std::env::current_dir()?;
    let project = Project::find(&here, global.profile.as_deref())?;
    let host = Host::open(&project)?;
    let plane = host.data_plane.as_ref();
    let mut done = Vec::new();
    match (&args.what, &args.table) {
        (Some(file), Some(table)) => {
            let request = FileLoad {
                file: here.join(file),
                table: table.clone(),
                key: args.key.clone(),
                create: args.create,
            };
            done.push((file.clone(), load::file(plane, &request).await?));
        }
        (what, _) => {
            let declared: Vec<_> = project
                .config
                .load
                .iter()
                .filter(|(name, _)| what.as_ref().is_none_or(|what| what == name))
                .collect();
            if declared.is_empty() {
                return Err(nothing_to_load(&project, what.as_deref(), &here));
            }
            for (name, declaration) in declared {
                done.push((name.clone(), load::declared(plane, &project.root, declaration).await?));
            }
        }
    }
    if global.output == Output::Text {
        for (name, counts) in &done {
            out::line(&format!("{name}: {}", words(counts)));
        }
    } else {
        let list: Vec<_> =
            done.iter().map(|(name, counts)| json!({"name": name, "counts": counts})).collect();
        out::json(global.output, "loads", &json!(list));
    }
    Ok(exit::OK)
}

fn words(counts: &UpsertCounts) -> String {
    format!(
        "{} rows: {} inserted, {} updated, {} unchanged",
        table::count(counts.total),
        table::count(counts.inserted),
        table::count(counts.updated),
        table::count(counts.unchanged)
    )
}

fn nothing_to_load(project: &Project, what: Option<&str>, here: &Path) -> Failure {
    let names: Vec<&str> = project.config.load.iter().map(|(name, _)| name.as_str()).collect();
    match what {
        Some(what) if here.join(what).is_file() => {
            Failure::usage(format!("{what} is a file: say into which table"))
                .help("--table dataset.table, with --create to make it")
        }
        Some(what) => Failure::usage(format!("Unknown load: '{what}'. Available: [{}]", names.join(", "))),
        None => {
            Failure::usage("lorchestra.yaml declares no load").help("give a file and --table dataset.table")
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::DataPlane(error) => error.into(),
            LoadError::File { .. } => Self::usage(error.to_string()),
            other => Self::new(exit::RUN_FAILED, other.to_string()),
        }
    }
}
