//! Whole runs: what is written, what is kept out of it, and what survives a store that fails.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lorchestra_core::artifact::ArtifactStore;
use lorchestra_core::handler::{
    Completion, Handler, HandlerRegistry, RunMode, SecretError, SecretSource, StepContext, StepError,
};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::Backend;
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{ClaimRuns, InboxMessage, LoadRun};
use lorchestra_engine::{DriveEnd, Engine, EngineConfig, EngineError, EngineParts, Submission};
use serde_json::{Map, Value, json};
use testkit::{
    CountingIds, FixedClock, MemoryArtifacts, MemoryRunStore, bytes_of, job_of, read_all, sealed, step_of,
    with_late,
};

const SECRET: &str = "hunter2-hunter2";

struct Vault;

impl SecretSource for Vault {
    fn secret(&self, _: &str) -> Result<String, SecretError> {
        Ok(SECRET.into())
    }
}

/// Does what the op's name says.
struct Scripted;

#[async_trait]
impl Handler for Scripted {
    async fn execute(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
        match manifest.op.trim_start_matches("test.") {
            "panics" => panic!("over the edge"),
            "hangs" => std::future::pending().await,
            "fails" => Err(StepError::permanent("broken", "no")),
            "big" => Ok(json!({"text": "x".repeat(100_000), "small": 1}).into()),
            "stops" => {
                cx.cancel.cancelled().await;
                Err(StepError::permanent("cancelled", "as told"))
            }
            "tells" => {
                let value = cx.secrets.secret("KEY").unwrap();
                cx.artifacts.put(bytes_of(format!("before {value} after"))).await.unwrap();
                Ok(json!({ "said": format!("<{value}>"), value: 1 }).into())
            }
            "blurts" => {
                let value = cx.secrets.secret("KEY").unwrap();
                Err(StepError::permanent("broken", format!("cannot log in with {value}")))
            }
            _ => Ok(json!({"got": manifest.resolved_params}).into()),
        }
    }
}

