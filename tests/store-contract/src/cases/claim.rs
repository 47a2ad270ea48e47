//! Claims, leases and wake-ups.

use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_core::run_store::{Claim, ClaimOutcome, RunStore, StoreError};

use super::{LEASE_MS, assert_refused, claim_by_name, claimed};
use crate::{Bench, Outcome, sample};

async fn create(store: &dyn RunStore, bench: &dyn Bench, run_ids: &[&str]) -> Result<(), StoreError> {
    for run_id in run_ids {
        store.create_run(sample::run(run_id, bench.clock().now())).await?;
    }
    Ok(())
}

fn ids(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.run_id.as_str()).collect()
}

/// By when they became due, not by their ids.
pub async fn new_runs_are_claimed_oldest_first(bench: &mut dyn Bench) -> Outcome {
    let store = bench.process_of("worker");
    for run_id in ["c", "a", "d", "b"] {
        create(&*store, bench, &[run_id]).await?;
        bench.clock().advance_ms(1);
    }
    assert_eq!(store.claim("worker", LEASE_MS, 0).await?, []);
    let claims = store.claim("worker", LEASE_MS, 3).await?;
    assert_eq!(ids(&claims), ["c", "a", "d"]);
    assert!(claims.iter().all(|claim| claim.epoch == 1 && !claim.reclaimed));
    assert_eq!(ids(&store.claim("worker", LEASE_MS, 3).await?), ["b"]);
    Ok(())
}

/// Not even by its holder.
pub async fn a_held_run_is_not_claimed_again(bench: &mut dyn Bench) -> Outcome {
    let (store, _, _) = claimed(bench, "run-1").await?;
    let until = bench.clock().now().plus_millis(LEASE_MS);
    bench.clock().set(Timestamp::from_micros(until.as_micros() - 1));
    let other = bench.process_of("other");
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?, []);
    assert_eq!(other.claim("other", LEASE_MS, 10).await?, []);
    let held = ClaimOutcome::Held { worker: "worker".into(), until };
    assert_eq!(other.claim_run("run-1", "other", LEASE_MS).await?, held);
    assert_eq!(store.claim_run("run-1", "worker", LEASE_MS).await?, held);
    Ok(())
}

/// Its old holder can write no more.
pub async fn a_lease_that_ran_out_is_reclaimed_with_a_greater_epoch(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    bench.clock().advance_ms(LEASE_MS);
    let other = bench.process_of("other");
    let claims = other.claim("other", LEASE_MS, 10).await?;
    assert_eq!(claims, [Claim { run_id: "run-1".into(), epoch: epoch + 1, reclaimed: true }]);
    let late = store.append("run-1", epoch, 1, sample::start(&run.record, 1, bench.clock().now())).await;
    assert_refused!(late, StoreError::StaleEpoch { .. });
    Ok(())
}

/// By the store's clock, from now.
pub async fn a_heartbeat_prolongs_a_lease(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    let other = bench.process_of("other");
    for _ in 0..3 {
        bench.clock().advance_ms(LEASE_MS - 1);
        store.heartbeat("run-1", epoch, LEASE_MS).await?;
        assert_eq!(other.claim("other", LEASE_MS, 10).await?, []);
    }
    bench.clock().advance_ms(LEASE_MS);
    assert_eq!(ids(&other.claim("other", LEASE_MS, 10).await?), ["run-1"]);
    Ok(())
}

/// Whether another has it or nobody.
pub async fn a_heartbeat_of_a_lost_claim_is_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    bench.clock().advance_ms(LEASE_MS);
    let reclaimed = claim_by_name(&*store, "run-1").await?;
    assert_refused!(store.heartbeat("run-1", epoch, LEASE_MS).await, StoreError::StaleEpoch { .. });
    store.release("run-1", reclaimed).await?;
    assert_refused!(store.heartbeat("run-1", reclaimed, LEASE_MS).await, StoreError::StaleEpoch { .. });
    Ok(())
}

/// It is never used twice.
pub async fn the_epoch_grows_over_release_and_claim(bench: &mut dyn Bench) -> Outcome {
    let (store, _, first) = claimed(bench, "run-1").await?;
    let mut last = first;
    for _ in 0..4 {
        store.release("run-1", last).await?;
        let next = claim_by_name(&*store, "run-1").await?;
        assert!(next > last, "{next} after {last}");
        last = next;
    }
    Ok(())
}

/// Whatever is left of the lease.
pub async fn a_worker_that_died_loses_its_leases_at_once(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    create(&*store, bench, &["run-2"]).await?;
    drop(store);
    bench.worker_dies("worker");
    let other = bench.process_of("other");
    let expected = ClaimOutcome::Claimed(Claim { run_id: "run-1".into(), epoch: epoch + 1, reclaimed: true });
    assert_eq!(other.claim_run("run-1", "other", LEASE_MS).await?, expected);
    assert_eq!(ids(&other.claim("other", LEASE_MS, 10).await?), ["run-2"]);
    drop(other);
    bench.worker_dies("other");
    let third = bench.process_of("third");
    let claims = third.claim("third", LEASE_MS, 10).await?;
    assert_eq!(ids(&claims), ["run-1", "run-2"]);
    assert!(claims.iter().all(|claim| claim.reclaimed));
    Ok(())
}

