//! Appending under an epoch.

use lorchestra_core::clock::Clock;
use lorchestra_core::run::record::RunStatus;
use lorchestra_core::run_store::StoreError;

use super::{assert_refused, assert_unchanged, claimed};
use crate::{Bench, Outcome, sample};

/// Entries, row and order.
pub async fn what_is_appended_is_loaded(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    let commits = [sample::start(&run.record, 1, now), sample::step(2, now), sample::step(3, now)];
    for (seq, commit) in (1..).zip(&commits) {
        store.append("run-1", epoch, seq, commit.clone()).await?;
    }
    let end = sample::finish(&sample::started(&run.record, now), 4, now);
    store.append("run-1", epoch, 4, end.clone()).await?;

    let loaded = store.load_run("run-1").await?;
    let expected: Vec<_> = run
        .entries
        .into_iter()
        .chain(commits.into_iter().chain([end.clone()]).flat_map(|c| c.entries))
        .collect();
    assert_eq!(loaded.entries, expected);
    assert_eq!(Some(loaded.record), end.record);
    assert_eq!(store.last_seq("run-1").await?, 5);
    Ok(())
}

/// What fences a worker that lost its lease.
pub async fn a_stale_epoch_writes_nothing(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    let before = store.load_run("run-1").await?;
    for wrong in [0, epoch + 1, u64::MAX] {
        let refused = store.append("run-1", wrong, 1, sample::start(&run.record, 1, now)).await;
        assert_refused!(refused, StoreError::StaleEpoch { current, .. } if *current == epoch);
    }
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// Letting go ends a claim, although nobody else has one.
pub async fn an_epoch_that_was_released_writes_nothing(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let before = store.load_run("run-1").await?;
    store.release("run-1", epoch).await?;
    let refused = store.append("run-1", epoch, 1, sample::start(&run.record, 1, bench.clock().now())).await;
    assert_refused!(refused, StoreError::StaleEpoch { .. });
    assert_refused!(store.release("run-1", epoch).await, StoreError::StaleEpoch { .. });
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// The same commit twice, and one from the future.
pub async fn a_stale_seq_writes_nothing(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    let start = sample::start(&run.record, 1, now);
    store.append("run-1", epoch, 1, start.clone()).await?;
    let before = store.load_run("run-1").await?;
    let twice = store.append("run-1", epoch, 1, start).await;
    assert_refused!(twice, StoreError::StaleSeq { expected: 1, actual: 2, .. });
    let ahead = store.append("run-1", epoch, 7, sample::step(7, now)).await;
    assert_refused!(ahead, StoreError::StaleSeq { expected: 7, actual: 2, .. });
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// A journal has none.
pub async fn entries_with_a_gap_are_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    let before = store.load_run("run-1").await?;
    let late = sample::step(2, bench.clock().now());
    assert_refused!(store.append("run-1", epoch, 1, late).await, StoreError::Invalid { .. });
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// Each commit is of one run.
pub async fn a_row_of_another_run_is_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    let before = store.load_run("run-1").await?;
    let foreign = sample::start(&sample::run("run-2", now).record, 1, now);
    assert_refused!(store.append("run-1", epoch, 1, foreign).await, StoreError::Invalid { .. });
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// By every method that names one.
pub async fn an_unknown_run_is_not_found(bench: &mut dyn Bench) -> Outcome {
    let store = bench.process_of("worker");
    assert_refused!(store.load_run("none").await, StoreError::NotFound(id) if id == "none");
    assert_refused!(store.inbox("none").await, StoreError::NotFound(_));
    assert_refused!(store.last_seq("none").await, StoreError::NotFound(_));
    assert_refused!(store.claim_run("none", "worker", 1).await, StoreError::NotFound(_));
    assert_refused!(store.heartbeat("none", 1, 1).await, StoreError::NotFound(_));
    assert_refused!(store.release("none", 1).await, StoreError::NotFound(_));
    assert_refused!(store.quarantine("none", 1, "why").await, StoreError::NotFound(_));
    let commit = sample::step(1, bench.clock().now());
    assert_refused!(store.append("none", 1, 1, commit).await, StoreError::NotFound(_));
    let message = lorchestra_core::run_store::InboxMessage::Pause;
    assert_refused!(store.send("none", message).await, StoreError::NotFound(_));
    Ok(())
}

/// Terminal is terminal, but for this.
pub async fn a_retry_opens_an_ended_run(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    store.append("run-1", epoch, 2, sample::finish(&run.record, 2, now)).await?;
    store.append("run-1", epoch, 3, sample::retry(&run.record, 3, now)).await?;
    assert_eq!(store.load_run("run-1").await?.record.status, RunStatus::Running);
    Ok(())
}
