//! `runs`: what was run and how it stands; resume, cancel, retry.

use std::sync::Arc;

use lorchestra_core::artifact::{ArtifactStore, StepOutput};
use lorchestra_core::run::RunMachine;
use lorchestra_core::run::record::{RunRecord, RunStatus, StepStatus};
use lorchestra_core::run_store::{InboxMessage, ListRuns, LoadRun, RunFilter};
use lorchestra_engine::EngineError;
use serde_json::{Value, json};

use super::args::{CancelArgs, Global, ListArgs, Output, RetryArgs, RunsArgs, RunsCommand, ShowArgs};
use super::fail::Failure;
use super::{out, run, table};
use crate::exit;
use crate::host::Host;
use crate::project::Project;

pub(super) async fn runs(args: RunsArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    let host = Host::open(&project)?;
    match args.command {
        RunsCommand::List(args) => list(&host, args, global).await,
        RunsCommand::Show(args) => show(&host, &args, global).await,
        RunsCommand::Resume(args) => {
            let run_id = find(&host, &args.run).await?;
            let record = host.engine.record(&run_id).await?;
            if record.status.is_terminal() {
                return Err(Failure::usage(format!("run {run_id} has ended: {}", record.status))
                    .help(format!("`lorchestra runs retry {run_id}` makes another attempt")));
            }
            host.engine.send(&run_id, InboxMessage::Unpause).await?;
            run::drive(&host, &run_id, global).await
        }
        RunsCommand::Cancel(args) => cancel(&host, args, global).await,
        RunsCommand::Retry(args) => retry(&host, args, global).await,
    }
}

impl Host {
    /// Whether nobody left a message for the run.
    pub(super) async fn store_inbox_is_empty(&self, run_id: &str) -> Result<bool, Failure> {
        Ok(self.store.inbox(run_id).await?.is_empty())
    }
}

async fn find(host: &Host, part: &str) -> Result<String, Failure> {
    host.store.find_run(part).await?.ok_or_else(|| {
        Failure::usage(format!("'{part}' is not the id of one run"))
            .help("`lorchestra runs list` shows the runs there are")
    })
}

async fn list(host: &Host, args: ListArgs, global: &Global) -> Result<u8, Failure> {
    let after = match &args.after {
        Some(part) => Some(find(host, part).await?),
        None => None,
    };
    let filter = RunFilter {
        job_id: args.job,
        statuses: args.status,
        after,
        limit: args.limit,
        ..RunFilter::default()
    };
    let records = host.store.list_runs(&filter).await?;
    if global.output == Output::Text {
        let rows = records
            .iter()
            .map(|record| {
                vec![
                    record.run_id.clone(),
                    record.envelope.job_id.clone(),
                    record.status.to_string(),
                    record.created_at.to_string(),
                    record.duration_ms.map(table::duration).unwrap_or_default(),
                    table::count(record.rows_read),
                    table::count(record.rows_written),
                ]
            })
            .collect();
        out::line(&table::table(&["run", "job", "status", "created", "took", "read", "written"], rows));
    } else {
        out::json(global.output, "runs", &serde_json::to_value(&records).unwrap_or_default());
    }
    Ok(exit::OK)
}

struct Shown {
    record: RunRecord,
    machine: RunMachine,
}

async fn load(host: &Host, run_id: &str) -> Result<Shown, Failure> {
    let stored = host.store.load_run(run_id).await?;
    let machine = RunMachine::replay(run_id, Arc::new(stored.instance), &stored.entries)
        .map_err(|source| Failure::from(EngineError::Journal { run_id: run_id.to_owned(), source }))?;
    Ok(Shown { record: machine.record(&stored.record), machine })
}

