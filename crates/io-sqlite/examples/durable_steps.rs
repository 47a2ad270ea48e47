//! B1: a linear job of 1,000 no-op steps, each durably recorded, beside the bare store: the same file, pragmas and
//! thread, one transaction per step with the very bytes ours wrote. Prints one line of JSON per round.
#![expect(clippy::print_stdout, reason = "an example speaks to a terminal")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use io_sqlite::artifacts::SqliteArtifacts;
use io_sqlite::run_store::{OpenOptions, SqliteRunStore};
use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_core::handler::{
    Completion, Handler, HandlerRegistry, NoSecrets, RunMode, StepContext, StepError,
};
use lorchestra_core::instance::{Idempotency, JobInstance, OnFailure, RetryPolicy, StepInstance};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::{Backend, Effect};
use lorchestra_engine::{Engine, EngineConfig, EngineParts, Submission};
use lorchestra_json::Sha256;
use serde_json::{Map, json};
use testkit::CountingIds;

const STEPS: usize = 1000;
const ROUNDS: usize = 5;

struct NoOp;

#[async_trait]
impl Handler for NoOp {
    async fn execute(&self, _: &StepContext, _: &StepManifest) -> Result<Completion, StepError> {
        Ok(json!({}).into())
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("runs.db");
        let ours = runtime.block_on(ours(&path))?;
        let (bare, commits) = bare(&path, &folder.path().join("bare.db"))?;
        let ratio = bare.as_secs_f64() / ours.as_secs_f64();
        let line = json!({
            "bench": "B1", "steps": STEPS, "commits": commits,
            "ours_steps_per_s": (STEPS as f64 / ours.as_secs_f64()).round(),
            "bare_steps_per_s": (STEPS as f64 / bare.as_secs_f64()).round(),
            "ratio": (ratio * 100.0).round() / 100.0,
        });
        println!("{line}");
    }
    Ok(())
}

async fn ours(path: &Path) -> Result<Duration, Box<dyn Error>> {
    let clock = Arc::new(SystemClock);
    let workers = path.with_file_name("workers");
    let store = Arc::new(SqliteRunStore::open(path, OpenOptions::new(clock.clone(), workers))?);
    let artifacts = Arc::new(SqliteArtifacts::beside(&store)?);
    let mut handlers = HandlerRegistry::default();
    handlers.register(Backend::Orchestration, Arc::new(NoOp))?;
    let engine = Engine::new(EngineParts {
        store,
        artifacts,
        handlers,
        secrets: Arc::new(NoSecrets),
        clock,
        ids: Arc::new(CountingIds::default()),
        config: EngineConfig::default(),
    });
    let submission = Submission {
        instance: linear(),
        mode: RunMode::Normal,
        profile: "bench".into(),
        labels: Map::new(),
        trigger: "bench".into(),
        idempotency_key: None,
    };
    let run_id = engine.submit(submission).await?.run_id;
    let begin = Instant::now();
    engine.run_to_end(&run_id).await?;
    Ok(begin.elapsed())
}

/// Writes what ours wrote, one transaction for each entry that ends a step together with the ones that follow it.
fn bare(ours: &Path, path: &Path) -> Result<(Duration, usize), Box<dyn Error>> {
    let source = rusqlite::Connection::open(ours)?;
    let mut read = source.prepare("SELECT pos, at, body FROM journal ORDER BY pos")?;
    let entries = read
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut groups: Vec<Vec<(i64, i64, String)>> = vec![Vec::new()];
    for entry in entries {
        if entry.2.starts_with("{\"type\":\"step_succeeded\"") {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.last_mut() {
            group.push(entry);
        }
    }
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE journal (pos INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;",
    )?;
    let mut insert = connection.prepare("INSERT INTO journal (pos, at, body) VALUES (?1, ?2, ?3)")?;
    let begin = Instant::now();
    for group in &groups {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for (pos, at, body) in group {
            insert.execute((pos, at, body))?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok((begin.elapsed(), groups.len()))
}

fn linear() -> JobInstance {
    let step_id = |position: usize| format!("step_{position}");
    let steps = (0..STEPS).map(|position| StepInstance {
        step_id: step_id(position),
        op: "log.dump".into(),
        backend: Backend::Orchestration,
        effect: Effect::Pure,
        params: json!({"items": []}),
        late: Vec::new(),
        secrets: Vec::new(),
        needs: position.checked_sub(1).map(step_id).into_iter().collect(),
        when: None,
        compiled_skip: None,
        retry: RetryPolicy::default(),
        timeout_s: 300.0,
        continue_on_error: false,
        idempotency: Idempotency::default(),
        phase_id: None,
        resources: Default::default(),
    });
    let mut instance = JobInstance {
        format: 1,
        job_id: "linear".into(),
        job_version: "1".into(),
        job_def_sha256: Sha256::of(b""),
        instance_sha256: Sha256::of(b""),
        compiled_at: SystemClock.now(),
        payload: Map::new(),
        ctx: Map::new(),
        self_: Map::new(),
        resources: Default::default(),
        max_parallel: 64,
        timeout_s: None,
        on_failure: OnFailure::default(),
        output: None,
        steps: steps.collect(),
    };
    instance.instance_sha256 = instance.digest();
    instance
}