struct Bench {
    store: Arc<MemoryRunStore>,
    artifacts: Arc<MemoryArtifacts>,
    engine: Engine,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(FixedClock::default());
        let store = Arc::new(MemoryRunStore::new(clock.clone()));
        let artifacts = Arc::new(MemoryArtifacts::default());
        let mut handlers = HandlerRegistry::default();
        handlers.register(Backend::Orchestration, Arc::new(Scripted)).unwrap();
        let engine = Engine::new(EngineParts {
            store: store.clone(),
            artifacts: artifacts.clone(),
            handlers,
            secrets: Arc::new(Vault),
            clock,
            ids: Arc::new(CountingIds::default()),
            config: EngineConfig { max_parallel: 1, ..EngineConfig::default() },
        });
        Self { store, artifacts, engine }
    }

    async fn submit(&self, instance: JobInstance) -> String {
        let submission = Submission {
            instance,
            mode: RunMode::Normal,
            profile: "test".into(),
            labels: Map::new(),
            trigger: "test".into(),
            idempotency_key: None,
        };
        self.engine.submit(submission).await.unwrap().run_id
    }

    async fn end(&self, run_id: &str) -> RunRecord {
        match self.engine.run_to_end(run_id).await.unwrap() {
            DriveEnd::Finished(record) => *record,
            other => panic!("the run did not end: {other:?}"),
        }
    }

    async fn journal(&self, run_id: &str) -> String {
        let stored = self.store.load_run(run_id).await.unwrap();
        stored.entries.iter().map(|entry| entry.event.encode() + "\n").collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_linear_run_costs_one_commit_per_step() {
    let bench = Bench::new();
    let mut commits = bench.engine.watch();
    let run_id = bench.submit(job_of([step_of("a", &[]), step_of("b", &["a"]), step_of("c", &["b"])])).await;
    assert_eq!(bench.end(&run_id).await.status, RunStatus::Success);
    let mut seen = 0;
    while commits.try_recv().is_ok() {
        seen += 1;
    }
    assert_eq!(seen, 4, "the first dispatch, and the end of each step");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_commit_is_read_back_whether_it_happened_or_not() {
    for happened in [true, false] {
        let bench = Bench::new();
        let run_id = bench.submit(job_of([step_of("a", &[])])).await;
        bench.store.next_append_is_unknown(happened);
        assert_eq!(bench.end(&run_id).await.status, RunStatus::Success);
        let dispatches = bench.journal(&run_id).await.matches("step_dispatched").count();
        assert_eq!(dispatches, 1, "happened: {happened}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_commit_of_messages_alone_is_read_back_too() {
    let bench = Bench::new();
    let run_id = bench.submit(job_of([step_of("a", &[])])).await;
    bench.end(&run_id).await;
    bench.engine.send(&run_id, InboxMessage::Pause).await.unwrap();
    bench.store.next_append_is_unknown(true);
    assert_eq!(bench.end(&run_id).await.status, RunStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_nowhere_in_what_is_kept() {
    let bench = Bench::new();
    let job = job_of([step_of("tells", &[]), with_late(step_of("echo", &["tells"]), "x", "@run.tells.said")]);
    let told = bench.submit(job).await;
    assert_eq!(bench.end(&told).await.status, RunStatus::Success);
    let blurted = bench.submit(job_of([step_of("blurts", &[])])).await;
    let record = bench.end(&blurted).await;
    assert!(!format!("{record:?}").contains(SECRET));
    let mut kept = bench.journal(&told).await + &bench.journal(&blurted).await;
    for digest in bench.artifacts.digests() {
        let bytes = read_all(bench.artifacts.open(digest).await.unwrap()).await.unwrap();
        kept.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert!(kept.contains("before [secret KEY] after") && kept.contains("cannot log in with [secret KEY]"));
    assert!(!kept.contains(SECRET));
}

#[tokio::test(start_paused = true)]
async fn a_large_output_spills_and_is_read_back_by_refs() {
    let bench = Bench::new();
    let mut job = job_of([step_of("big", &[]), with_late(step_of("b", &["big"]), "n", "@run.big.small")]);
    job.output = Some("@run.b.got".into());
    let run_id = bench.submit(sealed(job)).await;
    let record = bench.end(&run_id).await;
    assert_eq!(record.result.unwrap().value, json!({"n": 1}));
    assert!(bench.journal(&run_id).await.len() < 10_000);
    assert_eq!(bench.artifacts.digests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_with_a_traceback_and_others_go_on() {
    let bench = Bench::new();
    let bad = bench.submit(job_of([step_of("panics", &[])])).await;
    let good = bench.submit(job_of([step_of("a", &[])])).await;
    let (bad_end, good_end) = tokio::join!(bench.end(&bad), bench.end(&good));
    assert_eq!((bad_end.status, good_end.status), (RunStatus::Failed, RunStatus::Success));
    assert_eq!(bad_end.errors[0].error_type, "handler_panic");
    assert!(bench.journal(&bad).await.contains("\"traceback\":"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_at_once_like_the_one_before_is_recorded() {
    let bench = Bench::new();
    let mut a = step_of("a", &[]);
    a.when = Some("'text' > 1".into());
    let run_id = bench.submit(job_of([a])).await;
    assert_eq!(bench.end(&run_id).await.status, RunStatus::Failed);
    bench.engine.send(&run_id, InboxMessage::Retry { steps: Vec::new() }).await.unwrap();
    assert_eq!(bench.end(&run_id).await.status, RunStatus::Failed);
    assert_eq!(bench.journal(&run_id).await.matches("run_finished").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancel_reaches_steps_that_run_and_steps_that_wait_for_a_slot() {
    let bench = Bench::new();
    let run_id = bench.submit(job_of([step_of("hangs", &[]), step_of("stops", &[])])).await;
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.engine.send(&run_id, InboxMessage::Cancel { why: "by hand".into() }).await.unwrap();
    };
    let (record, ()) = tokio::join!(bench.end(&run_id), cancel);
    assert_eq!(record.status, RunStatus::Cancelled);
    let ended: Value = json!(bench.journal(&run_id).await.matches("step_cancelled").count());
    assert_eq!(ended, json!(2));
}

#[tokio::test(start_paused = true)]
async fn a_try_over_its_time_is_stopped_and_fails() {
    let bench = Bench::new();
    let mut hangs = step_of("hangs", &[]);
    hangs.timeout_s = 2.0;
    hangs.retry.max_attempts = 1;
    let run_id = bench.submit(job_of([hangs])).await;
    assert_eq!(bench.end(&run_id).await.errors[0].error_type, "timeout");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_run_writes_nothing_more() {
    let bench = Bench::new();
    let run_id = bench.submit(job_of([step_of("stops", &[])])).await;
    let steal = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.store.worker_dies("worker");
        bench.store.claim_run(&run_id, "other", 30_000).await.unwrap();
        let before = bench.journal(&run_id).await;
        bench.engine.send(&run_id, InboxMessage::Cancel { why: "by hand".into() }).await.unwrap();
        before
    };
    let (end, before) = tokio::join!(bench.engine.run_to_end(&run_id), steal);
    assert!(matches!(end, Err(EngineError::Lost(_))), "{end:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.journal(&run_id).await, before);
}