async fn show(host: &Host, args: &ShowArgs, global: &Global) -> Result<u8, Failure> {
    let run_id = find(host, &args.run).await?;
    let shown = load(host, &run_id).await?;
    if global.output == Output::Text {
        let record = &shown.record;
        out::line(&format!("run      {run_id}"));
        out::line(&format!("job      {} {}", record.envelope.job_id, record.envelope.version));
        out::line(&format!("status   {}{}", record.status, mode_words(record)));
        out::line(&format!("created  {}", record.created_at));
        out::line(&format!("attempts {}", shown.machine.attempts().len()));
        out::line("");
        out::line(&steps_table(&shown.machine));
        if args.verbose_steps {
            for outcome in shown.machine.outcomes() {
                out::line("");
                out::line(&format!("{}:", outcome.step_id));
                let manifest = shown.machine.manifest(&outcome.step_id);
                let output = shown.machine.output(&outcome.step_id);
                let both = json!({"manifest": manifest, "output": output});
                out::line(&serde_json::to_string_pretty(&both).unwrap_or_default());
            }
        }
        tell_errors(record);
    } else {
        out::json(global.output, "run", &document(&shown));
    }
    Ok(exit::OK)
}

fn document(shown: &Shown) -> Value {
    let manifests: serde_json::Map<String, Value> = shown
        .machine
        .outcomes()
        .iter()
        .filter_map(|outcome| {
            let manifest = serde_json::to_value(shown.machine.manifest(&outcome.step_id)?).ok()?;
            Some((outcome.step_id.clone(), manifest))
        })
        .collect();
    let outputs: serde_json::Map<String, Value> = shown
        .machine
        .outcomes()
        .iter()
        .filter_map(|outcome| {
            let output = serde_json::to_value(shown.machine.output(&outcome.step_id)?).ok()?;
            Some((outcome.step_id.clone(), output))
        })
        .collect();
    json!({
        "record": shown.record,
        "attempts": shown.machine.attempts(),
        "steps": shown.machine.outcomes(),
        "manifests": manifests,
        "outputs": outputs,
    })
}

async fn cancel(host: &Host, args: CancelArgs, global: &Global) -> Result<u8, Failure> {
    let run_id = find(host, &args.run).await?;
    let record = host.engine.record(&run_id).await?;
    if record.status.is_terminal() {
        return Err(Failure::usage(format!("run {run_id} has ended: {}", record.status)));
    }
    host.engine.send(&run_id, InboxMessage::Cancel { why: args.why }).await?;
    match host.engine.run_to_end(&run_id).await {
        Ok(_) => {
            print_end(host, &run_id, global).await?;
            Ok(exit::OK)
        }
        Err(EngineError::Held { worker, .. }) => {
            out::talk(&format!("run {run_id} is under way at worker {worker}, which was told to stop it"));
            Ok(exit::OK)
        }
        Err(error) => Err(error.into()),
    }
}

async fn retry(host: &Host, args: RetryArgs, global: &Global) -> Result<u8, Failure> {
    let run_id = find(host, &args.run).await?;
    let shown = load(host, &run_id).await?;
    if !shown.record.status.is_terminal() {
        return Err(Failure::usage(format!("run {run_id} has not ended: {}", shown.record.status))
            .help(format!("`lorchestra runs resume {run_id}` goes on with it")));
    }
    let outcomes = shown.machine.outcomes();
    if let Some(unknown) =
        args.steps.iter().find(|step| !outcomes.iter().any(|outcome| outcome.step_id == **step))
    {
        let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.step_id.as_str()).collect();
        return Err(Failure::usage(format!("Unknown step: '{unknown}'. Available: [{}]", names.join(", "))));
    }
    if args.steps.is_empty() && shown.record.status == RunStatus::Success {
        return Err(Failure::usage(format!("every step of run {run_id} did what it should"))
            .help("name a step to run it again: --step STEP"));
    }
    host.engine.send(&run_id, InboxMessage::Retry { steps: args.steps }).await?;
    run::drive(host, &run_id, global).await
}

