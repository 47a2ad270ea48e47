//! Runs and commits to store: small, valid, and the same every time.

use std::collections::BTreeMap;

use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::{RowCounts, RunMode, StepError};
use lorchestra_core::instance::{INSTANCE_FORMAT, JobInstance, OnFailure};
use lorchestra_core::run::journal::{
    AttemptReason, AttemptStarted, Envelope, Event, JournalEntry, RULES, RetryRequested, RunCreated,
    RunFinished, StepFailed, StepSucceeded,
};
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{Commit, NewRun};
use lorchestra_json::{Sha256, canonical};
use serde_json::{Map, Value, json};

/// A job instance of `job_id` with a payload of its own.
#[must_use]
pub fn instance(job_id: &str, payload: &Map<String, Value>, now: Timestamp) -> JobInstance {
    let instance = JobInstance {
        format: INSTANCE_FORMAT,
        job_id: job_id.to_owned(),
        job_version: "1".into(),
        job_def_sha256: Sha256::of(job_id.as_bytes()),
        instance_sha256: Sha256::from_bytes([0; 32]),
        compiled_at: now,
        payload: payload.clone(),
        ctx: Map::new(),
        self_: Map::new(),
        resources: BTreeMap::from([(format!("{job_id}.jq"), resource(job_id))]),
        max_parallel: 64,
        timeout_s: None,
        on_failure: OnFailure::Finish,
        output: None,
        steps: Vec::new(),
    };
    JobInstance { instance_sha256: instance.digest(), ..instance }
}

/// The digest of the resource that instances of `job_id` name.
#[must_use]
pub fn resource(job_id: &str) -> Sha256 {
    Sha256::of(format!("resource of {job_id}").as_bytes())
}

/// A queued run of job `job`.
#[must_use]
pub fn run(run_id: &str, now: Timestamp) -> NewRun {
    run_of("job", run_id, now)
}

/// A queued run of `job_id`, with its id as payload.
#[must_use]
pub fn run_of(job_id: &str, run_id: &str, now: Timestamp) -> NewRun {
    let payload = Map::from_iter([("of".to_owned(), json!(run_id))]);
    run_with(job_id, run_id, &payload, now)
}

/// A queued run of `job_id` with `payload`.
#[must_use]
pub fn run_with(job_id: &str, run_id: &str, payload: &Map<String, Value>, now: Timestamp) -> NewRun {
    let instance = instance(job_id, payload, now);
    let envelope = Envelope {
        job_id: job_id.to_owned(),
        version: "1".into(),
        payload: payload.clone(),
        profile: "test".into(),
        trigger: "cli".into(),
        ..Envelope::default()
    };
    let created = RunCreated {
        instance_sha256: instance.instance_sha256,
        envelope: envelope.clone(),
        mode: RunMode::Normal,
        jitter_seed: u64::MAX,
        rules: RULES,
    };
    let record = RunRecord {
        run_id: run_id.to_owned(),
        job_def_sha256: instance.job_def_sha256,
        instance_sha256: instance.instance_sha256,
        envelope,
        parent_run_id: None,
        parent_step_id: None,
        mode: RunMode::Normal,
        status: RunStatus::Queued,
        created_at: now,
        started_at: None,
        completed_at: None,
        duration_ms: None,
        rows_read: 0,
        rows_written: 0,
        errors: Vec::new(),
        result: None,
        idempotency_key: None,
    };
    NewRun {
        record,
        instance,
        entries: vec![JournalEntry { seq: 1, at: now, event: created.into() }],
        request_sha256: canonical::digest(&json!({"job_id": job_id, "payload": payload})),
        artifacts: Vec::new(),
    }
}

/// The same run under an idempotency key.
#[must_use]
pub fn keyed(mut run: NewRun, key: &str) -> NewRun {
    run.record.idempotency_key = Some(key.to_owned());
    run
}

/// The same run, started by step `start` of `parent`.
#[must_use]
pub fn child_of(mut run: NewRun, parent: &str) -> NewRun {
    run.record.parent_run_id = Some(parent.to_owned());
    run.record.parent_step_id = Some("start".into());
    keyed(run, &format!("{parent}:start"))
}

/// Entries from `after` + 1 on.
#[must_use]
pub fn entries(after: u64, now: Timestamp, events: Vec<Event>) -> Vec<JournalEntry> {
    (after + 1..).zip(events).map(|(seq, event)| JournalEntry { seq, at: now, event }).collect()
}

/// A step that succeeded with `value`.
#[must_use]
pub fn succeeded(step: &str, value: Value) -> Event {
    StepSucceeded { step: step.to_owned(), index: None, output: value.into(), rows: RowCounts::default() }
        .into()
}

/// A commit of one step that succeeded.
#[must_use]
pub fn step(after: u64, now: Timestamp) -> Commit {
    let event = succeeded(&format!("step_{after}"), json!({"seq": after, "text": "grüße\n"}));
    Commit { entries: entries(after, now, vec![event]), ..Commit::default() }
}

/// The row of `run` when its first attempt began.
#[must_use]
pub fn started(run: &RunRecord, now: Timestamp) -> RunRecord {
    RunRecord {
        status: RunStatus::Running,
        started_at: Some(now),
        completed_at: None,
        result: None,
        ..run.clone()
    }
}

/// A commit that begins an attempt.
#[must_use]
pub fn start(run: &RunRecord, after: u64, now: Timestamp) -> Commit {
    let event = AttemptStarted { n: 1, why: AttemptReason::Started };
    Commit {
        entries: entries(after, now, vec![event.into()]),
        record: Some(started(run, now)),
        ..Commit::default()
    }
}

/// A commit after which the run waits until `wake_at` to try a step again.
#[must_use]
pub fn wait(run: &RunRecord, after: u64, now: Timestamp, wake_at: Timestamp) -> Commit {
    let error = StepError::retryable("busy", "the table is locked");
    let event = StepFailed { step: "load".into(), index: None, error, retry_at: Some(wake_at) };
    Commit {
        entries: entries(after, now, vec![event.into()]),
        record: Some(RunRecord { status: RunStatus::Waiting, ..started(run, now) }),
        wake_at: Some(wake_at),
        ..Commit::default()
    }
}

/// A commit that ends the run well.
#[must_use]
pub fn finish(run: &RunRecord, after: u64, now: Timestamp) -> Commit {
    let result = json!({"rows": 3});
    let event = RunFinished { status: RunStatus::Success, result: result.clone().into() };
    let record = RunRecord {
        status: RunStatus::Success,
        started_at: run.started_at.or(Some(now)),
        completed_at: Some(now),
        duration_ms: Some(0),
        rows_written: 3,
        result: Some(result.into()),
        ..run.clone()
    };
    Commit { entries: entries(after, now, vec![event.into()]), record: Some(record), ..Commit::default() }
}

/// A commit that opens an ended run again.
#[must_use]
pub fn retry(run: &RunRecord, after: u64, now: Timestamp) -> Commit {
    let event = RetryRequested { steps: vec!["load".into()] };
    Commit {
        entries: entries(after, now, vec![event.into()]),
        record: Some(RunRecord { duration_ms: None, ..started(run, now) }),
        ..Commit::default()
    }
}
