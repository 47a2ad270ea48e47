//! `run`: compile, submit, drive to the end, say what came of it. Also what `plan` and `runs` share with it.

use lorchestra_core::clock::Clock;
use lorchestra_core::compile::{self, CompileContext};
use lorchestra_core::handler::{HandlerRegistry, RunMode};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::job_def::JobDef;
use lorchestra_engine::{DriveEnd, Submission};
use serde_json::{Map, Value};

use super::args::{Global, JobArgs, RunArgs};
use super::fail::Failure;
use super::progress::Progress;
use super::{out, query, runs};
use crate::exit;
use crate::host::{self, Host};
use crate::project::Project;
use crate::system::SystemClock;

pub(super) async fn run(args: RunArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    let instance = compile_job(&project, &args.job)?;
    let host = Host::open(&project)?;
    host.store_resources(&project, &instance).await?;
    let submitted = host
        .engine
        .submit(Submission {
            instance,
            mode: if args.dry_run { RunMode::DryRun } else { RunMode::Normal },
            profile: project.config.profile_name.clone(),
            labels: Map::new(),
            trigger: "cli".into(),
            idempotency_key: args.idempotency_key,
        })
        .await?;
    if submitted.existing && !global.quiet {
        out::talk(&format!("run {} exists under this key", submitted.run_id));
    }
    drive(&host, &submitted.run_id, global).await
}

/// Drives a run to its end, tells how it goes, and prints what came of it.
pub(super) async fn drive(host: &Host, run_id: &str, global: &Global) -> Result<u8, Failure> {
    let record = host.engine.record(run_id).await?;
    let waiting = !host.store_inbox_is_empty(run_id).await?;
    if record.status.is_terminal() && !waiting {
        return runs::print_end(host, run_id, global).await;
    }
    let progress = Progress::start(host, run_id, global);
    let engine = host.engine.clone();
    let interrupts = tokio::spawn(async move {
        if interrupted().await {
            out::talk("interrupted: running steps may end; once more to stop at once");
            engine.shut_down();
            if interrupted().await {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        }
    });
    let end = host.engine.run_to_end(run_id).await;
    interrupts.abort();
    progress.finish().await;
    match end? {
        DriveEnd::ShutDown => {
            out::talk(&format!("run {run_id} stopped; to go on: lorchestra runs resume {run_id}"));
            Ok(exit::INTERRUPTED)
        }
        _ => runs::print_end(host, run_id, global).await,
    }
}

/// Waits for SIGINT or SIGTERM; `false` when signals cannot be had.
async fn interrupted() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            caught = interrupt.recv() => caught.is_some(),
            caught = terminate.recv() => caught.is_some(),
        },
        _ => false,
    }
}

/// The job called `job_id`, if it can be used.
pub(super) fn find_job<'a>(project: &'a Project, job_id: &str) -> Result<&'a JobDef, Failure> {
    project.jobs.get(job_id).map(AsRef::as_ref).map_err(|error| match error.problems() {
        Some(problems) => Failure::diagnostics(problems, project.jobs.sources()),
        None => Failure::usage(error.to_string()),
    })
}

/// The job compiled with its arguments.
pub(super) fn compile_job(project: &Project, args: &JobArgs) -> Result<JobInstance, Failure> {
    let def = find_job(project, &args.job)?;
    let context =
        CompileContext { ctx: ctx(&args.ctx)?, payload: payload(def, args)?, compiled_at: SystemClock.now() };
    let catalog = host::catalog(project, &HandlerRegistry::default());
    compile::compile(def, &context, &catalog).map_err(|errors| {
        let sources = project.jobs.sources();
        if errors.blames_definition() {
            Failure::diagnostics(&errors.definition, sources)
        } else if errors.payload.is_empty() {
            Failure { code: exit::USAGE, ..Failure::diagnostics(&errors.input, sources) }
        } else {
            Failure::payload(&errors.payload)
        }
    })
}

fn ctx(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    pairs.iter().map(|pair| query::key_value(pair)).collect()
}

fn payload(def: &JobDef, args: &JobArgs) -> Result<Map<String, Value>, Failure> {
    let text = match (&args.payload, &args.payload_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("payload file {}: {error}", path.display())))?,
        (None, None) => "{}".to_owned(),
    };
    let mut payload = match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(Failure::usage("the payload must be a JSON object")),
        Err(error) => return Err(Failure::usage(format!("the payload is not JSON: {error}"))),
    };
    for pair in &args.params {
        let (key, text) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Failure::usage(format!("'{pair}' is not KEY=VALUE")))?;
        let value = match &def.params {
            Some(schema) => schema.parse_cli(key, text).map_err(|problem| Failure::payload(&[problem]))?,
            None => query::key_value(pair)?.1,
        };
        payload.insert(key.to_owned(), value);
    }
    Ok(payload)
}