/// What came of a run: its result on stdout, the table and what to do next on stderr.
pub(super) async fn print_end(host: &Host, run_id: &str, global: &Global) -> Result<u8, Failure> {
    let shown = load(host, run_id).await?;
    let record = &shown.record;
    if global.output != Output::Text {
        out::json(global.output, "run", &document(&shown));
        return Ok(exit::of_run(record));
    }
    if !global.quiet {
        out::talk("");
        out::talk(&steps_table(&shown.machine));
        out::talk("");
        let took =
            record.duration_ms.map(|millis| format!(" in {}", table::duration(millis))).unwrap_or_default();
        let moved = match (record.rows_read, record.rows_written) {
            (0, 0) => ", nothing read and nothing written".to_owned(),
            (read, written) => {
                format!(", {} rows read, {} written", table::count(read), table::count(written))
            }
        };
        out::talk(&format!("run {run_id}: {}{took}{moved}{}", record.status, mode_words(record)));
    }
    tell_errors(record);
    match record.status {
        RunStatus::Failed | RunStatus::Cancelled => {
            out::talk(&format!("to try again what did not complete: lorchestra runs retry {run_id}"));
        }
        RunStatus::Waiting | RunStatus::Queued | RunStatus::Running => {
            out::talk(&format!("it has not ended; to go on: lorchestra runs resume {run_id}"));
        }
        _ => {}
    }
    if let Some(result) = &record.result {
        print_result(host, result).await?;
    }
    Ok(exit::of_run(record))
}

fn mode_words(record: &RunRecord) -> &'static str {
    match record.mode {
        lorchestra_core::handler::RunMode::Normal => "",
        lorchestra_core::handler::RunMode::DryRun => " (dry run: nothing was written)",
        lorchestra_core::handler::RunMode::Noop => " (noop: nothing was done)",
    }
}

fn tell_errors(record: &RunRecord) {
    for error in &record.errors {
        let place =
            if error.step_id.is_empty() { "run".to_owned() } else { format!("step '{}'", error.step_id) };
        out::talk(&format!("error: {place}: {}: {}", error.error_type, error.message));
    }
}

/// The result: a text as it is, anything else as JSON; an artifact is streamed.
async fn print_result(host: &Host, result: &StepOutput) -> Result<(), Failure> {
    use futures_util::TryStreamExt;
    match result.artifacts.first() {
        Some(whole) if whole.at.is_empty() => {
            let fail = |error: lorchestra_core::artifact::ArtifactError| {
                Failure::new(exit::STORE, error.to_string())
            };
            let mut stream = host.artifacts.open(whole.handle.sha256).await.map_err(fail)?;
            let mut text = Vec::new();
            while let Some(piece) = stream.try_next().await.map_err(fail)? {
                match whole.handle.kind {
                    lorchestra_core::artifact::ArtifactKind::Rows => out::bytes(&piece),
                    _ => text.extend_from_slice(&piece),
                }
            }
            if !text.is_empty() {
                print_value(&serde_json::from_slice(&text).unwrap_or_default());
            }
        }
        _ => print_value(&result.value),
    }
    Ok(())
}

fn print_value(value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => out::line(text.trim_end_matches('\n')),
        other => out::line(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

fn steps_table(machine: &RunMachine) -> String {
    let rows = machine
        .outcomes()
        .into_iter()
        .map(|outcome| {
            let took = outcome
                .started_at
                .zip(outcome.completed_at)
                .map(|(from, to)| table::duration(to.millis_since(from)));
            let why = match outcome.status {
                StepStatus::Skipped | StepStatus::Cancelled => outcome.why.unwrap_or_default(),
                _ => String::new(),
            };
            vec![
                outcome.step_id,
                outcome.op,
                outcome.status.to_string(),
                outcome.tries.to_string(),
                table::count(outcome.rows_read),
                table::count(outcome.rows_written),
                took.unwrap_or_default(),
                why,
            ]
        })
        .collect();
    table::table(&["step", "op", "status", "tries", "read", "written", "took", ""], rows)
}
