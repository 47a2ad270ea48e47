//! What the store in memory refuses beyond the contract, so that a mistake of the engine fails the engine's tests.

use lorchestra_core::artifact::{ArtifactAt, ArtifactKind, Handle, StepOutput};
use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_core::handler::RowCounts;
use lorchestra_core::run::journal::StepSucceeded;
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{Append, ClaimRuns, Commit, CreateRun, LoadRun, NewRun, StoreError};
use lorchestra_json::Sha256;
use serde_json::Value;
use store_contract::{Outcome, sample};
use testkit::{FixedClock, MemoryRunStore};

async fn refused(store: &MemoryRunStore, after: u64, commit: Commit, said: &str) -> Outcome {
    let before = store.load_run("run-1").await?;
    let answer = store.append("run-1", 1, after, commit).await;
    let Err(StoreError::Invalid { why, .. }) = &answer else {
        return Err(format!("{said}: {answer:?}").into());
    };
    assert!(why.contains(said), "{why}");
    assert_eq!(store.load_run("run-1").await?, before);
    Ok(())
}

fn with_status(commit: Commit, change: impl FnOnce(&mut RunRecord)) -> Commit {
    let mut record = commit.record.expect("the sample has a row");
    change(&mut record);
    Commit { record: Some(record), ..commit }
}

#[tokio::test]
async fn commits_that_no_engine_should_write_are_refused() -> Outcome {
    let clock = FixedClock::default();
    let (store, now) = (MemoryRunStore::new(std::sync::Arc::new(clock.clone())), clock.now());
    let run = sample::run("run-1", now);
    store.create_run(run.clone()).await?;
    store.claim("worker", 30_000, 1).await?;

    let start = sample::start(&run.record, 1, now);
    let unstarted = with_status(start.clone(), |record| record.started_at = None);
    refused(&store, 1, unstarted, "has not started").await?;
    let renamed = with_status(start.clone(), |record| record.envelope.job_id = "other".into());
    refused(&store, 1, renamed, "what never changes").await?;
    store.append("run-1", 1, 1, start.clone()).await?;

    let record = start.record.ok_or("the sample has a row")?;
    let queued = Commit {
        record: Some(RunRecord { status: RunStatus::Queued, ..run.record.clone() }),
        ..Commit::default()
    };
    refused(&store, 2, queued, "running cannot become queued").await?;
    let asleep = Commit { wake_at: None, ..sample::wait(&record, 2, now, now.plus_millis(9)) };
    refused(&store, 2, asleep, "is never woken").await?;
    let late =
        Commit { wake_at: Some(now.plus_millis(10)), ..sample::wait(&record, 2, now, now.plus_millis(9)) };
    refused(&store, 2, late, "sleeps past").await?;
    let finish = sample::finish(&record, 2, now);
    refused(&store, 2, Commit { entries: Vec::new(), ..finish.clone() }, "without run_finished").await?;
    refused(&store, 2, Commit { record: None, ..finish.clone() }, "the row None").await?;
    refused(&store, 2, Commit { wake_at: Some(now), ..finish.clone() }, "is to be woken").await?;
    let incomplete = with_status(finish.clone(), |record| record.completed_at = None);
    refused(&store, 2, incomplete, "completed_at").await?;
    refused(&store, 2, unlisted_artifact(now), "which the commit does not list").await?;
    store.append("run-1", 1, 2, finish).await?;

    refused(&store, 3, sample::step(3, now), "after the end").await?;
    refused(&store, 3, Commit { record: Some(record), ..Commit::default() }, "cannot become running").await?;
    Ok(())
}

fn unlisted_artifact(now: Timestamp) -> Commit {
    let handle = Handle {
        sha256: Sha256::of(b"rows"),
        kind: ArtifactKind::Rows,
        bytes: 4,
        count: Some(1),
        fields: None,
    };
    let output = StepOutput { value: Value::Null, artifacts: vec![ArtifactAt { at: String::new(), handle }] };
    let event = StepSucceeded { step: "read".into(), index: None, output, rows: RowCounts::default() };
    Commit { entries: sample::entries(2, now, vec![event.into()]), ..Commit::default() }
}

#[tokio::test]
async fn runs_that_contradict_themselves_are_refused() -> Outcome {
    let now = FixedClock::default().now();
    let store = MemoryRunStore::new(std::sync::Arc::new(FixedClock::default()));
    type Change = fn(&mut NewRun);
    let cases: [(&str, Change); 5] = [
        ("does not hash to its digest", |run| run.instance.max_parallel = 1),
        ("another envelope", |run| run.record.envelope.trigger = "api".into()),
        ("a new run is queued", |run| run.record.status = RunStatus::Waiting),
        ("without a parent run", |run| run.record.parent_step_id = Some("step".into())),
        ("has started", |run| run.record.started_at = Some(run.record.created_at)),
    ];
    for (said, change) in cases {
        let mut run = sample::run("run-1", now);
        change(&mut run);
        let answer = store.create_run(run).await;
        assert!(
            matches!(&answer, Err(StoreError::Invalid { why, .. }) if why.contains(said)),
            "{said}: {answer:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_commit_happened_or_did_not_as_the_test_wants() -> Outcome {
    let clock = FixedClock::default();
    let (store, now) = (MemoryRunStore::new(std::sync::Arc::new(clock.clone())), clock.now());
    let run = sample::run("run-1", now);
    store.create_run(run.clone()).await?;
    store.claim("worker", 30_000, 1).await?;
    for (committed, last) in [(false, 1), (true, 2)] {
        store.next_append_is_unknown(committed);
        let answer = store.append("run-1", 1, 1, sample::start(&run.record, 1, now)).await;
        assert!(matches!(answer, Err(StoreError::Unknown(_))), "{answer:?}");
        assert_eq!(store.last_seq("run-1").await?, last);
    }
    Ok(())
}