/// It is another process under an old name.
pub async fn a_worker_that_comes_back_does_not_have_its_old_leases(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    drop(store);
    bench.worker_dies("worker");
    let again = bench.process_of("worker");
    let claims = again.claim("worker", LEASE_MS, 10).await?;
    assert_eq!(claims, [Claim { run_id: "run-1".into(), epoch: epoch + 1, reclaimed: true }]);
    Ok(())
}

/// What has begun is ended first.
pub async fn orphans_come_before_runs_that_are_due(bench: &mut dyn Bench) -> Outcome {
    let store = bench.process_of("worker");
    create(&*store, bench, &["due-1", "due-2"]).await?;
    bench.clock().advance_ms(1);
    create(&*store, bench, &["orphan-1", "orphan-2"]).await?;
    claim_by_name(&*store, "orphan-2").await?;
    claim_by_name(&*store, "orphan-1").await?;
    bench.clock().advance_ms(LEASE_MS);
    let claims = store.claim("worker", LEASE_MS, 3).await?;
    assert_eq!(ids(&claims), ["orphan-1", "orphan-2", "due-1"]);
    assert_eq!(claims.iter().map(|claim| claim.reclaimed).collect::<Vec<_>>(), [true, true, false]);
    Ok(())
}

/// To the microsecond; and `next_wake` says when.
pub async fn a_waiting_run_is_claimed_when_its_time_has_come(bench: &mut dyn Bench) -> Outcome {
    let now = bench.clock().now();
    for (run_id, after_ms) in [("late", 500), ("early", 200)] {
        let (store, run, epoch) = claimed(bench, run_id).await?;
        store.append(run_id, epoch, 1, sample::start(&run.record, 1, now)).await?;
        store.append(run_id, epoch, 2, sample::wait(&run.record, 2, now, now.plus_millis(after_ms))).await?;
        store.release(run_id, epoch).await?;
    }
    let store = bench.process_of("worker");
    assert_eq!(store.next_wake().await?, Some(now.plus_millis(200)));
    bench.clock().advance_ms(199);
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?, []);
    bench.clock().advance_ms(1);
    assert_eq!(ids(&store.claim("worker", LEASE_MS, 10).await?), ["early"]);
    assert_eq!(store.next_wake().await?, Some(now.plus_millis(500)));
    bench.clock().advance_ms(1_000);
    assert_eq!(ids(&store.claim("worker", LEASE_MS, 10).await?), ["late"]);
    assert_eq!(store.next_wake().await?, None);
    Ok(())
}

/// Whoever shuts down leaves nothing behind that nobody takes up.
pub async fn a_run_let_go_while_running_is_due_at_once(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    assert_eq!(store.next_wake().await?, None);
    store.release("run-1", epoch).await?;
    assert_eq!(store.next_wake().await?, Some(now));
    let claims = store.claim("worker", LEASE_MS, 10).await?;
    assert_eq!(claims, [Claim { run_id: "run-1".into(), epoch: epoch + 1, reclaimed: false }]);
    Ok(())
}

/// There is nothing to do in it.
pub async fn an_ended_run_is_claimed_only_by_name(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    store.append("run-1", epoch, 2, sample::finish(&run.record, 2, now)).await?;
    store.release("run-1", epoch).await?;
    bench.clock().advance_ms(10 * LEASE_MS);
    assert_eq!(store.next_wake().await?, None);
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?, []);
    assert_eq!(claim_by_name(&*store, "run-1").await?, epoch + 1);
    Ok(())
}

/// Somebody asked for it.
pub async fn a_named_run_is_claimed_before_its_time(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    store.append("run-1", epoch, 2, sample::wait(&run.record, 2, now, now.plus_millis(60_000))).await?;
    store.release("run-1", epoch).await?;
    let next = claim_by_name(&*store, "run-1").await?;
    assert_eq!(next, epoch + 1);
    store.release("run-1", next).await?;
    assert_eq!(store.next_wake().await?, Some(now.plus_millis(60_000)), "claiming does not touch its timer");
    Ok(())
}

/// It would be claimed over and over; a version that can read it ends that.
pub async fn a_run_in_quarantine_is_claimed_only_by_name(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    assert_refused!(store.quarantine("run-1", epoch + 1, "why").await, StoreError::StaleEpoch { .. });
    store.quarantine("run-1", epoch, "entry 7 is of a newer version").await?;
    bench.clock().advance_ms(10 * LEASE_MS);
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?, []);
    assert_eq!(store.next_wake().await?, None);
    let epoch = claim_by_name(&*store, "run-1").await?;
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, bench.clock().now())).await?;
    store.release("run-1", epoch).await?;
    assert_eq!(ids(&store.claim("worker", LEASE_MS, 10).await?), ["run-1"]);
    Ok(())
}
