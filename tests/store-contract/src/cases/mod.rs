//! The cases, by what they are about.

pub mod append;
pub mod children;
pub mod claim;
pub mod create;
pub mod group;
pub mod inbox;
pub mod list;

use std::sync::Arc;

use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{ClaimOutcome, NewRun, RunStore, StoreError, StoredRun};

use crate::{Bench, sample};

/// The lease of every case, unless it is about leases.
const LEASE_MS: u64 = 30_000;

/// A fresh run `run_id` of job `job`, created and claimed by worker `worker`: its process and the epoch.
async fn claimed(
    bench: &mut dyn Bench,
    run_id: &str,
) -> Result<(Arc<dyn RunStore>, NewRun, u64), StoreError> {
    let run = sample::run(run_id, bench.clock().now());
    let store = bench.process_of("worker");
    store.create_run(run.clone()).await?;
    let epoch = claim_by_name(&*store, run_id).await?;
    Ok((store, run, epoch))
}

/// Claims the run for worker `worker`.
async fn claim_by_name(store: &dyn RunStore, run_id: &str) -> Result<u64, StoreError> {
    match store.claim_run(run_id, "worker", LEASE_MS).await? {
        ClaimOutcome::Claimed(claim) => Ok(claim.epoch),
        ClaimOutcome::Held { worker, .. } => Err(StoreError::Unavailable(format!("{worker} holds {run_id}"))),
    }
}

/// Asserts that an operation was refused and the run is as it was.
async fn assert_unchanged(store: &dyn RunStore, before: &StoredRun) -> Result<(), StoreError> {
    let after = store.load_run(&before.record.run_id).await?;
    assert_eq!(&after, before);
    Ok(())
}

/// Asserts that `$result` is the error `$refusal`.
macro_rules! assert_refused {
    ($result:expr, $refusal:pat $(if $guard:expr)?) => {{
        let result = $result;
        assert!(matches!(&result, Err($refusal) $(if $guard)?), "{result:?}");
    }};
}
use assert_refused;
